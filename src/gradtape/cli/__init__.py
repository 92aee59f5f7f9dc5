"""The command line: ``gradtape plot "sigmoid(x)"`` and its like: `table`, `gradient`, `fit`, `doctor`.

program    the program itself, its own help
commands   the commands, a module each, with their options and their help
options    options that several commands share
shell      what a command needs from the terminal: reading arguments, answering errors, printing
progress   a bar on standard error for what takes long
checks     the self-tests of doctor
output     where a picture goes, written whole or not at all
"""

import gradtape.cli.commands  # noqa: F401  each adds its command to the program
from gradtape.cli.program import main

__all__ = ["main"]
