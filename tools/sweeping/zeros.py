"""Next to the zeros of functions and of derivatives, where nothing but the distance from the zero has digits.

Errors are counted in ulps of the result alone: no part of an ulp of x is allowed for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sweeping.balls import NoTruth
from sweeping.errors import Errors
from sweeping.functions import catalogue, values
from sweeping.inputs import AROUND, number_at, position
from sweeping.measure import Tally
from sweeping.oracle import by_series

NEAR_ONE = 8.0
"""Where zeros are looked for, on both sides of 0."""
FAR = 500
"""ψ has one zero in each gap between poles: all are looked at that are closer to 0, and `SOME` up to `LIMIT`."""
SOME = 500
LIMITS = {"float32": 2.0**22, "float64": 2.0**49}
FIRST_OF_PSI = 1
FUNCTIONS = (
    ("gelu", 1),
    ("gelu(approximate=True)", 1),
    ("silu", 1),
    ("mish", 1),
    ("mish", 2),
    ("mish", 3),
    ("lgamma", 0),
    ("digamma", 0),
)


def names() -> Iterator[tuple[str, int]]:
    yield from FUNCTIONS


def brackets(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Places between which a function may change its sign once."""
    if name == "digamma":
        rng = np.random.default_rng(0)
        some = np.exp2(rng.uniform(np.log2(FAR), np.log2(LIMITS[dtype]), SOME)).astype(np.int64)
        n = np.concatenate([np.arange(FIRST_OF_PSI, FAR), np.unique(some)]).astype(dtype)
        return np.nextafter(-n - 1, np.inf, dtype=dtype), np.nextafter(-n, -np.inf, dtype=dtype)
    edges = (np.arange(-NEAR_ONE, NEAR_ONE, 2.0**-7) + 2.0**-9).astype(dtype)
    return edges[:-1], edges[1:]


def zeros(name: str, order: int, dtype: str) -> np.ndarray:
    """The last number on the left of each zero."""
    function, kind = catalogue()[name], np.dtype(dtype)

    def is_positive(place: np.ndarray) -> np.ndarray:
        result = values(function, order, number_at(place, kind))
        assert result is not None
        return result > 0

    low, high = (position(edge) for edge in brackets(name, dtype))
    left, right = is_positive(low), is_positive(high)
    low, high, left = low[left != right], high[left != right], left[left != right]
    while np.any(high - low > 1):
        middle = low + (high - low) // 2
        as_left = is_positive(middle) == left
        low, high = np.where(as_left, middle, low), np.where(as_left, high, middle)
    return number_at(low, kind)


def points(name: str, order: int, dtype: str, count: int) -> np.ndarray:
    """About `count` numbers: the neighbours of each zero, and others in distances of all sizes."""
    kind = np.dtype(dtype)
    found = position(zeros(name, order, dtype))
    rng = np.random.default_rng(0)
    each = max(count // len(found) - 2 * AROUND, 0)
    # a pole or the next zero may be as near as 1/64 of x or, for ψ, as half a unit
    most = np.log2(2.0 ** (np.finfo(kind).nmant - 5))
    steps = np.exp2(rng.uniform(2, most, (len(found), each))).astype(np.int64)
    near = np.broadcast_to(np.arange(-AROUND, AROUND + 2), (len(found), 2 * AROUND + 2))
    x = number_at((found[:, None] + np.concatenate([near, steps * rng.choice([-1, 1], steps.shape)], 1)).ravel(), kind)
    return np.unique(x)


def measured(name: str, order: int, count: int, dtype: str) -> Tally:
    """The tally over about `count` numbers next to zeros."""
    x = points(name, order, dtype, count)
    result = values(catalogue()[name], order, x)
    exact = by_series(name, order)
    assert result is not None and exact is not None
    errors = Errors(np.dtype(dtype), result)
    for i, at in enumerate(x.tolist()):
        try:
            errors.add(i, exact(at)[order])
        except NoTruth:  # a pole
            errors.kept[i] = False
    return errors.tally(x, [], 0)
