"""The half types, float16 and bfloat16, in a kernel: in memory their bits, in registers a float that one of them holds.

So a kernel computes in float. What is computed is rounded to the half type by a cast (see `engine.widen`, which writes
them into a Program). The conversions are written out in integer operations, which LLVM vectorises on every processor;
its own ones are calls of a library that is not there on all systems.

    float16     1 sign, 5 exponent, 10 mantissa     2⁻²⁴ to 65504
    bfloat16    1 sign, 8 exponent,  7 mantissa     the upper half of a float
"""

from __future__ import annotations

from gradtape.engine.machine import Machine, Value, narrow, widen

SIGN, SIZE = -(1 << 31), (1 << 31) - 1  # the bits of a float
EXPONENT = 0xFF << 23
QUIET = 1 << 22  # set in every NaN that an operation gives
ONE_HALF = 126 << 23
REBIASED = (127 - 15) << 23
"""Between the exponents of float and float16, as they stand in a float."""


def nearest(m: Machine, x: Value, dtype: str) -> Value:
    """A float, double or integer rounded once to a half type, ties to even, as a float."""
    if x.type in ("i32", "i64"):
        x = m.convert("sitofp", x, "double")
    if x.type == "double":
        x = _to_odd(m, x)
    return _nearest_float16(m, x) if dtype == "float16" else _nearest_bfloat16(m, x)


def _to_odd(m: Machine, x: Value) -> Value:
    """A double as a float; of the two around an inexact one that whose last bit is 1, so that rounding it again, to
    fewer digits, sees on which side of a tie x was (Boldo and Melquiond, *Emulation of FMA and correctly rounded sums*,
    2008)."""
    near = narrow(x)
    back = widen(near)
    beyond = m.convert("zext", m.abs(back) > m.abs(x), "i32")
    inexact = m.convert("zext", m.compare("ne", back, x), "i32")
    return m.from_bits((m.bits(near) - beyond) | inexact)


def _nearest_float16(m: Machine, x: Value) -> Value:
    """By adding and subtracting a power of two so large that a float has as many digits left there as a float16: 13
    less than x has. Of small x it is that of the smallest normal float16, so that subnormal ones come out as well."""
    size = m.abs(x)
    large = (m.bits(x) & EXPONENT) + (13 << 23)
    smallest = (127 - 14 + 13) << 23
    shift = m.from_bits(m.select(large > smallest, large, smallest))
    rounded = (size + shift) - shift
    return m.copysign(m.select(size >= 65520.0, m.value(float("inf"), "float"), rounded), x)


def _nearest_bfloat16(m: Machine, x: Value) -> Value:
    bits = m.bits(x)
    rounded = bits + 0x7FFF + ((bits >> 16) & 1)
    return m.from_bits(m.select(m.is_nan(x), bits | QUIET, rounded) & -0x10000)


def from_memory(m: Machine, stored: Value, dtype: str) -> Value:
    """The float whose bits in a half type are `stored`, an i16."""
    bits = m.convert("zext", stored, "i32")
    if dtype == "bfloat16":
        return m.from_bits(bits << 16)
    size = bits & 0x7FFF
    moved = size << 13
    normal = moved + m.select(size >= 0x7C00, m.value(2 * REBIASED, "i32"), REBIASED)
    subnormal = m.bits(m.from_bits(size | ONE_HALF) - 0.5)
    return m.from_bits(m.select(size < 0x400, subnormal, normal) | ((bits & 0x8000) << 16))


def to_memory(m: Machine, x: Value, dtype: str) -> Value:
    """The bits, an i16, of a float that the half type holds; of a NaN the first bits, one of which is set."""
    bits = m.bits(x)
    if dtype == "bfloat16":
        return m.convert("trunc", bits >> 16, "i16")
    size = bits & SIZE
    normal = (size - m.select(size >= EXPONENT, m.value(2 * REBIASED, "i32"), REBIASED)) >> 13
    subnormal = m.bits(m.from_bits(size) + 0.5) - ONE_HALF
    found = m.select(size >= (127 - 14) << 23, normal, subnormal)
    return m.convert("trunc", found | ((bits >> 16) & 0x8000), "i16")
