"""sigmoid, tanh and softplus: all derivatives of the logistic function as one family.

With e = exp(-|x|), for n >= 1,

    sigmoid^(n)(|x|) = e N(e) / (1 + e)^(n+1),    N_1 = 1,  N_(n+1) = (n + 1) e N_n - (1 + e) (N_n + e N_n'),

where the coefficients of N are Eulerian numbers with alternating signs (`gradtape.ops.closed_forms.eulerian`). For even
n the function is odd and N has the factor 1 - e, which is taken out as -expm1(-|x|), so that the result is relatively
accurate at zero too. tanh^(n)(x) = 2^(n+1) sigmoid^(n)(2x). No derivative is made from a rounded function value, and e
is kept as fraction * 2^k, so no tail underflows early.

Largest error in ulps for float, double: sigmoid 0.502, 0.73; tanh 0.506, 0.54; softplus 0.502, 0.73 (subnormal doubles,
else 0.53). Derivatives: 0.5 in units of ulp + |slope| ulp(x) / 2, at every order tested.
"""

from __future__ import annotations

from fractions import Fraction

from gradtape.engine.elementary import exponential
from gradtape.engine.elementary.algebraic import constant
from gradtape.engine.elementary.arithmetic import Arithmetic, Pair
from gradtape.engine.elementary.exponential import clamp
from gradtape.engine.elementary.logarithm import log1p_pair
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import logistic

SATURATED = 40.0
"""From here on softplus(x) is x, also for double."""

LIFT = 512
"""Factors that may be as small as the smallest double are multiplied by this power of two on the way."""

LARGE_ORDER = 16
"""Above this order the alternating sum loses so many bits that a float result needs double-double, too."""


def limited(x: Value, order: int) -> Value:
    """x up to where exp(-|x|) times anything in a derivative of this order is zero; one limit for the usual orders,
    so that they share their exponential."""
    limit = {"float": 104.0, "double": 746.0}[x.type] + max(order, LARGE_ORDER)
    return clamp(x, -limit, limit)


class Decay:
    """e = exp(-|x|), as a pair and as ``fraction * 2**k``; k is None where a double cannot underflow."""

    def __init__(self, w: Arithmetic, x: Value | Pair):
        x = w.pair(x)
        low = None if x.lo is None else w.m.select(x.hi < 0.0, x.lo, -x.lo)
        exp = exponential.reduce(w, Pair(-w.m.abs(x.hi), low))
        self.w = w
        self.p = exp.p
        if w.long:
            self.k: Value | None = exp.k
            self.power = w.power_of_two(w.m.maximum(exp.k, -300))
            self.fraction = exp.fraction
            self.value = w.times(self.fraction, self.power)
        else:
            self.k = None
            self.power = exp.power
            self.fraction = self.value = w.times_add(self.p, self.power, self.power)

    def one_minus(self) -> Pair:
        """1 - e, relatively accurate near x = 0."""
        w = self.w
        return w.times_add(self.p, -self.power, w.sum(w.const(1.0), -self.power))

    def inverse(self) -> Pair:
        """1 / (1 + e)."""
        return self.w.divide(1.0, self.w.add(1.0, self.value))


def bits(order: int) -> int:
    """The size of the largest coefficient of N."""
    return max(map(abs, logistic(order))).bit_length() - 1


def numerator(w: Arithmetic, e: Decay, order: int, size: int) -> Pair | None:
    """N(e) / 2**size, so that no order overflows on the way; None is 1. For even order without the factor 1 - e."""
    coefficients = logistic(order)
    if coefficients == (1,) and not size:
        return None
    constants = [constant(w, Fraction(c, 1 << size)) for c in coefficients]
    total = constants[-1]
    for c in reversed(constants[:-1]):
        total = w.multiply_add(total, e.value, c)
    return total


def finished(w: Arithmetic, e: Decay, x: Pair, size: int) -> Value:
    """x * 2**(k + size) as the result, where k is the exponent of the fraction of e."""
    if e.k is None:
        return w.round(w.times(x, 2.0**size) if size else x)
    return w.scaled(x, w.m.maximum(w.m.minimum(e.k + size, 2000), -2000))


def derivative(w: Arithmetic, x: Value | Pair, order: int, scale: int = 0) -> Value:
    """2**scale * sigmoid^(order)(x) for order >= 1; x is wide, the result is rounded to its type."""
    m = w.m
    e = Decay(w, x)
    size = bits(order)
    total = numerator(w, e, order, size)
    total = e.fraction if total is None else w.multiply(total, e.fraction)
    if order % 2 == 0:
        difference = e.one_minus()
        if e.k is not None:  # it may be as small as the smallest double, the product with `total` must not be
            difference, size = w.times(difference, 2.0**LIFT), size - LIFT
        total = w.multiply(total, difference)
    rounded = finished(w, e, w.multiply(total, w.power(e.inverse(), order + 1)), size + scale)
    return m.select(w.pair(x).hi < 0.0, -rounded, rounded) if order % 2 == 0 else rounded


def sigmoid(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of 1 / (1 + exp(-x))."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    wide = w.widen(limited(x, order))
    if order:
        return derivative(w, wide, order)
    e = Decay(w, wide)
    negative = wide < 0.0
    k = None if e.k is None else m.select(negative, e.k, 0)
    return w.scaled(w.multiply(w.select(negative, e.fraction, 1.0), e.inverse()), k)


def tanh(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of tanh(x)."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    twice = 2.0 * w.widen(limited(x, order))
    if order:
        return derivative(w, twice, order, scale=order + 1)
    e = Decay(w, twice)
    return m.copysign(w.round(w.multiply(e.one_minus(), e.inverse())), x)


def softplus(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    e = Decay(w, w.widen(limited(x, 0)))
    result = w.round(w.add(m.select(wide < 0.0, 0.0, wide), log1p_pair(w, e.value)))
    if e.k is not None:  # far out log1p(e) is e, with its own exponent
        result = m.select(x < -SATURATED, w.scaled(e.fraction, e.k), result)
        result = m.select(x > SATURATED, x, result)
    return result
