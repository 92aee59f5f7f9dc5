"""Where a function, or a derivative of it, is positive, negative or 0, on the whole line.

The line is divided at corners and poles into cells, and each cell by bisection into pieces on which the sign is proved:
by the bounds of the value, or by a sign at one point and the derivative's sign. What is left over are intervals
of the width of a rounding error around zeros, and what could not be decided with the effort that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from gradtape.study.certify.interval import Interval
from gradtape.study.certify.reader import Bounds, Reader
from gradtape.study.certify.reals import BITS, NotEnclosed, fraction, number, precision

CORE = 32
"""Up to here plain intervals are used, beyond it tails."""

TINY = Fraction(1, 1 << 60)
"""The width, absolute up to 1 and relative beyond, at which bisection ends."""

HOPELESS = Fraction(1, 1 << 20)
"""The width at which bisection ends where not even the sign of the slope is known, as beside a double zero."""

EFFORT = 1200
"""Evaluations that are spent on the signs of one derivative."""

FAR_EFFORT = 100
"""Those of them that are spent on each side beyond the core."""

Test = Callable[[Bounds], int | None]


@dataclass(frozen=True)
class Piece:
    """Numbers between two exact ends (None is infinite), and these themselves if `with_low`, `with_high` say so.

    sign        1, -1, 0; None if it is not known
    outside     the function is not defined here
    mark        it is a `Mark`
    """

    low: Any
    high: Any
    sign: int | None
    outside: bool = False
    with_low: bool = False
    with_high: bool = False
    mark: bool = False

    @property
    def point(self) -> bool:
        return self.low is not None and self.high is not None and bool(self.low == self.high)

    @property
    def tiny(self) -> bool:
        return self.low is not None and self.high is not None and _is_tiny(self.low, self.high)


@dataclass(frozen=True, eq=False)
class Mark:
    """A place where a function has a corner, a jump or the end of its domain: between two numbers that are equal if it
    is known exactly. `smooth` is how often the function surely is continuously differentiable there."""

    low: Any
    high: Any
    smooth: int

    @property
    def exact(self) -> bool:
        return bool(self.low == self.high)


def closed(low: Any, high: Any, sign: int | None, outside: bool = False) -> Piece:
    """With both ends."""
    return Piece(low, high, sign, outside, True, True)


class Line:
    """The whole line for the outputs of a graph."""

    def __init__(self, reader: Reader):
        self.reader = reader
        self._signs: dict[int, tuple[Piece, ...]] = {}

    def bounds(self, low: Any, high: Any) -> Bounds:
        """Between two numbers, of which one may be None for infinite, without them."""
        if low is not None and low >= CORE and (high is None or high > low * 1.5):
            return self.reader.tail(low, high, 1)
        if high is not None and high <= -CORE and (low is None or low < high * 1.5):
            return self.reader.tail(-high, None if low is None else -low, -1)
        if low is None or high is None:
            return Bounds((NotEnclosed("more than a half line"),) * self.reader.orders, -1)
        return self.reader.box(low, high)

    # -- cells ------------------------------------------------------------------------------------------------

    @cached_property
    def scanned(self) -> tuple[Piece | Mark, ...]:
        """The cells, and the marks between them, in order. A cell with the sign 0 has no corners, None is unknown."""
        core = number(CORE)
        with precision(BITS):
            found = [
                *self._scan(None, -core),
                *self._joint(-core),
                *self._scan(-core, core),
                *self._joint(core),
                *self._scan(core, None),
            ]
            return self._cells(_closed_together(found))

    def _scan(self, low: Any, high: Any) -> list[Piece]:
        found: list[Piece] = []
        waiting: list[tuple[Any, Any] | Piece] = [(low, high)]
        effort = FAR_EFFORT if low is None or high is None else EFFORT
        while waiting:
            at = waiting.pop()
            if isinstance(at, Piece):
                found.append(at)
                continue
            a, b = at
            bounds = self.bounds(a, b)
            if bounds.corner is not None and a is not None and b is not None and a >= -CORE and b <= CORE:
                factored = self.reader.factored(a, b)
                bounds = factored if _analytic(factored) else bounds
            effort -= 1
            if bounds.outside:
                found.append(Piece(a, b, 0, outside=True))
            elif _analytic(bounds):
                found.append(Piece(a, b, 0))
            elif effort < 0 or (a is not None and b is not None and _is_tiny(a, b)):
                found.append(Piece(a, b, None))
            else:
                m = _middle(a, b)
                waiting += [(m, b), *self._joint(m), (a, m)]
        return found

    def _joint(self, m: Any) -> list[Piece]:
        """A mark where the surroundings of a point are not smooth, or nothing."""
        near = _step(m)
        low, high = (m - near).lower(), (m + near).upper()
        around = self.reader.box(low, high)
        if _analytic(around) or _analytic(self.reader.factored(low, high)):
            return [closed(m, m, 0)]
        return [closed(m, m, 0, True)] if around.outside else [closed(m, m, None)]

    def _cells(self, found: list[Piece]) -> tuple[Piece | Mark, ...]:
        elements: list[Piece | Mark] = list(found)
        for i, piece in enumerate(found):
            if piece.sign is None and piece.tiny:
                mark = elements[i] = self._mark(piece)
                before, after = elements[i - 1] if i else None, elements[i + 1] if i + 1 < len(found) else None
                if isinstance(before, Piece) and before.high == piece.low:
                    elements[i - 1] = replace(before, high=mark.low)
                if isinstance(after, Piece) and after.low == piece.high:
                    elements[i + 1] = found[i + 1] = replace(after, low=mark.high)
        return tuple(e for e in elements if isinstance(e, Mark) or not e.point)

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(e for e in self.scanned if isinstance(e, Mark))

    @property
    def cells(self) -> tuple[Piece, ...]:
        return tuple(e for e in self.scanned if isinstance(e, Piece))

    def _mark(self, gap: Piece) -> Mark:
        """A tiny interval narrowed to a point, if there is a simple number in it on both sides of which all is well."""
        around = self.reader.box(gap.low, gap.high, False, False)
        smooth = -1 if around.corner is None or not isinstance(around.values[0], Interval) else around.corner
        if gap.low == gap.high:
            near = _step(gap.low)
            around = self.reader.box((gap.low - near).lower(), (gap.low + near).upper())
            known = around.corner is not None and isinstance(around.values[0], Interval)
            return Mark(gap.low, gap.high, around.corner if known and around.corner is not None else -1)
        c = simplest(gap.low, gap.high)
        sides = [] if c is None else [(a, b) for a, b in ((gap.low, c), (c, gap.high)) if a < b]
        if sides and all(_fine(self.reader.box(a, b)) or _fine(self.reader.factored(a, b)) for a, b in sides):
            return Mark(c, c, smooth)
        return Mark(gap.low, gap.high, smooth)

    # -- signs ------------------------------------------------------------------------------------------------

    def signs(self, k: int) -> tuple[Piece, ...]:
        """The whole line in pieces on which output k has a sign, in order: open intervals, and closed ones between
        them, which are points where they are known exactly."""
        found = self._signs.get(k)
        if found is None:
            with precision(BITS):
                found = self._signs[k] = tuple(self._all_signs(k))
        return found

    def _all_signs(self, k: int) -> list[Piece]:
        core = number(CORE)
        pieces: list[Piece] = []
        effort = [EFFORT]
        for element in self.scanned:
            if isinstance(element, Mark):
                around = self.reader.box(element.low, element.high, False, False)
                piece = closed(element.low, element.high, around.sign(k), around.outside)
                pieces.append(replace(piece, mark=True))
            elif element.outside or element.sign is None:
                pieces.append(element)
            else:
                pieces += self._of_cell(k, element, core, effort)
        return _closed_together(pieces)

    def _of_cell(self, k: int, cell: Piece, core: Any, effort: list[int]) -> list[Piece]:
        low, high = cell.low, cell.high
        stops = [s for s in (-core, core) if (low is None or low < s) and (high is None or high > s)]
        found: list[Piece] = []
        for a, b in zip([low, *stops], [*stops, high], strict=True):
            if found:
                found.append(self._at(k, a))
            if a is None or b is None or a >= core or b <= -core:
                found += _without_islands(self._divide(k, a, b, [FAR_EFFORT]), leftwards=b is not None and b <= -core)
            else:
                found += self._divide(k, a, b, effort)
        return found

    def _at(self, k: int, x: Any) -> Piece:
        return closed(x, x, self.reader.point(x).sign(k))

    def _divide(self, k: int, low: Any, high: Any, effort: list[int]) -> list[Piece]:
        found: list[Piece] = []
        waiting: list[tuple[Any, Any] | Piece] = [(low, high)]
        while waiting:
            at = waiting.pop()
            if isinstance(at, Piece):
                found.append(at)
                continue
            a, b = at
            effort[0] -= 1
            bounds = self.bounds(a, b)
            sign = bounds.sign(k)
            if sign is None and a is not None and b is not None:
                sign = self._centred(k, a, b, bounds)
            if sign is None and a is not None and b is not None and a >= -CORE and b <= CORE and b - a > 0.01:
                sign = self.reader.factored(a, b).sign(k)
            slope = bounds.sign(k + 1) if sign is None and self._has_slope(k) else None
            if sign is not None:
                found.append(Piece(a, b, sign))
            elif slope and a is not None and b is not None:
                # At an end of the cell the value need not be the limit.
                if a != low and self.reader.point(a).sign(k) in (slope, 0):
                    found.append(Piece(a, b, slope))
                elif b != high and self.reader.point(b).sign(k) in (-slope, 0):
                    found.append(Piece(a, b, -slope))
                else:
                    found += self._crossing(k, a, b, slope)
            elif effort[0] < 0 or (a is not None and b is not None and _is_tiny(a, b, HOPELESS)):
                found.append(Piece(a, b, None))
            else:
                m = _middle(a, b)
                waiting += [(m, b), self._at(k, m), (a, m)]
        return found

    def _has_slope(self, k: int) -> bool:
        return k + 1 < self.reader.orders and self.reader.honest

    def _centred(self, k: int, a: Any, b: Any, bounds: Bounds) -> int | None:
        """The sign that follows from the value in the middle and the bounds of the slope."""
        slope = bounds.known(k + 1) if self._has_slope(k) else None
        if slope is None or not slope.finite:
            return None
        m = _middle(a, b)
        value = self.reader.point(m).known(k)
        return None if value is None else (value + slope * Interval((a - m).lower(), (b - m).upper())).sign

    def _crossing(self, k: int, a: Any, b: Any, slope: int) -> list[Piece]:
        """Where output k rises or falls strictly, and so has one zero or none: a sign at a point holds on one side."""
        before: list[Piece] = []
        after: list[Piece] = []
        points = list(reversed(self._newton(k, a, b)))
        while not _is_tiny(a, b):
            m = points.pop() if points else _middle(a, b)
            if not points and not (m > a and m < b):
                m = _middle(a, b)
            if not (m > a and m < b):
                continue
            sign = self.reader.point(m).sign(k)
            if sign is None:
                break
            if sign == 0:
                return [*before, Piece(a, m, -slope), closed(m, m, 0), Piece(m, b, slope), *reversed(after)]
            if sign == slope:
                after += [Piece(m, b, sign), closed(m, m, sign)]
                b = m
            else:
                before += [Piece(a, m, sign), closed(m, m, sign)]
                a = m
            if not points:
                points = list(reversed(self._newton(k, a, b)))
        return [*before, *self._last(k, a, b, slope), *reversed(after)]

    def _newton(self, k: int, a: Any, b: Any) -> list[Any]:
        """Points on both sides of the zero that the tangents of all slopes leave room for, if that is not much."""
        slope = self.bounds(a, b).known(k + 1)
        m = _middle(a, b)
        value = self.reader.point(m).known(k)
        if slope is None or value is None or not slope.finite:
            return []
        try:
            step = value / slope
            if not step.finite:
                return []
            room = fraction(step.high) - fraction(step.low)
        except (NotEnclosed, OverflowError):
            return []
        if room > (fraction(b) - fraction(a)) / 4:
            return []
        center, margin = fraction(m), max(room / 4, TINY / 8)
        return [
            number(_rounded(center - fraction(step.high) - margin, margin)),
            number(_rounded(center - fraction(step.low) + margin, margin)),
        ]

    def _last(self, k: int, a: Any, b: Any, slope: int) -> list[Piece]:
        """The tiny interval that is left: a simple number in it, or an end, may be the zero."""
        c = simplest(a, b)
        if c is not None and self.reader.point(c).sign(k) == 0:
            if c > a and c < b:
                return [Piece(a, c, -slope), closed(c, c, 0), Piece(c, b, slope)]
            if c == a and _analytic(self.reader.box(a, b, False, True)):
                return [Piece(a, b, slope)]
            if c == b and _analytic(self.reader.box(a, b, True, False)):
                return [Piece(a, b, -slope)]
        return [Piece(a, b, self.bounds(a, b).sign(k))]


def _rounded(x: Fraction, margin: Fraction) -> Fraction:
    """A short number less than half the margin away."""
    bits = max(0, margin.denominator.bit_length() - margin.numerator.bit_length() + 3)
    return Fraction(round(x * (1 << bits)), 1 << bits)


def _analytic(bounds: Bounds) -> bool:
    return bounds.corner is None and bounds.known(0) is not None


def _fine(bounds: Bounds) -> bool:
    return bounds.outside or _analytic(bounds)


def _is_tiny(low: Any, high: Any, limit: Fraction = TINY) -> bool:
    size = max(Fraction(1), abs(fraction(low)), abs(fraction(high)))
    return fraction(high) - fraction(low) <= limit * size


def _step(m: Any) -> Any:
    return number(max(Fraction(1), abs(fraction(m))) * TINY / (1 << 20))


def _middle(low: Any, high: Any) -> Any:
    """Where to divide: among small numbers in the middle, among large ones by size; a short number."""
    if low is None:
        return -_middle(-high, None)
    if high is None:
        return (low * low).upper() if low < 2**512 else (low * 2).upper()
    a, b = fraction(low), fraction(high)
    if a < 0 < b:
        return number(0) if a > -3 * b and b > -3 * a else number((a + b) / 2)
    if a < 0:
        return -_middle(-high, -low)
    if a >= CORE and b > 4 * a:
        return number(Fraction(2) ** ((_exponent(a) + _exponent(b)) // 2 + 1))
    return number((a + b) / 2)


def _exponent(x: Fraction) -> int:
    return x.numerator.bit_length() - x.denominator.bit_length()


def simplest(low: Any, high: Any) -> Any:
    """The number with the fewest binary digits between two exact numbers, if it is short; else None."""
    a, b = fraction(low), fraction(high)
    if a <= 0 <= b:
        return number(0)
    for bits in range(21):
        whole = -((-a.numerator * (1 << bits)) // a.denominator)  # a·2^bits rounded up
        candidate = Fraction(whole, 1 << bits)
        if candidate <= b:
            return number(candidate)
    return None


def _closed_together(found: list[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece."""
    merged: list[Piece] = []
    for piece in found:
        last = merged[-1] if merged else None
        if last is not None and last.sign == piece.sign and last.outside == piece.outside and _touch(last, piece):
            merged[-1] = replace(last, high=piece.high, with_high=piece.with_high)
        else:
            merged.append(piece)
    return merged


def _without_islands(pieces: list[Piece], leftwards: bool) -> list[Piece]:
    """Far out, all that is beyond the first piece without a sign as one such piece."""
    ordered = pieces[::-1] if leftwards else pieces
    for i, piece in enumerate(ordered):
        if piece.sign is None and not piece.tiny:
            last = ordered[-1]
            if leftwards:
                return [replace(piece, low=last.low, with_low=last.with_low), *ordered[:i][::-1]]
            return [*ordered[:i], replace(piece, high=last.high, with_high=last.with_high)]
    return pieces


def _touch(a: Piece, b: Piece) -> bool:
    if a.mark or b.mark:
        return False
    return a.high is not None and b.low is not None and bool(a.high == b.low) and (a.with_high or b.with_low)
