"""lgamma, and digamma with all its derivatives (the polygamma functions).

lgamma: on [1, 2] it is (x - 1)(x - 2) times a polynomial, so that both zeros are exact; [0, 1) and (2, 3] are one
logarithm away. From 3 on it is Stirling's formula with a polynomial in 1/x² for what that leaves out.
digamma: ψ⁽ⁿ⁾(x) is ψ⁽ⁿ⁾(x + N) and N powers of 1/x, 1/(x + 1), …, all of one sign for n >= 1; at x + N the asymptotic
series is exact to the last bit. Around the positive zero of ψ a polynomial gives the relative error.

For x < 0 the reflection formulas hold, with sin and cos of πx from the exact remainder of x: Γ(x) Γ(-x) =
-π/(x sin πx) and ψ(-y) = ψ(y) + 1/y + π cot πy, differentiated n times (NIST *Digital Library of Mathematical
Functions*, chapter 5). There the functions have zeros between the floating-point numbers: see gamma_zeros. Only next to
the zeros of polygamma functions of even order the error is small compared to |slope| ulp(x) but not to the result.

Largest error in ulps for float, double: lgamma 0.501, 0.6; digamma and polygamma for x > 0 0.502, 0.51; digamma for
x < 0 0.501, 0.51; polygamma for x < 0 0.51 in units of ulp + |slope| ulp(x) / 2.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial

from gradtape.engine.elementary.algebraic import constant, inverse_power, polynomial
from gradtape.engine.elementary.arithmetic import INF, NAN, ROUNDER, Arithmetic, Pair
from gradtape.engine.elementary.coefficients import (
    DIGAMMA,
    DIGAMMA_HEAD,
    DIGAMMA_TAIL,
    DIGAMMA_ZERO,
    GAMMA,
    GAMMA_HEAD,
    GAMMA_TAIL,
    HALF_LOG_TWO_PI,
    ONE_OVER_PI,
    PI,
    STIRLING,
)
from gradtape.engine.elementary.gamma_zeros import PSI_SMALL, digamma_below_zero, lgamma_near_zero
from gradtape.engine.elementary.logarithm import log1p_pair, log_pair
from gradtape.engine.elementary.trigonometric import turn_of, with_sign
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import tangent
from gradtape.ops.special_forms import bernoulli

STIRLING_FROM = 3.0
TINY = 2.0**-70
"""Below this ψ⁽ⁿ⁾(x) is a power of 1/x, and log|Γ(x)| is -log|x|."""
SHIFTS = {"float": 8, "double": 16}
"""How many powers of 1/x are added at order 0; each order adds one more."""
BITS = {"float": 36, "double": 66}
"""How small the first term is that the asymptotic series leaves out."""
NEAR_ZERO = 0.25
"""How far from the positive zero of ψ its polynomial is used."""


# -- lgamma ---------------------------------------------------------------------------------------------------


def positive_lgamma(w: Arithmetic, x: Value) -> Value | Pair:
    """log Γ(x) for 0 < x < 2**900, or as far as a float goes."""
    m = w.m
    large, below, above = x >= STIRLING_FROM, x < 1.0, x >= 2.0
    t = m.select(below, x, m.select(above, x - 2.0, x - 1.0))  # exact
    u = w.sum(t, w.const(-0.5))
    value = w.with_head(GAMMA_HEAD, GAMMA_TAIL, u) if w.long else Pair(w.polynomial(GAMMA, u.hi))
    near = w.multiply(w.multiply(w.sum(t, w.const(-1.0)), value), t)
    log = log_pair(w, m.select(large | below, x, m.select(above, x - 1.0, 1.0)), extended=w.long)
    near = w.add(near, w.select(below, w.negative(log), log))
    inverse = w.divide(1.0, m.select(large, x, 1.0))
    rest = inverse.hi * w.polynomial(STIRLING, inverse.hi * inverse.hi)
    far = w.multiply_add(w.sum(x, w.const(-0.5)), w.add(log, -1.0), w.add(rest, less_half(HALF_LOG_TWO_PI)))
    return w.select(large, far, near)


def less_half(c: tuple[float, ...]) -> tuple[float, ...]:
    """c - 1/2, of a sum of two doubles."""
    exact = Fraction(c[0]) + Fraction(c[1]) - Fraction(1, 2)
    return float(exact), float(exact - Fraction(float(exact)))


def turn_of_half(w: Arithmetic, x: Value) -> tuple[Pair, Pair]:
    """sin(πx) and cos(πx)."""
    m = w.m
    whole = x - m.rint(x * 0.5) * 2.0  # exact, from -1 to 1
    rounded = whole * 2.0 + ROUNDER
    t = turn_of(w, w.multiply(whole - (rounded - ROUNDER) * 0.5, PI), m.bits(rounded))
    even = m.equal(t.quadrant & 1, 0)
    return (
        signed(w, w.select(even, t.sin, t.cos), t.quadrant),
        signed(w, w.select(even, t.cos, t.sin), t.quadrant + 1),
    )


def signed(w: Arithmetic, p: Pair, quadrant: Value) -> Pair:
    """p, negated in the quadrants 2 and 3."""
    return Pair(with_sign(w.m, p.hi, quadrant), None if p.lo is None else with_sign(w.m, p.lo, quadrant))


def lgamma(m: Machine, x: Value) -> Value:
    """log|Γ(x)|."""
    w = Arithmetic(m, x.type)
    y = m.abs(w.widen(x))
    huge = y > 2.0**900
    p = w.pair(positive_lgamma(w, m.select(huge, 1.0, y)))
    usual = w.round(p)
    if w.long:  # far out it is x (log(x) - 1), which may overflow only at the end
        scaled = m.select(huge & (y < INF), y, 2.0**901) * 2.0**-20
        far = w.round(w.multiply(w.add(log_pair(w, scaled * 2.0**20, extended=True), -1.0), scaled)) * 2.0**20
        usual = m.select(huge, far, usual)

    def reflected() -> list[Value]:
        sine, _ = turn_of_half(w, y)
        inside = w.multiply(w.multiply(sine, ONE_OVER_PI), y)
        inside = w.select(inside.hi < 0.0, w.negative(inside), inside)
        log = log1p_pair(w, w.add(inside, -1.0)) if w.long else log_pair(w, inside.hi)
        value = w.round(w.negative(w.add(p, log)))
        value = m.select(m.equal(inside.hi, 0.0), m.const(x.type, INF), value)
        near, at_zero = lgamma_near_zero(w, w.widen(x))
        value = m.select(near, w.round(at_zero), value)
        return [m.select((x < 0.0) & (y > TINY), value, usual)]

    usual = m.rarely(x < 0.0, reflected, [usual], name="lgamma")[0]
    pole = m.equal(x, 0.0) | m.equal(m.abs(x), INF)
    return m.select(pole, m.const(x.type, INF), usual)


# -- digamma --------------------------------------------------------------------------------------------------


def asymptotic(order: int, shift: int, bits: int) -> list[Fraction]:
    """The series in 1/x² behind log(x) - 1/(2x), or for n >= 1 behind 1 + n/(2x) in |ψ⁽ⁿ⁾(x)| xⁿ/(n-1)!: enough terms
    for x >= shift and so many bits."""
    terms: list[Fraction] = []
    while True:
        k = 2 * len(terms) + 2
        factor = Fraction(comb(k + order - 1, k)) if order else Fraction(-1, k)
        terms.append(bernoulli(k) * factor)
        if abs(terms[-1]) < Fraction(shift) ** k / 2**bits:
            return terms


def positive_digamma(w: Arithmetic, y: Value, order: int) -> Pair:
    """ψ⁽ⁿ⁾(y) for 2**-70 <= y <= 2**70."""
    m = w.m
    kind = "double" if w.long else "float"
    shift = SHIFTS[kind] + order
    small = y < float(shift)
    total: Pair | None = None
    for j in reversed(range(shift)):
        power = w.power(w.sum(m.select(small, y, 1.0), w.const(float(j))), order + 1)
        term = w.divide(1.0, power)
        total = term if total is None else w.add(total, term)
    assert total is not None
    total = w.select(small, w.multiply(total, constant(w, factorial(order))), 0.0)
    at = w.sum(y, m.select(small, w.const(float(shift)), 0.0))
    inverse = w.divide(1.0, at)
    square = w.multiply(inverse, inverse)
    first, *others = asymptotic(order, shift, BITS[kind])
    series = w.multiply(w.add(parts(first), square.hi * w.polynomial([float(c) for c in others], square.hi)), square)
    if order == 0:
        log = log1p_pair(w, w.add(at, -1.0))
        value = w.subtract(w.add(w.subtract(series, w.times(inverse, 0.5)), log), total)
        u = w.add(w.sum(y, w.const(-DIGAMMA_ZERO[0])), tuple(-c for c in DIGAMMA_ZERO[1:]))
        factor = w.with_head(DIGAMMA_HEAD, DIGAMMA_TAIL, u) if w.long else Pair(w.polynomial(DIGAMMA, u.hi))
        return w.select(m.abs(u.hi) <= NEAR_ZERO, w.multiply(u, factor), value)
    leading = w.multiply(w.power(inverse, order), constant(w, factorial(order - 1)))
    series = w.add(1.0, w.multiply_add(inverse, order / 2, series))
    value = w.add(w.multiply(leading, series), total)
    return value if order % 2 else w.negative(value)


def parts(c: Fraction) -> tuple[float, float]:
    return float(c), float(c - Fraction(float(c)))


def digamma(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of ψ(x) = Γ'(x) / Γ(x)."""
    w = Arithmetic(m, x.type)
    far = 2.0 ** min(70, 900 // (order + 1))
    y = m.abs(w.widen(x))
    inside = m.select((y <= TINY) | (y >= far), 1.0, y)
    p = positive_digamma(w, inside, order)
    usual = w.round(p)

    def reflected() -> list[Value]:
        sine, cosine = turn_of_half(w, inside)
        step = w.multiply(w.power(w.divide(1.0, inside), order + 1), constant(w, (-1) ** order * factorial(order)))
        # the derivatives of cot z are those of -tan(z + π/2)
        turned = polynomial(w, tangent(order), w.negative(w.divide(cosine, sine)))
        turned = w.multiply(turned, w.power(w.pair(PI), order + 1))
        total = w.subtract(w.add(p, step), turned)
        value = w.round(w.negative(total) if order % 2 else total)
        value = m.select(m.equal(sine.hi, 0.0), m.const(x.type, INF if order % 2 else NAN), value)
        if not order:
            small = (x < 0.0) & (m.abs(value) < PSI_SMALL[x.type])
            value = m.rarely(small, lambda: [near_zero(small, value)], [value])[0]
        return [m.select(x < 0.0, value, usual)]

    def near_zero(small: Value, value: Value) -> Value:
        return m.select(small, digamma_below_zero(Arithmetic(m, x.type, long=True), inside), value)

    usual = m.rarely(x < 0.0, reflected, [usual], name=f"digamma{order}")[0]
    near = inverse_power(w, Pair(w.widen(x)), order + 1, (-1) ** (order + 1) * factorial(order))
    usual = m.select(y <= TINY, near, usual)
    if order:
        c = (-1) ** (order + 1) * factorial(order - 1)
        beyond = inverse_power(w, Pair(w.widen(x)), order, c)
    else:
        beyond = w.round(log_pair(w, m.select(y < INF, y, 1.0)))
        beyond = m.select(m.equal(y, INF), x, beyond)
    pole = m.const(x.type, INF if order % 2 else NAN)
    beyond = m.select(x < 0.0, pole, beyond)
    return m.select(y >= far, beyond, usual)
