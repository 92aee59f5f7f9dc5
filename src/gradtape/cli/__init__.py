"""The command line: ``gradtape plot "sigmoid(x)"`` and its like: `table`, `accuracy`, `cache info`.

commands   the commands, their options and their help
shell      what a command needs from the terminal: reading arguments, answering errors, printing
output     where a picture goes, written whole or not at all
"""

from gradtape.cli.commands import main

__all__ = ["main"]
