"""Which part of the y axis is worth seeing.

Near a pole the values depend on how close a sample happens to lie, and grow without end; shown in full they would
flatten everything else. A curve that merely becomes large, as eˣ, is shown in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

HEAVY = 5.0
"""How many times wider than its middle 80 % the values of a curve must spread to be suspected of a pole."""

LARGEST = 4e307
"""Values beyond this are out of sight: the length of a longer axis would overflow."""

GROWTH = 4.0
"""A suspect has a pole if it grows by this factor when it is looked at ever more closely, after the first time: a peak
that is merely narrow has been resolved by then."""

ZOOMS = 4
"""How often, sixteen times as closely each time."""


def poles(x: np.ndarray, curves: np.ndarray, sample: Callable[[np.ndarray], np.ndarray]) -> list[bool]:
    """For each curve whether it has a pole in x; `sample` computes all the curves at other points."""
    found = [False] * len(curves)
    suspects: dict[int, int] = {}
    for i, y in enumerate(curves):
        finite = np.isfinite(y)
        if not finite.any() or not (_heavy(y[finite]) or _crossings(y).size):
            continue
        if np.isinf(y).any():
            found[i] = True
        else:
            suspects[i] = int(np.nanargmax(np.abs(np.where(finite, y, 0))))
    for i, k in suspects.items():
        found[i] = _grows(x[max(k - 1, 0)], x[min(k + 1, len(x) - 1)], partial(_size, sample, i))
    return found


def _size(sample: Callable[[np.ndarray], np.ndarray], i: int, x: np.ndarray) -> np.ndarray:
    return np.abs(sample(x)[i])


def _grows(a: np.floating, b: np.floating, size: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether a curve goes on growing as its greatest value between a and b is looked at more and more closely."""
    first = largest = 0.0
    for _ in range(ZOOMS):
        x = np.unique(np.linspace(a, b, 33, dtype=a.dtype))
        y = np.nan_to_num(size(x), nan=0.0)
        k = int(y.argmax())
        largest = max(largest, float(y[k]))
        # A sample may have hit the pole almost exactly; its neighbours tell how large the curve is from this distance.
        first = first or float(np.sort(y[max(k - 1, 0) : k + 2])[-2])
        if np.isinf(largest) or len(x) < 4:
            break
        a, b = x[max(k - 1, 0)], x[min(k + 1, len(x) - 1)]
    return largest > GROWTH * first


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


def _crossings(y: np.ndarray) -> np.ndarray:
    """Where the curve may pass through infinity: rising, down to the other sign in one step, rising; or the reverse."""
    with np.errstate(all="ignore"):
        step = np.sign(np.diff(y.astype(np.float64)))
        found = np.sign(y[1:]) * np.sign(y[:-1]) < 0
    found[1:] &= step[1:] == -step[:-1]
    found[:-1] &= step[:-1] == -step[1:]
    found[[0, -1]] = False  # no neighbour to tell
    return np.flatnonzero(found)
