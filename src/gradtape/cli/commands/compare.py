"""``gradtape compare``: functions beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gradtape.cli.functions import named
from gradtape.cli.options import EXPRESSIONS, Order, Quiet, Range, Style, Type, interval, whole
from gradtape.cli.output import atomic, default_name
from gradtape.cli.program import main
from gradtape.cli.progress import Progress
from gradtape.cli.shell import Command, show_page
from gradtape.errors import ArgumentError

Functions = Annotated[
    list[str],
    typer.Argument(
        metavar="FUNCTION...", help="Names such as tanh, expressions in quotes, or module:function.", show_default=False
    ),
]


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw functions and their gradients beside each other.")
def compare(
    functions: Functions,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The picture: .png, .svg or .pdf. Without it, a .png in this folder named after the functions.",
            show_default=False,
        ),
    ] = None,
    facts: Annotated[bool, typer.Option("--facts", help="Print what is known of them, side by side.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write these facts into this .html.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print these facts as JSON.")] = False,
    order: Order = "1",
    range: Range = "-5:5",
    dtype: Type = "float32",
    style: Style = "light",
    quiet: Quiet = False,
) -> None:
    """Draw functions and their derivatives beside each other, all with the same axes; or print what is known of them.

    \b
    Examples:
      gradtape compare sigmoid tanh relu gelu --plot four.svg
      gradtape compare "x*sigmoid(x)" gelu mish --range=-4:4 --order 2
      gradtape compare mymodule:activation elu --style grey
      gradtape compare sigmoid tanh relu gelu --facts --plot four.svg
    """
    from gradtape import study

    shown = [named(function) for function in functions]
    if html is not None and json:
        raise ArgumentError("--html and --json were both given; choose one")
    if facts or html is not None or json:
        if html is not None:
            with atomic(html, (".html", ".htm")) as partial:
                partial.write_text(study.compare_facts(shown, dtype=dtype).to_html(), encoding="utf-8")
            print(f"written to {html}")
        else:
            found = study.compare_facts(shown, dtype=dtype)
            if json:
                print(found.to_json())
            else:
                show_page(found)
        if plot is None:
            return
    path = plot or Path(default_name(f"compare {' '.join(functions)}"))
    highest, limits = whole("--order", order), interval(range)
    with atomic(path) as partial, Progress(quiet) as progress:
        report = progress.of("functions", len(shown))
        figure = study.compare(shown, order=highest, range=limits, dtype=dtype, style=style, progress=report)
        figure.savefig(partial, metadata={"Title": ", ".join(functions)})
    print(f"written to {path}")
