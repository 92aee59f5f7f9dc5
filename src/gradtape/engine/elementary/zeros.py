"""Derivatives next to their zeros, by power series there.

A value next to a zero z is only as exact as the distance x - z, so z is kept in three doubles. Every other formula is
the difference of two terms that nearly agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from gradtape.engine.elementary.arithmetic import Arithmetic, Pair
from gradtape.engine.elementary.coefficients import ZEROS
from gradtape.engine.machine import Value


def near_zeros(w: Arithmetic, name: str, order: int, x: Value, usual: Value) -> Value:
    """The derivative at x from the series of the nearest zero where that is near, else the usual value."""
    m, rows = w.m, ZEROS[name, order]

    def of_nearest(numbers: Sequence[float]) -> Value:
        value = w.const(numbers[0])
        for (row, following), number in zip(pairwise(rows), numbers[1:], strict=True):
            value = m.select(x > (row.zero[0] + following.zero[0]) / 2, number, value)
        return value

    def column(number: int) -> Value:
        return of_nearest([row.terms[number] for row in rows])

    first, second, third = (of_nearest(parts) for parts in zip(*[row.zero for row in rows], strict=True))
    # x - first is exact where x is near
    u = w.ordered_sum(x - first, -second)
    if u.lo is not None:
        u = Pair(u.hi, u.lo - third)
    length = len(rows[0].terms) if w.long else rows[0].short
    pairs = len(rows[0].lows) if w.long else 0
    total = Pair(w.polynomial([column(k) for k in range(pairs, length)], u.hi))
    for k in reversed(range(pairs)):  # terms decrease
        rest = w.multiply(total, u)
        head = w.ordered_sum(column(k), rest.hi)
        total = w.ordered_sum(head.hi, head.tail + (rest.tail + of_nearest([row.lows[k] for row in rows])))
    return m.select(m.abs(u.hi) <= rows[0].radius, w.round(w.multiply(u, total)), usual)
