"""How far results are from the truth, and what a row of the table remembers of that.

For a result r and the exact value t the error is |r - t| / ulp(t), with the spacing of the format at t. The mixed
measure |r - t| / (ulp(t) + |t'| ulp(x)/2) allows for half an ulp of the argument. Which of them the contract counts
depends on the order: the first for values, the second from the second derivative on; of a first derivative the second
where one of its zeros is no more than `NEXT` ulps of x away, the first everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradtape.graph.dtypes import finfo
from sweeping.functions import contract

SLACK = 2.0**-50
"""The relative error that the float64 truth may have; a result that another truth within it rounds to is right."""


NEXT = 1024


@dataclass
class Tally:
    """What was found at `inputs` numbers: the largest error in ulps and the largest that counts, each with its place,
    how many results are not the nearest number (None: not known), how many break the contract, and among these how
    many are NaN, 0 or infinite where the rounded truth is not (or the other way round), with one place."""

    inputs: int = 0
    inexact: int | None = 0
    over: int = 0
    wrong: int = 0
    ulps: float = 0.0
    ulps_at: float | None = None
    counted: float = 0.0
    counted_at: float | None = None
    wrong_at: float | None = None

    def __add__(self, other: Tally) -> Tally:
        by_ulps, by_counted = max(self, other, key=lambda t: t.ulps), max(self, other, key=lambda t: t.counted)
        return Tally(
            self.inputs + other.inputs,
            None if self.inexact is None or other.inexact is None else self.inexact + other.inexact,
            self.over + other.over,
            self.wrong + other.wrong,
            by_ulps.ulps,
            by_ulps.ulps_at,
            by_counted.counted,
            by_counted.counted_at,
            self.wrong_at if self.wrong_at is not None else other.wrong_at,
        )

    def record(self) -> dict[str, Any]:
        return asdict(self)


def spacing(t: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The distance of neighbouring numbers of the format at each |t|; below the normal range the smallest number."""
    info = finfo(dtype)
    exponent = np.frexp(t)[1] - 1
    return np.ldexp(1.0, np.maximum(np.where(t == 0, info.minexp, exponent), info.minexp) - info.nmant)


def broken(result: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Where a result is NaN, 0, infinite or of a sign that the number nearest to the truth does not have."""
    return (
        (np.isnan(result) != np.isnan(nearest))
        | (np.isinf(result) != np.isinf(nearest))
        | (np.isinf(result) & np.isinf(nearest) & (result != nearest))
        | ((result == 0) != (nearest == 0))
    )


def measure(
    x: np.ndarray, result: np.ndarray, truth: np.ndarray, order: int, slope: Callable[[np.ndarray], np.ndarray]
) -> Tally:
    """float32 results at x against float64 truth; `slope` gives the derivative of the truth at some of the x."""
    with np.errstate(all="ignore"):
        nearest = truth.astype(np.float32)
        places = np.flatnonzero((result != nearest) & ~(np.isnan(result) & np.isnan(nearest)))
        if len(places):
            r, t = result[places], truth[places]
            on_edge = (r == (t * (1 - SLACK)).astype(np.float32)) | (r == (t * (1 + SLACK)).astype(np.float32))
            places = places[~on_edge]
        at, r, t = x[places], result[places], truth[places]
        wrong = broken(r, nearest[places])
        unit = spacing(t, np.dtype(np.float32))
        difference = np.abs(r.astype(np.float64) - t)
        allowance = np.abs(slope(at.astype(np.float64))) * spacing(at, np.dtype(np.float32)) / 2
        counted = difference / (unit + share(order, np.abs(t), np.nan_to_num(allowance)))
    return tally(len(x), at, difference / unit, counted, wrong, order)


def share(order: int, size: np.ndarray, allowance: np.ndarray) -> np.ndarray:
    """How much of the allowance |t'| ulp(x)/2 the contract grants at true values of this size."""
    if order == 1:
        return np.where(size <= 2 * NEXT * allowance, allowance, 0.0)
    return allowance if order else np.zeros_like(allowance)


def tally(inputs: int, at: np.ndarray, ulps: np.ndarray, counted: np.ndarray, wrong: np.ndarray, order: int) -> Tally:
    """The tally of errors at some of the inputs, the results at all others being nearest to the truth."""
    if not len(at):
        return Tally(inputs, ulps=0.5, counted=0.5)
    over = wrong | ~(counted <= contract(order))
    ulps, counted = np.where(wrong, 0.5, ulps), np.where(wrong, 0.5, counted)
    worst, worst_counted = int(np.argmax(ulps)), int(np.argmax(counted))
    return Tally(
        inputs,
        len(at),
        int(over.sum()),
        int(wrong.sum()),
        max(float(ulps[worst]), 0.5),
        float(at[worst]),
        max(float(counted[worst_counted]), 0.5),
        float(at[worst_counted]),
        float(at[np.argmax(wrong)]) if wrong.any() else None,
    )
