"""``gradtape report``: one page on a function."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gradtape.cli.functions import named
from gradtape.cli.options import EXPRESSIONS, Range, Type, interval
from gradtape.cli.output import atomic
from gradtape.cli.program import main
from gradtape.cli.shell import Command, show_page
from gradtape.errors import ArgumentError

Function = Annotated[
    str,
    typer.Argument(
        metavar="FUNCTION", help="An expression in quotes, a name such as gelu, or module:function.", show_default=False
    ),
]
Page = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a page with a picture into this .html.", show_default=False)
]


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Print what is known of a function, and what is proved.")
def report(
    function: Function,
    html: Page = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; NaN and infinities are strings.")] = False,
    dtype: Type = "float32",
    range: Range = "-6:6",
    cost: Annotated[bool, typer.Option("--cost", help="Measure how long it takes beside relu, too.")] = False,
) -> None:
    """Print what is known of a function: range, slope, smoothness, saturation, rounding, and what is proved of it.

    \b
    Examples:
      gradtape report "sigmoid(x)"
      gradtape report "x*sigmoid(1.7*x)" --html swish.html
      gradtape report mymodule:activation --json
    """
    from gradtape import study

    if html is not None and json:
        raise ArgumentError("--html and --json were both given; choose one")
    if html is None:
        found = study.report(named(function), dtype=dtype, range=interval(range), cost=cost)
        if json:
            print(found.to_json())
        else:
            show_page(found)
        return
    with atomic(html, (".html", ".htm")) as partial:
        found = study.report(named(function), dtype=dtype, range=interval(range), cost=cost)
        partial.write_text(found.to_html(), encoding="utf-8")
    print(f"written to {html}")
