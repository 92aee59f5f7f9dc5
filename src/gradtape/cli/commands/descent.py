"""``gradtape descent``: the way of gradient descent on a function of two variables."""

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
    numbers,
    real,
    rectangle,
    whole,
)
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.progress import Progress
from gradtape.cli.shell import Command, Facts, show_table
from gradtape.errors import ArgumentError


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw gradient descent on a function of two variables.")
def descent(
    expression: Expression,
    start: Annotated[str, typer.Option(metavar="A,B", help="Where to start, in the order of the variables' names.")],
    optimizer: Annotated[
        str, typer.Option(metavar="NAME,…", help="sgd, momentum, nesterov, adagrad, rmsprop, adam; one or several.")
    ] = "sgd",
    rate: Annotated[str, typer.Option(metavar="R", help="The learning rate.")] = "0.1",
    steps: Annotated[str, typer.Option(metavar="N", help="How many, 1 to 10000.")] = "50",
    range: Annotated[
        str, typer.Option(metavar="A:B,C:D", help="Of the axes; else all ways are in sight.", show_default=False)
    ] = "",
    style: Style = "light",
    output: Picture = None,
    quiet: Quiet = False,
    animate: Animation = None,
) -> None:
    """Draw the ways of gradient descent over the contours of a function, and print where they end.

    \b
    Examples:
      gradtape descent "x**2 + 10*y**2" --start 4,1 --rate 0.05
      gradtape descent "x**2 + 10*y**2" --start 4,1 --optimizer sgd,momentum,adam --rate 0.05 -o ways.svg
      gradtape descent "(1-x)**2 + 100*(y-x**2)**2" --start=-1.2,1 --optimizer momentum --rate 0.001 --steps 500
      gradtape descent "x**2 + 10*y**2" --start 4,1 --rate 0.08 --animate descent.gif
    """
    from gradtape import study
    from gradtape.study.pictures.descent import paths_of
    from gradtape.study.pictures.plane import plane
    from gradtape.study.pictures.style import style_of
    from gradtape.study.subject import read

    if animate and output:
        raise ArgumentError("--animate writes a moving picture instead of one; leave out --output")
    shown, many = plane(read(expression)), [name.strip() for name in optimizer.split(",")]
    first, pace, count = numbers("--start", start), real(rate), whole("--steps", steps)
    options: dict[str, Any] = {"optimizer": many, "rate": pace, "steps": count, "style": style_of(style)}
    options["range"] = rectangle(range) if range else None
    path = animate or output or Path(default_name(f"descent {shown.formula}"))
    with atomic(path, (".gif",)) if animate else atomic(path) as partial, Progress(quiet) as progress:
        if animate:
            study.animate_descent(shown, first, partial, progress=progress.of("drawing", count + 1), **options)
        else:
            report = progress.of("steps", count * len(many))
            figure = study.descent(shown, first, progress=report, **options)
            figure.savefig(partial, metadata={"Title": shown.title})
        ends = paths_of(shown, first, many, pace, count)
    facts = {
        one.name: f"{shown.name} = {one.losses[-1]:.6g} at ({one.points[-1][0]:.6g}, {one.points[-1][1]:.6g})"
        + ("" if len(one.losses) == count + 1 else f", after {len(one.losses) - 1} steps: then it is not finite")
        for one in ends
    }
    show_table(Facts(f"{shown.title} after {count} steps", facts))
    print(f"\nwritten to {path}")
