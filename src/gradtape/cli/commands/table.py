"""``gradtape table``: values at a dozen points."""

from __future__ import annotations

from typing import Annotated

import typer

from gradtape.cli.options import EXPRESSIONS, Expression, Order, Range, Type, interval, whole
from gradtape.cli.program import main
from gradtape.cli.shell import Command, show_table
from gradtape.errors import ArgumentError


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Print their values at a dozen points.")
def table(
    expression: Expression,
    order: Order = "1",
    range: Range = "-5:5",
    dtype: Type = "float32",
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; NaN and infinities are strings.")] = False,
) -> None:
    """Print the values of a function and its derivatives at a dozen round points.

    \b
    Examples:
      gradtape table "sigmoid(x)" --range 0:20
      gradtape table "sin(x)**2" --order 3 --dtype float64 --json
    """
    from gradtape import study
    from gradtape.study.subject import read

    if csv and json:
        raise ArgumentError("--csv and --json were both given; choose one")
    function = read(expression)
    found = study.table(function, order=whole("--order", order), range=interval(range), dtype=dtype)
    if csv:
        print(found.to_csv(), end="")
    elif json:
        print(found.to_json())
    else:
        show_table(found)
