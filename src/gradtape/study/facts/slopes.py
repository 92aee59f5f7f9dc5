"""Facts about the slope: how large it gets, where it vanishes, and what floating-point numbers make of that."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.graph.dtypes import finfo
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.reals import BITS, fraction, fraction_above, fraction_below, number, precision
from gradtape.study.facts.analysis import Analysis, Extreme
from gradtape.study.facts.fact import Fact, above, listed, middle, shown
from gradtape.study.facts.shape import interval
from gradtape.study.subject import DTYPES

TOLERANCE = Fraction(1, 100)
"""The slope below which a function counts as saturated."""

EDGE = 5
"""Outside of [-EDGE, EDGE] the slope is bounded."""


def _extreme_slope(a: Analysis, side: int, name: str, word: str) -> Fact:
    found = a.extreme(1, side)
    number_ = middle(found.bounds)
    value = {"slope": number_, "at": [middle(p) for p in found.places], "towards": [s * math.inf for s in found.ends]}
    if math.isnan(number_):
        return a.fact(name, value, f"{word} slope is not known", False, a.sampling)
    if math.isinf(number_):
        return a.fact(name, value, f"the slope is unbounded {'above' if side > 0 else 'below'}", found.proved, a.means)
    where = _where(found)
    size = shown(found.bounds)
    if found.reached:
        statement = f"{word} slope {size}{where}"
    else:
        statement = f"slope {'below' if side > 0 else 'above'} {size} everywhere, which is its limit{where[1:]}"
    return a.fact(name, value, statement, found.proved, a.means if found.proved else a.sampling, found.bounds)


def _where(found: Extreme) -> str:
    ends = [f"towards {'∞' if side > 0 else '-∞'}" for side in sorted(set(found.ends))]
    wide = [p for p in found.places if p.finite and fraction(p.high) - fraction(p.low) > Fraction(1, 100)]
    points = [] if wide else [shown(p) for p in found.places]
    if len(found.places) > 6 or wide:
        return ", at many x"
    if points:
        return f", at x = {listed(points)}" + (f" and {listed(ends)}" if ends else "")
    return f", {listed(ends)}" if ends else ""


def largest_slope(a: Analysis) -> Fact:
    return _extreme_slope(a, 1, "largest_slope", "largest")


def smallest_slope(a: Analysis) -> Fact:
    return _extreme_slope(a, -1, "smallest_slope", "smallest")


def lipschitz(a: Analysis) -> Fact:
    low, high = a.extreme(1, -1), a.extreme(1, 1)
    proved = low.proved and high.proved
    ends = middle(high.bounds), -middle(low.bounds)
    largest = max(ends)
    if math.isnan(ends[0]) or math.isnan(ends[1]):
        return a.fact("lipschitz", math.nan, "the Lipschitz constant is not known", False, a.sampling)
    if math.isinf(largest):
        sure = (high.proved and math.isinf(ends[0])) or (low.proved and math.isinf(ends[1]))
        return a.fact("lipschitz", math.inf, "no Lipschitz constant: the slope is unbounded", sure, a.means)
    continuous = [a.continuous(m) for m in a.marks if a.inside(m)]
    if False in continuous:
        return a.fact("lipschitz", math.inf, "no Lipschitz constant: the function jumps", True, a.means)
    proved = proved and None not in continuous and len(continuous) == len(a.marks)
    whole = all(cell.sign is not None and not cell.outside for cell in a.line.cells)
    bounds = high.bounds if ends[0] >= ends[1] else -low.bounds
    return a.fact("lipschitz", largest, f"Lipschitz constant {shown(bounds)}", proved and whole, a.means, bounds)


# -- where the gradient vanishes ------------------------------------------------------------------------------


def _largest_size(a: Analysis, low: Any, high: Any) -> tuple[Interval | None, bool]:
    """Bounds of the supremum of |f'| between two numbers, None if the function is defined nowhere between them."""
    if a.candidates(1, low, high) == []:
        return None, True
    top, bottom = a.extreme(1, 1, low, high), a.extreme(1, -1, low, high)
    up, down = top.bounds, -bottom.bounds
    if up.high is None or down.high is None:
        sure = (top.proved and up.high is None) or (bottom.proved and down.high is None)
        return Interval(number(0), None), sure
    return (up if up.high >= down.high else down), top.proved and bottom.proved


def outside(a: Analysis) -> Fact:
    """How large the slope is outside of [-5, 5]."""
    left, sure_left = _largest_size(a, None, number(-EDGE))
    right, sure_right = _largest_size(a, number(EDGE), None)
    proved = sure_left and sure_right
    value = {"edge": EDGE, "left": _upper(left), "right": _upper(right)}
    sizes = [_size(x) for x in (left, right)]
    if sizes[0] == sizes[1]:
        statement = f"{sizes[0]} outside [-{EDGE}, {EDGE}]"
    else:
        statement = f"{sizes[0]} for x < -{EDGE}, {sizes[1]} for x > {EDGE}"
    return a.fact("slope_outside", value, statement, proved, a.means if proved else a.sampling)


def _size(largest: Interval | None) -> str:
    """What a bound of |f'| says, as a round number."""
    if largest is None:
        return "not defined"
    if largest.high is None:
        return "f' unbounded"
    exact = fraction_above(largest.high)
    bound = above(max(exact, Fraction(0)))
    return "f' = 0" if bound == "0" else f"|f'| {'<' if Fraction(bound) > exact else '≤'} {bound}"


def _upper(x: Interval | None) -> float | None:
    return None if x is None else math.inf if x.high is None else float(x.high)


def saturation(a: Analysis) -> Fact:
    """Beyond which points the slope stays below the tolerance."""
    ends = {side: _saturates(a, side) for side in (-1, 1)}
    value = {
        "tolerance": float(TOLERANCE),
        "left": None if ends[-1][0] is None else middle(ends[-1][0]),
        "right": None if ends[1][0] is None else middle(ends[1][0]),
    }
    proved = ends[-1][1] and ends[1][1]
    left, right = ends[-1][0], ends[1][0]
    limit = f"|f'| < {shown(float(TOLERANCE))}"
    if left is None and right is None:
        return a.fact(
            "saturation", value, f"does not saturate: there is no point beyond which {limit}", proved, a.means
        )
    if left is not None and right is not None:
        statement = f"{limit} outside {interval(left, right, True, True)}"
    elif left is not None:
        statement = f"{limit} for x < {shown(left)}, does not saturate to the right"
    else:
        statement = f"{limit} for x > {shown(right)}, does not saturate to the left"
    return a.fact("saturation", value, statement, proved, a.means if proved else a.sampling)


def _saturates(a: Analysis, side: int) -> tuple[Interval | None, bool]:
    """The point beyond which |f'| < tolerance, or None if there is none; and whether that is proved."""
    limit, sure = a.limit(side, 1)
    if limit is None:
        return None, False
    if not sure and limit.finite:
        return None, False
    if not limit.finite or limit.above(TOLERANCE) or (-limit).above(TOLERANCE):
        return None, sure
    pieces = [p for p in a.signs(2) if not p.point]
    for piece in reversed(pieces) if side > 0 else pieces:
        inner, outer = (piece.low, piece.high) if side > 0 else (piece.high, piece.low)
        if piece.outside or (piece.sign is None and not piece.tiny):
            return None, False
        if outer is not None and not _small(_near(a, outer, -side)):
            return Interval(outer, outer), True
        if inner is None:
            inner = number(-side * Fraction(2) ** 60)
            if piece.sign is None or _small(a.at(fraction(inner), 1)):
                return None, False
        elif _small(_near(a, inner, side)):
            continue
        if piece.tiny:
            return Interval(inner, inner), True
        low, high = fraction(inner), fraction(outer) if outer is not None else side * Fraction(2) ** 60
        for _ in range(200):  # |f'| falls from the inner to the outer end
            with precision(2 * BITS):
                m = number(_short((low + high) / 2))
            if _small(a.at(m, 1)):
                high = fraction(m)
            else:
                low = fraction(m)
            if abs(high - low) < Fraction(1, 1 << 60) * max(Fraction(1), abs(low)):
                break
        ends = sorted((low, high))
        with precision(2 * BITS):
            return Interval(number(ends[0]), number(ends[1])), True
    return None, False


def _near(a: Analysis, x: Any, side: int) -> Interval | None:
    for mark in a.marks:
        if mark.low <= x and x <= mark.high:
            return a.beside(mark, side, 1)
    return a.at(x, 1)


def _short(x: Fraction) -> Fraction:
    return Fraction(round(x * (1 << 80)), 1 << 80)


def _small(slope: Interval | None) -> bool:
    if slope is None or not slope.finite:
        return False
    limit = number(TOLERANCE)
    return bool(slope.high < limit and slope.low > -limit)


# -- in floating-point numbers --------------------------------------------------------------------------------


class Format:
    """The positive numbers of a floating-point format in order: number 0 is 0, number 1 the smallest."""

    def __init__(self, name: str):
        info = finfo(np.dtype(name) if name != "bfloat16" else _bfloat16())
        self.digits, self.least = int(info.nmant), int(info.minexp)
        self.last = (int(info.maxexp) - self.least << self.digits) + (1 << self.digits) - 1
        self.most = self.value(self.last)

    def value(self, i: int) -> Fraction:
        exponent, mantissa = divmod(i, 1 << self.digits)
        if exponent:
            mantissa, exponent = mantissa + (1 << self.digits), exponent - 1
        return mantissa * Fraction(2) ** (self.least - self.digits + exponent)

    def unit(self, x: Fraction) -> Fraction:
        """The spacing of the format at a positive number."""
        size = x.numerator.bit_length() - x.denominator.bit_length()
        if Fraction(2) ** size > x:
            size -= 1
        return Fraction(2) ** (max(size, self.least) - self.digits)

    def rounds_to(self, x: Interval, limit: Fraction) -> bool | None:
        """Whether a number rounds to what `limit` rounds to; None if its bounds leave that open."""
        target = self.nearest(limit)
        low = target - self._below(target) / 2
        high = target + self.unit(abs(target)) / 2 if target > 0 else target + self._above(target) / 2
        if x.low is None or x.high is None:
            return None
        a, b = fraction_below(x.low), fraction_above(x.high)
        if low <= a and b <= high:  # a tie goes to the target, which is even, or within an ulp of it
            return True
        return False if b < low or a > high else None

    def _below(self, target: Fraction) -> Fraction:
        if target > 0:
            step = self.unit(target)
            power = target.numerator == 1 or (
                (target.numerator & (target.numerator - 1)) == 0 and target.denominator == 1
            )
            return step / 2 if power and target > Fraction(2) ** self.least else step
        return self.unit(abs(target)) if target else self.value(1)

    def _above(self, target: Fraction) -> Fraction:
        return self._below(-target) if target else self.value(1)

    def nearest(self, x: Fraction) -> Fraction:
        if not x:
            return x
        unit = self.unit(abs(x))
        return Fraction(round(x / unit)) * unit


def _bfloat16() -> np.dtype:
    from gradtape.graph.dtypes import as_dtype

    return as_dtype("bfloat16").dtype


def rounding(a: Analysis) -> Fact:
    """For each format the x from which on the rounded function is its limit, and its slope is rounded to 0."""
    value: dict[str, Any] = {}
    proved = True
    for name in DTYPES:
        form = Format(name)
        row: dict[str, Any] = {}
        for side, key in ((-1, "left"), (1, "right")):
            for k, what in ((0, "value"), (1, "slope")):
                limit, sure = a.limit(side, k)
                at, certain = _threshold(a, form, side, k, limit) if limit is not None and sure else (None, False)
                row[f"{what}_{key}"] = at
                proved = proved and (certain or limit is None or not limit.finite)
        value[name] = row
    return a.fact("rounding", value, _rounding(value), proved, a.means + ", rounded to nearest")


def rounding_for(fact: Fact, dtype: str) -> Fact:
    """The fact on rounding with a sentence on one format alone."""
    return replace(fact, statement=_rounding({dtype: fact.value[dtype]}))


def _rounding(value: dict[str, Any]) -> str:
    said = []
    for key, where in (("left", "for x ≤"), ("right", "for x ≥")):
        for what, words in (("value", "f rounds to its limit"), ("slope", "f' rounds to 0")):
            texts = [
                f"{name} {where} {row[f'{what}_{key}']:.6g}"
                for name, row in value.items()
                if row[f"{what}_{key}"] is not None
            ]
            if texts:
                said.append(f"{words} in {', '.join(texts)}")
    return "; ".join(said) if said else "nothing is rounded to a limit at finite x"


def _threshold(a: Analysis, form: Format, side: int, k: int, limit: Interval) -> tuple[float | None, bool]:
    """The number of the format closest to 0 from which on output k is rounded as its limit is."""
    if not limit.finite:
        return None, True
    target = fraction(limit.low) if limit.low == limit.high else None
    if target is None:
        from gradtape.study.facts.fact import simple

        target = simple(limit)
    if target is None:
        target = (fraction(limit.low) + fraction(limit.high)) / 2
    if k and target:
        return None, True
    # On the last piece on which it is monotone it stays once it is there.
    pieces = [p for p in a.signs(k + 1) if not p.point]
    last = pieces[-1] if side > 0 else pieces[0]
    inner = last.low if side > 0 else last.high
    if last.sign is None or last.outside:
        return None, False
    start = max(Fraction(0), side * fraction(inner)) if inner is not None else Fraction(0)
    low, high = 0, form.last
    while low < high:
        m = (low + high) // 2
        x = form.value(m)
        inside = x > start and form.rounds_to(_sharp(a, side * x, k), target)
        if inside is None:
            return None, False
        low, high = (low, m) if inside else (m + 1, high)
    x = form.value(low)
    if not form.rounds_to(_sharp(a, side * x, k), target):
        return None, True
    constant = last.sign == 0
    if constant and inner is not None and form.rounds_to(_sharp(a, Fraction(side) * start, k), target):
        return float(side * start), True
    return float(side * x), True


def _sharp(a: Analysis, x: Fraction, k: int) -> Interval:
    found = a.at(x, k)
    return Interval(None, None) if found is None else found
