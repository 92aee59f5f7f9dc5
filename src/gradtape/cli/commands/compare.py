"""``gradtape compare``: functions beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gradtape.cli.functions import named
from gradtape.cli.options import EXPRESSIONS, Order, Range, Style, Type, interval, whole
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.shell import Command

Functions = Annotated[
    list[str],
    typer.Argument(
        metavar="FUNCTION...", help="Names such as tanh, expressions in quotes, or module:function.", show_default=False
    ),
]


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw functions and their gradients beside each other.")
def compare(
    functions: Functions,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The picture: .png, .svg or .pdf. Without it, a .png in this folder named after the functions.",
            show_default=False,
        ),
    ] = None,
    order: Order = "1",
    range: Range = "-5:5",
    dtype: Type = "float32",
    style: Style = "light",
) -> None:
    """Draw functions and their derivatives beside each other, all with the same axes.

    \b
    Examples:
      gradtape compare sigmoid tanh relu gelu --plot four.svg
      gradtape compare "x*sigmoid(x)" gelu mish --range=-4:4 --order 2
      gradtape compare mymodule:activation elu --style grey
    """
    from gradtape import study

    shown = [named(function) for function in functions]
    path = plot or Path(default_name(f"compare {' '.join(functions)}"))
    with atomic(path) as partial:
        figure = study.compare(shown, order=whole("--order", order), range=interval(range), dtype=dtype, style=style)
        figure.savefig(partial, metadata={"Title": ", ".join(functions)})
    print(f"written to {path}")
