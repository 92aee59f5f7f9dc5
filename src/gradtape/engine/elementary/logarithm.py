"""log, log2, log10, log1p: x = 2**k * (1 + f), then log(1 + f) as an odd series in s = f / (1 + f/2).

The series is fdlibm's (log(1+f) = 2 atanh(s/2)); s is divided out as a pair, so no correction terms are needed, and
halving f instead of doubling s keeps the smallest arguments exact. The functions with a logarithm inside (log1p, asinh,
acosh, atanh, softplus) hand over 1 + v as a pair v, so that arguments near 1 lose nothing.

Largest error in ulps for float, double: log 0.501, 0.53; log1p 0.501, 0.52; log2 0.501, 0.54; log10 0.501, 0.53.
"""

from __future__ import annotations

from math import factorial

from gradtape.engine.elementary.algebraic import inverse_power
from gradtape.engine.elementary.arithmetic import INF, NAN, Arithmetic, Number, Pair
from gradtape.engine.elementary.coefficients import (
    EIGHTIETH,
    LN2,
    LOG,
    LOG2_E,
    LOG10_2,
    LOG10_E,
    LOG_MEDIUM,
    LOG_TAIL,
    TWELFTH,
    Series,
)
from gradtape.engine.machine import Machine, Value

SERIES = Series(short=LOG, long=(TWELFTH[0], EIGHTIETH[0], *LOG_TAIL))


def series(w: Arithmetic, f: Number, extended: bool = False) -> Pair:
    """log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2); `extended` gives the more exact result that a power needs."""
    s = w.divide(f, w.times_add(f, 0.5, 1.0))
    if not extended:
        return w.odd(SERIES, s)
    if not w.long:
        return w.odd(LOG_MEDIUM, s)
    # the first two coefficients as pairs, too
    square = w.multiply(s, s)
    tail = w.add(EIGHTIETH, square.hi * w.polynomial(LOG_TAIL, square.hi))
    return w.multiply_add(w.multiply(s, square), w.multiply_add(square, tail, TWELFTH), s)


def log_pair(w: Arithmetic, x: Value, extended: bool = False) -> Pair:
    """log(x) for 0 < x < inf."""
    k, fraction = w.split(x)
    return w.multiply_add(k, LN2, series(w, fraction - 1.0, extended))


def log1p_pair(w: Arithmetic, v: Number, more: Value | float = 0.0) -> Pair:
    """log(1 + v) + more * log(2), for 0 < 1 + v < inf; where v >= 2**900 it must have no low part."""
    m, v = w.m, w.pair(v)
    one_plus = w.add(1.0, v)
    k, fraction = w.split(one_plus.hi)
    unscaled = m.equal(k, 0.0)
    f = Pair(m.select(unscaled, v.hi, fraction - 1.0))
    if one_plus.lo is not None:
        low = one_plus.lo * w.power_of_two(-w.to_integer(m.minimum(k, 900.0)))
        f = w.sum(f.hi, m.select(unscaled, w.const(0.0) if v.lo is None else v.lo, low))
    if isinstance(more, Value):
        k = k + more
    return w.multiply_add(k, LN2, series(w, f))


def with_domain(m: Machine, inside: Value, result: Value) -> Value:
    """`result` for 0 < inside < inf; outside -inf, inf or NaN, as for the logarithm of `inside`."""
    pole = m.select(m.equal(inside, 0.0), m.const(result.type, -INF), m.const(result.type, NAN))
    outside = m.select(m.equal(inside, INF), m.const(result.type, INF), pole)
    return m.select((inside > 0.0) & (inside < INF), result, outside)


def log(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    return with_domain(m, x, w.round(log_pair(w, w.widen(x))))


def log2(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    k, fraction = w.split(w.widen(x))
    return with_domain(m, x, w.round(w.multiply_add(series(w, fraction - 1.0), LOG2_E, k)))


def log10(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    k, fraction = w.split(w.widen(x))
    return with_domain(m, x, w.round(w.multiply_add(k, LOG10_2, w.multiply(series(w, fraction - 1.0), LOG10_E))))


def log1p(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of log(1 + x)."""
    w = Arithmetic(m, x.type)
    if order:
        return inverse_power(w, w.sum(w.const(1.0), w.widen(x)), order, (-1) ** (order - 1) * factorial(order - 1))
    result = m.copysign(w.round(log1p_pair(w, w.widen(x))), x)
    return with_domain(m, x + 1.0, result)
