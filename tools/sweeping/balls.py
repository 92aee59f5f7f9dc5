"""Balls of Arb (python-flint), which hold a true value for certain: how many digits are known, and as integers.

`Series` are power series of balls that can be used like numbers, and `Context` has the functions of mpmath's context
for them, so that what a primitive says it is with mpmath (its `exact`) is read with Arb, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

from mpmath import mpf

try:
    import flint
except ImportError:  # the extra `sweep`
    flint = None

LOWEST, HIGHEST = -1200, 1100
"""Beyond these powers of two a true value is 0 or infinite for every purpose."""
NEEDED_BITS = 70
Exact = tuple[int, int] | None
"""man, exp for man·2^exp; None where the function is not finite."""


class NoTruth(Exception):
    """At a breakpoint of a piecewise function, where its derivative is a convention, or outside of its domain."""


@cache
def _limits() -> tuple[Any, Any]:
    return flint.arb(2) ** LOWEST, flint.arb(2) ** HIGHEST


def is_known(ball: Any) -> bool:
    return ball.rel_accuracy_bits() >= NEEDED_BITS or (ball.is_finite() and bool(abs(ball) < _limits()[0]))


def parts(ball: Any) -> tuple[int, int]:
    lowest, highest = _limits()
    if abs(ball) < lowest:
        return 0, 0
    if abs(ball) > highest:
        return (1 if ball > 0 else -1), HIGHEST
    man, exp = ball.mid().man_exp()
    return clamped(int(man), int(exp))


def clamped(man: int, exp: int) -> tuple[int, int]:
    top = exp + man.bit_length()
    if not man or top < LOWEST:
        return 0, 0
    return (man, exp) if top <= HIGHEST else (1 if man > 0 else -1, HIGHEST)


class Series:
    """A power series of Arb with the operators of a number; it is compared by its constant term."""

    def __init__(self, series: Any):
        self.series = series

    def coefficient(self, k: int) -> Any:
        return self.series[k]

    @property
    def start(self) -> Any:
        return self.series[0]

    def __add__(self, other: Any) -> Series:
        return Series(self.series + _series(other))

    def __sub__(self, other: Any) -> Series:
        return Series(self.series - _series(other))

    def __rsub__(self, other: Any) -> Series:
        return Series(_series(other) - self.series)

    def __mul__(self, other: Any) -> Series:
        return Series(self.series * _series(other))

    def __truediv__(self, other: Any) -> Series:
        divisor = _series(other)
        return Series(self.series / divisor if divisor[0] != 0 else _nan())

    def __rtruediv__(self, other: Any) -> Series:
        return Series(_series(other)) / self

    def __pow__(self, n: Any) -> Series:
        if isinstance(n, int):
            power = Series(flint.arb_series([1]))
            for _ in range(abs(n)):
                power = power * self
            return power if n >= 0 else 1 / power
        return Context().exp(Context().log(self) * n)

    def __neg__(self) -> Series:
        return Series(-self.series)

    def __abs__(self) -> Series:
        return self if self > 0 else -self

    __radd__, __rmul__ = __add__, __mul__

    def _apart(self, other: Any) -> bool:
        """Whether it is more than the other; a tie is a breakpoint."""
        mine, theirs = self.start, other if isinstance(other, (int, float)) else _series(other)[0]
        if mine > theirs:
            return True
        if mine < theirs:
            return False
        raise NoTruth

    def __gt__(self, other: Any) -> bool:
        return self._apart(other)

    __ge__ = __gt__

    def __lt__(self, other: Any) -> bool:
        return not self._apart(other)

    __le__ = __lt__

    def __eq__(self, other: Any) -> bool:
        self._apart(other)
        return False

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return self != 0


def _nan() -> Any:
    return flint.arb_series([flint.arb.nan()] * flint.ctx.cap)


def _series(x: Any) -> Any:
    if isinstance(x, Series):
        return x.series
    return flint.arb_series([flint.arb(x) if not isinstance(x, mpf) else flint.arb(x.man_exp)])


class Context:
    """The functions of mpmath's context, on `Series`. What is missing here is asked of Arb by the same name."""

    zero = property(lambda self: self.mpf(0))
    one = property(lambda self: self.mpf(1))
    half = property(lambda self: self.mpf(0.5))
    pi = property(lambda self: Series(flint.arb_series([flint.arb.pi()])))
    ln2 = property(lambda self: self.log(self.mpf(2)))
    ln10 = property(lambda self: self.log(self.mpf(10)))
    nan = property(lambda self: Series(_nan()))
    inf = property(lambda self: Series(_nan()))  # neither is a truth

    def mpf(self, x: Any) -> Series:
        return x if isinstance(x, Series) else Series(_series(x))

    def convert(self, x: Any) -> Series:
        return self.mpf(x)

    def __getattr__(self, name: str) -> Callable[[Any], Series]:
        if name.startswith("_"):
            raise AttributeError(name)
        function = getattr(flint.arb_series, name)
        return lambda x: Series(function(_series(x)))

    def isnan(self, x: Any) -> bool:
        return False

    def isinf(self, x: Any) -> bool:
        return False

    def isfinite(self, x: Any) -> bool:
        return True

    def fabs(self, x: Any) -> Series:
        return abs(x)

    def factorial(self, n: int) -> int:
        return math.factorial(n)

    def sign(self, x: Series) -> Series:
        return self.mpf(1 if x > 0 else -1)

    def _constant(self, x: Series, method: str) -> Series:
        return Series(flint.arb_series([getattr(x.start, method)()]))

    def floor(self, x: Series) -> Series:
        return self._constant(x, "floor")

    def ceil(self, x: Series) -> Series:
        return self._constant(x, "ceil")

    def nint(self, x: Series) -> Series:
        if x.start * 2 == (x.start * 2).floor():  # ties and integers, exactly
            return self.mpf(round(float(x.start)) if abs(x.start) < 2**53 else x.start)
        return self._constant(x + 0.5, "floor")

    def _from_slope(self, x: Series, method: str, slope: Callable[[], Series]) -> Series:
        """f(x) by Arb's function for numbers and its derivative, without cancellation."""
        constant = flint.arb_series([getattr(x.start, method)()])
        if not constant[0].is_finite():
            return self.nan
        return Series(constant + (slope().series * x.series.derivative()).integral())

    def expm1(self, x: Series) -> Series:
        return self._from_slope(x, "expm1", lambda: self.exp(x))

    def log1p(self, x: Series) -> Series:
        return self._from_slope(x, "log1p", lambda: 1 / (1 + x))

    def cosh(self, x: Series) -> Series:
        if len(x.series) > 2:
            e = self.exp(x)
            return (e + 1 / e) * 0.5
        # cosh(a + bh) has no cancellation in the coefficients cosh(a), b sinh(a), b² cosh(a)/2, …
        even_odd, factor, terms = x.start.sinh_cosh()[::-1], flint.arb(1), []
        for k in range(flint.ctx.cap):
            terms.append(even_odd[k % 2] * factor)
            factor = factor * x.coefficient(1) / (k + 1)
        return Series(flint.arb_series(terms))

    def sinh(self, x: Series) -> Series:
        return self._from_slope(x, "sinh", lambda: self.cosh(x))

    def tanh(self, x: Series) -> Series:
        def slope() -> Series:
            cosh = self.cosh(x)
            return 1 / (cosh * cosh)

        return self._from_slope(x, "tanh", slope)

    def sech(self, x: Series) -> Series:
        return 1 / self.cosh(x)

    def asinh(self, x: Series) -> Series:
        return self._from_slope(x, "asinh", lambda: 1 / self.sqrt(1 + x * x))

    def acosh(self, x: Series) -> Series:
        return self._from_slope(x, "acosh", lambda: 1 / self.sqrt((x - 1) * (x + 1)))

    def atanh(self, x: Series) -> Series:
        return self._from_slope(x, "atanh", lambda: 1 / ((1 - x) * (1 + x)))

    def exp(self, x: Any) -> Series:
        return Series(_series(x).exp())

    def log(self, x: Any) -> Series:
        return Series(_series(x).log())

    def sqrt(self, x: Any) -> Series:
        series = _series(x)
        return Series(series.sqrt() if flint.ctx.cap > 1 else flint.arb_series([series[0].sqrt()]))

    def cbrt(self, x: Series) -> Series:
        root = self.exp(self.log(abs(x)) / 3)
        return root if x > 0 else -root

    def sinpi(self, x: Series) -> Series:
        return Series(x.series.sin_pi())

    def cospi(self, x: Series) -> Series:
        return Series((x.series * flint.arb.pi()).cos())

    def loggamma(self, x: Series) -> Series:
        """Its real part: log|Γ(x)|."""
        if x > 0:
            return Series(x.series.lgamma())
        return self.log(self.pi / abs(self.sinpi(x))) - self.loggamma(1 - x)

    def re(self, x: Series) -> Series:
        return x

    def psi(self, order: int, x: Series) -> Series:
        if order or (flint.ctx.cap > 1 and x.series[1] != 1):
            raise NotImplementedError
        flint.ctx.cap += 1
        try:
            point = Series(flint.arb_series([x.start, 1]))
            return Series(self.loggamma(point).series.derivative())
        finally:
            flint.ctx.cap -= 1

    @property
    def prec(self) -> int:
        return flint.ctx.prec

    def workprec(self, bits: int) -> Any:
        """Nothing: balls say when more bits are needed."""
        return nullcontext()

    def mag(self, x: Series) -> int:
        return math.frexp(float(x.start))[1]
