"""erf and erfc with all their derivatives, and the normal distribution's tail that gelu is made of.

For y >= 0, erfc(y) = exp(-y²) R(y), where R(y) (1 + y/3) is smooth in z = 3/(y + 3), from y = 0 (z = 1) to infinity
(z = 0), after Shepherd and Laframboise, *Mathematics of Computation* 36, 1981. A float result takes one polynomial in
z, a double result one of a table, chosen by z. The square of y is exact and the exponent of exp(-y²) is kept apart, so
the tail is relatively exact down to the smallest number. Derivatives are Hermite's polynomials times exp(-x²).

Largest error in ulps for float, double: erf 0.501, 0.55; erfc 0.501, 0.70 (where subnormal). Derivatives: 0.501 in
units of ulp + |slope| ulp(x) / 2, at every order tested.
"""

from __future__ import annotations

from gradtape.engine.elementary import exponential, tables
from gradtape.engine.elementary.algebraic import polynomial
from gradtape.engine.elementary.arithmetic import Arithmetic, Number, Pair
from gradtape.engine.elementary.coefficients import (
    ERF,
    ERFC,
    ERFC_FIRST,
    ERFC_MIDDLE,
    ERFC_ROWS,
    ERFC_TABLE,
    TWO_OVER_SQRT_PI,
)
from gradtape.engine.elementary.exponential import clamp
from gradtape.engine.machine import Machine, Value
from gradtape.ops.special_forms import error_slope

LIMITS = {"float": 16.0, "double": 40.0}
"""From here on exp(-x²), times anything in a derivative, is zero."""
NEAR = 0.5
"""Up to here erf has a polynomial of its own."""
SHIFT = 3.0
LARGE_ORDER = 12
"""Above this order Hermite's polynomials lose so many bits that a float result needs double-double, too."""


class Decay:
    """exp(-p) of a pair p >= 0, as ``fraction * 2**k``."""

    def __init__(self, w: Arithmetic, p: Pair):
        e = exponential.reduce(w, w.negative(p))
        self.w = w
        self.p = e.p
        self.fraction = e.fraction
        self.k = w.m.maximum(e.k, -2000) if w.long else e.k
        self.power = w.power_of_two(w.m.maximum(self.k, -300))

    @property
    def value(self) -> Pair:
        """exp(-p), to be added to something of moderate size."""
        return self.w.times(self.fraction, self.power)

    def one_minus(self) -> Pair:
        """1 - exp(-p), relatively exact near p = 0."""
        w = self.w
        return w.times_add(self.p, -self.power, w.sum(w.const(1.0), -self.power))

    def scaled(self, x: Pair) -> Value:
        """x * 2**k, rounded."""
        return self.w.scaled(x, self.k)

    def times(self, x: Pair) -> Pair:
        """x * 2**k, to be added to something of moderate size."""
        return self.w.times(x, self.power)


def scaled_complement(w: Arithmetic, y: Number) -> Pair:
    """R(y) = exp(y²) erfc(y) for y >= 0."""
    m = w.m
    z = w.divide(SHIFT, w.add(y, SHIFT))
    if z.lo is None:
        return Pair(z.hi * w.polynomial(ERFC, z.hi - ERFC_MIDDLE[0]))
    nearest = m.rint(z.hi * ERFC_ROWS - 0.5)
    row = w.to_integer(nearest) - ERFC_FIRST
    row = m.maximum(m.minimum(row, ERFC_ROWS - ERFC_FIRST - 1), 0)
    middle = (m.convert("sitofp", row, "double") + (ERFC_FIRST + 0.5)) * (1.0 / ERFC_ROWS)
    h = (z.hi - middle) + z.lo
    first, *others, low = (m.table(tables.erfc_offset(part), row) for part in range(len(ERFC_TABLE[0])))
    value = others[-1]
    for c in reversed(others[:-1]):
        value = m.fma(value, h, c)
    return w.multiply(w.ordered_sum(first, m.fma(value, h, low)), z)


def tail(w: Arithmetic, x: Value) -> tuple[Decay, Pair]:
    """erfc(|x|) as a pair times 2**k, where the first result holds k."""
    y = w.m.abs(w.widen(clamp(x, -LIMITS[x.type], LIMITS[x.type])))
    e = Decay(w, w.product(y, y))
    return e, w.multiply(e.fraction, scaled_complement(w, y))


def slope(w: Arithmetic, x: Value, order: int) -> Value:
    """The derivative of erf of order 1 or more."""
    x = w.widen(clamp(x, -LIMITS[x.type], LIMITS[x.type]))
    e = Decay(w, w.product(x, x))
    factor = polynomial(w, error_slope(order), Pair(x))
    return e.scaled(w.multiply(w.multiply(e.fraction, TWO_OVER_SQRT_PI), factor))


def erf(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of erf(x)."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    if order:
        return slope(w, x, order)
    wide = w.widen(x)
    square = wide * wide
    near = w.round(w.multiply(wide, w.add(TWO_OVER_SQRT_PI, square * w.polynomial(ERF, square))))
    e, p = tail(w, x)
    far = w.round(w.subtract(1.0, e.times(p)))
    return m.copysign(m.select(m.abs(x) <= NEAR, near, far), x)


def erfc(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of 1 - erf(x)."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    if order:
        return -slope(w, x, order)
    e, p = tail(w, x)
    return m.select(x < 0.0, w.round(w.subtract(2.0, e.times(p))), e.scaled(p))
