"""Activation functions beside sigmoid and tanh, with their derivatives, and the logit: each in one rounding.

With e = exp(-|x|) and s^(n)(|x|) = e N_n(e) / (1 + e)^(n+1) (see `logistic`), for n >= 2,

    silu^(n)(|x|) = e [|x| N_n + n (1 + e) N_(n-1)] / (1 + e)^(n+1),

even or odd in x. mish is x R with R a rational function of exp(x) (`gradtape.ops.closed_forms.mish_weight`), written
in 1/exp(x) for positive x. The zeros of the derivatives lie where two terms cancel; there the first derivative of silu
and the first three of mish are power series (`zeros`). The others have an error of about 2**-70 (float: 2**-53) times
one term, which is far less than what half an ulp of x makes of a zero.

Largest error in units of ulp + |slope| ulp(x) / 2 (for values in ulps), for orders 0 to 3: float 0.511, double 0.52;
elu is as expm1.
"""

from __future__ import annotations

from math import factorial

from gradtape.engine.elementary import exponential, logarithm, logistic
from gradtape.engine.elementary.algebraic import constant, inverse_power, scale, series
from gradtape.engine.elementary.arithmetic import INF, NAN, Arithmetic, Pair
from gradtape.engine.elementary.coefficients import ZEROS
from gradtape.engine.elementary.exponential import LIMITS, clamp
from gradtape.engine.elementary.logistic import LARGE_ORDER, LIFT, SATURATED, Decay, finished, limited
from gradtape.engine.elementary.zeros import near_zeros
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import mish_weight, selu_constants, shrink_terms

SMALLEST_NORMAL = {"float": 2.0**-126, "double": 2.0**-1022}

SHRINK_TERMS = {"float": 6, "double": 10}
"""Terms of the series that tanhshrink is made of up to 1."""


def above(x: Value, value: Value) -> Value:
    """`value`, and x where it is so large that the function is x."""
    return x.machine.select(x > SATURATED, x, value)


def silu(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x / (1 + exp(-x))."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    wide = w.widen(limited(x, order))
    e = Decay(w, wide)
    negative = wide < 0.0
    if order >= 2:
        return silu_slope(w, wide, e, order)
    k = None if e.k is None else m.select(negative, e.k, 0)
    head = w.select(negative, e.fraction, 1.0)
    inverse = e.inverse()
    if not order:
        value = above(x, w.scaled(w.multiply(w.multiply(head, inverse), wide), k))
        return m.select(m.abs(x) < SMALLEST_NORMAL[x.type], half_of_subnormal(w, wide), value)
    # (1 + e) + x for negative x, else (1 + e) + x e
    total = w.multiply_add(w.select(negative, 1.0, e.value), wide, w.add(1.0, e.value))
    slope = w.scaled(w.multiply(w.multiply(total, head), w.power(inverse, 2)), k)
    return near_zeros(w, "silu", order, wide, slope)


def half_of_subnormal(w: Arithmetic, x: Value) -> Value:
    """x/2 + x²/4, rounded: the second term only decides to which side a last bit goes that lies in the middle."""
    m = w.m
    up = m.bits(x * 2.0 ** (LIFT - 1)) + m.select(x < 0.0, m.const("i64", -1), 1)
    return w.round(m.from_bits(up) * 2.0**-LIFT)


def silu_slope(w: Arithmetic, x: Value, e: Decay, order: int) -> Value:
    m = w.m
    size = max(logistic.bits(order), logistic.bits(order - 1))
    factors = [logistic.numerator(w, e, n, size) or w.pair(1.0) for n in (order, order - 1)]
    lift = LIFT if order % 2 and e.k is not None else 0  # the result is then as small as x
    size_of_x, difference = Pair(m.abs(x) * 2.0**lift), w.times(e.one_minus(), 2.0**lift)
    by_size = w.multiply(factors[0], size_of_x if order % 2 else w.multiply(size_of_x, difference))
    rest = w.multiply(factors[1], w.multiply(w.add(1.0, e.value), float(order)))
    total = w.add(by_size, w.multiply(rest, difference) if order % 2 else rest)
    result = w.multiply(w.multiply(total, e.fraction), w.power(e.inverse(), order + 1))
    rounded = finished(w, e, result, size - lift)
    return m.select(x < 0.0, -rounded, rounded) if order % 2 else rounded


def mish(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x tanh(softplus(x))."""
    w = Arithmetic(m, x.type, long=True if order > LARGE_ORDER else None)
    wide = w.widen(limited(x, order))
    e = Decay(w, wide)
    negative = wide < 0.0

    def either(below: tuple[int, ...]) -> Pair:
        """A polynomial in exp(x): for positive x the same one in e, times a power of exp(x)."""
        total: Pair | None = None
        for c, d in zip(reversed(below), below, strict=True):
            term = constant(w, c) if c == d else w.select(negative, constant(w, c), constant(w, d))
            total = term if total is None else w.multiply_add(total, e.value, term)
        assert total is not None
        return total

    base = either((2, 2, 1))
    weight = either(mish_weight(order))
    inverse = w.divide(1.0, base)
    k = None if e.k is None else m.select(negative, e.k, 0)
    if not order:
        value = w.multiply(w.multiply(weight, inverse), w.select(negative, e.fraction, 1.0))
        return m.select(m.equal(x, 0.0), x, above(x, w.scaled(w.multiply(value, wide), k)))
    rest = w.multiply(w.multiply(base, either(mish_weight(order - 1))), float(order))
    square = w.multiply(e.fraction, e.fraction)
    weight = w.multiply(weight, wide)
    if order == 1:  # only here, for positive x, the two terms have different powers of e
        weight = w.multiply(weight, w.select(negative, 1.0, w.multiply(e.value, e.value)))
        head = w.select(negative, e.fraction, 1.0)
    else:
        head = w.select(negative, e.fraction, square)
        k = None if e.k is None else m.maximum(m.select(negative, e.k, e.k + e.k), -2000)
    slope = w.scaled(w.multiply(w.multiply(w.add(weight, rest), head), w.power(inverse, order + 1)), k)
    return near_zeros(w, "mish", order, wide, slope) if ("mish", order) in ZEROS else slope


def elu(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x for x > 0, else exp(x) - 1; at 0 that of x."""
    if not order:
        return m.select(x > 0.0, x, exponential.expm1(m, x))
    return m.select(x >= 0.0, m.const(x.type, 1.0 if order == 1 else 0.0), exponential.exp(m, x))


def selu(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of `elu` with the constants of selu; at 0 that of the linear part."""
    w = Arithmetic(m, x.type)
    e = exponential.reduce(w, w.widen(clamp(x, LIMITS[x.type][0] - 1.0 if order else -100.0, 1.0)))
    scale, alpha = selu_constants()
    slope, factor = constant(w, scale if order < 2 else 0), constant(w, scale * alpha)
    if order:
        return m.select(x >= 0.0, w.round(slope), w.scaled(w.multiply(e.fraction, factor), e.k))
    wide = w.widen(x)
    linear = wide * slope.hi if slope.lo is None else m.fma(wide, slope.hi, wide * slope.lo)
    value = m.select(x > 0.0, w.round(linear), w.round(w.multiply(e.plus(-1.0), factor)))
    return m.select(m.equal(x, 0.0) | m.equal(x, INF), x, value)


def softsign(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x / (1 + |x|); at 0 the even ones are 0."""
    w = Arithmetic(m, x.type)
    wide = w.widen(x if order else clamp(x, -(2.0**100), 2.0**100))
    base = w.sum(w.const(1.0), m.abs(wide))
    if not order:
        return m.copysign(w.round(w.divide(wide, base)), x)
    value = inverse_power(w, base, order + 1, factorial(order))
    return value if order % 2 else m.select(x > 0.0, -value, m.select(x < 0.0, value, x))


def tanhshrink(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of x - tanh(x), the first of which is tanh(x)². With q = exp(-2|x|) it is
    (|x| - 1) + 2q / (1 + q), up to 1 (|x| cosh(x) - sinh(|x|)) / cosh(x)."""
    if order >= 2:
        return -logistic.tanh(m, x, order)
    w = Arithmetic(m, x.type)
    if order:
        e = Decay(w, 2.0 * w.widen(limited(x, 0)))
        tanh = w.multiply(e.one_minus(), e.inverse())
        return w.round(w.multiply(tanh, tanh))
    wide = m.abs(w.widen(x))
    e = Decay(w, w.widen(limited(x, 0)))
    square = w.multiply(e.value, e.value)
    share = w.divide(w.times(e.value, 2.0), w.add(1.0, square))  # 1 / cosh(x)
    far = w.add(w.sum(wide, w.const(-1.0)), w.multiply(share, e.value))
    near = m.select(wide < 1.0, wide, 1.0)
    cube = w.multiply(series(w, shrink_terms(SHRINK_TERMS[x.type]), w.product(near, near)), share)
    for _ in range(3):
        cube = w.multiply(cube, near)
    value = m.copysign(w.round(w.select(wide < 1.0, cube, far)), x)
    return m.select(m.abs(x) > 2.0**60, x, value)


def hard_line(m: Machine, x: Value) -> Value:
    """(x + 3) / 6."""
    w = Arithmetic(m, x.type)
    return w.round(w.divide(w.sum(w.widen(x), w.const(3.0)), 6.0))


def logit(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of log(x / (1 - x)), NaN outside [0, 1]; with d = 1 - x and x / d = 2**k (1 + f),
    f = (x 2**-k - d) / d, where nothing is rounded before it cancels."""
    w = Arithmetic(m, x.type)
    inside = (x > 0.0) & (x < 1.0)
    wide = w.widen(m.select(inside, x, 0.5))
    rest = w.sum(w.const(1.0), -wide)
    sign = -1.0 if order % 2 == 0 else 1.0
    outside = m.const(x.type, NAN)
    outside = m.select(m.equal(x, 1.0), m.const(x.type, INF), outside)
    outside = m.select(m.equal(x, 0.0), m.const(x.type, INF * sign), outside)
    if order:
        return m.select(inside, logit_slope(w, wide, rest, order), outside)
    lift = None
    if w.long:  # keeps a subnormal x out of the way of powers of two
        small = wide < 2.0**-500
        wide = m.select(small, wide * 2.0**600, wide)
        lift = m.select(small, w.const(600.0), 0.0)
    k, _ = w.split(wide / rest.hi)
    part = Pair(wide * w.power_of_two(-w.to_integer(k)))
    f = w.divide(w.subtract(part, rest), rest)
    k = k if lift is None else k - lift
    value = w.round(w.multiply_add(k, logarithm.LN2, logarithm.series(w, f)))
    return m.select(inside, value, outside)


def logit_slope(w: Arithmetic, x: Value, rest: Pair, order: int) -> Value:
    """(n - 1)! (xⁿ - (-d)ⁿ) / (x d)ⁿ, for even n with xⁿ - dⁿ as (x - d) times a sum of positive terms."""
    m = w.m
    powers, others = [w.pair(1.0)], [w.pair(1.0)]
    for _ in range(order - 1 + order % 2):
        powers.append(w.multiply(powers[-1], x))
        others.append(w.multiply(others[-1], rest))
    if order % 2:
        total = w.add(powers[-1], others[-1])
    else:
        total = others[-1]
        for i in range(1, order):
            total = w.add(total, w.multiply(powers[i], others[-1 - i]))
        total = w.multiply(total, w.subtract(x, rest))
    factor, k = scale(w, x)
    base = w.power(w.multiply(rest, x * factor), order)
    result = w.divide(w.multiply(total, constant(w, factorial(order - 1))), base)
    most = 2000 if w.long else 600
    return w.scaled(result, m.maximum(m.minimum(k * order, most), -most))
