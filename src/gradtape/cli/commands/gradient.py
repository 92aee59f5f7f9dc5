"""``gradtape gradient``: a function of several variables at a point."""

from __future__ import annotations

from typing import Annotated

import typer

from gradtape.cli.options import EXPRESSIONS, Type, point
from gradtape.cli.program import main
from gradtape.cli.shell import Command, show_table
from gradtape.errors import ArgumentError


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Gradient and Hessian at a point, by name, with formulas.")
def gradient(
    expression: Annotated[str, typer.Argument(help="The function of the variables, in quotes.", show_default=False)],
    at: Annotated[
        str, typer.Option(metavar="NAME=VALUE,…", help="The point: every variable and its value.", show_default=False)
    ] = "",
    dtype: Type = "float64",
    latex: Annotated[bool, typer.Option("--latex", help="Print the formulas as LaTeX, nothing else.")] = False,
    formulas: Annotated[bool, typer.Option(help="Whether SymPy makes formulas; by default if it is there.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; NaN and infinities are strings.")] = False,
) -> None:
    """Print the value, gradient and Hessian of a function of several variables at a point, with the formula of each.

    The numbers come from the computation itself, the formulas from SymPy (pip install 'gradtape[formula]'), and each is
    checked against the other.

    \b
    Examples:
      gradtape gradient "3*x**2 + 2*y" --at x=2,y=3
      gradtape gradient "sigmoid(w*x + b)" --at w=0.5,x=2,b=-0.1 --json
      gradtape gradient "sin(a)*cos(b)" --at a=pi/2,b=0 --latex
    """
    from gradtape import study
    from gradtape.text import parse

    if not at:
        names = parse(expression, None).variables or ("x",)
        raise ArgumentError(f"at which point? give every variable a value: --at {','.join(f'{n}=1' for n in names)}")
    if latex and (json or not formulas):
        raise ArgumentError("--latex prints formulas alone; leave out --json and --no-formulas")
    found = study.gradient(
        expression, point("--at", at), dtype=dtype, formulas=None if formulas and not latex else latex
    )
    if latex:
        print("\n".join(f"{part.latex(found.name)} = {part.formula_latex()}" for part in found.shown()))
    elif json:
        print(found.to_json())
    else:
        show_table(found)
