"""Places between two floating numbers, closed in on until the numbers are neighbours: there is nothing between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PARTS = 32
"""Into how many parts a gap between two numbers is divided at a time."""


def ordered(x: np.ndarray) -> np.ndarray:
    """Whole numbers in the order of the floats, one step per float; both zeros are 0.

    >>> ordered(np.array([-5e-324, -0.0, 0.0, 5e-324])).tolist()
    [-1, 0, 0, 1]
    """
    bits = x.view(f"i{x.dtype.itemsize}").astype(np.int64)
    largest = np.int64(2 ** (8 * x.dtype.itemsize - 1) - 1)
    return np.where(bits < 0, -(bits & largest), bits)


def from_ordered(places: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The floats at places of `ordered`."""
    sign = np.int64(-(2 ** (8 * dtype.itemsize - 1)))
    bits = np.where(places < 0, -places | sign, places)
    return bits.astype(f"i{dtype.itemsize}").view(dtype)


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """For each pair of floats a < b a row of floats from a to b, both with it, evenly over the floats between them."""
    first, last = ordered(a)[:, None], ordered(b)[:, None]
    # The ends' distance can be all of int64: each is divided by itself.
    part = np.arange(PARTS + 1, dtype=np.int64)
    whole = last // PARTS * part + first // PARTS * (PARTS - part)
    rest = (last % PARTS * part + first % PARTS * (PARTS - part)) // PARTS
    return from_ordered(np.clip(whole + rest, first, last), a.dtype)


def close_in(a: np.ndarray, b: np.ndarray, choose: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Intervals a < b, narrowed until their ends are neighbours.

    ``choose(x)`` gets rows of points, and says for each row the number i of the part ``x[i], x[i + 1]`` to look into.

    >>> a, b = close_in(np.array([1.0]), np.array([2.0]), lambda x: (x * x <= 2).sum(axis=1) - 1)
    >>> a.tolist(), b.tolist()
    ([1.414213562373095], [1.4142135623730951])
    """
    rows = np.arange(len(a))
    while (ordered(b) - 1 > ordered(a)).any():
        x = between(a, b)
        at = choose(x)
        a, b = x[rows, at], x[rows, at + 1]
    return a, b


def simplest(a: float, b: float, dtype: np.dtype) -> bool:
    """Whether b is the number that a person would name rather than a, of two neighbours: the one of fewer digits.

    >>> simplest(0.99999999999999989, 1.0, np.dtype("float64"))
    True
    """
    return len(str(dtype.type(b))) < len(str(dtype.type(a)))
