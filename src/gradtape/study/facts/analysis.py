"""What all facts of one function rest on: its graph, its signs, its extremes, its limits, its values at samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from gradtape.config import settings
from gradtape.errors import ArgumentError, ControlFlowError
from gradtape.study.accuracy_graph import Graph, record
from gradtape.study.certify import reals
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.reader import Bounds, Reader
from gradtape.study.certify.reals import BITS, fraction, number
from gradtape.study.certify.signs import TINY, Line, Mark, Piece
from gradtape.study.certify.tail import Tail
from gradtape.study.derive import derivatives
from gradtape.study.facts.fact import PROVED, SAMPLED, Fact, enclosing
from gradtape.study.subject import Subject

ORDERS = 3
"""The highest derivative that facts need."""

FAR = 1000
"""Limits are bounded beyond this power of two."""

SAMPLES = 8001
"""Points at which a function is looked at where nothing is proved: evenly in [-40, 40], and over all sizes."""


@dataclass(frozen=True)
class Candidate:
    """What one part of the line contributes to the range of a function.

    bounds      all its values there (`reached`: at a point of it; else its values come as close as one likes)
    at          where, as bounds of x; None for an unknown place
    end         -1 or 1: only in the limit to that infinity
    sure        whether the values are known to be reached or approached, not only to lie in the bounds
    endless     1 or -1 if they exceed every float64 on that side
    role        1 at the end of a piece where it is largest, -1 where it is smallest, else 0
    """

    bounds: Interval
    at: Interval | None
    end: int = 0
    sure: bool = True
    endless: int = 0
    role: int = 0


@dataclass(frozen=True)
class Extreme:
    """The supremum of a function (or the infimum): bounds of it, where, whether it is a value, and whether proved."""

    bounds: Interval
    places: tuple[Interval, ...]
    ends: tuple[int, ...]
    reached: bool
    proved: bool


class Analysis:
    """A function of one variable under study."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.graph = _graph(subject.function, subject.variable)
        self.reader = Reader(self.graph)
        self.line = Line(self.reader)
        self._limits: dict[tuple[Mark, int], Bounds | None] = {}

    @property
    def honest(self) -> bool:
        return self.reader.honest

    def fact(self, name: str, value: Any, statement: str, proved: bool, how: str, of: Interval | None = None) -> Fact:
        """A fact; nothing is proved of a function whose derivative is declared to be another one."""
        proved = proved and self.honest
        return Fact(name, value, statement, PROVED if proved else SAMPLED, how, enclosing(of) if proved else None)

    @property
    def means(self) -> str:
        return f"bounds of the function and its derivatives by {reals.source()}, {BITS} bits, on all real numbers"

    @property
    def sampling(self) -> str:
        return f"{SAMPLES} points of all sizes in float64"

    # -- at points -------------------------------------------------------------------------------------------

    def at(self, x: Any, k: int = 0) -> Interval | None:
        """Bounds of output k at a number."""
        return self.reader.point(number(x)).known(k)

    def beside(self, mark: Mark, side: int, k: int = 0) -> Interval | None:
        """Bounds of the limit at a mark from one side."""
        if mark.exact:
            if (mark, side) not in self._limits:
                self._limits[mark, side] = self.reader.limits(mark.low, side)
            exact = self._limits[mark, side]
            if exact is not None and exact.known(k) is not None:
                return exact.known(k)
        end = mark.high if side > 0 else mark.low
        near = number(max(Fraction(1), abs(fraction(end))) * TINY / 2**30)
        with reals.precision(2 * BITS):
            low, high = (end, (end + near).upper()) if side > 0 else ((end - near).lower(), end)
        return self.reader.box(low, high).known(k)

    def here(self, mark: Mark, k: int = 0) -> Interval | None:
        """Bounds of the value at a mark."""
        return self.reader.box(mark.low, mark.high, False, False).known(k)

    def inside(self, mark: Mark) -> bool:
        """Whether the function is defined at a mark and on both sides of it."""
        return all(x is not None for x in (self.beside(mark, -1), self.here(mark), self.beside(mark, 1)))

    def continuous(self, mark: Mark, k: int = 0) -> bool | None:
        """Whether output k has one limit at a mark; for k = 0, which is the value. None if that is not proved."""
        if mark.smooth >= k:
            return True
        left, right = self.beside(mark, -1, k), self.beside(mark, 1, k)
        values = [left, right, *([self.here(mark)] if k == 0 else [])]
        found = [v for v in values if v is not None]
        if len(found) < len(values):
            return None
        if any(not is_close(found[0], v) for v in found[1:]):
            return False
        same = all(v.finite and v.low == v.high and v.low == found[0].low for v in found)
        return True if same else None

    @cached_property
    def samples(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """Points, and the function with its derivatives there."""
        wide = np.concatenate(
            [np.linspace(-40, 40, SAMPLES - 2000), np.logspace(-8, 8, 1000), -np.logspace(-8, 8, 1000)]
        )
        x = np.unique(wide + 0.0)
        with np.errstate(all="ignore"):
            return x, [np.asarray(y, np.float64) for y in self.subject.values(x, ORDERS, derivatives)]

    # -- the line -------------------------------------------------------------------------------------------

    def signs(self, k: int) -> tuple[Piece, ...]:
        return self.line.signs(k)

    @property
    def marks(self) -> tuple[Mark, ...]:
        return self.line.marks

    def beyond(self, side: int) -> Bounds:
        """Very far out."""
        return self.reader.tail(number(Fraction(2) ** FAR), None, side)

    def limit(self, side: int, k: int = 0) -> tuple[Interval | None, bool]:
        """Bounds of the limit at an infinity, and whether it is proved that there is one. Without ends: infinite."""
        far = self.beyond(side)
        value = far.values[k]
        if not isinstance(value, Tail):
            return None, False
        power, growth = value.scale
        trend = growth.trend()
        bounded = value.c.low is not None and value.c.high is not None and (value.c.low > 0 or value.c.high < 0)
        if bounded and trend is not None and (trend > 0 or (trend == 0 and power > 0)):
            return _infinite(1 if value.c.low > 0 else -1), True
        span = value.span
        if span.finite and (trend == -1 or (trend == 0 and power < 0)):
            return Interval.of(0), True
        settled = k + 1 < self.reader.orders and far.sign(k + 1) is not None  # it rises or falls, and so has a limit
        return span, bool(span.finite and settled and span.width < 1e-30)

    def candidates(self, k: int, low: Any = None, high: Any = None) -> list[Candidate] | None:
        """The parts of the range of output k between two numbers; None if there are no bounds on some part."""
        found: list[Candidate] = []
        marks = {fraction(m.low): m for m in self.marks} | {fraction(m.high): m for m in self.marks}
        for piece in self.signs(k + 1):
            if piece.outside or (piece.mark and piece.point and k):
                continue  # at a corner there is no slope, only one on each side
            a, b = _cut(piece, low, high)
            if a is not None and b is not None and a > b:
                continue
            if piece.sign is None or (a is not None and b is not None and a == b):
                if not self._loosely(found, k, a, b, piece.mark):
                    return None
                continue
            for end, side in ((a, -1), (b, 1)):
                if end is None:
                    bounds, settled = self.limit(side, k)
                    if bounds is None:
                        return None
                    endless = 0 if bounds.finite or not settled else 1 if bounds.high is None else -1
                    found.append(Candidate(bounds, None, side, True, endless, side * piece.sign))
                elif fraction(end) in marks and (end == piece.low or end == piece.high):
                    bounds = self.beside(marks[fraction(end)], -side, k)
                    if bounds is None:
                        return None
                    endless = 0 if bounds.finite else self._endless(end, -side, k)
                    found.append(Candidate(bounds, Interval(end, end), 0, True, endless, side * piece.sign))
                else:
                    bounds = self.at(end, k)
                    if bounds is None:
                        return None
                    found.append(Candidate(bounds, Interval(end, end), role=side * piece.sign))
        return found

    def _endless(self, x: Any, side: int, k: int) -> int:
        """1 or -1 if output k exceeds every float64 close to a number, on one side of it."""
        with reals.precision(64 * BITS):
            bounds = self.reader.close_to(x, side, 32 * BITS).known(k)
            if bounds is None:
                return 0
            return 1 if bounds.above(_infinite(1).low) else -1 if (-bounds).above(_infinite(1).low) else 0

    def _loosely(self, found: list[Candidate], k: int, a: Any, b: Any, mark: bool) -> bool:
        """What lies in a part of which only bounds are known."""
        if a is not None and b is not None and fraction(b) - fraction(a) <= Fraction(1, 1000):
            bounds = self.reader.box(a, b, False, False).known(k)
            if bounds is None:
                return mark and bool(a == b)  # what is on both sides counts; the point may have no value
            found.append(Candidate(bounds, Interval(a, b), sure=not mark or k == 0))
            return True
        for end, side in ((a, -1), (b, 1)):
            limit, settled = self.limit(side, k) if end is None else (None, False)
            if limit is not None and settled:
                endless = 0 if limit.finite else 1 if limit.high is None else -1
                found.append(Candidate(limit, None, side, endless=endless))
            elif end is None:
                value = self.at(side * Fraction(2) ** 100, k)  # it comes as close to its supremum as here, or closer
                if value is not None:
                    found.append(Candidate(value, None, side))
        bounds = self.line.bounds(a, b).known(k)
        if bounds is None:
            return False
        found.append(Candidate(bounds, None, sure=False))
        return True

    def extreme(self, k: int, side: int, low: Any = None, high: Any = None) -> Extreme:
        """The supremum (side 1) or infimum (-1) of output k, between two numbers or on the whole line."""
        parts = self.candidates(k, low, high)
        if not parts:
            return self._sampled_extreme(k, side, low, high)
        parts = [part for part in parts if part.role != -side]
        best = None  # the largest bound below the supremum that is surely reached or approached
        top: Any = parts[0].bounds
        for part in parts:
            upper = part.bounds if side > 0 else -part.bounds
            known = upper.low
            if part.sure and (known is not None or (upper.high is None and upper.low is None)):
                best = known if best is None or (known is not None and known > best) else best
        spans = [part.bounds if side > 0 else -part.bounds for part in parts]
        if any(span.high is None for span in spans):
            ends = tuple(p.end for p, s in zip(parts, spans, strict=True) if s.high is None and p.end)
            return Extreme(_infinite(side), (), ends, False, any(part.endless == side for part in parts))
        top = max(span.high for span in spans) if len(spans) > 1 else spans[0].high
        if best is None:
            return self._sampled_extreme(k, side, low, high)
        bounds = Interval(best, top) if best <= top else Interval(top, top)
        if not bounds.width <= 1e-9 * (1 + abs(bounds.high)):  # not proved, but as large as that it is
            certain = [
                p.at for p, span in zip(parts, spans, strict=True) if p.sure and p.at is not None and span.low == best
            ]
            least = Interval(best, best)
            sampled = self._sampled_extreme(k, side, low, high)
            if (sampled.bounds if side > 0 else -sampled.bounds).above(least):
                return sampled
            return Extreme(least if side > 0 else -least, _apart(tuple(certain)), (), True, False)
        close = [
            (part, span) for part, span in zip(parts, spans, strict=True) if span.high is not None and span.high >= best
        ]
        places = tuple(part.at for part, _ in close if part.at is not None)
        ends = tuple(part.end for part, _ in close if part.end)
        reached = bool(places)
        return Extreme(bounds if side > 0 else -bounds, _apart(places), ends, reached, True)

    def _sampled_extreme(self, k: int, side: int, low: Any, high: Any) -> Extreme:
        x, values = self.samples
        y = values[k]
        inside = np.isfinite(y)
        if low is not None:
            inside &= x >= float(low)
        if high is not None:
            inside &= x <= float(high)
        if not inside.any():
            return Extreme(Interval(None, None), (), (), False, False)
        for end in (-1, 1):
            limit, settled = self.limit(end, k) if (low if end < 0 else high) is None else (None, False)
            if limit is not None and settled and not limit.finite and (limit.high is None) == (side > 0):
                return Extreme(_infinite(side), (), (end,), False, True)
        i = np.flatnonzero(inside)[np.argmax(side * y[inside])]
        at = Interval.of(float(x[i]))
        return Extreme(Interval.of(float(y[i])), (at,), (), True, False)


def _infinite(sign: int) -> Interval:
    """Bounds of what is infinite: none on its side, and the largest number on the other."""
    huge = number(Fraction(2) ** 1024)
    return Interval(huge, None) if sign > 0 else Interval(None, -huge)


def _cut(piece: Piece, low: Any, high: Any) -> tuple[Any, Any]:
    a = piece.low if low is None or (piece.low is not None and piece.low > low) else low
    b = piece.high if high is None or (piece.high is not None and piece.high < high) else high
    return a, b


def _apart(places: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Each place once: neighbours closer than rounding errors are one, of which an exact one is the place."""
    found: list[Interval] = []
    exact: list[bool] = []
    for place in sorted(places, key=lambda p: fraction(p.low)):
        point = bool(place.low == place.high) and fraction(place.low).denominator <= 1 << 20
        near = found and fraction(place.low) - fraction(found[-1].high) <= 4 * TINY * max(
            Fraction(1), abs(fraction(place.low))
        )
        if not near:
            found.append(place)
            exact.append(point)
        elif not exact[-1] or (point and found[-1].low == place.low):
            found[-1], exact[-1] = (place, True) if point else (found[-1].hull(place), False)
    return tuple(found)


def _graph(function: Callable[[Any], Any], variable: str) -> Graph:
    try:
        return record(function, ORDERS, "float64", variable, None, settings().stabilise)
    except ControlFlowError as error:
        raise ArgumentError(
            f"facts hold for all x, so the function cannot look at the value of x; choose with gradtape.where ({error})"
        ) from error


def is_close(a: Interval, b: Interval) -> bool:
    """Whether two bounds may mean the same number."""
    return not any(x.low is not None and y.high is not None and x.low > y.high for x, y in ((a, b), (b, a)))


def float_of(x: Any) -> float:
    return -math.inf if x is None else float(x)
