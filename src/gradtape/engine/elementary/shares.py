"""Parts of functions of rows in float64, for softmax and its logarithms.

The sum Σ exp(x - m) of a row with the largest element m is handed over as three numbers: how many elements are m, and
of the terms of all others the sum of leading bits and the sum of what these lack. The latter are times 2**RAISED, so
that no term is subnormal.

A share that is subnormal is rounded twice. The largest errors of softmax and its like are in docs/accuracy.md.
"""

from __future__ import annotations

from gradtape.engine.elementary import exponential
from gradtape.engine.elementary.arithmetic import INF, Arithmetic, Pair
from gradtape.engine.elementary.logaddexp import difference
from gradtape.engine.elementary.logarithm import log1p_pair
from gradtape.engine.machine import Machine, Value

RAISED = 160
LOWEST = -780.0
"""exp of what is not above counts as 0; it is far less than the smallest subnormal number."""
SMALL = 2.0**-700


def minor_term(m: Machine, x: Value, top: Value, grid: Value, part: int) -> Value:
    """exp(x - top) times 2**RAISED where x < top, else 0: what adding the grid and subtracting it leaves of that, or
    what this lacks."""
    w = Arithmetic(m, x.type)
    below = difference(w, x, top, LOWEST, 0.0)
    e = exponential.reduce(w, below)
    term = w.times(w.ordered_sum(e.fraction.hi, e.fraction.lo), w.power_of_two(e.k + RAISED))
    head = (term.hi + grid) - grid
    outside = m.equal(x, top) | (below.hi <= LOWEST)
    return m.select(outside, 0.0, (term.hi - head) + term.tail if part else head)


def minor_sum(w: Arithmetic, head: Value, tail: Value) -> Pair:
    """The sum of all terms but the largest."""
    return w.times(w.sum(head, tail), 2.0**-RAISED)


def share(m: Machine, x: Value, top: Value, count: Value, head: Value, tail: Value, part: int) -> Value:
    """exp(x - top) divided by the sum of a row: the nearest number, or what that lacks, times 2**RAISED."""
    w = Arithmetic(m, x.type)
    below = difference(w, x, top, LOWEST, 0.0)
    e = exponential.reduce(w, below)
    ratio = w.divide(e.fraction, w.add(count, minor_sum(w, head, tail)))
    nearest = w.scaled(ratio, e.k)
    if not part:
        return nearest
    exact = w.times(ratio, w.power_of_two(e.k + RAISED))
    return m.select(below.hi <= LOWEST, 0.0, (exact.hi - nearest * 2.0**RAISED) + exact.tail)


def log_total(m: Machine, count: Value, head: Value, tail: Value, part: int) -> Value:
    """The logarithm of the sum of a row: the nearest number, or what that lacks."""
    w = Arithmetic(m, count.type)
    excess = w.add(count - 1.0, minor_sum(w, head, tail))
    found = log1p_pair(w, excess)
    found = w.ordered_sum(found.hi, found.lo)
    return m.select(m.is_nan(excess.hi), excess.hi, found.tail if part else found.hi)


def log_share(m: Machine, x: Value, top: Value, log: Value, low: Value) -> Value:
    """(x - top) - (log + low), where x - top is 0 if these are equal."""
    w = Arithmetic(m, x.type)
    below = difference(w, x, top, -INF, INF)
    return m.select(m.abs(below.hi) < INF, w.round(w.subtract(below, Pair(log, low))), below.hi)


def product_rest(m: Machine, p: Value, low: Value, x: Value, y: Value, unit: Value) -> Value:
    """(p + low / 2**RAISED) (x - y) unit without the number that p unit (x - y) is rounded to."""
    w = Arithmetic(m, p.type)
    d = w.sum(x, -y)
    product = w.product(p * unit, d.hi)
    return product.tail + m.fma(p * unit, d.tail, low * (unit * 2.0**-RAISED) * d.hi)


def share_slope(m: Machine, p: Value, low: Value, x: Value, y: Value, head: Value, tail: Value, unit: Value) -> Value:
    """(p + low / 2**RAISED) (x - y - (head + tail) / unit), for a unit that is a power of two and not below 1. A factor
    that may be subnormal is raised, so that it has all digits."""
    w = Arithmetic(m, p.type)
    one, raised, lowered = w.const(1.0), w.const(2.0**RAISED), w.const(2.0**-RAISED)
    d, mean, back = w.sum(x, -y), w.sum(head, tail), 1.0 / unit
    small = m.abs(d.hi) < SMALL
    d = w.subtract(w.times(d, m.select(small, unit, one)), w.times(mean, m.select(small, one, back)))
    tiny = p < SMALL
    share = w.ordered_sum(p * m.select(tiny, raised, one), low * m.select(tiny, one, lowered))
    result = w.round(w.multiply(share, d)) * m.select(tiny, lowered, one) * m.select(small, back, one)
    return m.select(m.is_nan(result), p * ((x - y) - (head + tail) * back), result)
