"""``gradtape plot``: the picture, and a small table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gradtape.cli.options import EXPRESSIONS, Expression, Range, Type, interval, real, whole
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.shell import Command, show_table
from gradtape.errors import OutputError


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw a function and its derivatives into a file.")
def plot(
    expression: Expression,
    order: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Show f and its derivatives up to this order, 0 to 30. Without it 1; beside a tangent or Taylor "
            "polynomials, 0.",
            show_default=False,
        ),
    ] = None,
    range: Range = "-5:5",
    tangent: Annotated[str | None, typer.Option(metavar="A", help="Draw the tangent at A.", show_default=False)] = None,
    taylor: Annotated[
        str | None, typer.Option(metavar="A", help="Draw Taylor polynomials around A.", show_default=False)
    ] = None,
    terms: Annotated[str, typer.Option(metavar="N", help="Up to which degree, 1 to 30.")] = "3",
    saturation: Annotated[
        str | None,
        typer.Option(metavar="SLOPE", help="Shade where |f'| is at most this, such as 0.01.", show_default=False),
    ] = None,
    mark: Annotated[
        bool, typer.Option("--mark", help="Mark extrema of f and f', kinks, jumps and poles with their values.")
    ] = False,
    points: Annotated[
        str,
        typer.Option(metavar="COUNT", help="Points of the first look, 2 to 1000000; more are taken where needed."),
    ] = "32768",
    dtype: Type = "float32",
    style: Annotated[
        str, typer.Option(metavar="light|grey|dark|paper", help="For screens, grey print, slides, a column of text.")
    ] = "light",
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
      gradtape plot "gelu(x)" --mark --saturation 0.01
      gradtape plot "exp(x)" --tangent 1
      gradtape plot "sin(x)" --taylor 0 --terms 7 --style grey
    """
    from gradtape import study
    from gradtape.study.derive import check_order
    from gradtape.study.pictures.style import style_of
    from gradtape.study.subject import check_dtype, check_points, check_range, read

    function = read(expression)
    limits = check_range(interval(range), check_dtype(dtype))
    highest = None if order is None else check_order(whole("--order", order))
    count = check_points(whole("--points", points))
    shown: dict[str, Any] = {"saturation": _maybe(saturation), "mark": mark, "style": style_of(style)}
    shown |= {"tangent": _maybe(tangent), "taylor": _maybe(taylor), "terms": whole("--terms", terms)}
    path = output or Path(default_name(str(function)))
    with atomic(path) as partial:
        figure = _window() if show else None
        table = study.table(function, order=1 if highest is None else highest, range=limits, dtype=dtype)
        drawn = study.plot(function, order=highest, range=limits, points=count, dtype=dtype, figure=figure, **shown)
        drawn.savefig(partial, metadata={"Title": table.title})
    show_table(table)
    print(f"\nwritten to {path}")
    if figure:
        from matplotlib import pyplot

        pyplot.show()


def _maybe(text: str | None) -> float | None:
    return None if text is None else real(text)


def _window() -> Any:
    """A figure that pyplot can show; OutputError where no window can be opened."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(8, 5))
    if figure.canvas.required_interactive_framework is None:
        pyplot.close(figure)
        raise OutputError("--show needs a display to open a window on; leave it out and open the written file instead")
    return figure
