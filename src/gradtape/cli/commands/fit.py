"""``gradtape fit``: train a model on a CSV file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from gradtape.cli.options import EXPRESSIONS, point, real, whole
from gradtape.cli.output import atomic
from gradtape.cli.program import main
from gradtape.cli.progress import Progress
from gradtape.cli.shell import Command, show_table


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Fit the parameters of a model to a CSV file.")
def fit(
    data: Annotated[str, typer.Argument(help="A CSV file whose first line names the columns; - is standard input.")],
    model: Annotated[str, typer.Option(metavar="EXPRESSION", help="Column names are inputs, others parameters.")],
    target: Annotated[
        str, typer.Option(metavar="COLUMN", help="What the model predicts; else the only column that is not in it.")
    ] = "",
    loss: Annotated[str, typer.Option(metavar="mse|mae|huber|logistic", help="What is made small, a mean.")] = "mse",
    optimizer: Annotated[str, typer.Option(metavar="adam|sgd|lbfgs", help="lbfgs needs SciPy.")] = "adam",
    rate: Annotated[str, typer.Option(metavar="R", help="Learning rate; else 0.1 for adam, 0.01 for sgd.")] = "",
    steps: Annotated[str, typer.Option(metavar="N", help="Steps at most.")] = "5000",
    start: Annotated[str, typer.Option(metavar="NAME=VALUE,…", help="Where parameters start; else at random.")] = "",
    seed: Annotated[str, typer.Option(metavar="N", help="Of the random start.")] = "0",
    missing: Annotated[
        str, typer.Option(metavar="error|drop", help="Rows without a number: refuse or skip.")
    ] = "error",
    delimiter: Annotated[str, typer.Option(metavar="C", help="Between cells; else found by the first line.")] = "",
    decimal: Annotated[str, typer.Option(metavar="C", help="The decimal separator, . or a comma.")] = ".",
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Of the file.")] = "utf-8",
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw loss, gradient and data: .png, .svg or .pdf; -o.", show_default=False),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the parameters, as JSON.", show_default=False)
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on from what --save wrote.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with the loss of every step.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Find the parameters of a model with the least loss on a CSV file, and their standard errors.

    \b
    Examples:
      gradtape fit data.csv --model "w*x + b" -o fit.png
      gradtape fit decay.csv --model "a*exp(-k*t)" --target n --start k=0.1 --optimizer lbfgs
      gradtape fit exam.csv --model "w*hours + b" --target passed --loss logistic --json
      gradtape fit data.csv --model "w*x + b" --target y --save w.json --steps 100
      gradtape fit data.csv --model "w*x + b" --target y --resume w.json
    """
    from gradtape import fitting

    first = point("--start", start) if start else {}
    at_most, number = whole("--steps", steps), whole("--seed", seed)
    speed = real(rate) if rate else None
    with ExitStack() as files:
        picture = files.enter_context(atomic(output)) if output else None
        record = files.enter_context(atomic(save, suffixes=())) if save else None
        with Progress(quiet) as shown:
            found = fitting.fit(
                data,
                model,
                target or None,
                loss=loss,
                optimizer=optimizer,
                rate=speed,
                steps=at_most,
                start=first,
                seed=number,
                resume=resume,
                missing=missing,
                delimiter=delimiter or None,
                decimal=decimal,
                encoding=encoding,
                reading=shown.of("reading", size=Path(data)),
                progress=shown.of("fitting", total=at_most, note="loss {:.4g}"),
            )
        if picture:
            found.plot().savefig(picture, metadata={"Title": found.title()})
        if record:
            found.save(record)
    if json:
        print(found.to_json())
        return
    show_table(found)
    for path in filter(None, (output, save)):
        print(f"written to {path}")
