"""The functions that formulas of the table call, by the names that mpmath has for them: `exact` of a primitive is given
this context in place of mpmath's, and intervals in place of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from fractions import Fraction
from typing import Any

from gradtape.study.certify import reals
from gradtape.study.certify.forks import answered, state
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.polynomials import PI, Polynomial
from gradtape.study.certify.reals import NotEnclosed, Outside
from gradtape.study.certify.tail import NOTHING, Reach, Tail

Value = Interval | Tail


class Context:
    """With a `Reach` its numbers are tails, else intervals."""

    def __init__(self, reach: Reach | None = None):
        self.reach = reach

    def mpf(self, x: Any) -> Value:
        if isinstance(x, (Interval, Tail)):
            return x
        return Interval.of(x) if self.reach is None else self.reach.constant(x)

    convert = mpf

    def of(self, span: Interval) -> Value:
        return span if self.reach is None else Tail(self.reach, span, (Fraction(0), NOTHING))

    zero = property(lambda self: self.mpf(0))
    one = property(lambda self: self.mpf(1))
    half = property(lambda self: self.mpf(Fraction(1, 2)))
    ln2 = property(lambda self: self.of(Interval.of(2).log()))
    ln10 = property(lambda self: self.of(Interval.of(10).log()))
    prec = property(lambda self: reals.BITS)

    @property
    def pi(self) -> Value:
        span = Interval.of(reals.pi())
        if self.reach is None:
            return span
        return Tail(self.reach, span, (Fraction(0), NOTHING), Polynomial({(0, ((PI, 1),)): Fraction(1)}))

    @property
    def inf(self) -> Value:
        raise NotEnclosed("a pole")

    @property
    def nan(self) -> Value:
        raise Outside("no value")

    def __getattr__(self, name: str) -> Callable[..., Value]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda x, *args: getattr(self.mpf(x), name)(*args)

    def symmetric(self) -> Value:
        """All numbers from -1 to 1."""
        return self.of(Interval(reals.number(-1), reals.number(1)))

    def close_to_zero(self, x: Any) -> bool:
        """Whether all numbers are small, or 0 is one of them or an end."""
        if isinstance(x, Tail) or not x.finite:
            return False
        return bool((x.low <= 0 and x.high >= 0) or (x.low > -0.125 and x.high < 0.125))

    # -- what is asked about numbers: these are finite -------------------------------------------------------

    def isnan(self, x: Any) -> bool:
        return False

    def isinf(self, x: Any) -> bool:
        return False

    def isfinite(self, x: Any) -> bool:
        return True

    def workprec(self, bits: int) -> Any:
        """Nothing: bounds hold at any precision."""
        return nullcontext()

    def mag(self, x: Any) -> int:
        """Asked for to choose a precision, so it may be anything."""
        return 0

    # -- functions that are made of others -------------------------------------------------------------------

    def factorial(self, n: int) -> int:
        return math.factorial(n)

    def fabs(self, x: Any) -> Value:
        x = self.mpf(x)
        return x if x >= 0 else -x

    def sign(self, x: Any) -> Value:
        x = self.mpf(x)
        return self.mpf(1 if x > 0 else -1 if x < 0 else 0)

    def re(self, x: Any) -> Value:
        return self.mpf(x)

    def npdf(self, x: Any) -> Value:
        return self.exp(-x * x / 2) / self.sqrt(2 * self.pi)

    def power(self, x: Any, y: Any) -> Value:
        return self.mpf(x) ** y

    def psi(self, order: int, x: Any) -> Value:
        return self.mpf(x).psi(order)

    def hypot(self, x: Any, y: Any) -> Value:
        x, y = self.mpf(x), self.mpf(y)
        return (x * x + y * y).sqrt()

    def atan2(self, y: Any, x: Any) -> Value:
        x, y = self.mpf(x), self.mpf(y)
        if x.positive:
            return (y / x).atan()
        if y.positive:
            return self.pi / 2 - (x / y).atan()
        if y.negative:
            return -self.pi / 2 - (x / y).atan()
        raise NotEnclosed("an angle beside its cut")

    def fdot(self, pairs: Iterable[tuple[Any, Any]]) -> Value:
        total = self.zero
        for x, y in pairs:
            total = total + x * y
        return total

    def floor(self, x: Any) -> Value:
        return self._steps(self.mpf(x))

    def ceil(self, x: Any) -> Value:
        return -self._steps(-self.mpf(x))

    def nint(self, x: Any) -> Value:
        value = self.mpf(x)
        span = value.span if isinstance(value, Tail) else value
        if span.finite and span.low == span.high:  # a tie goes to the even one
            return self.mpf(round(reals.fraction(span.low)))
        return self._steps(value + Fraction(1, 2))

    def _steps(self, x: Any) -> Value:
        found = answered((x.span if isinstance(x, Tail) else x).floor())
        if not found.finite or found.low != found.high:
            state.forked = True
        return self.of(found)
