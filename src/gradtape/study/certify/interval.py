"""All real numbers between two ends, and what functions make of them.

An end is in the interval or not, so that e^-x for x > 0 is between 0 and 1 and neither of them. An infinite end never
is: an interval holds finite numbers. Ends are exact; what is rounded is rounded outwards.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from gradtape.study.certify import reals
from gradtape.study.certify.forks import Compared, state
from gradtape.study.certify.reals import NotEnclosed, Outside, number


class Interval(Compared):
    """`low` and `high` are exact numbers or None for an infinite end; `without_low` says that the end is not in it."""

    __slots__ = ("high", "low", "without_high", "without_low")

    def __init__(self, low: Any, high: Any, without_low: bool = False, without_high: bool = False):
        self.low, self.high = low, high
        self.without_low, self.without_high = without_low or low is None, without_high or high is None

    @classmethod
    def of(cls, x: Any) -> Interval:
        """The interval around one number."""
        if isinstance(x, Interval):
            return x
        ball = number(x)
        return cls(ball.lower(), ball.upper())

    def copy(self) -> Interval:
        return Interval(self.low, self.high, self.without_low, self.without_high)

    def __repr__(self) -> str:
        low = "-inf" if self.low is None else f"{float(self.low):.6g}"
        high = "inf" if self.high is None else f"{float(self.high):.6g}"
        return f"{'(' if self.without_low else '['}{low}, {high}{')' if self.without_high else ']'}"

    def rounded(self) -> Interval:
        """Ends of the precision that is set, outwards."""
        low = None if self.low is None else self.low.lower()
        high = None if self.high is None else self.high.upper()
        return Interval(low, high, self.without_low, self.without_high)

    # -- what is known --------------------------------------------------------------------------------------

    @property
    def positive(self) -> bool:
        return self.low is not None and (self.low > 0 or (self.without_low and self.low == 0))

    @property
    def negative(self) -> bool:
        return self.high is not None and (self.high < 0 or (self.without_high and self.high == 0))

    @property
    def zero(self) -> bool:
        """Whether it is 0 and nothing else."""
        return self.low is not None and self.high is not None and self.low == 0 and self.high == 0

    @property
    def sign(self) -> int | None:
        """1, -1, 0, or None where it is not known."""
        return 1 if self.positive else -1 if self.negative else 0 if self.zero else None

    @property
    def finite(self) -> bool:
        return self.low is not None and self.high is not None

    @property
    def width(self) -> Any:
        return None if not self.finite else (self.high - self.low).upper()

    @property
    def ball(self) -> Any:
        """The same as one number between bounds."""
        if not self.finite:
            raise NotEnclosed("an unbounded interval")
        return self.low if self.low == self.high else self.low.union(self.high)

    def holds(self, x: Any) -> bool:
        """Whether an exact number is in it."""
        if self.low is not None and (x < self.low or (self.without_low and x == self.low)):
            return False
        return not (self.high is not None and (x > self.high or (self.without_high and x == self.high)))

    def hull(self, other: Interval) -> Interval:
        low, without_low = _lower(self.low, self.without_low, other.low, other.without_low)
        high, without_high = _higher(self.high, self.without_high, other.high, other.without_high)
        return Interval(low, high, without_low, without_high)

    def meet(self, other: Interval) -> Interval:
        """What is in both, which must be something."""
        low, without_low = self.low, self.without_low
        if low is None or (other.low is not None and (other.low > low or (other.low == low and other.without_low))):
            low, without_low = other.low, other.without_low
        high, without_high = self.high, self.without_high
        if high is None or (
            other.high is not None and (other.high < high or (other.high == high and other.without_high))
        ):
            high, without_high = other.high, other.without_high
        return Interval(low, high, without_low, without_high)

    # -- comparisons -----------------------------------------------------------------------------------------

    def above(self, other: Any) -> bool | None:
        if other is self:
            return False
        other = Interval.of(other)
        if self.low is not None and other.high is not None:
            apart = self.without_low or other.without_high
            if self.low > other.high or (apart and self.low == other.high):
                return True
        if self.high is not None and other.low is not None and self.high <= other.low:
            return False
        return None

    def below(self, other: Any) -> bool | None:
        return Interval.of(other).above(self) if other is not self else False

    def equals(self, other: Any) -> bool | None:
        if other is self:
            return True
        other = Interval.of(other)
        if self.above(other) or other.above(self):
            return False
        if self.finite and other.finite and self.low == self.high and other.low == other.high:
            return bool(self.low == other.low)
        return None

    def narrow(self, other: Any, upwards: bool, without: bool) -> None:
        other = Interval.of(other)
        end = other.low if upwards else other.high
        if end is None:
            return
        # Where the other is not one number, its own end is all that is known.
        without = without or (other.without_low if upwards else other.without_high)
        side = Interval(end, None, without) if upwards else Interval(None, end, True, without)
        met = self.meet(side)
        self.low, self.high, self.without_low, self.without_high = met.low, met.high, met.without_low, met.without_high

    # -- arithmetic ------------------------------------------------------------------------------------------

    def __neg__(self) -> Interval:
        return Interval(
            None if self.high is None else -self.high,
            None if self.low is None else -self.low,
            self.without_high,
            self.without_low,
        )

    def __add__(self, other: Any) -> Interval:
        if type(other) is not Interval:
            if not _plain(other):
                return NotImplemented
            other = Interval.of(other)
        low = None if self.low is None or other.low is None else (self.low + other.low).lower()
        high = None if self.high is None or other.high is None else (self.high + other.high).upper()
        return Interval(low, high, self.without_low or other.without_low, self.without_high or other.without_high)

    def __sub__(self, other: Any) -> Interval:
        if other is self:
            return Interval.of(0)
        if type(other) is not Interval:
            if not _plain(other):
                return NotImplemented
            other = Interval.of(other)
        return self + -other

    def __rsub__(self, other: Any) -> Interval:
        return -self + other

    def __mul__(self, other: Any) -> Interval:
        if other is self:
            return self**2
        if type(other) is not Interval:
            if not _plain(other):
                return NotImplemented
            other = Interval.of(other)
        if self.zero or other.zero:
            return Interval.of(0)
        corners = [
            _product(a, without_a, side_a, b, without_b, side_b)
            for a, without_a, side_a in ((self.low, self.without_low, -1), (self.high, self.without_high, 1))
            for b, without_b, side_b in ((other.low, other.without_low, -1), (other.high, other.without_high, 1))
        ]
        return _spanned(corners)

    __radd__, __rmul__ = __add__, __mul__

    def reciprocal(self) -> Interval:
        if self.positive:
            low = number(0) if self.high is None else (1 / self.high).lower()
            high = None if self.low == 0 else (1 / self.low).upper()
            return Interval(low, high, self.without_high, self.without_low)
        if self.negative:
            return -((-self).reciprocal())
        if self.zero:
            raise Outside("a division by 0")
        raise NotEnclosed("a division by an interval with 0 in it")

    def __truediv__(self, other: Any) -> Interval:
        if type(other) is not Interval:
            if not _plain(other):
                return NotImplemented
            other = Interval.of(other)
        if other.finite and other.low == other.high and self.finite:
            if other.zero:
                raise Outside("a division by 0")
            divisor = other.low
            ends = (self.low / divisor).lower(), (self.high / divisor).upper(), self.without_low, self.without_high
            if divisor < 0:
                ends = (self.high / divisor).lower(), (self.low / divisor).upper(), self.without_high, self.without_low
            return Interval(*ends)
        return self * other.reciprocal()

    def __rtruediv__(self, other: Any) -> Interval:
        return Interval.of(other) / self

    def __pow__(self, n: Any) -> Interval:
        if isinstance(n, (float, Fraction)) and n == int(n):
            n = int(n)
        if isinstance(n, int):
            if n < 0:
                return (self**-n).reciprocal()
            if n == 0:
                return Interval.of(1)
            if n == 1:
                return self
            if n % 2 or (self.low is not None and self.low >= 0):
                return self._rising(lambda x: x**n)
            if self.high is not None and self.high <= 0:
                return (-self) ** n
            far = abs(self)
            return far._rising(lambda x: x**n)
        if isinstance(n, (float, Fraction)) and 2 * n == int(2 * n):
            return self.sqrt() ** int(2 * n)
        power = Interval.of(n)
        if power.finite and power.low == power.high:
            exponent = reals.fraction(power.low)
            if (2 * exponent).denominator == 1:
                return self**exponent
        if self.positive:
            return (power * self.log()).exp()
        if self.negative:
            raise Outside("a power of a negative number")
        raise NotEnclosed("a power of an interval with 0 in it")

    def __rpow__(self, base: Any) -> Interval:
        return Interval.of(base) ** self

    def __abs__(self) -> Interval:
        if self.low is not None and self.low >= 0:
            return self
        if self.high is not None and self.high <= 0:
            return -self
        mirrored = -self
        high, without = _higher(self.high, self.without_high, mirrored.high, mirrored.without_high)
        return Interval(number(0), high, False, without)

    # -- functions -------------------------------------------------------------------------------------------

    def _rising(self, f: Any, first: Any = None, last: Any = None) -> Interval:
        """What a strictly rising function makes of it; `first` and `last` are its limits at -∞ and ∞."""
        if self.finite and self.low == self.high:
            value = _checked(f(self.low))
            return Interval(value.lower(), value.upper())
        low = first if self.low is None else _down(_checked(f(self.low)))
        high = last if self.high is None else _up(_checked(f(self.high)))
        return Interval(low, high, self.without_low, self.without_high)

    def _anyhow(self, f: Any) -> Interval:
        value = _checked(f(self.ball))
        if not value.is_finite():
            raise NotEnclosed("a function without bounds here")
        return Interval(value.lower(), value.upper())

    def exp(self) -> Interval:
        found = self._rising(lambda x: x.exp(), number(0))
        return found if found.positive else Interval(number(0), found.high, True, found.without_high)

    def expm1(self) -> Interval:
        return self._rising(lambda x: x.expm1(), number(-1))

    def log(self) -> Interval:
        if self.high is not None and self.high <= 0:
            raise Outside("a logarithm of a negative number")
        if not self.positive:
            raise NotEnclosed("a logarithm of an interval with 0 in it")
        if self.low == 0:
            return Interval(None, None if self.high is None else self.high.log().upper(), True, self.without_high)
        return self._rising(lambda x: x.log())

    def log1p(self) -> Interval:
        if self.high is not None and self.high <= -1:
            raise Outside("a logarithm of a negative number")
        if self.low is None or not (self.low > -1 or (self.without_low and self.low == -1)):
            raise NotEnclosed("a logarithm of an interval with 0 in it")
        if self.low == -1:
            return Interval(None, None if self.high is None else self.high.log1p().upper(), True, self.without_high)
        return self._rising(lambda x: x.log1p())

    def sqrt(self) -> Interval:
        if self.negative:
            raise Outside("a root of a negative number")
        if self.low is None or self.low < 0:
            raise NotEnclosed("a root of an interval with 0 in it")
        state.singular = state.singular or not self.positive
        return self._rising(lambda x: x.sqrt())

    def cbrt(self) -> Interval:
        return self._rising(_cbrt)

    def tanh(self) -> Interval:
        return _inside(self._rising(lambda x: x.tanh(), number(-1), number(1)), number(-1), number(1))

    def erf(self) -> Interval:
        return _inside(self._rising(lambda x: x.erf(), number(-1), number(1)), number(-1), number(1))

    def erfc(self) -> Interval:
        return _inside(-(self._rising(lambda x: -x.erfc(), number(-2), number(0))), number(0), number(2))

    def atan(self) -> Interval:
        half = reals.pi() / 2
        return self._rising(lambda x: x.atan(), -half.upper(), half.upper())

    def sinh(self) -> Interval:
        return self._rising(lambda x: x.sinh())

    def cosh(self) -> Interval:
        return abs(self)._rising(lambda x: x.cosh())

    def sech(self) -> Interval:
        return self.cosh().reciprocal()

    def asinh(self) -> Interval:
        return self._rising(lambda x: x.asinh())

    def asin(self) -> Interval:
        return self._between()._rising(lambda x: x.asin())

    def acos(self) -> Interval:
        return -(self._between()._rising(lambda x: -x.acos()))

    def _between(self) -> Interval:
        if (self.low is not None and self.low > 1) or (self.high is not None and self.high < -1):
            raise Outside("an inverse sine of a number beyond 1")
        if not self.finite or self.low < -1 or self.high > 1:
            raise NotEnclosed("an inverse sine of an interval that goes beyond 1")
        state.singular = state.singular or not (self.low > -1 and self.high < 1)
        return self

    def acosh(self) -> Interval:
        if self.high is not None and self.high < 1:
            raise Outside("an inverse hyperbolic cosine of a number below 1")
        if self.low is None or self.low < 1:
            raise NotEnclosed("an inverse hyperbolic cosine of an interval that goes below 1")
        state.singular = state.singular or not self.low > 1
        return self._rising(lambda x: x.acosh())

    def atanh(self) -> Interval:
        if (self.low is not None and self.low >= 1) or (self.high is not None and self.high <= -1):
            raise Outside("an inverse hyperbolic tangent of a number beyond 1")
        if (
            not self.finite
            or self.low < -1
            or self.high > 1
            or not ((self.low > -1 or self.without_low) and (self.high < 1 or self.without_high))
        ):
            raise NotEnclosed("an inverse hyperbolic tangent of an interval that goes beyond 1")
        low = None if self.low == -1 else self.low.atanh().lower()
        high = None if self.high == 1 else self.high.atanh().upper()
        return Interval(low, high, self.without_low, self.without_high)

    def sin(self) -> Interval:
        return self._wave("sin")

    def cos(self) -> Interval:
        return self._wave("cos")

    def sinpi(self) -> Interval:
        return self._wave("sin_pi")

    def cospi(self) -> Interval:
        return self._wave("cos_pi")

    def _wave(self, name: str) -> Interval:
        whole = Interval(number(-1), number(1))
        if not self.finite or self.high - self.low > 7:
            return whole
        return self._anyhow(lambda x: getattr(x, name)()).meet(whole)

    def tan(self) -> Interval:
        return self._anyhow(lambda x: x.tan())

    def loggamma(self) -> Interval:
        if not self.positive:
            raise NotEnclosed("log Γ beside its poles")
        return self._anyhow(lambda x: x.lgamma())

    def psi(self, order: int) -> Interval:
        if not self.positive:
            raise NotEnclosed("ψ beside its poles")
        if order:
            factor = (-1) ** (order + 1) * _factorial(order)
            return -(self._rising(lambda x: -number(order + 1).zeta(x), None, number(0))) * factor
        return self._rising(lambda x: x.digamma())

    def floor(self) -> Interval:
        low = None if self.low is None else self.low.floor()
        high = None if self.high is None else self.high.floor()
        if high is not None and self.without_high and high == self.high:
            high = high - 1
        return Interval(low, high)


def _plain(x: Any) -> bool:
    return isinstance(x, (int, float, Fraction)) or hasattr(x, "lower")


def _factorial(n: int) -> int:
    from math import factorial

    return factorial(n)


def _checked(value: Any) -> Any:
    if value.is_nan():
        raise NotEnclosed("a function without bounds here")
    return value


def _down(value: Any) -> Any:
    low = value.lower()
    return low if low.is_finite() else None


def _up(value: Any) -> Any:
    high = value.upper()
    return high if high.is_finite() else None


def _cbrt(x: Any) -> Any:
    if x == 0:
        return x
    root = (abs(x).log() / 3).exp()
    return -root if x < 0 else root


def _inside(found: Interval, low: Any, high: Any) -> Interval:
    """What is strictly between two limits whatever rounding says."""
    if found.low is None or found.low <= low:
        found.low, found.without_low = low, True
    if found.high is None or found.high >= high:
        found.high, found.without_high = high, True
    return found


def _lower(a: Any, without_a: bool, b: Any, without_b: bool) -> tuple[Any, bool]:
    if a is None or b is None:
        return None, True
    if a == b:
        return a, without_a and without_b
    return (a, without_a) if a < b else (b, without_b)


def _higher(a: Any, without_a: bool, b: Any, without_b: bool) -> tuple[Any, bool]:
    if a is None or b is None:
        return None, True
    if a == b:
        return a, without_a and without_b
    return (a, without_a) if a > b else (b, without_b)


def _product(a: Any, without_a: bool, side_a: int, b: Any, without_b: bool, side_b: int) -> tuple[Any, Any, bool]:
    """A corner of a product: bounds for it (an infinite one as 1 or -1 after None), and whether it is not reached."""
    if (a is not None and a == 0) or (b is not None and b == 0):
        # 0 is reached if one factor reaches it, whatever the other is.
        reached = (a is not None and a == 0 and not without_a) or (b is not None and b == 0 and not without_b)
        return number(0), 0, not reached
    if a is None or b is None:
        sign_a = side_a if a is None else 1 if a > 0 else -1
        sign_b = side_b if b is None else 1 if b > 0 else -1
        return None, sign_a * sign_b, True
    return a * b, 0, without_a or without_b


def _spanned(corners: list[tuple[Any, int, bool]]) -> Interval:
    """The interval between the smallest and the largest corner."""
    finite = [(ball, without) for ball, _, without in corners if ball is not None]
    low = high = None
    without_low = without_high = True
    if finite and not any(side < 0 for _, side, _ in corners):
        low, without_low = finite[0][0].lower(), finite[0][1]
        for ball, without in finite[1:]:
            low, without_low = _lower(low, without_low, ball.lower(), without)
    if finite and not any(side > 0 for _, side, _ in corners):
        high, without_high = finite[0][0].upper(), finite[0][1]
        for ball, without in finite[1:]:
            high, without_high = _higher(high, without_high, ball.upper(), without)
    return Interval(low, high, without_low, without_high)
