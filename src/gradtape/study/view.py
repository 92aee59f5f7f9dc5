"""Which part of the y axis is worth seeing, and where a curve must not be joined.

Near a pole the values depend on how close a sample happens to lie, and grow without end; shown in full they would
flatten everything else. A curve that merely becomes large, as eˣ, is shown in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

HEAVY = 5.0
"""How many times wider than its middle 80 % the values of a curve must spread to be suspected of a pole."""

LARGEST = 4e307
"""Values beyond this are out of sight: the length of a longer axis would overflow."""

GROWTH = 2.0
"""A suspect has a pole if it grows by this factor when the surroundings of its extreme are sampled more finely."""


def poles(
    x: np.ndarray, curves: Sequence[np.ndarray], sample: Callable[[np.ndarray], Sequence[np.ndarray]]
) -> list[bool]:
    """For each curve whether it has a pole in x; `sample` computes all the curves at other points."""
    found = [False] * len(curves)
    closer: dict[int, np.ndarray] = {}
    for i, y in enumerate(curves):
        finite = np.isfinite(y)
        if not finite.any() or not (_heavy(y[finite]) or _crossings(y).size):
            continue
        if np.isinf(y).any():
            found[i] = True
        else:
            k = int(np.nanargmax(np.abs(np.where(finite, y, 0))))
            closer[i] = np.linspace(x[max(k - 1, 0)], x[min(k + 1, len(x) - 1)], 34, dtype=x.dtype)[1:-1]
    if closer:
        finer = sample(np.concatenate(list(closer.values())))
        ends = np.cumsum([0, *(len(points) for points in closer.values())])
        for i, (start, stop) in zip(closer, pairwise(ends), strict=True):
            found[i] = _grows(np.abs(finer[i][start:stop]), np.abs(curves[i]))
    return found


def _grows(near: np.ndarray, far: np.ndarray) -> bool:
    """Whether finer sampling finds much larger values, or would have, had not a sample hit the pole almost exactly."""
    finer = np.nanmax(near, initial=0)
    second, first = np.sort(np.nan_to_num(far, nan=0))[-2:]
    return bool(finer > GROWTH * first or (first > GROWTH * finer and finer > GROWTH * second))


def _heavy(values: np.ndarray) -> bool:
    halves = values.astype(np.float64) / 2  # so that no difference overflows
    low, high = np.quantile(halves, [0.1, 0.9]).tolist()
    return float(halves.max()) - float(halves.min()) > HEAVY * (high - low)


def limits(curves: Sequence[np.ndarray], has_pole: Sequence[bool]) -> tuple[float, float]:
    """The ends of the y axis. Curves without a pole are shown in full; of the others the part that is worth it."""
    intervals = [_interval(y, pole) for y, pole in zip(curves, has_pole, strict=True)]
    first = next((i for i in intervals if i), (0.0, 0.0))
    reach = (first[1] - first[0]) or np.inf  # the poles of derivatives are steeper; f itself stays readable
    low, high = first
    for interval, pole in zip(intervals, has_pole, strict=True):
        if interval:
            low = min(low, max(interval[0], first[0] - reach) if pole else interval[0])
            high = max(high, min(interval[1], first[1] + reach) if pole else interval[1])
    margin = 0.05 * (high - low) or 0.5 * max(abs(high), 1.0)
    return low - margin, high + margin


def _interval(y: np.ndarray, pole: bool) -> tuple[float, float] | None:
    values = y[np.isfinite(y)].astype(np.float64)
    if not values.size:
        return None
    low, high = np.clip([values.min(), values.max()], -LARGEST, LARGEST).tolist()
    if pole:
        q1, q9 = np.quantile(values, [0.1, 0.9])
        low, high = max(low, q1 - (q9 - q1)), min(high, q9 + (q9 - q1))
    return low, high


def gaps(x: np.ndarray, y: np.ndarray, pole: bool) -> tuple[np.ndarray, np.ndarray]:
    """The curve with NaN where nothing is to be drawn: in place of infinities, and between the two sides of a pole."""
    at = _crossings(y) if pole else np.empty(0, np.intp)
    y = np.where(np.isfinite(y), y, np.nan)
    return np.insert(x, at + 1, (x[at] + x[at + 1]) / 2), np.insert(y, at + 1, np.nan)


def _crossings(y: np.ndarray) -> np.ndarray:
    """Where the curve may pass through infinity: rising, down to the other sign in one step, rising; or the reverse."""
    with np.errstate(all="ignore"):
        step = np.sign(np.diff(y.astype(np.float64)))
        found = np.sign(y[1:]) * np.sign(y[:-1]) < 0
    found[1:] &= step[1:] == -step[:-1]
    found[:-1] &= step[:-1] == -step[1:]
    found[[0, -1]] = False  # no neighbour to tell
    return np.flatnonzero(found)


def thinned(x: np.ndarray, y: np.ndarray, bins: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """At most about ``3 * bins`` points that look the same: the least and the greatest of each bin, and its gaps."""
    if len(y) <= 3 * bins:
        return x, y
    keep = []
    for part in np.array_split(np.arange(len(y)), bins):
        values = y[part]
        missing = np.isnan(values)
        if missing.any():
            keep.append(part[missing.argmax()])
        if not missing.all():
            keep += [part[np.nanargmin(values)], part[np.nanargmax(values)]]
    chosen = np.unique([0, *keep, len(y) - 1])
    return x[chosen], y[chosen]
