"""gelu in both forms, with all derivatives: x Φ(x) with the normal distribution Φ, and x σ(v) with v near its logit.

Both satisfy g(x) = x + g(-x), so all that is needed is g and its derivatives at -|x|, where they are a power of e times
something of moderate size. With φ = Φ' and R of `error_function`, for y >= 0,

    g(-y) = -y φ(y) √(π/2) R(y/√2),    g'(-y) = φ(y) (√(π/2) R(y/√2) - y),    g⁽ⁿ⁾(x) = φ(x) P(x) for n >= 2,

with P from Hermite's polynomials. Of the tanh form, every σ⁽ᵏ⁾(v) is taken as in `logistic`, in one unrounded number.
Next to their zeros, first derivatives are power series (`zeros`).

Largest error in ulps for float, double: 0.501, 0.52. Derivatives: 0.501 in units of ulp + |slope| ulp(x) / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradtape.engine.elementary.algebraic import polynomial
from gradtape.engine.elementary.arithmetic import INF, Arithmetic, Pair
from gradtape.engine.elementary.coefficients import NORMAL_DENSITY, SQRT_EIGHT_OVER_PI, SQRT_HALF
from gradtape.engine.elementary.error_function import Decay, scaled_complement
from gradtape.engine.elementary.exponential import clamp
from gradtape.engine.elementary.zeros import near_zeros
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import logistic
from gradtape.ops.special_forms import gelu_cube, gelu_slope, gelu_tanh_weights

LIMITS = {"float": 24.0, "double": 60.0}
"""From here on exp(-x²/2), times anything in a derivative, is zero."""
TANH_LIMITS = {"float": 16.0, "double": 28.0}
"""The same for exp(-v)."""
SLOPE = sum((Fraction(part) for part in SQRT_EIGHT_OVER_PI), Fraction(0))
LARGE_ORDER = 12
"""Above this order the sums lose so many bits that a float result needs double-double, too."""


def mirrored(w: Arithmetic, x: Value, order: int, e: Decay, p: Pair) -> Value:
    """g(x) or g'(x), where that of -|x| is p times the power of two of e."""
    m = w.m
    left = e.scaled(p)
    start = w.const(1.0) if order else w.widen(x)
    right = w.round(w.add(start, w.negative(e.times(p)) if order else e.times(p)))
    value = m.select(x > 0.0, right, left)
    return value if order else m.copysign(m.select(m.equal(x, INF), x, value), x)


def gelu_erf(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x Φ(x)."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    wide = w.widen(clamp(x, -LIMITS[x.type], LIMITS[x.type]))
    y = m.abs(wide)
    e = Decay(w, w.times(w.product(y, y), 0.5))
    if order > 1:
        factor = polynomial(w, gelu_slope(order), Pair(wide))
        return e.scaled(w.multiply(w.multiply(e.fraction, NORMAL_DENSITY), factor))
    mills = w.times(scaled_complement(w, w.multiply(y, SQRT_HALF)), 0.5)
    p = w.subtract(mills, w.multiply(y, NORMAL_DENSITY)) if order else w.multiply(mills, -y)
    value = mirrored(w, x, order, e, w.multiply(e.fraction, p))
    return near_zeros(w, "gelu_erf", 1, wide, value) if order else value


def gelu_tanh(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    wide = w.widen(clamp(x, -TANH_LIMITS[x.type], TANH_LIMITS[x.type]))
    y = m.abs(wide)
    square = w.product(y, y)
    e = Decay(w, w.multiply(horner(w, [SLOPE, SLOPE * gelu_cube()], square), y))
    inverse = w.divide(1.0, w.add(1.0, e.value))
    if not order:
        return mirrored(w, x, order, e, w.multiply(w.multiply(e.fraction, inverse), -y))
    total: Pair | None = None
    for k, weight in reversed(list(enumerate(gelu_tanh_weights(order), 1))):
        total = None if total is None else w.multiply(total, inverse)
        if not any(weight):
            continue
        odd = next(i for i, c in enumerate(weight) if c) % 2
        term = horner(w, [c * SLOPE**k for c in weight[odd::2]], square)
        term = w.multiply(horner(w, logistic(k), e.value), term) if k > 1 else term
        if k % 2 == 0:
            term = w.multiply(term, e.one_minus())
        if odd:
            term = w.multiply(term, y)
        total = term if total is None else w.add(total, term)
    assert total is not None
    factor = w.multiply(e.fraction, inverse)
    if order == 1:
        value = mirrored(w, x, order, e, w.multiply(factor, w.subtract(1.0, w.multiply(total, inverse))))
        return near_zeros(w, "gelu_tanh", 1, wide, value)
    value = e.scaled(w.multiply(w.multiply(factor, inverse), total))
    return m.select(x < 0.0, -value, value) if order % 2 else value


def horner(w: Arithmetic, coefficients: Sequence[Fraction | int], z: Pair) -> Pair:
    """A polynomial with coefficients that are rounded to pairs, lowest first."""
    constants = [(float(c), float(c - Fraction(float(c)))) for c in coefficients]
    total = w.pair(constants[-1])
    for c in reversed(constants[:-1]):
        total = w.multiply_add(total, z, c)
    return total
