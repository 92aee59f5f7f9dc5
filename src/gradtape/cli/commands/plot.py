"""``gradtape plot``: the picture, and a small table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gradtape.cli.options import (
    EXPRESSIONS,
    Animation,
    Expression,
    Picture,
    Quiet,
    Style,
    Type,
    interval,
    real,
    rectangle,
    whole,
)
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.progress import Progress
from gradtape.cli.shell import Command, Facts, show_table
from gradtape.errors import ArgumentError, OutputError


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
    range: Annotated[
        str | None,
        typer.Option(
            metavar="A:B",
            help="From A to B on the x axis, else -5:5; -2*pi:2*pi works too. Of two variables for both axes, else "
            "-3:3, or A:B,C:D.",
            show_default=False,
        ),
    ] = None,
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
    surface: Annotated[bool, typer.Option("--surface", help="Draw a function of two variables in space.")] = False,
    points: Annotated[
        str,
        typer.Option(metavar="COUNT", help="Points of the first look, 2 to 1000000; more are taken where needed."),
    ] = "32768",
    dtype: Type = "float32",
    style: Style = "light",
    output: Picture = None,
    animate: Animation = None,
    quiet: Quiet = False,
    show: Annotated[bool, typer.Option("--show", help="Open a window with the picture, too.")] = False,
) -> None:
    """Draw a function and its derivatives into a file, and print a small table of their values.

    A function of two variables is drawn as contours with its gradient as arrows, and its critical points are printed.
    With --animate, a tangent goes along the curve.

    \b
    Examples:
      gradtape plot "sigmoid(x)"
      gradtape plot "tanh(x)" --order 3 --range -4:4
      gradtape plot "-x**2" --output parabola.svg
      gradtape plot "gelu(x)" --mark --saturation 0.01
      gradtape plot "exp(x)" --tangent 1
      gradtape plot "sin(x)" --taylor 0 --terms 7 --style grey
      gradtape plot "sin(x)" --animate sine.gif
      gradtape plot "x**2 - y**2" --range=-2:2
      gradtape plot "x*exp(-x**2 - y**2)" --surface -o hill.pdf
    """
    from gradtape.study.subject import read

    function = read(expression)
    if animate and (output or show):
        raise ArgumentError("--animate writes a moving picture instead of one; leave out --output and --show")
    path = animate or output or Path(default_name(str(function)))
    if len(function.variables) == 2:
        given = {
            "--order": order, "--tangent": tangent, "--taylor": taylor, "--saturation": saturation, "--mark": mark,
            "--animate": animate,
        }  # fmt: skip
        only = next((option for option, value in given.items() if value not in (None, False)), None)
        if only:
            hint = "; for a moving descent see gradtape descent" if animate else ""
            raise ArgumentError(f"{only} is for functions of one variable, but {function} has 2{hint}")
        return _of_two(function, rectangle(range or "-3:3"), surface, style, path, show)
    if surface:
        raise ArgumentError(
            f"--surface is for functions of two variables, but {function} has {len(function.variables)}"
        )
    limits = interval(range or "-5:5")
    if animate:
        return _moving(function, limits, dtype, style, path, quiet)
    beside = {"tangent": _maybe(tangent), "taylor": _maybe(taylor), "saturation": _maybe(saturation)}
    counts = {"terms": whole("--terms", terms), "points": whole("--points", points)}
    highest = None if order is None else whole("--order", order)
    _of_one(function, highest, limits, dtype, style, path, show, mark=mark, **beside, **counts)


def _of_one(
    function: Any, order: int | None, limits: Any, dtype: str, style: str, path: Path, show: bool, **options: Any
) -> None:
    from gradtape import study
    from gradtape.study.derive import check_order
    from gradtape.study.pictures.style import style_of
    from gradtape.study.subject import check_dtype, check_points, check_range, subject

    subject(function)
    check_range(limits, check_dtype(dtype))
    check_points(options["points"])
    check_order(1 if order is None else order)
    look = style_of(style)
    with atomic(path) as partial:
        figure = _window() if show else None
        table = study.table(function, order=1 if order is None else order, range=limits, dtype=dtype)
        drawn = study.plot(function, order=order, range=limits, dtype=dtype, figure=figure, style=look, **options)
        drawn.savefig(partial, metadata={"Title": table.title})
    show_table(table)
    print(f"\nwritten to {path}")
    _wait(figure)


def _of_two(function: Any, limits: Any, surface: bool, style: str, path: Path, show: bool) -> None:
    from gradtape import study
    from gradtape.study.pictures.plane import check_ranges, critical_points, plane
    from gradtape.study.pictures.style import style_of

    shown, look = plane(function), style_of(style)
    across, up = check_ranges(limits)
    with atomic(path) as partial:
        figure = _window() if show else None
        draw = study.surface if surface else study.field
        draw(shown, range=limits, figure=figure, style=look).savefig(partial, metadata={"Title": shown.title})
    found = critical_points(shown, across, up)
    names = [f"{c.kind} at ({', '.join(f'{v:.10g}' for v in (c.x, c.y))})" for c in found]
    if found:
        facts = {name: f"{c.value:.10g}" for name, c in zip(names, found, strict=True)}
        show_table(Facts(f"critical points of {shown.title}", facts))
    else:
        print("no single critical points in this range")
    print(f"\nwritten to {path}")
    _wait(figure)


def _moving(function: Any, limits: Any, dtype: str, style: str, path: Path, quiet: bool) -> None:
    from gradtape import study

    with atomic(path, (".gif",)) as partial, Progress(quiet) as progress:
        report = progress.of("drawing", FRAMES)
        study.animate_tangent(function, partial, range=limits, frames=FRAMES, dtype=dtype, style=style, progress=report)
    print(f"written to {path}")


FRAMES = 80
"""Of a tangent's way along a curve."""


def _wait(figure: Any) -> None:
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
