"""Arithmetic in which every elementary function is written: once, for both results.

All work is done in double. A number is a `Pair`, an unevaluated sum ``hi + lo``. For a double result the low parts are
kept (double-double arithmetic by error-free transformations, Dekker and Knuth; Muller et al., *Handbook of
Floating-Point Arithmetic*, chapters 4 and 14). For a float result they are simply absent: 53 bits are already 29
more than the result has, so `Arithmetic` drops the compensation and takes the short polynomials, and the same text
becomes the short program.

In a `Pair` ``lo is None`` means "no low part": dropped, or exactly zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradtape.engine.elementary.coefficients import Series
from gradtape.engine.machine import Machine, Value, narrow, widen

EXPONENT_BIAS = 1023
MANTISSA_BITS = 52
MANTISSA_MASK = (1 << MANTISSA_BITS) - 1
EXPONENT_MASK = 0x7FF << MANTISSA_BITS
ONE_BITS = EXPONENT_BIAS << MANTISSA_BITS
SQRT_HALF_BITS = 0x3FE6A09E << 32
ROUNDER = 1.5 * 2.0**52
"""Adding it rounds a double to an integer, which then is the low bits of the sum."""
ROUNDER_BITS = 0x4338 << 48
TINY = 2.0**-1022
"""The smallest normal double."""
INF = float("inf")
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Pair:
    """hi + lo, with ``|lo| <= ulp(hi)/2`` or so."""

    hi: Value
    lo: Value | None = None

    @property
    def tail(self) -> Value:
        """The low part, in a place where low parts are kept."""
        assert self.lo is not None
        return self.lo


Number = Pair | Value | float | tuple[float, ...]
"""What the operations accept: a tuple is a constant, its first two parts are used."""


class Arithmetic:
    """Operations on pairs for a result of element type `type`; `long` says whether low parts are kept."""

    def __init__(self, m: Machine, type: str, long: bool | None = None):
        self.m = m
        self.type = type
        self.long = type == "double" if long is None else long

    # -- in and out -------------------------------------------------------------------------------------------

    def widen(self, x: Value) -> Value:
        return widen(x) if x.type == "float" else x

    def round(self, p: Number) -> Value:
        """The value as the result's type."""
        p = self.pair(p)
        value = p.hi if p.lo is None else p.hi + p.lo
        return narrow(value) if self.type == "float" else value

    def pair(self, x: Number) -> Pair:
        if isinstance(x, Pair):
            return x
        if isinstance(x, Value):
            return Pair(x)
        parts = x if isinstance(x, tuple) else (float(x),)
        low = self.const(parts[1]) if self.long and len(parts) > 1 and parts[1] else None
        return Pair(self.const(parts[0]), low)

    def const(self, number: float) -> Value:
        return self.m.const("double", number)

    # -- error-free transformations ---------------------------------------------------------------------------

    def sum(self, a: Value, b: Value) -> Pair:
        """a + b exactly (Knuth)."""
        s = a + b
        if not self.long:
            return Pair(s)
        part = s - a
        return Pair(s, (a - (s - part)) + (b - part))

    def ordered_sum(self, a: Value, b: Value | None) -> Pair:
        """a + b exactly where ``|a| >= |b|`` or a is zero (Dekker)."""
        if b is None:
            return Pair(a)
        s = a + b
        return Pair(s, b - (s - a)) if self.long else Pair(s)

    def product(self, a: Value, b: Value) -> Pair:
        """a * b exactly, barring underflow."""
        p = a * b
        return Pair(p, self.m.fma(a, b, -p)) if self.long else Pair(p)

    # -- pairs ------------------------------------------------------------------------------------------------

    def add(self, x: Number, y: Number) -> Pair:
        x, y = self.pair(x), self.pair(y)
        s = self.sum(x.hi, y.hi)
        return self.ordered_sum(s.hi, _total(s.lo, _total(x.lo, y.lo)))

    def subtract(self, x: Number, y: Number) -> Pair:
        return self.add(x, self.negative(y))

    def multiply(self, x: Number, y: Number) -> Pair:
        x, y = self.pair(x), self.pair(y)
        p = self.product(x.hi, y.hi)
        if p.lo is None or (x.lo is None and y.lo is None):
            return p
        low = p.lo
        if x.lo is not None:
            low = self.m.fma(x.lo, y.hi, low)
        if y.lo is not None:
            low = self.m.fma(x.hi, y.lo, low)
        return self.ordered_sum(p.hi, low)

    def multiply_add(self, x: Number, y: Number, z: Number) -> Pair:
        """x * y + z."""
        if self.long:
            return self.add(self.multiply(x, y), z)
        return Pair(self.m.fma(self.pair(x).hi, self.pair(y).hi, self.pair(z).hi))

    def divide(self, x: Number, y: Number) -> Pair:
        """x / y; one division also for double, where the remainder gives the low part."""
        x, y = self.pair(x), self.pair(y)
        if not self.long:
            return Pair(x.hi / y.hi)
        inverse = 1.0 / y.hi
        quotient = x.hi * inverse
        rest = self.m.fma(-quotient, y.hi, x.hi)
        if x.lo is not None:
            rest = rest + x.lo
        if y.lo is not None:
            rest = self.m.fma(-quotient, y.lo, rest)
        return self.ordered_sum(quotient, rest * inverse)

    def sqrt(self, x: Number) -> Pair:
        """The root of a pair; its low part is 0 at zero."""
        x = self.pair(x)
        root = self.m.sqrt(x.hi)
        if not self.long:
            return Pair(root)
        rest = self.m.fma(-root, root, x.hi)
        if x.lo is not None:
            rest = rest + x.lo
        low = rest * (0.5 / self.m.select(x.hi > 0.0, root, 1.0))
        return self.ordered_sum(root, low)

    def negative(self, x: Number) -> Pair:
        x = self.pair(x)
        return Pair(-x.hi, None if x.lo is None else -x.lo)

    def times(self, x: Number, power: Value | float) -> Pair:
        """x times a power of two (or a sign), which is exact."""
        x = self.pair(x)
        return Pair(x.hi * power, None if x.lo is None else x.lo * power)

    def select(self, condition: Value, x: Number, y: Number) -> Pair:
        x, y = self.pair(x), self.pair(y)
        low = None
        if x.lo is not None or y.lo is not None:
            low = self.m.select(condition, _or_zero(self, x.lo), _or_zero(self, y.lo))
        return Pair(self.m.select(condition, x.hi, y.hi), low)

    def residue(self, x: Number, k: Value, c: Sequence[float]) -> Pair:
        """x - k*c where k is an integer and the difference nearly cancels (Cody and Waite).

        The float result goes without the last part of c.
        """
        x = self.pair(x)
        if not self.long:
            difference = x.hi
            for part in c[:-1]:
                difference = self.m.fma(-k, part, difference)
            return Pair(difference)
        p = self.product(k, self.const(c[0]))
        total = self.sum(x.hi - p.hi, -p.tail)  # the difference is exact
        low = total.tail if x.lo is None else total.tail + x.lo
        for part in c[1:-1]:
            p = self.product(k, self.const(part))
            total = self.sum(total.hi, -p.hi)
            low = low + (total.tail - p.tail)
        return self.ordered_sum(total.hi, self.m.fma(-k, c[-1], low))

    def times_add(self, x: Number, power: Value | float, y: Number) -> Pair:
        """x * power + y, where x * power is exact."""
        if self.long:
            return self.add(self.times(x, power), y)
        return Pair(self.m.fma(self.pair(x).hi, power, self.pair(y).hi))

    def power(self, x: Number, n: int) -> Pair:
        """x**n for n >= 1, by repeated squaring."""
        square, result = self.pair(x), None
        while True:
            if n & 1:
                result = square if result is None else self.multiply(result, square)
            n >>= 1
            if not n:
                assert result is not None
                return result
            square = self.multiply(square, square)

    # -- polynomials and exponents ----------------------------------------------------------------------------

    def polynomial(self, coefficients: Series | Sequence[float | Value], z: Value) -> Value:
        """Horner's scheme."""
        if isinstance(coefficients, Series):
            coefficients = coefficients.long if self.long else coefficients.short
        last = coefficients[-1]
        value = last if isinstance(last, Value) else self.const(last)
        for c in reversed(coefficients[:-1]):
            value = self.m.fma(value, z, c)
        return value

    def with_head(self, head: Sequence[tuple[float, ...]], tail: Sequence[float], u: Pair) -> Pair:
        """head(u) + uⁿ tail(u), where n is the length of the head, whose coefficients are pairs."""
        total = self.pair(self.polynomial(tail, u.hi))
        for c in reversed(head):
            total = self.multiply_add(total, u, c)
        return total

    def odd(self, coefficients: Series | Sequence[float], x: Pair) -> Pair:
        """x + x³ P(x²), where the second term is much smaller."""
        square = x.hi * x.hi
        tail = self.polynomial(coefficients, square)
        if x.lo is None:
            return Pair(self.m.fma(x.hi * square, tail, x.hi))
        return self.ordered_sum(x.hi, self.m.fma(x.hi * square, tail, x.lo))

    def power_of_two(self, k: Value) -> Value:
        """2**k for an i64 with -1022 <= k <= 1023."""
        return self.m.from_bits((k + EXPONENT_BIAS) << MANTISSA_BITS)

    def scaled(self, x: Number, k: Value | None) -> Value:
        """x * 2**k rounded to the result's type, for an i64 ``|k| <= 2000`` (600 for float) and x of moderate size.

        A double is scaled in two steps, so that only the last one can overflow or become subnormal; a float in one,
        as double holds its whole range and more. No k is no scaling.
        """
        if k is None:
            return self.round(x)
        x = self.pair(x)
        value = x.hi if x.lo is None else x.hi + x.lo
        if self.type == "float":
            return narrow(value * self.power_of_two(k))
        half = k >> 1
        return value * self.power_of_two(half) * self.power_of_two(k - half)

    def to_integer(self, x: Value) -> Value:
        """The i64 next to a double of moderate size; of NaN something harmless."""
        return self.m.bits(x + ROUNDER) - ROUNDER_BITS

    def split(self, x: Value) -> tuple[Value, Value]:
        """k and f with x = 2**k * f and sqrt(1/2) <= f < sqrt(2), both double, for 0 < x < inf (else garbage)."""
        m, shift = self.m, None
        if self.type == "double":  # only here x can be subnormal
            small = x < TINY
            x = m.select(small, x * 2.0**54, x)
            shift = m.select(small, self.const(54.0), 0.0)
        biased = m.bits(x) + (ONE_BITS - SQRT_HALF_BITS)
        k = m.from_bits(m.arith("lshr", biased, MANTISSA_BITS) + ROUNDER_BITS) - (ROUNDER + EXPONENT_BIAS)
        fraction = m.from_bits((biased & MANTISSA_MASK) + SQRT_HALF_BITS)
        return (k if shift is None else k - shift), fraction

    def is_finite(self, x: Value) -> Value:
        return self.m.abs(x) < INF


def _total(a: Value | None, b: Value | None) -> Value | None:
    if a is None or b is None:
        return a if b is None else b
    return a + b


def _or_zero(w: Arithmetic, x: Value | None) -> Value:
    return w.const(0.0) if x is None else x
