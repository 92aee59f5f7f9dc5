"""Places that are worth a mark: extrema, kinks, jumps, poles, saturation; each to the last float.

They are found between samples by a change of sign and closed in on by the next derivative (`floats.close_in`), all in
float64, so that they do not depend on where the samples happen to lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gradtape.study.pictures.breaks import Evaluate
from gradtape.study.pictures.floats import close_in
from gradtape.study.pictures.sampling import LOOK, Picture, first_look

MOST_PLACES = 12
"""Extrema of a curve that are marked; of more, the highest and the lowest."""

MOST_BREAKS = 6
"""Jumps and poles, and kinks, that are named; of more, rings and gaps tell enough."""

DOUBLE = np.dtype("float64")


@dataclass(frozen=True)
class Place:
    """A notable place of curve n (0: the function, 1: its derivative, …)."""

    kind: Literal["max", "min", "kink", "jump", "pole"]
    curve: int
    x: float
    y: float

    def words(self) -> str:
        """What is written beside the mark."""
        at = f"{self.x:.6g}"
        if self.kind in ("max", "min"):
            return f"{self.kind} {self.y:.6g} at {at}"
        return f"{self.kind} at {at}"


def notable(evaluate: Evaluate, picture: Picture, curves: int = 1) -> list[Place]:
    """The notable places in a picture of the first curves (up to number `curves`); `evaluate` knows one more."""
    x = first_look(picture.low, picture.high, LOOK, DOUBLE)
    y = evaluate(x)
    found: list[Place] = []
    for n in range(curves + 1):
        curve = picture.curves[n]
        places = _extrema(evaluate, x, y, n, [b.x for b in curve.breaks])
        within = [p for p in places if picture.bottom <= p.y <= picture.top and not _in_band(p.x, curve.bands)]
        if len(within) > MOST_PLACES:
            within = [max(within, key=lambda p: p.y), min(within, key=lambda p: p.y)]
        found += within
    function = picture.curves[0]
    breaks = [b for b in function.breaks if b.kind in ("jump", "pole")]
    if len(breaks) <= MOST_BREAKS:
        found += [Place("jump" if b.kind == "jump" else "pole", 0, b.x, b.value) for b in breaks]
    if len(picture.curves) > 1:
        at = {b.x for b in function.breaks}
        kinks = [b for b in picture.curves[1].breaks if b.kind == "jump" and b.x not in at]
        if len(kinks) <= MOST_BREAKS:
            extrema = {p.x for p in found}
            values = evaluate(np.array([b.x for b in kinks]))[0] if kinks else []
            found += [Place("kink", 0, b.x, float(v)) for b, v in zip(kinks, values, strict=True) if b.x not in extrema]
    return found


def _in_band(x: float, bands: Sequence[np.ndarray]) -> bool:
    return any(band[0, 0] <= x <= band[-1, 0] for band in bands)


def _extrema(evaluate: Evaluate, x: np.ndarray, curves: np.ndarray, n: int, breaks: Sequence[float]) -> list[Place]:
    """The extrema of curve n inside the range, where the next one changes its sign."""
    slope = np.sign(curves[n + 1])
    known = np.flatnonzero(np.isfinite(slope) & (slope != 0))
    turns = np.flatnonzero(slope[known[1:]] * slope[known[:-1]] < 0)
    # Between the two at most one sample has slope 0: more would be a plateau
    turns = turns[known[turns + 1] - known[turns] <= 2]
    if not len(turns):
        return []
    left, right = known[turns], known[turns + 1]
    before = slope[left]

    def choose(points: np.ndarray) -> np.ndarray:
        signs = np.sign(evaluate(points.ravel())[n + 1]).reshape(points.shape)
        return np.argmax(signs != before[:, None], axis=1) - 1

    a, b = close_in(x[left], x[right], choose)
    # Rounding makes a slope 0 at more than one float; the roundest number is what is meant.
    digits = 12 - int(np.floor(np.log10(x[-1] - x[0])))
    choices = np.stack([np.round((a + b) / 2, digits) + 0.0, a, b]) if abs(digits) < 300 else np.stack([a, b])
    values = evaluate(choices.ravel()).reshape(-1, *choices.shape)
    sizes = np.abs(values[n + 1])
    best = np.argmin(np.where(np.isnan(sizes), np.inf, sizes), axis=0)
    rows = np.arange(len(a))
    places, heights = choices[best, rows], values[n][best, rows]
    found = []
    for place, value, sign in zip(places.tolist(), heights.tolist(), before.tolist(), strict=True):
        broken = any(abs(place - b) <= 1e-6 * max(abs(place), x[-1] - x[0]) for b in breaks)
        if np.isfinite(value) and not broken:
            found.append(Place("max" if sign > 0 else "min", n, place, value))
    return found


def saturated(evaluate: Evaluate, low: float, high: float, tolerance: float) -> list[tuple[float, float]]:
    """The intervals in which the slope is at most the tolerance in size."""
    x = first_look(low, high, LOOK, DOUBLE)

    def flat(points: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.abs(evaluate(points.ravel())[1]).reshape(points.shape) <= tolerance

    inside = flat(x)
    change = np.flatnonzero(inside[1:] != inside[:-1])
    ends = np.empty(0)
    if len(change):
        before = inside[change]

        def choose(points: np.ndarray) -> np.ndarray:
            return np.argmax(flat(points) != before[:, None], axis=1) - 1

        a, b = close_in(x[change], x[change + 1], choose)
        ends = np.where(before, a, b)
    ends = np.concatenate([[low] if inside[0] else [], ends, [high] if inside[-1] else []])
    return [(float(a) + 0.0, float(b) + 0.0) for a, b in ends.reshape(-1, 2)]
