"""``gradtape accuracy``: how exact a derivative comes out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from gradtape.cli.options import EXPRESSIONS, Expression, Style, Type, real, whole
from gradtape.cli.output import atomic
from gradtape.cli.program import main
from gradtape.cli.progress import Progress
from gradtape.cli.shell import Command, show_table


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Measure how exact a derivative comes out.")
def accuracy(
    expression: Expression,
    order: Annotated[str, typer.Option(metavar="N", help="Which derivative is measured, 0 to 11.")] = "1",
    dtype: Type = "float32",
    domain: Annotated[
        tuple[str, str],
        typer.Option(metavar="A B", help="From A to B on the x axis; -inf inf is the whole line."),
    ] = ("-10", "10"),
    points: Annotated[str, typer.Option(metavar="COUNT", help="How many numbers to try, 10 to 200000.")] = "2000",
    peers: Annotated[bool, typer.Option("--peers", help="Add TensorFlow, PyTorch and JAX, where installed.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the error over x into this .png, .svg or .pdf; -o for short.",
            show_default=False,
        ),
    ] = None,
    style: Style = "light",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; NaN and infinities are strings.")] = False,
) -> None:
    """Measure the error of a derivative in units in the last place, against its exact value by mpmath.

    \b
    Examples:
      gradtape accuracy "1/(1+exp(-x))" --order 2
      gradtape accuracy "exp(x) - cos(x)" --order 0 --domain -1 1 -o error.png
      gradtape accuracy "tanh(x)" --domain -inf inf --peers
    """
    from gradtape import study
    from gradtape.study.pictures.style import style_of
    from gradtape.study.subject import read

    function = read(expression)
    limits = [real(end.strip()) for end in domain]
    count = whole("--points", points)
    look = style_of(style)
    with atomic(output) if output else nullcontext() as partial:
        with Progress(quiet) as shown:
            told = shown.of("exact values", total=count)
            found = study.accuracy(
                function, whole("--order", order), dtype, limits, points=count, peers=peers, progress=told
            )
        if partial:
            found.plot(style=look).savefig(partial, metadata={"Title": found.title})
    if json:
        print(found.to_json())
    else:
        show_table(found)
        if output:
            print(f"\nwritten to {output}")
