"""Facts about a function of normally distributed numbers: the mean output, and how much of a gradient passes."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from gradtape.study.certify import reals
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.polynomials import Polynomial
from gradtape.study.certify.reals import BITS, NotEnclosed, fraction, number, precision
from gradtape.study.certify.tail import NOTHING, Reach, Tail
from gradtape.study.facts.analysis import Analysis
from gradtape.study.facts.fact import Fact, middle

REACH = 8
"""Up to here the line is divided; what is beyond has a weight of 1e-15."""

PIECES = 128
"""Intervals that it is divided into, before those that need it are divided further."""

NARROW, DEEPEST = 1e-8, 14
"""How narrow the bounds of one piece should be, and how often it is halved for that at most."""

EFFORT = 3000
"""Pieces that are bounded for one mean."""

LAYERS = (10, 50, 100)

Jet = Callable[[Any], list[Interval]]
"""Of bounds of f, f', f'', f''' those of a quantity and its first two derivatives."""


def _value(f: Any) -> list[Interval]:
    return [f[0], f[1], f[2]]


def _squared_slope(f: Any) -> list[Interval]:
    return [f[1] ** 2, 2 * f[1] * f[2], 2 * (f[2] ** 2 + f[1] * f[3])]


def _mean(a: Analysis, jet: Jet) -> Interval | None:
    """Bounds of the mean of a quantity under the standard normal distribution; None if there are none."""
    with precision(BITS):
        edges = {Fraction(2 * REACH * i, PIECES) - REACH for i in range(PIECES + 1)}
        gaps = []
        for mark in a.marks:
            low, high = fraction(mark.low), fraction(mark.high)
            if low > -REACH and high < REACH:
                edges |= {low, high}
                gaps.append((low, high))
        total = Interval.of(0)
        ordered, effort = sorted(edges), [EFFORT]
        try:
            for low, high in pairwise(ordered):
                part = _finely(a, jet, low, high, (low, high) in gaps, effort)
                if part is None:
                    return None
                total = total + part
            for side in (-1, 1):
                total = total + _beyond(a, jet, side)
        except NotEnclosed:
            return None
    return total if total.finite else None


def _finely(
    a: Analysis, jet: Jet, low: Fraction, high: Fraction, gap: bool, effort: list[int], depth: int = 0
) -> Interval | None:
    part = _part(a, jet, low, high, gap)
    effort[0] -= 1
    if gap or depth == DEEPEST or effort[0] < 0 or (part is not None and part.finite and part.width < NARROW):
        return part if part is not None and part.finite else None
    middle_ = (low + high) / 2
    halves = [_finely(a, jet, *ends, False, effort, depth + 1) for ends in ((low, middle_), (middle_, high))]
    return None if halves[0] is None or halves[1] is None else halves[0] + halves[1]


def _part(a: Analysis, jet: Jet, low: Fraction, high: Fraction, gap: bool) -> Interval | None:
    """The share of one interval: by Taylor's formula at its middle with bounds for the second derivative."""
    ends = number(low), number(high)
    bounds = [a.reader.box(*ends).known(k) for k in range(4)]
    weight, first, second = _moments(low, high)
    if any(b is None for b in bounds):
        return None
    around = jet(bounds)
    if gap:
        return around[0] * weight
    m = (low + high) / 2
    center = [a.at(m, k) for k in range(4)]
    if any(c is None for c in center):
        return None
    at = jet(center)
    about = first - weight * m
    square = second - first * (2 * m) + weight * (m * m)
    taylor = at[0] * weight + at[1] * about + around[2] * _positive(square) / 2
    rough = around[0] * weight
    return taylor if not rough.finite or (taylor.finite and taylor.width < rough.width) else rough


def _positive(x: Interval) -> Interval:
    return x if x.low >= 0 else Interval(number(0), x.high)


def _moments(low: Fraction, high: Fraction) -> tuple[Interval, Interval, Interval]:
    """The integrals of 1, x and x² with the density of the normal distribution."""
    at = {end: (_normal(end), _density(end)) for end in (low, high)}
    weight = at[high][0] - at[low][0]
    first = at[low][1] - at[high][1]
    return weight, first, weight + at[low][1] * low - at[high][1] * high


def _normal(x: Fraction) -> Interval:
    return (
        -((-(Interval.of(x) / Interval.of(2).sqrt())).erfc() * Fraction(-1, 2))
        if x < 0
        else 1 - (Interval.of(x) / Interval.of(2).sqrt()).erfc() / 2
    )


def _density(x: Fraction) -> Interval:
    return (-(Interval.of(x) ** 2) / 2).exp() / (2 * Interval.of(reals.pi())).sqrt()


def _beyond(a: Analysis, jet: Jet, side: int) -> Interval:
    """The share of |x| > REACH: bounds of the quantity times exp(-x²/4), times the integral of what is left."""
    reach = Reach(Interval(number(REACH), None, True, True), side)
    bell = (
        -Tail(reach, Interval.of(Fraction(1, 4)), (Fraction(2), NOTHING), Polynomial({(2, ()): Fraction(1, 4)}))
    ).exp()
    values = a.reader.on_reach(reach).values
    for value in values:
        if isinstance(value, NotEnclosed):
            raise value
    quantity: Any = jet(values)[0]
    damped = (quantity * bell).span
    # ∫ exp(-x²/4) / √(2π) from REACH on is erfc(REACH/2) / √2.
    rest = Interval.of(Fraction(REACH, 2)).erfc() / Interval.of(2).sqrt()
    return damped * rest


def _sampled_mean(a: Analysis, of: Callable[[list[np.ndarray]], np.ndarray]) -> float:
    x = np.linspace(-12, 12, 240_001)
    with np.errstate(all="ignore"):
        y = of([np.asarray(v, np.float64) for v in a.subject.values(x, 1)])
        weighted = y * np.exp(-x * x / 2)
    return float(np.sum(weighted) * (x[1] - x[0]) / math.sqrt(2 * math.pi))


def _power(share: float, n: int) -> float:
    try:
        return share**n
    except OverflowError:
        return math.inf


def mean(a: Analysis) -> Fact | None:
    """None where the function is not defined for all numbers."""
    if any(cell.outside for cell in a.line.cells):
        return None
    bounds = _mean(a, _value)
    if bounds is None:
        number_ = _sampled_mean(a, lambda f: f[0])
        statement = f"mean output {shown_mean(number_)} for a standard normal input"
        return a.fact(
            "mean",
            {"mean": number_, "zero_centred": None},
            statement,
            False,
            "the trapezoidal rule with 240,001 points",
        )
    centre = middle(bounds)
    apart = bounds.positive or bounds.negative
    width = float(bounds.high - bounds.low)
    zero = not apart and width < 1e-3
    if apart:
        said = f"not zero-centred: mean output {_rounded(bounds)} for a standard normal input"
    elif zero:
        within = max(abs(float(bounds.low)), abs(float(bounds.high)))
        said = f"zero-centred: the mean output for a standard normal input is 0 to within {within:.1g}"
    else:
        said = f"mean output {_rounded(bounds)} for a standard normal input"
    value = {"mean": 0.0 if zero else centre, "zero_centred": zero if apart or zero else None}
    return a.fact("mean", value, said, True, f"{a.means}; Taylor's formula on {PIECES} intervals or more", bounds)


def shown_mean(x: float) -> str:
    return f"{x + 0.0:.6g}"


def _rounded(x: Interval) -> str:
    """The digits that are certain, at least two."""
    low, high = fraction(x.low), fraction(x.high)
    for digits in range(8, 1, -1):
        first, last = f"{float(low):.{digits}g}", f"{float(high):.{digits}g}"
        if first == last:
            return first
    return f"between {float(low):.2g} and {float(high):.2g}"


def squared_slope(a: Analysis) -> Fact | None:
    """The mean of f'(z)²: what share of a gradient's squared size passes one layer."""
    if any(cell.outside for cell in a.line.cells):
        return None
    bounds = _mean(a, _squared_slope)
    proved = bounds is not None
    share = middle(bounds) if bounds is not None else _sampled_mean(a, lambda f: f[1] ** 2)
    remains = {str(n): _power(share, n) for n in LAYERS}
    text = _rounded(bounds) if bounds is not None else shown_mean(share)
    left = ", ".join(f"{remains[str(n)]:.2g} after {n}" for n in LAYERS)
    statement = (
        f"mean squared slope {text} for a standard normal input: of a gradient's squared size remain {left} layers"
    )
    how = (
        f"{a.means}; Taylor's formula on {PIECES} intervals or more"
        if proved
        else "the trapezoidal rule with 240,001 points"
    )
    return a.fact("squared_slope", {"mean": share, "remains": remains}, statement, proved, how, bounds)
