"""lgamma and digamma for x < 0, where they have zeros between the floating-point numbers.

A value next to a zero z is only as exact as the distance x - z, so z is kept in three doubles.

lgamma has two zeros per pair of poles, which soon lie closer to the poles than any floating-point number. Around each
|1/Γ(x)| - 1 = q has a power series that converges everywhere, and log|Γ(x)| = -log1p(q).

ψ has one zero in each of the 2**52 gaps between poles. ψ(-y) = ψ(y + 1) + π cot πy (NIST *Digital Library of
Mathematical Functions*, 5.5.4) is evaluated to 2**-101, in full double-double arithmetic; that suffices for every
float, and for doubles from the zeros on that lie 2**-48 away from the next double. Where zeros may lie closer, they are
in a table with their power series.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial

from gradtape.engine.elementary import tables
from gradtape.engine.elementary.algebraic import series
from gradtape.engine.elementary.arithmetic import ROUNDER, Arithmetic, Pair
from gradtape.engine.elementary.coefficients import LGAMMA_FIRST, LGAMMA_PAIRS, LGAMMA_TABLE, LN2, PI, PSI_TABLE
from gradtape.engine.elementary.logarithm import log1p_pair
from gradtape.engine.machine import Value
from gradtape.ops.special_forms import bernoulli

LGAMMA_NEAR = 0.1
PSI_NEAR = 2.0**-24
"""How far from a zero its power series is used."""
LARGEST_Q = 0.125
"""Where |q| is larger, the usual formula is as exact."""
PSI_SMALL = {"float": 0.0625, "double": 8.0}
"""Where |ψ| is larger, the usual formula is as exact."""
SHIFT = 24
"""ψ is taken at no less than this."""
LOG_TERMS, LOG_PAIRS = 21, 10
TURN_TERMS, TURN_PAIRS = 14, 9
ASYMPTOTIC_TERMS, ASYMPTOTIC_PAIRS = 14, 6
"""How many terms of the series of log, of sin and cos, and of ψ are needed for 2**-106, and how many are pairs."""


def around_zero(
    w: Arithmetic, x: Value, row: Value, table: tuple[tuple[float, ...], ...], offset: Callable[[int], int], pairs: int
) -> tuple[Pair, Pair]:
    """u = x - z with the zero z of this row of a table, and u (c₁ + c₂ u + …), where some coefficients are pairs."""
    m = w.m
    row = m.maximum(m.minimum(row, len(table) - 1), 0)
    columns = [m.table(offset(column), row) for column in range(len(table[0]))]
    distance = w.subtract(w.sum(x, -columns[0]), w.ordered_sum(columns[1], columns[2] if w.long else None))
    total = Pair(w.polynomial(columns[3 + 2 * pairs :], distance.hi))
    for k in reversed(range(pairs)):
        high, low = columns[3 + 2 * k], columns[4 + 2 * k]
        total = w.multiply_add(total, distance, Pair(high, low if w.long else None))
    return distance, w.multiply(distance, total)


def lgamma_near_zero(w: Arithmetic, x: Value) -> tuple[Value, Pair]:
    """Whether x is near one of the zeros of lgamma, and log|Γ(x)| there."""
    m = w.m
    row = w.to_integer(m.rint(m.maximum(x * -2.0, 0.0) - 0.5)) - LGAMMA_FIRST
    distance, q = around_zero(w, x, row, LGAMMA_TABLE, tables.lgamma_offset, LGAMMA_PAIRS)
    near = (m.abs(distance.hi) <= LGAMMA_NEAR) & (m.abs(q.hi) <= LARGEST_Q)
    return near, w.negative(log1p_pair(w, w.select(near, q, 0.0)))


def log_in_full(w: Arithmetic, x: Pair) -> Pair:
    """log(x) for x >= 1, to 2**-104."""
    k, fraction = w.split(x.hi)
    f = w.sum(fraction - 1.0, x.tail * w.power_of_two(-w.to_integer(k)))
    s = w.divide(f, w.times_add(f, 0.5, 1.0))
    terms = [Fraction(1, (2 * n + 1) * 4**n) for n in range(LOG_TERMS)]
    return w.add(w.multiply(k, LN2), w.multiply(s, series(w, terms, w.multiply(s, s), LOG_PAIRS)))


def cotangent(w: Arithmetic, y: Value) -> Pair:
    """cot(πy) for y >= 0, to 2**-103 of itself; NaN where it is infinite."""
    m = w.m
    whole = y - m.rint(y * 0.5) * 2.0  # exact, from -1 to 1
    rounded = whole * 2.0 + ROUNDER
    r = w.multiply(whole - (rounded - ROUNDER) * 0.5, PI)
    square = w.multiply(r, r)
    sines = [Fraction((-1) ** n, factorial(2 * n + 1)) for n in range(TURN_TERMS)]
    cosines = [Fraction((-1) ** n, factorial(2 * n)) for n in range(TURN_TERMS)]
    sine = w.multiply(r, series(w, sines, square, TURN_PAIRS))
    cosine = series(w, cosines, square, TURN_PAIRS)
    even = m.equal(m.bits(rounded) & 1, 0)
    return w.divide(w.select(even, cosine, w.negative(sine)), w.select(even, sine, cosine))


def digamma_below_zero(w: Arithmetic, y: Value) -> Value:
    """ψ(-y) for 2**-70 <= y <= 2**70, for arithmetic with low parts."""
    m = w.m
    small = y < float(SHIFT)
    inside = m.select(small, y, 1.0)
    total = w.divide(1.0, w.sum(inside, w.const(1.0)))
    for j in range(2, SHIFT):
        total = w.add(total, w.divide(1.0, w.sum(inside, w.const(float(j)))))
    at = w.sum(y, m.select(small, w.const(float(SHIFT)), 0.0))
    inverse = w.divide(1.0, at)
    square = w.multiply(inverse, inverse)
    terms = [-bernoulli(2 * k) / (2 * k) for k in range(1, ASYMPTOTIC_TERMS + 1)]
    value = w.multiply(series(w, terms, square, ASYMPTOTIC_PAIRS), square)
    # ψ(y + 1) = ψ(y) + 1/y, or ψ(y + SHIFT) less the steps from there
    value = w.add(value, w.select(small, w.times(inverse, -0.5), w.times(inverse, 0.5)))
    value = w.subtract(value, w.select(small, total, 0.0))
    result = w.round(w.add(w.add(value, log_in_full(w, at)), w.multiply(cotangent(w, y), PI)))
    if w.type == "double":
        row = w.to_integer(m.rint(m.minimum(y, 2.0**20) - 0.5))
        distance, near = around_zero(w, -y, row, PSI_TABLE, tables.psi_offset, 1)
        result = m.select(m.abs(distance.hi) <= PSI_NEAR, w.round(near), result)
    return result
