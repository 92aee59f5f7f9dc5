"""What stands for a function at all x beyond some point: an interval times a power of |x| times an exponential.

With s = |x| between `near` (at least 1) and `far` (which may be infinite) a value is c·sᵃ·exp(E(s)), where c is between
two numbers, and E is a polynomial. Sums are factored: of x e^-x / (1 + e^-x)² + e^-x / (1 + e^-x) the sign is that of
(x + …) e^-x, although both parts vanish and no interval for each of them would tell which is larger.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from gradtape.study.certify import reals
from gradtape.study.certify.forks import Compared
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.polynomials import Polynomial
from gradtape.study.certify.reals import NotEnclosed, number

NOTHING = Polynomial({})

Scale = tuple[Fraction, Polynomial]
"""The a and the E of sᵃ exp(E(s))."""


class Reach:
    """Where a tail is: s = |x| in an interval from 1 or more, on the right (side 1) or the left (-1). Side 0 is any
    interval of x = s, where only exponentials are factors."""

    def __init__(self, s: Interval, side: int):
        self.s, self.side = s, side
        self._spans: dict[Scale, Interval] = {}

    def variable(self) -> Tail:
        """x itself."""
        if not self.side:
            return Tail(self, self.s.copy(), (Fraction(0), NOTHING), Polynomial.variable())
        return Tail(self, Interval.of(self.side), (Fraction(1), NOTHING), Polynomial.variable(self.side))

    def constant(self, x: Any) -> Tail:
        exact = Polynomial.constant(x) if isinstance(x, (int, float, Fraction)) else None
        return Tail(self, Interval.of(x), (Fraction(0), NOTHING), exact)

    def span(self, scale: Scale) -> Interval:
        """All values of sᵃ exp(E(s))."""
        found = self._spans.get(scale)
        if found is None:
            found = self._spans[scale] = self._span(*scale)
        return found

    def _span(self, power: Fraction, growth: Polynomial) -> Interval:
        s = self.s
        if not growth.terms:
            return _power(s, power)
        # The slope of its logarithm, times s where that is positive.
        turn = (Polynomial.constant(power) + growth.slope_times_x()).at(s) if self.side else growth.slope().at(s)
        trend = growth.trend()
        if turn.positive or turn.negative:
            ends: list[Any] = []
            for end in (s.low, s.high):
                if end is None:
                    ends.append(None)
                else:
                    at = Interval(end, end)
                    ends.append(_power(at, power) * growth.at(at).exp())
            low, high = (ends[0], ends[1]) if turn.positive else (ends[1], ends[0])
            if s.high is None and not trend:
                return _power(s, power) * growth.at(s).exp()
            if s.high is None and turn.negative:
                return Interval(number(0), high.high, True, s.without_low)
            if s.high is None:
                return Interval(low.low, None, s.without_low, True)
            without = (s.without_low, s.without_high) if turn.positive else (s.without_high, s.without_low)
            found = Interval(low.low, high.high, *without)
            return found if found.positive else Interval(number(0), found.high, True, found.without_high)
        return _power(s, power) * growth.at(s).exp()


class Tail(Compared):
    """A value on a `Reach`; `exact` is the polynomial in s that it is, if it is one."""

    __slots__ = ("c", "exact", "reach", "scale")

    def __init__(self, reach: Reach, c: Interval, scale: Scale, exact: Polynomial | None = None):
        self.reach, self.c, self.scale = reach, c, scale
        self.exact = exact.kept if exact is not None else None

    def copy(self) -> Tail:
        return Tail(self.reach, self.c.copy(), self.scale, self.exact)

    def __repr__(self) -> str:
        return f"{self.c}·s^{self.scale[0]}·exp({self.scale[1].terms})"

    # -- what is known ---------------------------------------------------------------------------------------

    @property
    def span(self) -> Interval:
        """All its values."""
        if self.c.zero:
            return self.c
        power, growth = self.scale
        if not power and not growth.terms:
            return self.c
        return self.c * self.reach.span(self.scale)

    @property
    def sign(self) -> int | None:
        return self.c.sign

    positive = property(lambda self: self.c.positive)
    negative = property(lambda self: self.c.negative)
    zero = property(lambda self: self.c.zero)

    def above(self, other: Any) -> bool | None:
        sign = (self - other).sign
        return None if sign is None else sign > 0

    def below(self, other: Any) -> bool | None:
        sign = (self - other).sign
        return None if sign is None else sign < 0

    def equals(self, other: Any) -> bool | None:
        sign = (self - other).sign
        return None if sign is None else sign == 0

    def hull(self, other: Tail) -> Tail:
        if self.scale == other.scale or other.c.zero:
            return Tail(self.reach, self.c.hull(other.c), self.scale)
        if self.c.zero:
            return Tail(self.reach, self.c.hull(other.c), other.scale)
        return self._of(self.span.hull(other.span))

    def _of(self, span: Interval, exact: Polynomial | None = None) -> Tail:
        return Tail(self.reach, span, (Fraction(0), NOTHING), exact)

    def _read(self, other: Any) -> Tail:
        return other if isinstance(other, Tail) else self.reach.constant(other)

    # -- arithmetic ------------------------------------------------------------------------------------------

    def __neg__(self) -> Tail:
        return Tail(self.reach, -self.c, self.scale, None if self.exact is None else -self.exact)

    def __add__(self, other: Any) -> Tail:
        other = self._read(other)
        exact = None if self.exact is None or other.exact is None else self.exact + other.exact
        if exact is not None and not exact.terms:
            return self._of(Interval.of(0), exact)
        if self.c.zero:
            return other
        if other.c.zero:
            return self
        if self.scale == other.scale:
            c = self.c + other.c
            if exact is not None and not self.reach.side:  # of x - x/2 the polynomial knows more than its parts
                c = c.meet(exact.at(self.reach.s))
            return Tail(self.reach, c, self.scale, exact)
        first, second = (self, other) if _larger(self.scale, other.scale) else (other, self)
        ratio = self.reach.span(_quotient(second.scale, first.scale))
        return Tail(self.reach, first.c + second.c * ratio, first.scale, exact)

    def __sub__(self, other: Any) -> Tail:
        if other is self:
            return self._of(Interval.of(0), NOTHING)
        return self + -self._read(other)

    def __rsub__(self, other: Any) -> Tail:
        return self._read(other) - self

    def __mul__(self, other: Any) -> Tail:
        other = self._read(other)
        exact = None if self.exact is None or other.exact is None else self.exact * other.exact
        scale = self.scale[0] + other.scale[0], self.scale[1] + other.scale[1]
        c = self.c**2 if other is self else self.c * other.c
        return Tail(self.reach, c, scale, exact)

    __radd__, __rmul__ = __add__, __mul__

    def reciprocal(self) -> Tail:
        exact = None if self.exact is None else self.exact.reciprocal()
        return Tail(self.reach, self.c.reciprocal(), (-self.scale[0], -self.scale[1]), exact)

    def __truediv__(self, other: Any) -> Tail:
        return self * self._read(other).reciprocal()

    def __rtruediv__(self, other: Any) -> Tail:
        return self._read(other) * self.reciprocal()

    def __pow__(self, n: Any) -> Tail:
        if isinstance(n, Tail):
            power_of = None if n.exact is None or n.exact.degree else n.exact.terms.get((0, ()))
            if power_of is None:
                return (n * self.log()).exp()
            n = power_of
        if isinstance(n, (float, Fraction)) and n == int(n):
            n = int(n)
        if isinstance(n, int):
            if n < 0:
                return (self**-n).reciprocal()
            exact = None if self.exact is None else Polynomial.constant(1)
            for _ in range(n):
                exact = None if exact is None else (exact * self.exact).kept  # type: ignore[operator]
            return Tail(self.reach, self.c**n, (self.scale[0] * n, self.scale[1].scaled(Fraction(n))), exact)
        if not self.c.positive:
            return self._of(self.span**n)
        power = Fraction(n)
        return Tail(self.reach, self.c**n, (self.scale[0] * power, self.scale[1].scaled(power)))

    def __rpow__(self, base: Any) -> Tail:
        return self._read(base) ** self

    def __abs__(self) -> Tail:
        if self.c.positive:
            return self
        if self.c.negative:
            return -self
        return Tail(self.reach, abs(self.c), self.scale)

    # -- functions -------------------------------------------------------------------------------------------

    def exp(self) -> Tail:
        if self.exact is None or not self.exact.degree:
            return self._of(self.span.exp())
        constant = Polynomial({at: c for at, c in self.exact.terms.items() if not at[0]})
        growth = self.exact - constant
        c = constant.at(Interval.of(0)).exp() if constant.terms else Interval.of(1)
        return Tail(self.reach, c, (Fraction(0), growth))

    def log(self) -> Tail:
        power, growth = self.scale
        if not self.c.positive or (not power and not growth.terms):
            return self._of(self.span.log())
        total = self._of(self.c.log())
        if growth.terms:
            total = total + _polynomial(self.reach, growth)
        if power:
            total = total + self._of(self.reach.s.log()) * power
        return total

    def sqrt(self) -> Tail:
        exact = None if self.exact is None else self.exact.root()
        half = Fraction(1, 2)
        if self.c.positive:
            return Tail(self.reach, self.c.sqrt(), (self.scale[0] * half, self.scale[1].scaled(half)), exact)
        return self._of(self.span.sqrt(), exact)

    def _near_zero(self, name: str) -> Tail:
        """f(y) for an odd-like f with f(y)/y → 1 at 0, as y times f(y)/y where y vanishes with an exponential.

        f(y)/y is monotone on the side on which y is.
        """
        span = self.span
        if self.scale == (0, NOTHING) or not span.finite or not abs(span).high < 1 or self.sign in (0, None):
            return self._of(getattr(span, name)())
        far = span.high if span.positive else span.low
        edge = Interval(far, far)
        ratio = getattr(edge, name)() / edge
        one = Interval.of(1)
        return Tail(self.reach, self.c * ratio.hull(one), self.scale)

    def expm1(self) -> Tail:
        return self._near_zero("expm1")

    def log1p(self) -> Tail:
        return self._near_zero("log1p")

    def tanh(self) -> Tail:
        return self._near_zero("tanh")

    def atan(self) -> Tail:
        return self._near_zero("atan")

    def asinh(self) -> Tail:
        return self._near_zero("asinh")

    def sinh(self) -> Tail:
        return self._halves(-1)

    def cosh(self) -> Tail:
        return self._halves(1)

    def _halves(self, sign: int) -> Tail:
        if self.exact is None or self.sign in (0, None):
            return self._of(self.span.cosh() if sign > 0 else self.span.sinh())
        up = self.exp()
        return (up + sign * up.reciprocal()) / 2

    def sech(self) -> Tail:
        return self.cosh().reciprocal()

    def erf(self) -> Tail:
        return self._of(self.span.erf())

    def erfc(self) -> Tail:
        """For a positive argument u the function is exp(-u²) times one that falls, which Mills' ratio bounds."""
        span = self.span
        if self.exact is None or not self.exact.degree or not span.positive or span.low < 1:
            return self._of(span.erfc())
        square = (self.exact * self.exact).kept
        if square is None:
            return self._of(span.erfc())
        # 1 - 1/(2u²) < √π u exp(u²) erfc(u) < 1 (Abramowitz and Stegun 7.1.13 and 7.1.23)
        u = span.low
        within = Interval((1 - 1 / (2 * u * u)).lower(), number(1), True, True)
        root = Interval.of(reals.pi()).sqrt()
        bell = (-Tail(self.reach, Interval.of(1), (Fraction(0), NOTHING), square)).exp()
        return bell * self._of(within / root) / self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        function = getattr(Interval, name)
        return lambda *args: self._of(function(self.span, *args))


def _power(s: Interval, power: Fraction) -> Interval:
    """A power of positive numbers."""
    if power.denominator == 1:
        return s ** int(power)
    if power.denominator == 2:
        return s.sqrt() ** power.numerator
    return s**power


def _polynomial(reach: Reach, terms: Polynomial) -> Tail:
    total = reach.constant(0)
    for (power, atoms), c in terms.terms.items():
        one = Polynomial({(power, atoms): c})
        coefficient = Polynomial({(0, atoms): c}).at(Interval.of(0))
        total = total + Tail(reach, coefficient, (Fraction(power), NOTHING), one)
    return total


def _quotient(a: Scale, b: Scale) -> Scale:
    return a[0] - b[0], a[1] - b[1]


def _larger(a: Scale, b: Scale) -> bool:
    """Whether the first grows faster, at ∞."""
    power, growth = _quotient(a, b)
    trend = growth.trend()
    if trend is None:
        raise NotEnclosed("two exponentials that cannot be told apart")
    return trend > 0 or (trend == 0 and power >= 0)
