"""The commands. They read options, call `gradtape.study` or the engine, and print; Matplotlib loads only when a picture
is drawn."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from gradtape import __version__
from gradtape.cli.output import atomic, default_name
from gradtape.cli.shell import Command, Facts, Program, show_table
from gradtape.errors import ArgumentError, OutputError

main = typer.Typer(
    cls=Program,
    name="gradtape",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help"], "max_content_width": 100},
)

EXPRESSIONS = """
\b
EXPRESSION is written as in Python, with the variable x, numbers, pi and e:
  + - * / // % **      x**2 is the square of x
  functions            exp log sqrt sin cos tan sinh tanh sigmoid relu softplus
                       abs maximum minimum atan2 hypot ... (all elementwise ones)
  choices              where(x < 0, 0.1*x, x)
"""

Expression = Annotated[str, typer.Argument(help="The function of x, in quotes.", show_default=False)]
Order = Annotated[str, typer.Option(metavar="N", help="Show f and its derivatives up to this order, 0 to 30.")]
Range = Annotated[str, typer.Option(metavar="A:B", help="From A to B on the x axis; -2*pi:2*pi works too.")]
Type = Annotated[str, typer.Option(metavar="float16|bfloat16|float32|float64", help="How the values are computed.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gradtape {__version__}")
        raise typer.Exit


@main.callback(invoke_without_command=True)
def gradtape(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Draws and tabulates a function and its derivatives, exact to the last digits.

    \b
    Examples:
      gradtape plot "sigmoid(x)"
      gradtape plot "sin(x)**2" --order 3 --range=-2*pi:2*pi --output sine.svg
      gradtape table "exp(-x**2)" --order 2 --csv
      gradtape accuracy "1/(1+exp(-x))" --order 2
      gradtape cache info
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@main.command(cls=Command, epilog=EXPRESSIONS, short_help="Draw a function and its derivatives into a file.")
def plot(
    expression: Expression,
    order: Order = "1",
    range: Range = "-5:5",
    points: Annotated[
        str, typer.Option(metavar="COUNT", help="How many points of each curve to compute, 2 to 1000000.")
    ] = "1001",
    dtype: Type = "float32",
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
    """
    from gradtape import study
    from gradtape.study.derive import check_order
    from gradtape.study.subject import check_dtype, check_points, check_range
    from gradtape.text import parse

    function = parse(expression)
    limits = check_range(_range(range), check_dtype(dtype))
    highest, count = _whole("--order", order), check_points(_whole("--points", points))
    check_order(highest)
    path = output or Path(default_name(str(function)))
    with atomic(path) as partial:
        figure = _window() if show else None
        table = study.table(function, order=highest, range=limits, dtype=dtype)
        drawn = study.plot(function, order=highest, range=limits, points=count, dtype=dtype, figure=figure)
        drawn.savefig(partial, metadata={"Title": table.title})
    show_table(table)
    print(f"\nwritten to {path}")
    if figure:
        from matplotlib import pyplot

        pyplot.show()


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
    from gradtape.text import parse

    if csv and json:
        raise ArgumentError("--csv and --json were both given; choose one")
    function = parse(expression)
    found = study.table(function, order=_whole("--order", order), range=_range(range), dtype=dtype)
    if csv:
        print(found.to_csv(), end="")
    elif json:
        print(found.to_json())
    else:
        show_table(found)


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
    from gradtape.text import parse

    function = parse(expression)
    limits = [_number(end.strip()) for end in domain]
    with atomic(output) if output else nullcontext() as partial:
        found = study.accuracy(
            function, _whole("--order", order), dtype, limits, points=_whole("--points", points), peers=peers
        )
        if partial:
            found.plot().savefig(partial, metadata={"Title": found.title})
    if json:
        print(found.to_json())
    else:
        show_table(found)
        if output:
            print(f"\nwritten to {output}")


cache = typer.Typer(rich_markup_mode=None)
main.add_typer(cache, name="cache", short_help="Show or clear the compiled code that is kept on disk.")


@cache.callback(invoke_without_command=True)
def of_cache(context: typer.Context) -> None:
    """Show or clear the compiled code that is kept on disk, in the folder that GRADTAPE_CACHE_DIR names."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@cache.command(cls=Command, short_help="Print where it is and how large it is.")
def info(json: Annotated[bool, typer.Option("--json", help="Print JSON; sizes are bytes.")] = False) -> None:
    """Print where compiled code is kept, how much of it there is, and whether more can be stored.

    \b
    Examples:
      gradtape cache info
      gradtape cache info --json
    """
    from gradtape.engine import disk

    found = disk.info()
    if json:
        from json import dumps

        print(dumps(found._asdict()))
        return
    state = "on" if found.enabled else "off"
    facts = {
        "folder": found.folder,
        "entries": f"{found.entries:,}",
        "size": f"{_size(found.bytes)} of {_size(found.limit)}",
        "state": f"{state}, but nothing can be stored: {found.problem}" if found.problem else state,
    }
    show_table(Facts("Compiled code on disk", facts))


@cache.command(cls=Command, short_help="Remove it.")
def clear() -> None:
    """Remove the compiled code that is kept on disk, and nothing else from the folder.

    \b
    Example:
      gradtape cache clear
    """
    from gradtape.engine import disk

    entries, size = disk.clear()
    print(f"removed {entries:,} {'entry' if entries == 1 else 'entries'}, {_size(size)}, from {disk.info().folder}")


def _size(count: int) -> str:
    """A number of bytes for people, in the units of GRADTAPE_CACHE_SIZE."""
    if count < 1024:
        return f"{count} bytes"
    power = min(3, (count.bit_length() - 1) // 10)
    return f"{count / 1024**power:.4g}{' KMG'[power]}"


def _range(text: str) -> tuple[float, float]:
    """The two ends of A:B, each a number or an expression without variables."""
    ends = text.split(":")
    if len(ends) != 2 or not all(end.strip() for end in ends):
        raise ArgumentError(f"a range is written A:B, such as --range=-5:5, not '{text.strip()}'")
    return _number(ends[0]), _number(ends[1])


def _number(text: str) -> float:
    from gradtape.text import number

    try:
        return float(text)
    except ValueError:
        return number(text.strip())


def _whole(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentError(f"{option} is a whole number, such as {option} 3, not '{text}'") from None


def _window() -> Any:
    """A figure that pyplot can show; OutputError where no window can be opened."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(8, 5))
    if figure.canvas.required_interactive_framework is None:
        pyplot.close(figure)
        raise OutputError("--show needs a display to open a window on; leave it out and open the written file instead")
    return figure
