"""One thing that is known of a function, and how it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gradtape.study.certify.interval import Interval
from gradtape.study.certify.reals import fraction_above, fraction_below
from gradtape.study.tables import json_number

PROVED, SAMPLED = "proved", "sampled"

DIGITS = 10
"""Significant digits in sentences."""


@dataclass(frozen=True)
class Fact:
    """A fact about a function.

    name        which fact it is, as "range"
    value       for programs: numbers, text, lists and dicts of them, as they go into JSON; infinities are floats
    statement   the same in words
    status      "proved": it holds for all real numbers that it speaks of, with bounds that include rounding errors; or
                "sampled": it was found at many points, and may be wrong between them
    how         by which means
    enclosure   for a single number: two floats between which it is proved to be
    """

    name: str
    value: Any
    statement: str
    status: str
    how: str
    enclosure: tuple[float, float] | None = None

    @property
    def proved(self) -> bool:
        return self.status == PROVED

    def __str__(self) -> str:
        return f"{self.statement} ({self.status})"

    def as_json(self) -> dict[str, Any]:
        """A dict that JSON can hold; NaN and infinities are strings, as in `Table.to_json`."""
        found = {"value": _for_json(self.value), "statement": self.statement, "status": self.status, "how": self.how}
        if self.enclosure is not None:
            found["enclosure"] = _for_json(self.enclosure)
        return found


def _for_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _for_json(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(v) for v in value]
    if isinstance(value, float):
        return json_number(value)
    return value


# -- numbers for people ---------------------------------------------------------------------------------------


def middle(x: Interval | None) -> float:
    """The float in the middle of bounds; infinite where they are, NaN where there are none."""
    if x is None or (x.low is None and x.high is None):
        return math.nan
    if x.low is None or x.high is None:
        return -math.inf if x.low is None else math.inf
    guess = simple(x)
    return _float(guess if guess is not None else (fraction_below(x.low) + fraction_above(x.high)) / 2)


def _float(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def enclosing(x: Interval | None) -> tuple[float, float] | None:
    """Two floats around bounds."""
    if x is None:
        return None
    return (
        -math.inf if x.low is None else _down(fraction_below(x.low)),
        math.inf if x.high is None else -_down(-fraction_above(x.high)),
    )


def _down(x: Fraction) -> float:
    """The largest float that is not above x."""
    near = _float(x)
    return math.nextafter(near, -math.inf) if math.isinf(near) or Fraction(near) > x else near


def simple(x: Interval) -> Fraction | None:
    """The number that narrow bounds certainly mean: with a small denominator, or what they hold exactly."""
    if not x.finite:
        return None
    low, high = fraction_below(x.low), fraction_above(x.high)
    if low == high and low.denominator <= 1 << 20:
        return low
    if high - low > Fraction(1, 10**17):
        return None
    near = ((low + high) / 2).limit_denominator(1000)
    return near if low <= near <= high else None


def shown(x: Interval | float | Fraction | None) -> str:
    """A number as it stands in a sentence.

    >>> shown(0.25), shown(Fraction(1, 3)), shown(-1e-12), shown(float("inf"))
    ('1/4', '1/3', '-1e-12', '∞')
    """
    if isinstance(x, Interval):
        exact = simple(x)
        if exact is not None:
            return _fraction(exact)
        number = middle(x)
    elif isinstance(x, Fraction):
        return _fraction(x)
    else:
        number = math.nan if x is None else float(x)
        if math.isfinite(number) and Fraction(number).denominator <= 64 and abs(number) < 1000:
            return _fraction(Fraction(number))
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    return f"{number + 0.0:.{DIGITS}g}"


def _fraction(x: Fraction) -> str:
    if x.denominator == 1:
        return str(x.numerator) if abs(x) < 10**9 else f"{float(x):.{DIGITS}g}"
    if x.denominator <= 64:
        return f"{x.numerator}/{x.denominator}"
    return f"{float(x):.{DIGITS}g}"


def above(x: Fraction, digits: int = 2) -> str:
    """The smallest number with so many significant digits that is not below x, which is positive.

    >>> above(Fraction("0.0066481")), above(Fraction(1, 4)), above(Fraction(1))
    ('0.0067', '0.25', '1')
    """
    if x == 0:
        return "0"
    if x < Fraction(1, 10**300):
        return "1e-300"
    exponent = math.floor(math.log10(float(x))) - digits + 1
    unit = Fraction(10) ** exponent
    steps = -((-x.numerator * unit.denominator) // (x.denominator * unit.numerator))
    return f"{float(steps * unit):.{digits}g}"


def listed(parts: list[str], most: int = 6) -> str:
    """Parts as they are listed in a sentence; of many, the first ones."""
    if len(parts) > most:
        return ", ".join(parts[:most]) + f" and {len(parts) - most} more"
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
