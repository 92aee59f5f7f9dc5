"""Facts about the values of a function: where it is defined, its range, limits, zeros, where it rises and bends."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from gradtape.study.certify.interval import Interval
from gradtape.study.certify.reals import fraction
from gradtape.study.certify.signs import Mark, Piece
from gradtape.study.facts.analysis import Analysis
from gradtape.study.facts.fact import Fact, enclosing, listed, middle, shown

SIDES = ((-1, "-∞"), (1, "∞"))


def interval(low: Any, high: Any, with_low: bool = False, with_high: bool = False) -> str:
    """An interval as it stands in a sentence."""
    return f"{'[' if with_low else '('}{_end(low, -1)}, {_end(high, 1)}{']' if with_high else ')'}"


def _end(x: Any, side: int) -> str:
    if x is None:
        return "∞" if side > 0 else "-∞"
    return shown(x if isinstance(x, (Interval, Fraction, float)) else Interval(x, x))


def _number(x: Any, side: int) -> float:
    if x is None:
        return side * math.inf
    return middle(x if isinstance(x, Interval) else Interval(x, x))


# -- domain, range, limits ------------------------------------------------------------------------------------


def domain(a: Analysis) -> Fact:
    parts: list[list[Any]] = []  # low, high, with_low, with_high
    unknown = False
    for element in a.line.scanned:
        if isinstance(element, Mark):
            defined = a.here(element) is not None
            if not defined and element.exact:
                continue
            unknown = unknown or (not element.exact and not defined)
            if defined and parts and parts[-1][1] is not None and parts[-1][1] == element.low:
                parts[-1][1], parts[-1][3] = element.high, True
            elif defined:
                parts.append([element.low, element.high, True, True])
        elif element.outside:
            continue
        else:
            unknown = unknown or element.sign is None
            if parts and parts[-1][3] and parts[-1][1] is not None and parts[-1][1] == element.low:
                parts[-1][1], parts[-1][3] = element.high, False
            else:
                parts.append([element.low, element.high, False, False])
    if unknown:
        return _sampled_domain(a)
    value = [[_number(low, -1), _number(high, 1)] for low, high, _, _ in parts]
    whole = len(parts) == 1 and parts[0][0] is None and parts[0][1] is None
    if whole:
        return a.fact("domain", value, "defined for all real x", True, a.means)
    holes = [p[1] for p, q in pairwise(parts) if p[1] is not None and q[0] is not None and p[1] == q[0]]
    if parts and len(holes) == len(parts) - 1 and parts[0][0] is None and parts[-1][1] is None:
        statement = f"defined for all real x except {listed([_end(x, 1) for x in holes])}"
    else:
        statement = "defined on " + listed([interval(*p) for p in parts])
    return a.fact("domain", value, statement, True, a.means)


def _sampled_domain(a: Analysis) -> Fact:
    x, values = a.samples
    finite = np.isfinite(values[0])
    if finite.all():
        return a.fact("domain", [[-math.inf, math.inf]], "defined for all real x", False, a.sampling)
    share = 100 * finite.mean()
    edges = np.flatnonzero(np.diff(finite.astype(int)))
    parts = []
    for start, stop in zip([0, *(edges + 1)], [*edges, len(x) - 1], strict=True):
        if finite[start]:
            parts.append(
                [-math.inf if start == 0 else float(x[start]), math.inf if stop == len(x) - 1 else float(x[stop])]
            )
    if len(parts) > 6:
        return a.fact("domain", parts, f"finite at {share:.3g} % of the points", False, a.sampling)
    shown_parts = [interval(low, high) for low, high in parts]
    return a.fact("domain", parts, f"finite on {listed(shown_parts)}" if parts else "nowhere finite", False, a.sampling)


def range_of(a: Analysis) -> Fact:
    low, high = a.extreme(0, -1), a.extreme(0, 1)
    proved = low.proved and high.proved
    value = [_number(low.bounds, -1), _number(high.bounds, 1)]
    ends = [None if math.isinf(end) else e.bounds for end, e in zip(value, (low, high), strict=True)]
    text = interval(ends[0], ends[1], low.reached and ends[0] is not None, high.reached and ends[1] is not None)
    if value[0] == value[1]:
        return a.fact("range", value, f"constant: always {shown(low.bounds)}", proved, a.means)
    outer = Interval(low.bounds.low if ends[0] is not None else None, high.bounds.high if ends[1] is not None else None)
    if not proved:
        return a.fact(
            "range", value, f"values lie between {_end(ends[0], -1)} and {_end(ends[1], 1)}", False, a.sampling
        )
    return a.fact("range", value, f"range {text}", True, a.means, outer)


def limits(a: Analysis) -> Fact:
    value: dict[str, Any] = {}
    said, proved = [], True
    for side, name in SIDES:
        bounds, sure = _limit(a, side)
        if bounds is None:
            value[name], proved = None, proved and sure
            said.append(f"none at {name}" if not sure else f"not defined towards {name}")
            continue
        value[name] = middle(bounds)
        proved = proved and sure
        said.append(f"{shown(bounds if bounds.finite else value[name])} at {name}")
    return a.fact("limits", value, "limits: " + ", ".join(said), proved, a.means if proved else a.sampling)


def _limit(a: Analysis, side: int) -> tuple[Interval | None, bool]:
    """The limit, or None where there is none; and whether that is proved."""
    if a.beyond(side).outside:
        return None, True
    bounds, sure = a.limit(side)
    if bounds is not None and (sure or (bounds.finite and bounds.width < 1e-6)):
        return bounds, sure
    x, values = a.samples
    y = values[0][x * side > 1e4]
    y = y[np.isfinite(y)]
    if y.size < 10:
        return None, False
    y = y if side > 0 else y[::-1]
    end = y[-200:]
    if np.ptp(end) <= 1e-6 * max(1, abs(float(end[-1]))):
        return Interval.of(float(end[-1])), False
    steps = np.diff(end)
    if (steps > 0).all() or (steps < 0).all():
        return (Interval(Interval.of(0).low, None) if steps[0] > 0 else Interval(None, Interval.of(0).low)), False
    return None, False


# -- zeros and fixed points -----------------------------------------------------------------------------------


def zeros_of(pieces: tuple[Piece, ...], marks: dict[Fraction, Mark]) -> tuple[list[Interval], list[Piece], bool]:
    """The zeros, the intervals on which it is 0, and whether these are all."""
    points: list[Interval] = []
    stretches: list[Piece] = []
    sure = True
    for i, piece in enumerate(pieces):
        if piece.outside:
            continue
        if piece.sign == 0:
            if stretches and stretches[-1].high is not None and piece.low == stretches[-1].high:
                stretches[-1] = replace(stretches[-1], high=piece.high)
            elif piece.point:
                points.append(Interval(piece.low, piece.high))
            else:
                stretches.append(piece)
        elif piece.sign is None:
            before, after = _neighbour(pieces, i - 1), _neighbour(pieces, i + 1)
            mark = marks.get(fraction(piece.low)) if piece.mark else None
            if before * after < 0 and (mark.smooth >= 0 if mark is not None else piece.tiny):
                points.append(Interval(piece.low, piece.high))
            elif mark is None or mark.smooth < 0 or before * after:  # beside a stretch of zeros it is one of them
                sure = False
    # A point at the end of a stretch belongs to it.
    ends = {fraction(e) for s in stretches for e in (s.low, s.high) if e is not None}
    points = [p for p in points if not (fraction(p.low) in ends and fraction(p.high) in ends)]
    return points, stretches, sure


def _neighbour(pieces: tuple[Piece, ...], i: int) -> int:
    return (pieces[i].sign or 0) if 0 <= i < len(pieces) else 0


def _places(a: Analysis, pieces: tuple[Piece, ...], what: str, none: str, name: str) -> Fact:
    points, stretches, sure = zeros_of(pieces, {fraction(m.low): m for m in a.marks})
    value: dict[str, Any] = {
        "points": [middle(p) for p in points],
        "intervals": [[_number(s.low, -1), _number(s.high, 1)] for s in stretches],
    }
    parts = [shown(p) for p in points] + [_stretch(s) for s in stretches]
    statement = f"{what} {listed(parts)}" if parts else none
    proved = sure and a.line is not None
    if not sure:
        statement += _undecided(pieces)
    fact = a.fact(name, value, statement, proved, a.means)
    if proved and a.honest and len(points) == 1 and not stretches:
        return Fact(fact.name, fact.value, fact.statement, fact.status, fact.how, enclosing(points[0]))
    return fact


def _stretch(s: Piece) -> str:
    if s.low is None and s.high is None:
        return "everywhere"
    if s.low is None:
        return f"all x ≤ {_end(s.high, 1)}"
    if s.high is None:
        return f"all x ≥ {_end(s.low, -1)}"
    return f"all x from {_end(s.low, -1)} to {_end(s.high, 1)}"


def _undecided(pieces: tuple[Piece, ...]) -> str:
    """Where a sign is not known, beyond rounding errors; what is close together in one."""
    unknown: list[list[Any]] = []
    for p in pieces:
        if p.sign is None and not p.tiny and not p.outside:
            low, high = _number(p.low, -1), _number(p.high, 1)
            if unknown and low - unknown[-1][1] <= max(1e-3, abs(low) / 10):
                unknown[-1][1] = high
            else:
                unknown.append([low, high])
    texts = [f"({shown(float(f'{low:.4g}'))}, {shown(float(f'{high:.4g}'))})" for low, high in unknown]
    return f"; undecided on about {listed(texts, 3)}" if texts else "; undecided at breakpoints"


def zeros(a: Analysis) -> Fact:
    return _places(a, a.signs(0), "zero at", "no zeros", "zeros")


def fixed_points(a: Analysis, shifted: Analysis) -> Fact:
    """Of `shifted`, which is f(x) - x, the zeros."""
    pieces = shifted.signs(0)
    return _places(shifted, pieces, "f(x) = x at", "no fixed points", "fixed_points")


# -- where it rises, where it bends ---------------------------------------------------------------------------


def _spells(a: Analysis, k: int) -> tuple[list[tuple[Any, Any, int]], bool]:
    """Neighbouring pieces of one sign of output k, joined over what is a zero only; and whether all is known."""
    found: list[tuple[Any, Any, int]] = []
    sure = True
    broken = True
    for piece in a.signs(k):
        if piece.outside:
            broken = True
            continue
        if piece.mark:
            mark = next(m for m in a.marks if m.low == piece.low)
            broken = broken or not _joined(a, mark, k)
            continue
        if piece.sign is None or (piece.point and piece.sign == 0):
            if not (piece.point or piece.tiny):
                sure, broken = False, True
            continue
        if found and not broken and found[-1][2] == piece.sign:
            found[-1] = (found[-1][0], piece.high, piece.sign)
        else:
            found.append((piece.low, piece.high, piece.sign))
        broken = False
    return found, sure


def _joined(a: Analysis, mark: Mark, k: int) -> bool:
    """Whether a sign of f' (k = 1) or f'' (k = 2) on both sides of a mark holds across it."""
    return all(a.continuous(mark, order) for order in range(k))


def _told(a: Analysis, low: Any, high: Any) -> str:
    """An interval with those of its ends at which the function is continuous."""
    return interval(low, high, _held(a, low), _held(a, high))


def _held(a: Analysis, end: Any) -> bool:
    if end is None or a.at(fraction(end)) is None:
        return False
    return all(a.continuous(m) for m in a.marks if m.low <= end and end <= m.high)


def monotone(a: Analysis) -> Fact:
    spells, sure = _spells(a, 1)
    proved = sure
    names = {1: "increasing", -1: "decreasing", 0: "constant"}
    signs = {sign for _, _, sign in spells}
    value = [{"from": _number(low, -1), "to": _number(high, 1), "trend": names[sign]} for low, high, sign in spells]
    if not spells:
        return a.fact("monotone", value, "not known where it rises", False, a.means)
    if len(spells) == 1 and spells[0][:2] == (None, None):
        return a.fact("monotone", value, f"{names[spells[0][2]]} everywhere", proved, a.means)
    parts = [f"{names[sign]} on {_told(a, low, high)}" for low, high, sign in spells]
    statement = listed(parts)
    whole = spells[0][0] is None and spells[-1][1] is None and sure and all(a.continuous(m) for m in a.marks)
    if whole and signs <= {0, 1}:
        statement = f"never decreasing: {statement}"
    if not sure:
        statement += _undecided(a.signs(1))
    return a.fact("monotone", value, statement, proved, a.means)


def convex(a: Analysis) -> Fact:
    spells, sure = _spells(a, 2)
    names = {1: "convex", -1: "concave", 0: "linear"}
    proved = sure
    value = [{"from": _number(low, -1), "to": _number(high, 1), "bend": names[sign]} for low, high, sign in spells]
    if not spells:
        return a.fact("convex", value, "not known where it bends", False, a.means)
    if len(spells) == 1 and spells[0][:2] == (None, None):
        return a.fact("convex", value, f"{names[spells[0][2]]} everywhere", proved, a.means)
    kinks = _kinks(a)
    signs = {sign for _, _, sign in spells}
    whole = sure and spells[0][0] is None and spells[-1][1] is None and kinks is not None
    for bend, word in ((1, "convex"), (-1, "concave")):
        if whole and kinks is not None and signs <= {0, bend} and kinks <= {0, bend}:
            return a.fact("convex", value, f"{word} everywhere", proved, a.means)
    parts = [f"{names[sign]} on {_told(a, low, high)}" for low, high, sign in spells]
    statement = listed(parts)
    if not sure:
        statement += _undecided(a.signs(2))
    return a.fact("convex", value, statement, proved, a.means)


def _kinks(a: Analysis) -> set[int] | None:
    """Which way the slope jumps at corners; None if it is not known, or the function is not continuous."""
    found = set()
    for mark in a.marks:
        left, right = a.beside(mark, -1, 1), a.beside(mark, 1, 1)
        if not a.continuous(mark) or left is None or right is None:
            return None
        jump = 0 if a.continuous(mark, 1) else (right - left).sign
        if jump is None:
            return None
        found.add(jump)
    return found
