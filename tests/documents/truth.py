"""True values, computed with mpmath and without gradtape, and the distance from them in units in the last place."""

from collections.abc import Callable

import mpmath as mp
import numpy as np


def true(f: Callable, points, order: int = 0) -> list:
    """The derivative of `order` of an mpmath function, exact far beyond float64, at the numbers that `points` hold."""
    with mp.workdps(60):
        return [mp.diff(f, mp.mpf(float(x)), order) for x in np.ravel(np.asarray(points))]


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def ulps(values, truth) -> float:
    """The largest distance of float `values` from the truth, in ulps of the values' type at the truth."""
    values = np.asarray(values)
    kind = values.dtype.type
    distances = [
        abs(mp.mpf(float(v)) - t) / float(abs(np.spacing(kind(float(t)))))
        for v, t in zip(values.ravel(), truth, strict=True)
    ]
    return float(max(distances))
