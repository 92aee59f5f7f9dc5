"""``gradtape depth``: what remains of the gradient behind many layers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gradtape.cli.commands.compare import Functions
from gradtape.cli.functions import named
from gradtape.cli.options import EXPRESSIONS, Picture, Quiet, Style, real, whole
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.progress import Progress
from gradtape.cli.shell import Command


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw what remains of the gradient behind many layers.")
def depth(
    functions: Functions,
    layers: Annotated[str, typer.Option(metavar="N", help="How many, 1 to 1000.")] = "100",
    gain: Annotated[str, typer.Option(metavar="G", help="Weights have variance G**2/width; sqrt(2) works too.")] = "1",
    width: Annotated[str, typer.Option(metavar="N", help="Of the random network's layers.")] = "256",
    batch: Annotated[str, typer.Option(metavar="N", help="Random inputs of the network.")] = "32",
    seed: Annotated[str, typer.Option(metavar="N", help="Of the random numbers.")] = "0",
    theory: Annotated[bool, typer.Option("--theory", help="Run no random network.")] = False,
    style: Style = "light",
    output: Picture = None,
    quiet: Quiet = False,
) -> None:
    """Draw how large the gradient is after each of many layers with the same activation.

    Lines are the theory of wide layers, marks are measured by the tape in a random network.

    \b
    Examples:
      gradtape depth sigmoid tanh relu gelu -o depth.svg
      gradtape depth relu selu --gain "sqrt(2)" --layers 50
      gradtape depth "x*sigmoid(x)" mymodule:activation --theory
    """
    from gradtape import study

    shown = [named(function) for function in functions]
    path = output or Path(default_name(f"depth {' '.join(functions)}"))
    with atomic(path) as partial, Progress(quiet) as progress:
        figure = study.depth(
            shown,
            layers=whole("--layers", layers),
            gain=real(gain),
            width=whole("--width", width),
            batch=whole("--batch", batch),
            seed=whole("--seed", seed),
            measure=not theory,
            style=style,
            progress=progress.of("functions", len(shown)),
        )
        figure.savefig(partial, metadata={"Title": f"gradient behind {layers} layers: {', '.join(functions)}"})
    print(f"written to {path}")
