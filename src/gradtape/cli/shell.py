"""Between the commands and the terminal: arguments that start with "-", errors as one sentence, a pipe that breaks."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from gradtape.errors import GradtapeError

if TYPE_CHECKING:
    from rich.table import Table as RichTable

FAILED = 2
"""The exit status for input that cannot be worked with."""


class Program(TyperGroup):
    """The group of all commands: answers every error with a sentence on stderr and exit status 2."""

    def main(
        self,
        args: Any = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        status: Any = 0
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except GradtapeError as error:
            status = _fail(str(error))
        except MemoryError:
            status = _fail("there is not enough memory for this; use fewer points or a lower order")
        except BrokenPipeError:  # whoever read has gone, as in `gradtape table x | head -1`
            _discard_output()
            status = 1
        except OSError as error:
            status = _fail(f"the output cannot be written: {(error.strerror or str(error)).lower()}")
            _discard_output()
        except KeyboardInterrupt:
            status = 130
        except Exception as error:
            # The errors of the command line parser have these; its class moves between modules in versions of Typer.
            if not (hasattr(error, "format_message") and hasattr(error, "exit_code")):
                raise
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "gradtape"
            status = _fail(f"{error.format_message().rstrip('.')}; see {path} --help")
        status = status if isinstance(status, int) else 0
        if standalone_mode:
            sys.exit(status)
        return status


class Command(TyperCommand):
    """A command whose only one-letter option is -o, so that what starts with one "-" is a value, as in
    ``gradtape plot "-x**2"``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        args = ["--output" if a == "-o" and i < end else a for i, a in enumerate(args)]
        # With a space in front the parser does not take it for an option. Afterwards the space goes.
        shielded = [f" {a}" if a.startswith("-") and not a.startswith("--") and len(a) > 1 else a for a in args[:end]]
        rest = super().parse_args(ctx, shielded + args[end:])
        for name, value in ctx.params.items():
            if isinstance(value, (str, Path)) and str(value).startswith(" -"):
                ctx.params[name] = type(value)(str(value)[1:])
        return rest


def _discard_output() -> None:
    """Python flushes standard output once more at exit: to nowhere."""
    with suppress(OSError):  # replaced by something without a file descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> int:
    print(f"gradtape: {message}", file=sys.stderr)
    return FAILED


@dataclass(frozen=True)
class Facts:
    """A table of names and what is to be said of them, for `show_table`."""

    title: str
    facts: dict[str, str]

    def __str__(self) -> str:
        width = max(map(len, self.facts))
        return "\n".join(f"{name.ljust(width)}  {fact}" for name, fact in self.facts.items())

    def __rich__(self) -> RichTable:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(title=Text(self.title, style="bold"), box=box.ROUNDED, show_header=False)
        drawn.add_column(style="bold cyan")
        drawn.add_column(overflow="fold")
        for name, fact in self.facts.items():
            drawn.add_row(name, Text(fact))
        return drawn


_ASCII = {"∞": "inf", "≤": "<=", "≥": ">=", "π": "pi", "′": "'", "–": "-"}


def _encodable(text: str) -> str:
    """The text with what the output can encode."""
    encoding = sys.stdout.encoding or "ascii"
    for letter, plain in _ASCII.items():
        try:
            letter.encode(encoding)
        except UnicodeEncodeError:
            text = text.replace(letter, plain)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def show_page(page: Any) -> None:
    """Drawn for a terminal, in lines as long as that is; plain text for a pipe or a file."""
    if not sys.stdout.isatty():
        print(_encodable(str(page)))
        return
    from rich.console import Console

    Console().print(page)


def show_table(table: Any) -> None:
    """Drawn for a terminal, plain text for a pipe or a file."""
    if not sys.stdout.isatty():
        print(table)
        return
    from rich.console import Console
    from rich.measure import measure_renderables

    console = Console()
    needed = measure_renderables(console, console.options.update(max_width=1000), [table.__rich__()]).maximum
    if needed <= console.width:
        console.print(table)
    else:
        print(table)  # wraps, where a drawn table would lose digits
