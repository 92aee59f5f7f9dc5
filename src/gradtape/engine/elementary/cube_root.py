"""The cube root and its derivatives: x = 2**(3q) g with g between 0.35 and 2.83, where powers of g cannot overflow.

1/cbrt(g) comes from the Taylor polynomial of (1 + v)^(-1/3) and one step of an iteration of order four (Householder's);
a double gets one more step, whose residual g - r³ is computed in double-double.

Largest error in units of ulp + |slope| ulp(x) / 2 (for values in ulps), at every order tested: float 0.501, double
0.51.
"""

from __future__ import annotations

from fractions import Fraction

from gradtape.engine.elementary.algebraic import constant
from gradtape.engine.elementary.arithmetic import INF, Arithmetic, Pair
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import cube_root_slope

ROOT = Fraction(51, 50)
"""Its cube is the middle of the interval of the mantissa."""
CBRT_2 = 1.2599210498948732
CBRT_HALF = 0.7937005259840998


def inverse_terms(count: int) -> list[Fraction]:
    """The first coefficients of (1 + v)^(-1/3) / ROOT."""
    terms = [1 / ROOT]
    for i in range(1, count):
        terms.append(terms[-1] * (Fraction(-1, 3) - (i - 1)) / i)
    return terms


def root(w: Arithmetic, x: Value) -> tuple[Pair, Value, Value]:
    """The root of g, g and q for 0 < x < inf."""
    m = w.m
    k, mantissa = w.split(x)
    q = m.rint(k * (1.0 / 3.0))
    odd = k - q * 3.0  # -1, 0 or 1
    up, down = odd > 0.0, odd < 0.0
    g = mantissa * m.select(up, w.const(2.0), m.select(down, w.const(0.5), 1.0))
    v = m.fma(mantissa, float(1 / ROOT**3), -1.0)
    y = w.polynomial([float(c) for c in inverse_terms(7)], v)
    y = y * m.select(up, w.const(CBRT_HALF), m.select(down, w.const(CBRT_2), 1.0))
    h = m.fma(-g * y, y * y, 1.0)
    y = m.fma(y * h, w.polynomial([1 / 3, 2 / 9, 14 / 81], h), y)
    r = g * y * y
    if not w.long:
        return Pair(r), g, w.to_integer(q)
    residual = w.subtract(g, w.multiply(w.product(r, r), r))
    return w.ordered_sum(r, residual.hi * (y * y) * (1.0 / 3.0)), g, w.to_integer(q)


def cbrt(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of the real cube root; at 0 infinite, of the sign of the limit from x's side."""
    w = Arithmetic(m, x.type)
    size = m.abs(x)
    usual = (size > 0.0) & (size < INF)
    r, g, q = root(w, w.widen(m.select(usual, size, 1.0)))
    if not order:
        return m.select(usual, m.copysign(w.scaled(r, q), x), x)
    slope = cube_root_slope(order)
    most = 2000 if w.long else 600
    k = m.maximum(m.minimum(q * (1 - 3 * order), most), -most)
    value = w.scaled(w.divide(w.multiply(r, constant(w, slope)), w.power(Pair(g), order)), k)
    limit = (1.0 / x if order % 2 == 0 else 1.0 / size) * (1.0 if slope > 0 else -1.0)
    return m.select(usual, m.select(x < 0.0, -value, value) if order % 2 == 0 else value, limit)
