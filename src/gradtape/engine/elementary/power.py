"""pow, integer_pow, rsqrt, hypot.

pow is exp(y log x) with the logarithm and the product as pairs (12 bits more than the result has, as the exponential
turns the absolute error of up to 745 into a relative one); special cases are C99's. integer_pow is repeated squaring of
the mantissa, while the exponents, which could overflow on the way, are multiplied as integers.

Largest error in ulps for float, double: pow 0.502, 0.75; integer_pow 0.5, 0.71; hypot 0.5, 0.74 (the doubles where
they are subnormal, else 0.53); rsqrt 0.5, 0.5.
"""

from __future__ import annotations

import sys
from math import comb, factorial

from gradtape.engine.elementary import exponential
from gradtape.engine.elementary.algebraic import constant, polynomial, scale
from gradtape.engine.elementary.arithmetic import INF, NAN, TINY, Arithmetic, Pair
from gradtape.engine.elementary.exponential import clamp
from gradtape.engine.elementary.inverse_trigonometric import normalizer
from gradtape.engine.elementary.logarithm import log_pair
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import falling


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


def pow_slope(m: Machine, x: Value, y: Value, by_x: int, by_y: int) -> Value:
    """The derivative of x**y of these orders, not both 0, in one rounding; 0 where it is by y and x <= 0.

    For n times by x and k times by y it is x**(y - n) Σ C(k, i) F⁽ⁱ⁾(y) log(x)**(k - i), with the falling factorial
    F(y) = y (y - 1) … (y - n + 1).
    """
    w = Arithmetic(m, x.type)
    type = x.type
    zero, inf = m.const(type, 0.0), m.const(type, INF)
    base, exponent = m.abs(w.widen(x)), w.widen(y)
    logarithm = log_pair(w, base, extended=True)
    factor, shift = slope_factor(w, clamp(exponent, *FINITE[type]), logarithm, by_x, by_y)
    near = clamp(exponent, -(2.0**70), 2.0**70)  # as good as infinite, but 0 * near is 0
    product = w.multiply(logarithm, w.sum(near, w.const(-float(by_x))))
    limit = 8000.0 if w.long else 690.0  # the factor does not bring it back from there
    low = None if product.lo is None else m.select(m.abs(product.hi) < limit, product.lo, 0.0)
    power = exponential.reduce(w, Pair(clamp(product.hi, -limit, limit), low))
    k = power.k if shift is None else power.k + shift
    k = m.maximum(m.minimum(k, 2046), -2044) if w.long else k
    value = w.scaled(w.multiply(power.fraction, factor), k)
    infinite = m.equal(base, INF)
    if by_y:
        value = m.select(infinite, m.select(y < float(by_x), zero, inf), value)
        value = m.select(x > 0.0, value, zero)
        return m.select(m.is_nan(x) | m.is_nan(y), x + y, value)
    # at 0 and at infinity: a power of it with an exponent that is positive, 0 or negative
    pole = m.select(m.equal(factor.hi, 0.0), zero, m.select(factor.hi < 0.0, m.const(type, -INF), inf))
    above, below = m.select(infinite, inf, zero), m.select(infinite, zero, pole)
    level = m.select(m.equal(y, float(by_x)), m.const(type, float(factorial(by_x))), below)
    extreme = infinite | m.equal(base, 0.0)
    value = m.select(extreme, m.select(y > float(by_x), above, level), value)
    endless = m.equal(m.abs(y), INF) & m.equal(m.abs(x), 1.0)
    value = m.select(endless, y if by_x % 2 else m.abs(y), value)
    whole = m.equal(m.rint(y), y)
    odd = m.compare("ne", m.rint(y * 0.5), y * 0.5)
    value = m.select((x < 0.0) & m.invert(whole) & w.is_finite(x), m.const(type, NAN), value)
    turned = whole & (m.invert(odd) if by_x % 2 else odd)
    negative = m.copysign(m.const(type, 1.0), m.select(turned, x, zero)) < 0.0
    value = m.select(negative, -value, value)
    value = m.select(m.is_nan(x) | m.is_nan(y), x + y, value)
    return m.select(m.equal(y, 0.0), zero, value)


FINITE = {"float": (-(2.0**130), 2.0**130), "double": (-sys.float_info.max, sys.float_info.max)}
"""What an infinite exponent is taken for, where it is a factor."""


def slope_factor(w: Arithmetic, y: Value, logarithm: Pair, by_x: int, by_y: int) -> tuple[Pair, Value | None]:
    """What x**(y - by_x) is multiplied with, over a power of two, and which one. Floats, in double, need none."""
    m = w.m
    one, shift, unit = w.pair(1.0), None, y
    if w.long and by_x:
        size = m.abs(y)
        if by_y:
            size = m.select(size < 1.0, 1.0, size)
        down, places = scale(w, size)
        unit, shift = y * down, -places * by_x
        one = Pair(down)
        if not by_y and by_x > 1:  # only the first factor is as small as y
            small = size < 1.0
            one = Pair(m.select(small, 1.0, down))
            shift = m.select(small, -places, shift)
    if not by_y:
        total = Pair(unit)
        for n in range(1, by_x):
            far = m.select(m.abs(y) < 1.0, y, unit) if w.long else y
            total = w.multiply(total, w.subtract(far, w.multiply(one, float(n))))
        return total, shift
    value: Pair | None = None
    for k in range(min(by_x, by_y) + 1):
        term = polynomial(w, falling(by_x, k), Pair(unit), one)
        for n, part in ((comb(by_y, k), None), (k, one), (by_y - k, logarithm)):
            if part is None:
                term = w.multiply(term, float(n)) if n > 1 else term
            elif n:
                term = w.multiply(term, w.power(part, n))
        value = term if value is None else w.add(value, term)
    assert value is not None
    return value, shift


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
