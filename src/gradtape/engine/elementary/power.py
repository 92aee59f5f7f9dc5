"""pow, integer_pow, rsqrt, hypot.

pow is exp(y log x) with the logarithm and the product as pairs (12 bits more than the result has, as the exponential
turns the absolute error of up to 745 into a relative one); special cases are C99's. integer_pow is repeated squaring of
the mantissa, while the exponents, which could overflow on the way, are multiplied as integers.

Largest error in ulps for float, double: pow 0.502, 0.75; integer_pow 0.5, 0.71; hypot 0.5, 0.74 (the doubles where
they are subnormal, else 0.53); rsqrt 0.5, 0.5.
"""

from __future__ import annotations

from gradtape.engine.elementary import exponential
from gradtape.engine.elementary.algebraic import constant
from gradtape.engine.elementary.arithmetic import INF, NAN, TINY, Arithmetic, Pair
from gradtape.engine.elementary.exponential import clamp
from gradtape.engine.elementary.inverse_trigonometric import normalizer
from gradtape.engine.elementary.logarithm import log_pair
from gradtape.engine.machine import Machine, Value


def pow(m: Machine, x: Value, y: Value) -> Value:
    w = Arithmetic(m, x.type)
    base, exponent = w.widen(x), w.widen(y)
    size = m.abs(base)
    limited = clamp(exponent, -(2.0**70), 2.0**70)  # as good as infinite, but 0 * limited is 0
    product = w.multiply(log_pair(w, size, extended=True), limited)
    limit = 800.0 if w.long else 200.0
    high = clamp(product.hi, -limit, limit)
    low = None
    if product.lo is not None:
        low = m.select(m.abs(product.hi) < limit, product.lo, 0.0)
    result = exponential.reduce(w, Pair(high, low)).rounded()

    type = x.type
    zero, one = m.const(type, 0.0), m.const(type, 1.0)
    magnitude = m.abs(x)
    extreme = m.equal(magnitude, 0.0) | m.equal(magnitude, INF)
    result = m.select(extreme, m.select(y > 0.0, magnitude, one / magnitude), result)
    whole = m.equal(m.rint(y), y)
    odd = whole & m.compare("ne", m.rint(y * 0.5), y * 0.5)
    result = m.select((x < 0.0) & m.invert(whole) & w.is_finite(x), m.const(type, NAN), result)
    result = m.copysign(result, m.select(odd, x, zero))
    result = m.select(m.is_nan(x) | m.is_nan(y), x + y, result)
    return m.select(m.equal(x, 1.0) | m.equal(y, 0.0), one, result)


def pow_slope(m: Machine, x: Value, y: Value, n: int) -> Value:
    """x**y * log(x)**n for n >= 1; 0 where x <= 0."""
    w = Arithmetic(m, x.type)
    base, exponent = w.widen(x), w.widen(y)
    logarithm = log_pair(w, base, extended=True)
    product = w.multiply(logarithm, clamp(exponent, -(2.0**70), 2.0**70))
    limit = 800.0 if w.long else 200.0
    low = None if product.lo is None else m.select(m.abs(product.hi) < limit, product.lo, 0.0)
    power = exponential.reduce(w, Pair(clamp(product.hi, -limit, limit), low))
    value = w.scaled(w.multiply(power.fraction, w.power(logarithm, n)), power.k)
    value = m.select(m.equal(x, 1.0), m.const(x.type, 0.0), value)
    value = m.select(x > 0.0, value, m.const(x.type, 0.0))
    infinite = m.select(y < 0.0, m.const(x.type, 0.0), m.const(x.type, INF))
    value = m.select(m.equal(x, INF), infinite, value)
    return m.select(m.is_nan(x) | m.is_nan(y), x + y, value)


def integer_pow(m: Machine, x: Value, n: int) -> Value:
    """x**n for an integer n, |n| <= 64."""
    if abs(n) > 64:
        raise ValueError(f"integer_pow is for exponents from -64 to 64, got {n}")
    if n == 0:
        return m.const(x.type, 1.0)
    if n == 1:
        return x
    if n == 2:
        return x * x
    if n == -1:
        return 1.0 / x
    return multiple_of_power(m, x, n, 1)


def multiple_of_power(m: Machine, x: Value, n: int, c: int) -> Value:
    """c x**n for integers n and c, 2 <= |n| <= 64 or n = -1: the derivatives of powers, in one rounding."""
    w = Arithmetic(m, x.type)
    if not w.long:  # a double holds every power that a float can
        product = w.power(w.widen(x), abs(n))
        return w.round(w.divide(float(c), product) if n < 0 else w.multiply(product, float(c)))
    size = m.abs(x)
    k, fraction = w.split(size)
    power = w.power(fraction, abs(n))
    power = w.divide(constant(w, c), power) if n < 0 else w.multiply(power, constant(w, c)) if c != 1 else power
    result = w.scaled(power, w.to_integer(clamp(k * float(n), -2000.0, 2000.0)))
    limit = 1.0 / size if n < 0 else size
    result = m.select((size > 0.0) & (size < INF), result, -limit if c < 0 else limit)
    return m.from_bits(m.bits(result) ^ (m.bits(x) & (1 << 63))) if n % 2 else result


def rsqrt(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    if not w.long:
        return w.round(1.0 / m.sqrt(wide))
    small = wide < TINY * 2.0**60  # so that the remainders below are not subnormal
    scaled = m.select(small, wide * 2.0**120, wide)
    root = w.sqrt(scaled)
    result = w.round(w.divide(1.0, root)) * m.select(small, w.const(2.0**60), 1.0)
    return m.select((x > 0.0) & (x < INF), result, 1.0 / m.sqrt(x))


def hypot(m: Machine, x: Value, y: Value) -> Value:
    w = Arithmetic(m, x.type)
    a, b = m.abs(w.widen(x)), m.abs(w.widen(y))
    infinite = m.equal(a, INF) | m.equal(b, INF)
    k = None
    if w.long:
        factor, k = normalizer(w, m.select(a > b, a, b))
        a, b = a * factor, b * factor
    root = w.sqrt(w.multiply_add(a, a, w.product(b, b)))
    return m.select(infinite, m.const(x.type, INF), w.scaled(root, k))
