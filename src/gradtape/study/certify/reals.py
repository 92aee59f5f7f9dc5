"""One real number between two bounds: a ball of Arb where python-flint is installed, else an interval of mpmath.

Both have the operators, `lower` and `upper` (exact numbers), and functions by the names that Arb has for them. mpmath
has fewer of these; where one is missing there is `NotEnclosed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

try:
    import flint
except ImportError:  # the extra `certify`
    flint = None

BITS = 128
"""With how many bits bounds are computed where nothing else is said."""


class NotEnclosed(ArithmeticError):
    """Nothing can be said about a function on an interval: it has a pole there, or no bounds are known.

    It stands for the value of an operation; as a condition it says neither yes nor no, also where a comparison with NaN
    is false.
    """

    def __bool__(self) -> bool:
        raise NotEnclosed("a condition of what has no bounds")


class Outside(NotEnclosed):
    """A function has no real value anywhere on an interval."""


class _OfMpmath:
    """An interval of mpmath under the names of a ball of Arb."""

    __slots__ = ("held",)

    def __init__(self, held: Any):
        self.held = held

    def lower(self) -> _OfMpmath:
        return _OfMpmath(_iv().mpf(self.held.a))

    def upper(self) -> _OfMpmath:
        return _OfMpmath(_iv().mpf(self.held.b))

    def is_finite(self) -> bool:
        return bool(abs(self.held.a) < _iv().inf and abs(self.held.b) < _iv().inf)

    def is_nan(self) -> bool:
        return bool(self.held.a != self.held.a)

    def union(self, other: _OfMpmath) -> _OfMpmath:
        low, high = min(self.held.a, other.held.a), max(self.held.b, other.held.b)
        return _OfMpmath(_iv().mpf([low, high]))

    def __float__(self) -> float:
        return float(self.held.mid)

    def floor(self) -> _OfMpmath:
        from mpmath.libmp import mpf_floor

        low, high = self.held._mpi_
        return _OfMpmath(_iv().make_mpf((mpf_floor(low), mpf_floor(high))))

    def __neg__(self) -> _OfMpmath:
        return _OfMpmath(-self.held)

    def __abs__(self) -> _OfMpmath:
        return _OfMpmath(abs(self.held))

    def __add__(self, other: Any) -> _OfMpmath:
        return _OfMpmath(self.held + _held(other))

    def __sub__(self, other: Any) -> _OfMpmath:
        return _OfMpmath(self.held - _held(other))

    def __rsub__(self, other: Any) -> _OfMpmath:
        return _OfMpmath(_held(other) - self.held)

    def __mul__(self, other: Any) -> _OfMpmath:
        return _OfMpmath(self.held * _held(other))

    def __truediv__(self, other: Any) -> _OfMpmath:
        return _OfMpmath(self.held / _held(other))

    def __rtruediv__(self, other: Any) -> _OfMpmath:
        return _OfMpmath(_held(other) / self.held)

    def __pow__(self, n: int) -> _OfMpmath:
        return _OfMpmath(self.held**n)

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Any) -> bool:
        return (self.held < _held(other)) is True

    def __le__(self, other: Any) -> bool:
        return (self.held <= _held(other)) is True

    def __gt__(self, other: Any) -> bool:
        return (self.held > _held(other)) is True

    def __ge__(self, other: Any) -> bool:
        return (self.held >= _held(other)) is True

    def __eq__(self, other: Any) -> bool:
        if other is None:
            return False
        mine, theirs = self.held, _held(other)
        return bool(mine.a == mine.b == theirs.a == theirs.b)

    def __hash__(self) -> int:
        return hash(self.held.a)

    def exp(self) -> _OfMpmath:
        return _OfMpmath(_iv().exp(self.held))

    def log(self) -> _OfMpmath:
        return _OfMpmath(_iv().log(self.held))

    def sqrt(self) -> _OfMpmath:
        return _OfMpmath(_iv().sqrt(self.held))

    def sin(self) -> _OfMpmath:
        return _OfMpmath(_iv().sin(self.held))

    def cos(self) -> _OfMpmath:
        return _OfMpmath(_iv().cos(self.held))

    def expm1(self) -> _OfMpmath:
        with _more_bits(self):
            return _OfMpmath(_iv().exp(self.held) - 1)

    def log1p(self) -> _OfMpmath:
        with _more_bits(self):
            return _OfMpmath(_iv().log(self.held + 1))

    def tanh(self) -> _OfMpmath:
        with _more_bits(self):
            if self < 0:
                return -((-self).tanh())
            e = _iv().exp(-2 * self.held)
            return _OfMpmath((1 - e) / (1 + e))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotEnclosed(f"mpmath has no bounds for {name}; install python-flint for them")


def _held(x: Any) -> Any:
    if isinstance(x, _OfMpmath):
        return x.held
    return _iv().mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else _iv().mpf(x)


@cache
def _iv() -> Any:
    from mpmath.ctx_iv import MPIntervalContext

    context = MPIntervalContext()
    context.prec = BITS
    return context


@contextmanager
def _more_bits(x: _OfMpmath) -> Iterator[None]:
    """As many as cancel where x is small."""
    before = _iv().prec
    size = max(abs(float(x.held.a)), abs(float(x.held.b)), 1e-300)
    _iv().prec = before + (int(-2 * min(0, _log2(size))) if size < 1 else 0) + 10
    try:
        yield
    finally:
        _iv().prec = before


def _log2(size: float) -> float:
    from math import log2

    return log2(size)


# -- what the rest of the package uses ------------------------------------------------------------------------


def number(x: Any) -> Any:
    """Bounds for an int, a float (exactly what it is) or a Fraction."""
    if flint is None:
        return x if isinstance(x, _OfMpmath) else _OfMpmath(_held(x))
    if isinstance(x, flint.arb):
        return x
    if isinstance(x, Fraction):
        bits = x.denominator.bit_length() - 1
        if x.denominator == 1 << bits:
            return flint.arb((x.numerator, -bits))  # exact
        return flint.arb(x.numerator) / flint.arb(x.denominator)
    return flint.arb(x)


def pi() -> Any:
    return _OfMpmath(+_iv().pi) if flint is None else flint.arb.pi()


def infinity() -> Any:
    return _OfMpmath(_iv().inf) if flint is None else flint.arb.pos_inf()


LARGEST_EXPONENT = 100_000
"""Numbers beyond this power of two are not made fractions."""


def fraction(x: Any) -> Fraction:
    """An exact number as a fraction. OverflowError for one that is too large or too small to be worth it."""
    man, exp = _parts(x)
    if man and abs(exp + man.bit_length()) > LARGEST_EXPONENT:
        raise OverflowError("a number too large or small for a fraction")
    return Fraction(man) * Fraction(2) ** exp


def fraction_below(x: Any) -> Fraction:
    """The same, or a fraction below what is too small for one."""
    man, exp = _parts(x)
    if man and exp + man.bit_length() < -LARGEST_EXPONENT:
        return Fraction(0) if man > 0 else -Fraction(1, 1 << LARGEST_EXPONENT)
    return fraction(x)


def fraction_above(x: Any) -> Fraction:
    """The same, or a fraction above what is too small for one."""
    man, exp = _parts(x)
    if man and exp + man.bit_length() < -LARGEST_EXPONENT:
        return Fraction(0) if man < 0 else Fraction(1, 1 << LARGEST_EXPONENT)
    return fraction(x)


def _parts(x: Any) -> tuple[int, int]:
    if isinstance(x, _OfMpmath):
        sign, man, exp, _ = x.held._mpi_[0]
        return -int(man) if sign else int(man), int(exp)
    man, exp = x.man_exp()
    return int(man), int(exp)


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute bounds with so many bits inside the block."""
    holder = _iv() if flint is None else flint.ctx
    before, holder.prec = holder.prec, bits
    try:
        yield
    finally:
        holder.prec = before


def source() -> str:
    """Where bounds come from, for people."""
    return "intervals of mpmath" if flint is None else "Arb"
