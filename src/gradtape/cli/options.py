"""Options that several commands share, and the numbers that are read from their text."""

from __future__ import annotations

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


def interval(text: str) -> tuple[float, float]:
    """The two ends of A:B, each a number or an expression without variables."""
    ends = text.split(":")
    if len(ends) != 2 or not all(end.strip() for end in ends):
        raise ArgumentError(f"a range is written A:B, such as --range=-5:5, not '{text.strip()}'")
    return real(ends[0]), real(ends[1])


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
