"""The program `gradtape` itself, to which each module of `commands` adds its command."""

from __future__ import annotations

from typing import Annotated

import typer

from gradtape import __version__
from gradtape.cli.shell import Program

main = typer.Typer(
    cls=Program,
    name="gradtape",
    epilog="""
\b
Exit status: 0 done, 1 a test of doctor failed or the reader of a pipe has gone,
  2 input that cannot be worked with (said on standard error), 130 interrupted.
Environment: NO_COLOR switches colours off; GRADTAPE_… are settings, see
  https://no-color.org and docs/configuration.md.
""",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gradtape {__version__}")
        raise typer.Exit


@main.callback(invoke_without_command=True)
def gradtape(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Differentiates functions, exact to the last digits, and shows the result.

    \b
    Examples:
      gradtape plot "sigmoid(x)"
      gradtape plot "sin(x)**2" --order 3 --range=-2*pi:2*pi --output sine.svg
      gradtape table "exp(-x**2)" --order 2 --csv
      gradtape gradient "3*x**2 + 2*y" --at x=2,y=3
      gradtape accuracy "1/(1+exp(-x))" --order 2
      gradtape fit data.csv --model "w*x + b" --target y
    """
    if context.invoked_subcommand is None:
        print(context.get_help())
