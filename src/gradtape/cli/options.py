"""Options that several commands share, and the numbers that are read from their text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gradtape.errors import ArgumentError

EXPRESSIONS = """
\b
EXPRESSION is written as in Python, with a variable (x or another letter), numbers, pi, e:
  + - * / // % **      x**2 is the square of x
  functions            exp log sqrt sin cos tan sinh tanh sigmoid relu softplus
                       abs maximum minimum atan2 hypot ... (all elementwise ones)
  choices              where(x < 0, 0.1*x, x)
"""

Expression = Annotated[str, typer.Argument(help="The function, in quotes.", show_default=False)]
Order = Annotated[str, typer.Option(metavar="N", help="Show f and its derivatives up to this order, 0 to 30.")]
Range = Annotated[str, typer.Option(metavar="A:B", help="From A to B on the x axis; -2*pi:2*pi works too.")]
Type = Annotated[str, typer.Option(metavar="float16|bfloat16|float32|float64", help="How the values are computed.")]
Style = Annotated[
    str, typer.Option(metavar="light|grey|dark|paper", help="For screens, grey print, slides, a column of text.")
]
Picture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The picture: .png, .svg or .pdf; -o for short. Without it, a .png in this folder with a telling name.",
        show_default=False,
    ),
]
Animation = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a moving picture into this .gif instead.", show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def interval(text: str) -> tuple[float, float]:
    """The two ends of A:B, each a number or an expression without variables."""
    ends = text.split(":")
    if len(ends) != 2 or not all(end.strip() for end in ends):
        raise ArgumentError(f"a range is written A:B, such as --range=-5:5, not '{text.strip()}'")
    return real(ends[0]), real(ends[1])


def rectangle(text: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges of two axes: A:B for both, or A:B,C:D.

    >>> rectangle("-1:1"), rectangle("0:1,-pi:pi")[0]
    (((-1.0, 1.0), (-1.0, 1.0)), (0.0, 1.0))
    """
    parts = text.split(",")
    if len(parts) > 2:
        raise ArgumentError(f"the ranges of two axes are written A:B,C:D, such as --range=-3:3,0:1, not '{text}'")
    first, *second = (interval(part) for part in parts)
    return first, second[0] if second else first


def numbers(option: str, text: str) -> list[float]:
    """The numbers of 4,1 in their order."""
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise ArgumentError(f"{option} takes numbers with commas between them, such as {option} 4,1, not '{text}'")
    return [real(part) for part in found]


def real(text: str) -> float:
    """A number, or an expression without variables, such as -2*pi."""
    from gradtape.text import number

    try:
        return float(text)
    except ValueError:
        return number(text.strip())


def whole(option: str, text: str) -> int:
    """What was given to an option that takes a whole number."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentError(f"{option} is a whole number, such as {option} 3, not '{text}'") from None


def point(option: str, text: str) -> dict[str, float]:
    """The numbers of x=2,y=3 by name."""
    numbers: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise ArgumentError(f"{option} takes names with their values, such as {option} x=2,y=3, not '{text}'")
        if name in numbers:
            raise ArgumentError(f"{name} has two values in {option} '{text}'")
        numbers[name] = real(value)
    return numbers
