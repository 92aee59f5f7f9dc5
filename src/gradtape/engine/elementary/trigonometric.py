"""sin, cos, tan: x = n π/2 + r, then two polynomials in r² and the quadrant n mod 4 chooses.

Up to 2**29 the reduction is Cody and Waite's with π/2 in parts. Beyond, it is Payne and Hanek's: x = M * 2**(e-52) with
an integer M, and the table has 2**(e-52) * 2/π without whole turns, in enough doubles that the product keeps full
accuracy even for the argument nearest to a multiple of π/2 (Muller, *Elementary Functions*, chapter 11). That path is
entered only when some lane needs it.

The three functions emit the same instructions up to the choice by quadrant, so sin and cos of one x cost one.

Largest error in ulps for float, double: sin and cos 0.502, 0.69; tan 0.502, 0.77.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from gradtape.engine.elementary import tables
from gradtape.engine.elementary.algebraic import polynomial
from gradtape.engine.elementary.arithmetic import (
    EXPONENT_BIAS,
    EXPONENT_MASK,
    INF,
    MANTISSA_BITS,
    NAN,
    ROUNDER,
    Arithmetic,
    Pair,
)
from gradtape.engine.elementary.coefficients import COS, HALF_PI, SIN, TWO_OVER_PI
from gradtape.engine.machine import Machine, Value
from gradtape.ops.closed_forms import tangent

LARGE = 2.0**tables.FIRST


class Turn(NamedTuple):
    """sin and cos of the reduced argument, and the quadrant (an i64 whose last two bits count)."""

    sin: Pair
    cos: Pair
    quadrant: Value


def payne_hanek(m: Machine, x: Value, usual: Pair, usual_quadrant: Value) -> list[Value]:
    """High part of r, quadrant and (if `usual` has one) low part of r: the usual ones where ``|x| < LARGE``."""
    w = Arithmetic(m, "double", long=True)
    exponent = (m.bits(m.abs(x)) >> MANTISSA_BITS) - (EXPONENT_BIAS + tables.FIRST)
    row = m.maximum(m.minimum(exponent, tables.ROWS - 1), 0)
    mantissa = m.from_bits((m.bits(x) & ~EXPONENT_MASK) | ((EXPONENT_BIAS + MANTISSA_BITS) << MANTISSA_BITS))
    parts = tables.PARTS if usual.lo is not None else tables.PARTS - 1
    products = [w.product(mantissa, m.table(tables.offset(part), row)) for part in range(parts)]
    # The sum is kept exactly, largest numbers first: they decide n, and the rest may then cancel down to 2**-62.
    without_turns = products[0].hi - m.rint(products[0].hi * 0.25) * 4.0
    whole = w.sum(without_turns, products[0].tail)
    whole, rest = w.sum(whole.hi, products[1].hi), whole.tail
    n = m.rint(whole.hi)
    fraction = w.sum(whole.hi - n, whole.tail)
    small = w.sum(rest, products[1].tail)
    for product in products[2:]:
        small = w.add(small, product)
    r = w.multiply(w.add(fraction, small), HALF_PI)
    large = m.abs(x) >= LARGE
    high = m.select(m.equal(m.abs(x), INF), NAN, r.hi)
    out = [m.select(large, high, usual.hi), m.select(large, m.bits(n + ROUNDER), usual_quadrant)]
    if usual.lo is not None:
        out.append(m.select(large, r.tail, usual.lo))
    return out


def reduced(w: Arithmetic, x: Value) -> tuple[Pair, Value]:
    """r and the quadrant."""
    m = w.m
    rounded = m.fma(x, TWO_OVER_PI[0], ROUNDER)
    r, quadrant = w.residue(x, rounded - ROUNDER, HALF_PI), m.bits(rounded)
    usual = [r.hi, quadrant] if r.lo is None else [r.hi, quadrant, r.lo]
    slow = partial(payne_hanek, m, x, r, quadrant)
    high, quadrant, *low = m.rarely(m.abs(x) >= LARGE, slow, usual, name="payne_hanek")
    return Pair(high, low[0] if low else None), quadrant


def turn(w: Arithmetic, x: Value) -> Turn:
    return turn_of(w, *reduced(w, x))


def turn_of(w: Arithmetic, r: Pair, quadrant: Value) -> Turn:
    """The turn of an argument that is reduced already."""
    m = w.m
    square = w.product(r.hi, r.hi)
    z = square.hi
    sin_tail, cos_tail = w.polynomial(SIN, z), w.polynomial(COS, z)
    if r.lo is None or square.lo is None:
        sin = Pair(r.hi * m.fma(z, sin_tail, 1.0))
        return Turn(sin, Pair(m.fma(z, m.fma(z, cos_tail, -0.5), 1.0)), quadrant)
    # sin(r + low) = sin(r) + low cos(r), cos(r + low) = cos(r) - low sin(r)
    half = z * 0.5
    sin = w.ordered_sum(r.hi, m.fma(r.hi * z, sin_tail, m.fma(-half, r.lo, r.lo)))
    head = w.ordered_sum(w.const(1.0), -half)
    low = m.fma(z * z, cos_tail, m.fma(-r.hi, r.lo, square.lo * -0.5))
    return Turn(sin, w.ordered_sum(head.hi, head.tail + low), quadrant)


def with_sign(m: Machine, x: Value, quadrant: Value) -> Value:
    """x, negated in the quadrants 2 and 3."""
    return m.from_bits(m.bits(x) ^ ((quadrant & 2) << 62))


def sin(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    wide = w.widen(x)
    t = turn(w, wide)
    p = w.select(m.equal(t.quadrant & 1, 0), t.sin, t.cos)
    value = w.round(Pair(with_sign(m, p.hi, t.quadrant), None if p.lo is None else with_sign(m, p.lo, t.quadrant)))
    return keep_zero(w, x, value)


def cos(m: Machine, x: Value) -> Value:
    w = Arithmetic(m, x.type)
    t = turn(w, w.widen(x))
    p = w.select(m.equal(t.quadrant & 1, 0), t.cos, t.sin)
    q = t.quadrant + 1
    return w.round(Pair(with_sign(m, p.hi, q), None if p.lo is None else with_sign(m, p.lo, q)))


def tan(m: Machine, x: Value, order: int = 0) -> Value:
    """The derivative of this order of tan: a polynomial in tan x without negative coefficients."""
    w = Arithmetic(m, x.type)
    t = turn(w, w.widen(x))
    even = m.equal(t.quadrant & 1, 0)
    value = w.divide(w.select(even, t.sin, t.cos), w.select(even, t.cos, w.negative(t.sin)))
    value = polynomial(w, tangent(order), value) if order else value
    return w.round(value) if order % 2 else keep_zero(w, x, w.round(value))


def keep_zero(w: Arithmetic, x: Value, value: Value) -> Value:
    """The sums of double-double lose the sign of zero."""
    return w.m.select(w.m.equal(x, 0.0), x, value) if w.long else value
