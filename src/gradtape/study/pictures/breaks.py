"""Where a curve breaks: jumps, poles, holes and the ends of its domain, each between two neighbouring floats.

A step between two samples is narrowed to the largest step in it, again and again, until no float lies between: if it
is still there, it is a break. What is steep, but continuous, has by then become small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gradtape.study.pictures.floats import close_in, from_ordered, ordered, simplest

Evaluate = Callable[[np.ndarray], np.ndarray]
"""Points of shape (n,) → curves of shape (curves, n), in float64."""

STEP = 6e-3
"""The least jump that can be seen, in heights of the window: a few pixels."""

STAYS = 0.4
"""Share of a step that must be left between neighbouring floats for it to be a jump. Half of sign's is left at 0."""

BEYOND = 2.0
"""A pole if the values on both sides of a break are so many heights of the window away from 0."""

AROUND = 8
"""Floats on either side of a break that are looked at."""

SLOPE = 0.25
"""Share of a jump that no step next to it may have: else it is a slope, seen through a coarse grid of floats."""

NOTHING = 1e-15
"""What is nearer to 0 than this share of the window's width is 0: no formula is to be judged by what underflow makes of
it there, and no picture shows it."""

TOGETHER = 1e-6
"""Share of the window's width within which two breaks may be one."""


@dataclass(frozen=True)
class Break:
    """A place where a curve is not continuous.

    kind     jump: both sides have a value; pole: it passes through infinity; hole: only the value itself is missing;
             edge: on one side the function is not defined, or not finite
    x        the place: for a jump the side that has the value, for an edge the last point with a value
    left     the value just left of it, NaN if there is none
    right    the value just right of it, NaN if there is none
    value    the value there, NaN if there is none
    after    the float after which the curve is interrupted
    """

    kind: Literal["jump", "pole", "hole", "edge"]
    x: float
    left: float
    right: float
    value: float
    after: float


def find(
    evaluate: Evaluate, curves: np.ndarray, a: np.ndarray, b: np.ndarray, width: float, height: float
) -> list[Break]:
    """The breaks between a and b of curves, whose numbers are `curves`, in a window of that width and height."""
    if not len(a):
        return []
    found: list[Break] = []
    rows, least = np.arange(len(a)), NOTHING * width
    values = _on_rows(evaluate, curves)
    start = values(np.stack([a, b], axis=1))

    def largest(x: np.ndarray) -> np.ndarray:
        y = values(x)
        finite = np.isfinite(y)
        part = finite[:, 1:] != finite[:, :-1]
        with np.errstate(all="ignore"):
            steps = np.where(part, np.inf, np.abs(np.diff(y / 4, axis=1)))
        steps[np.isnan(steps)] = -1
        # Of equal ones the middle one: values on both sides of it were computed.
        return np.argmax(steps, axis=1)

    left, _ = close_in(a, b, largest, least)
    places = ordered(left, least)[:, None] + np.arange(-AROUND, AROUND + 2)
    around = from_ordered(places, left.dtype, least)
    y = values(around)
    for i in rows:
        one = _judge(around[i].astype(np.float64), y[i], start[i], height, left.dtype)
        if one:
            found.append(one)
    return found


def _on_rows(evaluate: Evaluate, curves: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Rows of points → rows of values, each of its own curve."""

    def values(x: np.ndarray) -> np.ndarray:
        y = evaluate(x.ravel()).reshape(-1, *x.shape)
        return y[curves, np.arange(len(x))]

    return values


def _judge(x: np.ndarray, y: np.ndarray, start: np.ndarray, height: float, dtype: np.dtype) -> Break | None:
    """What lies between two neighbouring floats, in the middle of x, with a few more on either side."""
    i, j = AROUND, AROUND + 1
    finite = np.isfinite(y)
    if not (finite[i] and finite[j]):
        return _edge(x, y, finite, height)
    for left, right in ((i, j), (i, j + 1), (i - 1, j)):
        if finite[left] and finite[right] and _beyond(y[left], y[right], height) and y[left] * y[right] < 0:
            at = j if right > j or left == i else i
            return Break("pole", float(x[at]), float(y[left]), float(y[right]), np.nan, float(x[i]))
    with np.errstate(all="ignore"):
        steps = np.abs(np.diff(y))
        here = steps[i]
        if not (here > STEP * height and here > STAYS * abs(start[1] - start[0])):
            return None
        # One value that is neither side's, as sign(0): two great steps.
        alone = next((n for n in (i, j) if steps[n - 1] > STAYS * here and steps[n] > STAYS * here), None)
        others = np.delete(steps, [i] if alone is None else [alone - 1, alone])
        if (others[np.isfinite(others)] > SLOPE * here).any():
            return None
    if alone is not None:
        return Break("jump", float(x[alone]), float(y[alone - 1]), float(y[alone + 1]), float(y[alone]), float(x[i]))
    at = j if simplest(x[i], x[j], dtype) else i
    return Break("jump", float(x[at]), float(y[i]), float(y[j]), float(y[at]), float(x[i]))


def _beyond(left: float, right: float, height: float) -> bool:
    return min(abs(left), abs(right)) > BEYOND * height


def _edge(x: np.ndarray, y: np.ndarray, finite: np.ndarray, height: float) -> Break:
    """The end of the domain, or of what is finite, between the two in the middle."""
    i, j = AROUND, AROUND + 1
    missing, left, right = (j, i, j + 1) if finite[i] else (i, i - 1, j)
    if finite[left] and finite[right]:
        with np.errstate(over="ignore"):
            near = abs(y[right] - y[left]) <= STEP * height and not _beyond(y[left], y[right], height)
        kind: Literal["hole", "pole"] = "hole" if near and np.isnan(y[missing]) else "pole"
        return Break(kind, float(x[missing]), float(y[left]), float(y[right]), np.nan, float(x[i]))
    if finite[i]:
        return Break("edge", float(x[i]), float(y[i]), np.nan, float(y[i]), float(x[i]))
    return Break("edge", float(x[j]), np.nan, float(y[j]), float(y[j]), float(x[i]))


def joined(breaks: Sequence[Break], width: float, height: float) -> list[Break]:
    """Breaks from left to right, with those that are one: the two edges of a pole around which values overflow, and
    neighbouring floats between which a pole lies; `width` and `height` are those of the window."""
    found: list[Break] = []
    for one in sorted(breaks, key=lambda b: b.x):
        last = found[-1] if found else None
        if last and one.x - last.x <= TOGETHER * width:
            if last.kind == one.kind == "pole":
                found[-1] = replace(last, right=one.right)
                continue
            ends = last.kind == one.kind == "edge" and np.isnan(last.right) and np.isnan(one.left)
            if ends and _beyond(last.left, one.right, height):
                middle = last.x / 2 + one.x / 2 if last.x * one.x > 0 else 0.0
                found[-1] = Break("pole", middle, last.left, one.right, np.nan, last.x)
                continue
        found.append(one)
    return found
