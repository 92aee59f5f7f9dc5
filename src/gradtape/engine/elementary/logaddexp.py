"""Functions of x - y, where the difference is not rounded first: exp(x - y), sigmoid(x - y), log(exp(x) + exp(y)).

Equal infinities differ by 0, so that the functions have their limits on the diagonal: exp(inf - inf) is 1.

logaddexp is the larger argument plus log1p(exp(-|x - y|)). These nearly cancel where exp(x) + exp(y) is next to 1; a
float is then computed with low parts, too.
"""

from __future__ import annotations

from gradtape.engine.elementary import exponential
from gradtape.engine.elementary.arithmetic import INF, Arithmetic, Pair
from gradtape.engine.elementary.exponential import LIMITS, clamp
from gradtape.engine.elementary.logarithm import log1p_pair, with_domain
from gradtape.engine.elementary.logistic import LARGE_ORDER, Decay, derivative
from gradtape.engine.machine import Machine, Value

CANCELLED = 2.0**-6
"""What must remain of the larger argument in a sum that is computed without low parts."""

SMALLEST_POWER = -900
"""A number below 2 to this power is too small for a low part."""

SHORT_LIMITS = (-700.0, 709.0)


def difference(w: Arithmetic, x: Value, y: Value, low: float, high: float) -> Pair:
    """x - y limited to [low, high]; 0 where they are equal."""
    m = w.m
    exact = w.sum(x, -y)
    head = m.select(m.equal(x, y), w.const(0.0), exact.hi)
    if exact.lo is None:
        return Pair(clamp(head, low, high))
    return Pair(clamp(head, low, high), m.select((exact.hi > low) & (exact.hi < high), exact.lo, 0.0))


def exp_difference(m: Machine, x: Value, y: Value, short: int = 0) -> Value:
    """exp(x - y). `short` makes a double with as many bits as a float needs."""
    w = Arithmetic(m, x.type, long=False if short else None)
    if not short or x.type == "float":
        return exponential.reduce(w, difference(w, w.widen(x), w.widen(y), *LIMITS[x.type])).rounded()
    d = difference(w, x, y, *SHORT_LIMITS)
    return m.select(d.hi > SHORT_LIMITS[0], exponential.reduce(w, d).rounded(), m.select(m.is_nan(d.hi), d.hi, 0.0))


def log_excess(m: Machine, x: Value, short: int) -> Value:
    """log(1 + x). `short` makes a double with as many bits as a float needs."""
    w = Arithmetic(m, x.type, long=False if short else None)
    return with_domain(m, x + 1.0, w.round(log1p_pair(w, w.widen(x))))


def total(w: Arithmetic, top: Value, d: Pair) -> Pair:
    """top + log1p(exp(d)) for d ≤ 0, where that is not far below the smallest normal number."""
    e = exponential.reduce(w, d)
    if not w.long:
        return w.add(top, log1p_pair(w, w.times_add(e.p, e.power, e.power)))
    small = e.k < SMALLEST_POWER
    value = w.times(e.fraction, w.power_of_two(w.m.maximum(e.k, SMALLEST_POWER)))
    far = w.pair(top + w.scaled(e.fraction, e.k)) if w.type == "double" else w.pair(top)
    return w.select(small, far, w.add(top, log1p_pair(w, value)))


def logaddexp(m: Machine, x: Value, y: Value) -> Value:
    w = Arithmetic(m, x.type)
    a, b = w.widen(x), w.widen(y)
    below = a < b
    top, least = m.select(below, b, a), m.select(below, a, b)

    def sum_with(w: Arithmetic) -> Value:
        return w.round(total(w, top, difference(w, least, top, LIMITS[x.type][0], 0.0)))

    result = sum_with(w)
    if not w.long:
        cancelled = m.abs(w.widen(result)) < m.abs(top) * CANCELLED
        (result,) = m.rarely(cancelled, lambda: [sum_with(Arithmetic(m, x.type, long=True))], [result])
    result = m.select(m.equal(m.abs(top), INF), w.round(top), result)
    return m.select(m.is_nan(x) | m.is_nan(y), x + y, result)


def sigmoid_difference(m: Machine, x: Value, y: Value, order: int) -> Value:
    """The derivative of this order of the logistic function, at x - y."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    limit = -LIMITS[x.type][0] + max(order, LARGE_ORDER)
    d = difference(w, w.widen(x), w.widen(y), -limit, limit)
    if order:
        return derivative(w, d, order)
    e = Decay(w, d)
    negative = d.hi < 0.0
    k = None if e.k is None else m.select(negative, e.k, 0)
    return w.scaled(w.multiply(w.select(negative, e.fraction, 1.0), e.inverse()), k)
