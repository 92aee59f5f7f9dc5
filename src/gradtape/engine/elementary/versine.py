"""1 - cos x and sin(x)/x, where the sine and cosine as they are would cancel.

1 - cos x is 2 sin²(x/2). The derivatives of f = sin(x)/x follow from f x = sin x,

    f⁽ⁿ⁾ = (sin⁽ⁿ⁾(x) - n f⁽ⁿ⁻¹⁾) / x,

and where this cancels, for small x, from the Taylor series, of which the exact coefficients are known.

Largest error in ulps for float, double: versine 0.501, 0.71; sine_ratio 0.501, 0.52. Derivatives: 0.5 in the
mixed measure.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from gradtape.engine.elementary.arithmetic import Arithmetic, Pair
from gradtape.engine.elementary.trigonometric import turn, with_sign
from gradtape.engine.machine import Machine, Value

NEAR = 3.0
"""Below it the series is taken, for derivatives of small order."""


def versine(m: Machine, x: Value) -> Value:
    """1 - cos x."""
    w = Arithmetic(m, x.type)
    t = turn(w, w.widen(x) * 0.5)
    half = w.select(m.equal(t.quadrant & 1, 0), t.sin, t.cos)
    return w.round(w.multiply(half, w.times(half, 2.0)))


def sine_ratio(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of sin(x)/x, smooth at 0."""
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    near = max(NEAR, order / 2)
    t = turn(w, wide)
    even = m.equal(t.quadrant & 1, 0)
    sin, cos = w.select(even, t.sin, t.cos), w.select(even, t.cos, t.sin)
    slopes = [_signed(w, sin, t.quadrant), _signed(w, cos, t.quadrant + 1)]
    far = w.divide(slopes[0], wide)
    for n in range(1, order + 1):
        slope = slopes[n % 2] if n % 4 < 2 else w.negative(slopes[n % 2])
        far = w.divide(w.subtract(slope, w.multiply(float(n), far)), wide)
    result = w.round(w.select(m.abs(wide) < near, _series(w, wide, order, near), far))
    return m.select(m.equal(x, 0.0), x * 0.0, result) if order % 2 and w.long else result


def _signed(w: Arithmetic, p: Pair, quadrant: Value) -> Pair:
    return Pair(with_sign(w.m, p.hi, quadrant), None if p.lo is None else with_sign(w.m, p.lo, quadrant))


def _series(w: Arithmetic, x: Value, order: int, near: float) -> Pair:
    """The Taylor series, for |x| < near; only the first terms matter so much that they need low parts."""
    terms: list[Fraction] = []
    n = (order + 1) // 2
    while not terms or abs(terms[-1]) * Fraction(near) ** (2 * n) > 2.0**-62 * abs(terms[0]):
        terms.append(Fraction((-1) ** n, (2 * n + 1) * factorial(2 * n - order)))
        n += 1
    square = w.product(x, x)
    leading = len(terms) // 2
    total = Pair(w.polynomial([float(c) for c in terms[leading:]], square.hi))
    for c in reversed(terms[:leading]):
        total = w.multiply_add(total, square, (float(c), float(c - Fraction(float(c)))))
    return w.multiply(total, x) if order % 2 else total
