"""Derivatives of the inverse functions, of tan, and of the polar coordinates: P(x) / B(x)^(h/2), in one rounding.

`gradtape.ops.closed_forms` has the polynomials. B is never the difference of two rounded squares: 1 - x² is
(1 - x)(1 + x). Numbers are scaled by a power of two first, so that no square overflows; as P is homogeneous (with
powers of the scaled 1 put in), that is undone in the exponent of the result.

Largest error in units of ulp + |slope| ulp(x) / 2, for every function and order tested: float 0.51, double 0.88 (where
subnormal, else 0.52). Exception: a derivative of order 3 or more of an angle or distance in double where one coordinate
is 2**700 times the other, which may come out as zero though it is tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import factorial, prod

from gradtape.engine.elementary.arithmetic import EXPONENT_BIAS, INF, MANTISSA_BITS, NAN, Arithmetic, Number, Pair
from gradtape.engine.elementary.coefficients import LOG2_E, LOG10_E
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import Form, Polynomial, angle, distance, inverse

LIFT = 750
"""The largest power of two above the fraction bar. Below it, powers of subnormal arguments are 2**-104 and less."""
RANGE = 960
"""The exponent of a double up to which a quotient may grow before it is scaled back."""
PLAIN = 7
"""Half powers up to which floats, in double, need no scaling."""


def constant(w: Arithmetic, c: int | Fraction) -> Pair:
    """A rational number of any precision."""
    return w.pair((float(c), float(c - Fraction(float(c)))))


def series(w: Arithmetic, terms: Sequence[Fraction], z: Pair, exact: int = 4) -> Pair:
    """Σ terms[i] zⁱ. The terms after the first few (`exact`) are so small that they need no low part."""
    total = Pair(w.polynomial([float(c) for c in terms[exact:]], z.hi))
    for c in reversed(terms[:exact]):
        total = w.multiply_add(total, z, constant(w, c))
    return total


def polynomial(w: Arithmetic, terms: Polynomial, a: Pair, b: Pair | None = None) -> Pair:
    """Σ terms[i] aⁱ bᵈ⁻ⁱ with d = len(terms) - 1, by Horner's scheme; no b is 1."""
    used = [i for i, c in enumerate(terms) if c]
    step = 2 if all((i - used[0]) % 2 == 0 for i in used) else 1
    first = used[0] % step
    chosen = terms[first::step]
    while not chosen[-1]:
        chosen = chosen[:-1]
    up = w.multiply(a, a) if step == 2 else a
    down = None if b is None else w.multiply(b, b) if step == 2 else b
    total, power = constant(w, chosen[-1]), None
    for c in reversed(chosen[:-1]):
        total = w.multiply(total, up)
        if down is not None:
            power = down if power is None else w.multiply(power, down)
        if c:
            term = constant(w, c)
            total = w.add(total, term if power is None else w.multiply(power, term))
    if first:
        total = w.multiply(total, a)
    rest = len(terms) - 1 - first - step * (len(chosen) - 1)
    return w.multiply(total, w.power(b, rest)) if b is not None and rest else total


def half_power(w: Arithmetic, base: Pair, half: int) -> Pair:
    """base^(half/2)."""
    whole = half // 2
    if half % 2 == 0:
        return w.power(base, whole)
    root = w.sqrt(base)
    return w.multiply(w.power(base, whole), root) if whole else root


def scale(w: Arithmetic, size: Value) -> tuple[Value, Value]:
    """A power of two that brings a positive number near 1 (a subnormal one above 2**-52), and its exponent."""
    exponent = w.m.minimum(w.m.bits(size) >> MANTISSA_BITS, 2 * EXPONENT_BIAS - 1)
    rest = 2 * EXPONENT_BIAS - exponent
    return w.m.from_bits(rest << MANTISSA_BITS), rest - EXPONENT_BIAS


def inverse_power(w: Arithmetic, base: Pair, n: int, c: int, times: Number = 1.0) -> Value:
    """c·times / baseⁿ for n ≥ 1 and times > 0, rounded; a base of zero gives an infinity."""
    m = w.m
    factor, k = scale(w, m.abs(base.hi))
    top = constant(w, c) if times == 1.0 else w.multiply(times, constant(w, c))
    value = w.scaled(w.divide(top, w.power(w.times(base, factor), n)), limited(w, k * n))
    limit = w.round(1.0 / base.hi)
    limit = m.abs(limit) if n % 2 == 0 else limit
    usual = (m.abs(base.hi) > 0.0) & (m.abs(base.hi) < INF)
    return m.select(usual, value, limit if c > 0 else -limit)


def limited(w: Arithmetic, k: Value) -> Value:
    """An exponent of two up to where everything is 0 or infinite."""
    most = 2000 if w.long else 600
    return w.m.maximum(w.m.minimum(k, most), -most)


def logarithm_slope(m: Machine, x: Value, order: int, base: int) -> Value:
    """The derivative of this order, at least 1, of the logarithm to base 2 or 10."""
    w = Arithmetic(m, x.type)
    c = (-1) ** (order - 1) * factorial(order - 1)
    return inverse_power(w, w.pair(w.widen(x)), order, c, LOG2_E if base == 2 else LOG10_E)


def root_slope(m: Machine, x: Value, order: int, doubled: int) -> Value:
    """The derivative of this order, at least 1, of √x, or twice that: ±1·3·5… / (2ᵏ x^(k-1/2))."""
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    _, k = scale(w, wide)
    k = m.maximum(k - (k & 1), -1022)
    c = prod(range(1, 2 * order - 2, 2))
    result = w.divide(constant(w, c), half_power(w, w.pair(wide * w.power_of_two(k)), 2 * order - 1))
    value = w.scaled(result, limited(w, (k >> 1) * (2 * order - 1) - (order - doubled)))
    pole = m.select(m.equal(wide, 0.0), m.const(x.type, INF), m.const(x.type, NAN))
    value = m.select(wide > 0.0, m.select(wide < INF, value, m.const(x.type, 0.0)), pole)
    return -value if order % 2 == 0 else value


def quotient(w: Arithmetic, form: Form, a: Value, b: Value | None, k: Value | None) -> Value:
    """P(a, b) / B(a, b)^(half/2) · 2^(k (half - degree)), rounded.

    Of two variables the smaller one may be tiny: in P both are enlarged as far as their powers allow."""
    m, degree = w.m, len(form.terms) - 1
    one = w.const(1.0) if b is None else b
    if form.constant == form.square:
        base = w.multiply_add(a, a, w.product(one, one))
    else:
        base = w.multiply(w.sum(one, -a), w.sum(one, a))
        if form.constant < 0:
            base = w.negative(base)
    lift = 0
    if b is not None and k is not None and w.long and degree:
        room = RANGE - MANTISSA_BITS * (form.half - degree) - max(map(abs, form.terms)).bit_length()
        lift = max(0, min(LIFT, room)) // degree
    x, y = (Pair(a), None if b is None else Pair(b)) if not lift else (Pair(a * 2.0**lift), Pair(one * 2.0**lift))
    top = polynomial(w, form.terms, x, y)
    result = w.divide(top, half_power(w, base, form.half))
    if k is not None:
        k = limited(w, k * (form.half - degree) - lift * degree)
    pole = m.copysign(m.const(w.type, INF), w.round(top))
    return m.select(m.equal(base.hi, 0.0), pole, w.scaled(result, k))


def inverse_derivative(m: Machine, x: Value, name: str, order: int) -> Value:
    """A derivative of an inverse function."""
    form = inverse(name, order)
    w = Arithmetic(m, x.type)
    a, b, k = w.widen(x), None, None
    if w.long or form.half > PLAIN:
        size = m.abs(a)
        factor, k = scale(w, m.select(size > 1.0, size, 1.0))
        a, b = a * factor, factor
    value = quotient(w, form, a, b, k)
    # far out it is a power of 1/x, of which infinity has the limit
    odd = len(form.terms) % 2 == 0
    limit = 1.0 / x if odd else 1.0 / m.abs(x)
    return m.select(m.abs(x) < INF, value, limit if form.terms[-1] > 0 else -limit)


def polar(m: Machine, x: Value, y: Value, form: Form) -> Value:
    """A derivative of the angle or the distance of (x, y) where these are finite: terms are coefficients of xⁱ yᵈ⁻ⁱ.
    NaN at the origin, where there is none."""
    w = Arithmetic(m, x.type)
    a, b, k = w.widen(x), w.widen(y), None
    left, right = m.abs(a), m.abs(b)
    if w.long or form.half >= PLAIN:
        factor, k = scale(w, m.select(left > right, left, right))
        a, b = a * factor, b * factor
    value = quotient(w, form, a, b, k)
    return m.select(m.equal(left, 0.0) & m.equal(right, 0.0), m.const(x.type, NAN), value)


def angle_derivative(m: Machine, y: Value, x: Value, by_y: int, by_x: int) -> Value:
    """A derivative of atan2(y, x). Far out it is 0."""
    value = polar(m, x, y, angle(by_y, by_x))
    far = m.equal(m.abs(x), INF) | m.equal(m.abs(y), INF)
    return m.select(far & m.invert(m.is_nan(x) | m.is_nan(y)), m.const(x.type, 0.0), value)


def distance_derivative(m: Machine, x: Value, y: Value, by_x: int, by_y: int) -> Value:
    """A derivative of hypot(x, y). The first ones are 0 at the origin, and ±1 or 0 far out along an axis."""
    value = polar(m, x, y, distance(by_x, by_y))
    zero, one = m.const(x.type, 0.0), m.const(x.type, 1.0)
    far_x, far_y = m.equal(m.abs(x), INF), m.equal(m.abs(y), INF)
    if by_x + by_y > 1:
        return m.select((far_x | far_y) & m.invert(m.is_nan(x) | m.is_nan(y)), zero, value)
    value = m.select(m.equal(x, 0.0) & m.equal(y, 0.0), zero, value)
    along, across, ours = (far_x, far_y, x) if by_x else (far_y, far_x, y)
    value = m.select(along & m.invert(across) & m.invert(m.is_nan(x) | m.is_nan(y)), m.copysign(one, ours), value)
    return m.select(across & m.invert(along) & m.invert(m.is_nan(x) | m.is_nan(y)), zero, value)
