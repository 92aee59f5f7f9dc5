"""sinc(x) = sin(πx) / (πx) and its derivatives, without rounding πx: x = n/2 + r exactly, and sin and cos of πr.

A derivative is, near 0, its power series in (πx)²; beyond, the recurrence x f⁽ᵏ⁾ + k f⁽ᵏ⁻¹⁾ = πᵏ⁻¹ sin⁽ᵏ⁾(πx), every
step of which multiplies the error by k / (πx).

Largest error in units of ulp + |slope| ulp(x) / 2 (of values and of the first derivative of double in ulps), for orders
0 to 3: float 0.51, 0.71, 0.51, 0.51, double 0.69, 0.90, 0.56, 0.75 (docs/accuracy.md). The first derivative of double
has at most 0.51 next to its zeros.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from gradtape.engine.elementary.algebraic import constant, series
from gradtape.engine.elementary.arithmetic import INF, ROUNDER, Arithmetic, Pair
from gradtape.engine.elementary.coefficients import PI
from gradtape.engine.elementary.trigonometric import turn_of, with_sign
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import sinc_terms

SMALL = 2.0**-30
"""Up to here sinc(x) rounds to 1."""
WHOLE = 2.0**54
"""From here on every float is an even number."""
PLAIN = 3
"""Up to this order a float needs no low parts, and a double only those of the first terms of the series."""
TERMS = 14
"""(π/4)²⁸/28! is below 2**-106."""
EXACT_PI = Fraction(PI[0]) + Fraction(PI[1])


def half_turns(w: Arithmetic, x: Value, exact: bool) -> tuple[Pair, Pair]:
    """sin(πx) and cos(πx) for x >= 0; if `exact`, both are right to the last bits of their low parts."""
    m = w.m
    x = m.select(x < WHOLE, x, 0.0)
    n = m.rint(x * 2.0)
    quadrant = m.bits(n - m.rint(n * 0.25) * 4.0 + ROUNDER)
    y = w.multiply(m.fma(n, -0.5, x), PI)
    sin, cos = exact_turn(w, y) if exact else turn_of(w, y, quadrant)[:2]
    even = m.equal(quadrant & 1, 0)
    sin, cos = w.select(even, sin, cos), w.select(even, cos, sin)
    return in_quadrant(m, sin, quadrant), in_quadrant(m, cos, quadrant + 1)


def exact_turn(w: Arithmetic, y: Pair) -> tuple[Pair, Pair]:
    """sin(y) and cos(y) for |y| <= π/4, every term of their power series as a pair."""
    square = w.multiply(y, y)
    sin, cos = (
        series(w, [Fraction((-1) ** k, factorial(2 * k + odd)) for k in range(TERMS)], square, TERMS - 1)
        for odd in (1, 0)
    )
    return w.multiply(sin, y), cos


def in_quadrant(m: Machine, p: Pair, quadrant: Value) -> Pair:
    return Pair(with_sign(m, p.hi, quadrant), None if p.lo is None else with_sign(m, p.lo, quadrant))


def turning_point(order: int) -> Fraction:
    """Below, the power series is used."""
    return Fraction(1, 2) if order <= PLAIN else Fraction(order, 4)


def near_zero(w: Arithmetic, x: Value, order: int) -> Pair:
    """The derivative for 0 <= x <= turning_point(order)."""
    largest = (EXACT_PI * turning_point(order)) ** 2
    count, bits = 1, 66 if w.long else 40
    while True:
        *_, term = terms = sinc_terms(order, count)
        if abs(term) * largest ** (count - 1) < abs(terms[0]) / 2**bits:
            break
        count += 1
    y = w.multiply(x, PI)
    exact = 4 if order <= PLAIN else count - 1
    odd = order % 2
    total = w.multiply(series(w, terms, w.multiply(y, y), exact), constant(w, EXACT_PI ** (order + odd)))
    return w.multiply(total, x) if odd else total


def sinc(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of sin(πx) / (πx); far out it is 0."""
    w = Arithmetic(m, x.type, long=True if order > PLAIN else None)
    size = m.abs(x)
    wide = w.widen(m.select(size < INF, size, 1.0))
    smallest = float(turning_point(order)) if order else SMALL
    far = m.select(wide > smallest, wide, smallest)
    sin, cos = half_turns(w, far, exact=order == 1 and w.long)  # next to a zero, a first derivative is right, too
    value = w.divide(w.multiply(sin, constant(w, 1 / EXACT_PI)), far)
    for k in range(1, order + 1):
        change = w.multiply(cos if k % 2 else sin, constant(w, EXACT_PI ** (k - 1) * (-1 if k % 4 >= 2 else 1)))
        value = w.divide(w.subtract(change, w.multiply(value, float(k))), far)
    if order:
        near = wide < smallest
        value = w.select(near, near_zero(w, m.select(near, wide, smallest), order), value)
    rounded = w.round(value)
    if not order:
        rounded = rounded + 0.0  # no zero is negative
    if order % 2:
        rounded = m.select(x < 0.0, -rounded, rounded)
    return m.select(size < INF, rounded, m.select(m.is_nan(x), x, 0.0))
