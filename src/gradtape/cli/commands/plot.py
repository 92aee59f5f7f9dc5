"""``gradtape plot``: the picture, and a small table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gradtape.cli.options import EXPRESSIONS, Expression, Order, Range, Type, interval, whole
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.shell import Command, show_table
from gradtape.errors import OutputError


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw a function and its derivatives into a file.")
def plot(
    expression: Expression,
    order: Order = "1",
    range: Range = "-5:5",
    points: Annotated[
        str, typer.Option(metavar="COUNT", help="How many points of each curve to compute, 2 to 1000000.")
    ] = "1001",
    dtype: Type = "float32",
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The picture: .png, .svg or .pdf. Without it, a .png in this folder named after the expression.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Open a window with the picture, too.")] = False,
) -> None:
    """Draw a function and its derivatives into a file, and print a small table of their values.

    \b
    Examples:
      gradtape plot "sigmoid(x)"
      gradtape plot "tanh(x)" --order 3 --range -4:4
      gradtape plot "-x**2" --output parabola.svg
    """
    from gradtape import study
    from gradtape.study.derive import check_order
    from gradtape.study.subject import check_dtype, check_points, check_range, read

    function = read(expression)
    limits = check_range(interval(range), check_dtype(dtype))
    highest, count = whole("--order", order), check_points(whole("--points", points))
    check_order(highest)
    path = output or Path(default_name(str(function)))
    with atomic(path) as partial:
        figure = _window() if show else None
        table = study.table(function, order=highest, range=limits, dtype=dtype)
        drawn = study.plot(function, order=highest, range=limits, points=count, dtype=dtype, figure=figure)
        drawn.savefig(partial, metadata={"Title": table.title})
    show_table(table)
    print(f"\nwritten to {path}")
    if figure:
        from matplotlib import pyplot

        pyplot.show()


def _window() -> Any:
    """A figure that pyplot can show; OutputError where no window can be opened."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(8, 5))
    if figure.canvas.required_interactive_framework is None:
        pyplot.close(figure)
        raise OutputError("--show needs a display to open a window on; leave it out and open the written file instead")
    return figure
