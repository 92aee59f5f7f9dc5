"""atan2, atan, asin, acos: the angle of a point (x, y) in the plane, which may be given by pairs.

The larger coordinate divides, and atan(t) = atan(c) + atan((t - c) / (1 + c t)) with c = 0, 1/2 or 1 leaves |u| <= 1/4
for the polynomial (fdlibm's idea; these c multiply exactly). As t = n/d enters as two numbers, there is one division.
asin and acos are angles on the unit circle, with ``sqrt(1 - x²)`` as a pair.

Largest error in ulps for float, double: asin 0.503, 0.54; acos 0.501, 0.55; atan 0.503, 0.54; atan2 0.502, 0.67
(0.54 where the result is not subnormal).
"""

from __future__ import annotations

from gradtape.engine.elementary.algebraic import inverse_derivative
from gradtape.engine.elementary.arithmetic import (
    EXPONENT_BIAS,
    EXPONENT_MASK,
    INF,
    MANTISSA_BITS,
    Arithmetic,
    Number,
    Pair,
)
from gradtape.engine.elementary.coefficients import ATAN, ATAN_HALF, HALF_PI, PI, QUARTER_PI
from gradtape.engine.machine import Machine, Value


def angle(w: Arithmetic, y: Number, x: Number, left: Value | None = None) -> Pair:
    """The angle of (x, y), or of (-x, y) where `left` holds; x, y >= 0 and finite, not both zero."""
    m, y, x = w.m, w.pair(y), w.pair(x)
    steep = y.hi > x.hi
    small, large = w.select(steep, x, y), w.select(steep, y, x)
    half, one = small.hi > large.hi * 0.25, small.hi > large.hi * 0.65
    c = m.select(one, w.const(1.0), m.select(half, w.const(0.5), 0.0))
    base = w.select(one, QUARTER_PI, w.select(half, ATAN_HALF, 0.0))
    u = w.divide(w.times_add(large, -c, small), w.times_add(small, c, large))
    result = w.add(base, w.odd(ATAN, u))
    result = w.select(steep, w.subtract(HALF_PI, result), result)
    return result if left is None else w.select(left, w.subtract(PI, result), result)


def normalizer(w: Arithmetic, x: Value) -> tuple[Value, Value]:
    """A power of two 2**-k that brings x near 2**500 (subnormals: above 2**-52), and k as i64.

    There, squares do not overflow, and what is lost in a smaller number is too small to matter.
    """
    target = 2 * EXPONENT_BIAS + 500
    exponent = w.m.minimum(target - ((w.m.bits(x) & EXPONENT_MASK) >> MANTISSA_BITS), 2 * EXPONENT_BIAS)
    return w.m.from_bits(exponent << MANTISSA_BITS), EXPONENT_BIAS - exponent


def atan2(m: Machine, y: Value, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    wide_x, wide_y = w.widen(x), w.widen(y)
    b, a = m.abs(wide_y), m.abs(wide_x)
    longest = m.select(b > a, b, a)
    infinite, zero = m.equal(longest, INF), m.equal(longest, 0.0)
    if w.long:
        factor, _ = normalizer(w, longest)
        b, a = b * factor, a * factor
    b, a = (m.select(infinite, m.select(m.equal(part, INF), w.const(1.0), 0.0), part) for part in (b, a))
    a = m.select(zero, 1.0, a)
    left = m.bits(wide_x) < 0
    result = m.copysign(w.round(angle(w, b, a, left)), y)
    return m.select(m.compare("eq", x, x) & m.compare("eq", y, y), result, x + y)


def atan(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of atan."""
    if order:
        return inverse_derivative(m, x, "atan", order)
    w = Arithmetic(m, x.type)
    wide = m.abs(w.widen(x))
    return m.copysign(w.round(angle(w, m.select(wide > 2.0**60, 2.0**60, wide), 1.0)), x)


def cathetus(w: Arithmetic, x: Value) -> Pair:
    """sqrt(1 - x²), NaN for |x| > 1."""
    return w.sqrt(w.subtract(1.0, w.product(x, x)))


def asin(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of asin."""
    if order:
        return inverse_derivative(m, x, "asin", order)
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    return m.copysign(w.round(angle(w, m.abs(wide), cathetus(w, wide))), x)


def acos(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of acos."""
    if order:
        return inverse_derivative(m, x, "acos", order)
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    return w.round(angle(w, cathetus(w, wide), m.abs(wide), wide < 0.0))
