"""x log(y), x log(1 + y) and their derivatives by y, (-1)^(n-1) (n-1)! x / yⁿ, in one rounding; 0 where x is 0."""

from __future__ import annotations

from math import factorial

from gradtape.engine.elementary.algebraic import constant, scale
from gradtape.engine.elementary.arithmetic import INF, Arithmetic, Pair
from gradtape.engine.elementary.logarithm import log1p_pair, log_pair, with_domain
from gradtape.engine.machine import Machine, Value

SMALL = 2.0**-400
LIFT = 512
"""A smaller logarithm is multiplied by two to this power on the way: a subnormal product has few digits."""


def times_logarithm(w: Arithmetic, x: Value, logarithm: Pair, inside: Value) -> Value:
    """x times the logarithm of `inside`."""
    m = w.m
    a, k = w.widen(x), None
    factor = logarithm
    if w.long:
        up, k = scale(w, m.abs(a))
        small = m.abs(logarithm.hi) < SMALL
        a, k = a * up, -k - m.select(small, LIFT, m.const("i64", 0))
        factor = w.times(logarithm, m.select(small, 2.0**LIFT, w.const(1.0)))
    value = w.scaled(w.multiply(factor, a), k)
    usual = (inside > 0.0) & (inside < INF) & (m.abs(x) < INF)
    value = m.select(usual, value, x * with_domain(m, inside, w.round(logarithm)))
    return m.select(m.equal(x, 0.0), m.const(x.type, 0.0), value)


def xlogy(m: Machine, x: Value, y: Value) -> Value:
    w = Arithmetic(m, x.type)
    return times_logarithm(w, x, log_pair(w, w.widen(y)), y)


def xlog1py(m: Machine, x: Value, y: Value) -> Value:
    w = Arithmetic(m, x.type)
    return times_logarithm(w, x, log1p_pair(w, w.widen(y)), y + 1.0)


def xlogy_slope(m: Machine, x: Value, y: Value, order: int, shift: int) -> Value:
    """The derivative of this order, at least 1, of x log(shift + y) by y."""
    w = Arithmetic(m, x.type)
    a, b = w.widen(x), w.widen(y)
    base = w.sum(w.const(1.0), b) if shift else Pair(b)
    c = (-1) ** (order - 1) * factorial(order - 1)
    value = a * float(c)
    for _ in range(order):
        value = value / base.hi
    value = w.round(value)
    if w.long:  # that was for poles and infinities
        up, above = scale(w, m.abs(a))
        down, below = scale(w, m.abs(base.hi))
        result = w.divide(w.multiply(constant(w, c), a * up), w.power(w.times(base, down), order))
        k = m.maximum(m.minimum(below * order - above, 2000), -2000)
        usual = (m.abs(base.hi) > 0.0) & (m.abs(base.hi) < INF) & (m.abs(a) < INF)
        value = m.select(usual, w.scaled(result, k), value)
    return m.select(m.equal(x, 0.0), m.const(x.type, 0.0), value)
