"""What a study is about: the function that was given and how to call it, and the points at which to look at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, DTypeError
from gradtape.graph.dtypes import as_dtype, finfo
from gradtape.study.derive import derivatives
from gradtape.text import Expression, parse
from gradtape.text.vocabulary import functions

MOST_POINTS = 1_000_000
"""Points of a curve: a thousand times what a screen shows."""

DTYPES = ("float16", "bfloat16", "float32", "float64")
WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}


@dataclass(frozen=True)
class Subject:
    """A function of one variable, and its names."""

    function: Callable[[Any], Any]
    name: str
    variable: str = "x"
    formula: str = ""  # empty: not known

    def label(self, order: int, primes: str = "′″‴", brackets: str = "⁽⁾") -> str:
        """The name of a derivative, as in f″(x); with ASCII marks for terminals and files.

        >>> f = Subject(abs, "f")
        >>> f.label(2), f.label(4), f.label(4, *ASCII)
        ('f″(x)', 'f⁽⁴⁾(x)', 'f^(4)(x)')
        """
        if order == 0:
            mark = ""
        elif order <= 3:
            mark = primes[order - 1] if len(primes) == 3 else primes * order
        elif brackets:
            mark = brackets[0] + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(order)) + brackets[1]
        else:
            mark = f"^({order})"
        return f"{self.name}{mark}({self.variable})"

    def title(self, order: int) -> str:
        """One line that says what is shown."""
        if self.formula:
            return f"{self.label(0)} = {self.formula}"
        derived = ("", " and its derivative")[order] if order < 2 else f" and its first {order} derivatives"
        return self.label(0) + derived

    def values(self, x: np.ndarray, order: int, derive: Callable[..., list[Any]] = derivatives) -> list[np.ndarray]:
        """The function and its derivatives at x; where there is no function, as log at -1, there is no derivative."""
        f, *derived = (np.asarray(y) for y in derive(self.function, x, order))
        undefined = np.isnan(f)
        return [f, *(np.where(undefined, f, y) for y in derived)]


ASCII = ("'", "")
"""The marks of derivatives where only ASCII is safe, as arguments of `Subject.label`."""


def subject(f: Any, name: str | None = None) -> Subject:
    """Read what was given: text, an Expression of one variable, or a function; "sigmoid" is "sigmoid(x)"."""
    if isinstance(f, str):
        if f.strip() in functions() and functions()[f.strip()].takes[:1] == ("number",):
            f = f"{f.strip()}(x)"
        f = read(f)
    if isinstance(f, Expression):
        if len(f.variables) != 1:
            raise ArgumentError(
                f"this is about functions of one variable, but {f} has {len(f.variables)}: {', '.join(f.variables)}"
            )
        return Subject(f, name or "f", f.variables[0], str(f))
    if not callable(f):
        raise ArgumentError(f"a function, an Expression or text is needed, but a {type(f).__name__} was given")
    own = getattr(f, "__name__", "")
    return Subject(f, name or (own if own.isidentifier() and len(own) <= 24 else "f"))


def read(text: str) -> Expression:
    """The function that a text stands for, of the variables that it names; of x, if it names none.

    >>> read("t**2").variables, read("x*y").variables, read("3").variables
    (('t',), ('x', 'y'), ('x',))
    """
    found = parse(text, None)
    return found if found.variables else parse(text)


# -- points ---------------------------------------------------------------------------------------------------


def check_dtype(dtype: Any) -> np.dtype:
    """NumPy's dtype for a floating type; DTypeError for anything else."""
    try:
        found = as_dtype(dtype)
    except DTypeError:
        found = None
    if found is None or found.name not in DTYPES:
        shown = repr(dtype) if isinstance(dtype, str) else str(dtype)
        raise DTypeError(f"a study is done in {', '.join(DTYPES[:-1])} or {DTYPES[-1]}, not in {shown}")
    return found.dtype


def check_range(limits: Any, dtype: np.dtype) -> tuple[float, float]:
    """The two ends of an interval; ArgumentError if it is empty, reversed, not finite, too narrow or too wide."""
    try:
        low, high = (float(end) for end in limits)
    except (TypeError, ValueError):
        raise ArgumentError(f"a range is two numbers, such as (-5, 5), not {limits!r}") from None
    shown = f"{_short(low)}:{_short(high)}"
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ArgumentError(f"the range {shown} is not finite; both ends must be numbers, such as -5:5")
    if low == high:
        raise ArgumentError(f"the range {shown} is empty; its ends must differ, such as {low:g}:{low + 1:g}")
    if low > high:
        raise ArgumentError(f"the range {shown} is reversed; write the smaller end first, {_short(high)}:{_short(low)}")
    if max(-low, high, high - low) > float(finfo(dtype).max):
        wider = WIDER.get(dtype.name)
        wider = f"; use {wider}" if wider and high - low <= float(finfo(wider).max) else ""
        raise ArgumentError(f"the range {shown} is wider than {dtype.name} can hold{wider}")
    if dtype.type(low) == dtype.type(high):
        wider = f"use {WIDER[dtype.name]} or " if dtype.name in WIDER else ""
        raise ArgumentError(f"no {dtype.name} number lies inside the range {shown}; {wider}make it wider")
    return low, high


def _short(number: float) -> str:
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


def check_points(points: Any) -> int:
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or not 2 <= points <= MOST_POINTS:
        raise ArgumentError(f"a curve has 2 to {MOST_POINTS:,} points, not {points!r}")
    return int(points)


def even_points(low: float, high: float, points: int, dtype: np.dtype) -> np.ndarray:
    """Evenly spaced points with both ends. What rounding alone keeps from being 0 is 0, so that x = 0 is looked at."""
    part = np.arange(points) / (points - 1)
    x = low * (1 - part) + high * part
    x[np.abs(x) < (high - low) * 1e-15] = 0
    return x.astype(dtype)


def round_points(low: float, high: float, dtype: np.dtype, wanted: int = 12) -> np.ndarray:
    """About a dozen points that are multiples of a round step, as a person would choose them.

    >>> round_points(-1, 1, np.dtype("float64")).tolist()
    [-1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    start, stop = Decimal(repr(float(low))), Decimal(repr(float(high)))  # 0.1 as people mean it
    magnitude = Decimal(10) ** ((stop - start) / wanted).adjusted()
    steps = [magnitude * Decimal(m) for m in ("1", "2", "2.5", "5", "10", "20")]
    counts = {step: math.floor(stop / step) - math.ceil(start / step) + 1 for step in steps}
    step = min(steps, key=lambda s: abs(counts[s] - wanted))
    first = math.ceil(start / step)
    return np.unique(np.array([float((first + i) * step) for i in range(counts[step])], dtype))
