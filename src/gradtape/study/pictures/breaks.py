"""Where a curve breaks: jumps, poles, holes and the ends of its domain, each between two neighbouring floats.

A step between two samples is narrowed to the largest step in it, again and again, until no float lies between: if it
is still there, it is a break. What is steep, but continuous, has by then become small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
"""A pole if the values on both sides of a break are so many heights of the window away from each other and from 0."""


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


def find(evaluate: Evaluate, curves: np.ndarray, a: np.ndarray, b: np.ndarray, height: float) -> list[Break]:
    """The breaks between a and b of curves, whose numbers are `curves`; `height` is that of the window."""
    if not len(a):
        return []
    found: list[Break] = []
    rows = np.arange(len(a))
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

    left, _ = close_in(a, b, largest)
    around = from_ordered(ordered(left)[:, None] + np.array([-1, 0, 1, 2]), left.dtype)
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
    """What lies between x[1] and x[2], neighbours, with x[0] and x[3] around them."""
    finite = np.isfinite(y)
    if not (finite[1] and finite[2]):
        return _edge(x, y, finite)
    with np.errstate(all="ignore"):
        here = abs(y[2] - y[1])
        # One value that is neither side's, as sign(0)
        alone_right = bool(finite[3] and abs(y[3] - y[2]) > STAYS * here)
        alone_left = bool(finite[0] and abs(y[1] - y[0]) > STAYS * here)
        left, right = y[0] if alone_left else y[1], y[3] if alone_right else y[2]
        at = (2 if alone_right else 1) if alone_left or alone_right else 1 + simplest(x[1], x[2], dtype)
        if left * right < 0 and min(abs(left), abs(right)) > BEYOND * height:
            return Break("pole", float(x[at]), float(left), float(right), np.nan, float(x[1]))
        # If all neighbouring floats are as far from each other it is a slope, seen through a coarse grid.
        if not (here > STEP * height and here > STAYS * abs(start[1] - start[0])) or (alone_left and alone_right):
            return None
    return Break("jump", float(x[at]), float(left), float(right), float(y[at]), float(x[1]))


def _edge(x: np.ndarray, y: np.ndarray, finite: np.ndarray) -> Break:
    if finite[1]:  # then x[2] has no value
        if finite[3]:
            return Break("hole", float(x[2]), float(y[1]), float(y[3]), np.nan, float(x[1]))
        return Break("edge", float(x[1]), float(y[1]), np.nan, float(y[1]), float(x[1]))
    if finite[0]:
        return Break("hole", float(x[1]), float(y[0]), float(y[2]), np.nan, float(x[1]))
    return Break("edge", float(x[2]), np.nan, float(y[2]), float(y[2]), float(x[1]))
