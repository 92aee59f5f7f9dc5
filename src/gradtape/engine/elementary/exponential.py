"""exp, expm1, exp2: x = k log(2) + r, then exp(x) = 2**k * (1 + p) with p = expm1(r) from one polynomial.

The reduction is Cody and Waite's; k comes from adding a large number whose last bit is 1, which leaves k in the low
bits of the sum, where 2**k is one shift away. Other modules build on `reduce` and keep p and k apart, so that nothing
overflows before the result does and ``exp(x) - 1`` is never computed from a rounded exp(x).

Largest error in ulps for float, double (measured by tests/engine/elementary/test_accuracy.py, as in all modules
here): exp 0.502, 0.73; expm1 0.507, 0.59; exp2 0.502, 0.68. Doubles come near 0.75 only where they are subnormal.
"""

from __future__ import annotations

from gradtape.engine.elementary.arithmetic import (
    EXPONENT_BIAS,
    MANTISSA_BITS,
    ROUNDER,
    ROUNDER_BITS,
    Arithmetic,
    Number,
    Pair,
)
from gradtape.engine.elementary.coefficients import EXP, LN2, LOG2_E
from gradtape.engine.machine import Machine, Value

LIMITS = {"float": (-104.0, 89.0), "double": (-746.0, 710.0)}
"""exp rounds to zero below and to infinity above."""


class Exponential:
    """exp(x) as 2**k * (1 + p)."""

    def __init__(self, w: Arithmetic, p: Pair, rounded: Value):
        self.w = w
        self.p = p
        self._rounded = rounded  # k + EXPONENT_BIAS in its low bits

    @property
    def k(self) -> Value:
        return self.w.m.bits(self._rounded) - (ROUNDER_BITS + EXPONENT_BIAS)

    @property
    def power(self) -> Value:
        """2**k, for -1022 <= k <= 1023."""
        return self.w.m.from_bits(self.w.m.bits(self._rounded) << MANTISSA_BITS)

    @property
    def fraction(self) -> Pair:
        """1 + p, whose parts may overlap a little."""
        head = self.w.ordered_sum(self.w.const(1.0), self.p.hi)
        return head if head.lo is None or self.p.lo is None else Pair(head.hi, head.lo + self.p.lo)

    def plus(self, x: float) -> Pair:
        """exp(x) + x, for moderate k, without rounding exp(x) first."""
        head = self.w.sum(self.power, self.w.const(x))
        return self.w.times_add(self.p, self.power, head)

    def rounded(self) -> Value:
        """exp(x) as the result."""
        if self.w.long:
            return self.w.scaled(self.fraction, self.k)
        return self.w.round(self.w.m.fma(self.power, self.p.hi, self.power))


def clamp(x: Value, low: float, high: float) -> Value:
    """x limited to [low, high]; NaN stays."""
    x = x.machine.select(x < low, low, x)
    return x.machine.select(x > high, high, x)


def polynomial(w: Arithmetic, r: Pair) -> Pair:
    """expm1(r) for |r| <= log(2)/2."""
    q = w.polynomial(EXP, r.hi)
    square = w.product(r.hi, r.hi)
    if square.lo is None:
        return Pair(w.m.fma(square.hi, w.m.fma(q, r.hi, 0.5), r.hi))
    # r + (r² / 2) + r³ q, the first two terms exact; the derivative of r² / 2 belongs to the low part of r
    head = w.ordered_sum(r.hi, square.hi * 0.5)
    low = w.m.fma(square.hi * r.hi, q, square.lo * 0.5)
    if r.lo is not None:
        low = low + w.m.fma(r.lo, r.hi, r.lo)
    return w.ordered_sum(head.hi, head.tail + low)


def reduce(w: Arithmetic, x: Number) -> Exponential:
    """exp(x) for |x| < 2**30 or so."""
    x = w.pair(x)
    magic = ROUNDER + EXPONENT_BIAS
    rounded = w.m.fma(x.hi, LOG2_E[0], magic)
    return Exponential(w, polynomial(w, w.residue(x, rounded - magic, LN2)), rounded)


def exp(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    return reduce(w, w.widen(clamp(x, *LIMITS[x.type]))).rounded()


def exp2(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of 2**x."""
    w = Arithmetic(m, x.type)
    low, high = {"float": (-151.0, 129.0), "double": (-1077.0, 1025.0)}[x.type]
    limited = w.widen(clamp(x, low, high + order))
    magic = ROUNDER + EXPONENT_BIAS
    rounded = limited + magic
    r = w.multiply(limited - (rounded - magic), LN2)
    e = Exponential(w, polynomial(w, r), rounded)
    if order:
        return w.scaled(w.multiply(e.fraction, w.power(LN2, order)), e.k)
    return e.rounded()


def expm1(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    e = reduce(w, w.widen(clamp(x, -100.0, LIMITS[x.type][1])))
    if w.long:  # 2**k * ((1 - 2**-k) + p); beyond k = 100 the subtracted number no longer counts
        head = w.sum(w.const(1.0), -w.power_of_two(-m.minimum(e.k, 100)))
        result = w.scaled(w.add(head, e.p), e.k)
    else:
        result = w.round(e.plus(-1.0))
    return m.copysign(result, x)
