"""Places between two floating numbers, closed in on until the numbers are neighbours: there is nothing between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PARTS = 32
"""Into how many parts a gap between two numbers is divided at a time."""


def ordered(x: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Whole numbers in the order of the floats, one step per float; both zeros are 0.

    What is nearer to 0 than `least` counts as 0: from there it is one step to the floats beyond on either side.

    >>> ordered(np.array([-5e-324, -0.0, 0.0, 5e-324])).tolist()
    [-1, 0, 0, 1]
    >>> ordered(np.array([-1e-20, 0.0, 1e-30, 1e-20]), least=1e-20).tolist()
    [-1, 0, 0, 1]
    """
    bits = x.view(f"i{x.dtype.itemsize}").astype(np.int64)
    largest = np.int64(2 ** (8 * x.dtype.itemsize - 1) - 1)
    size = np.maximum(np.where(bits < 0, bits & largest, bits) - _left_out(least, x.dtype), 0)
    return np.where(bits < 0, -size, size)


def from_ordered(places: np.ndarray, dtype: np.dtype, least: float = 0.0) -> np.ndarray:
    """The floats at places of `ordered`."""
    sign = np.int64(-(2 ** (8 * dtype.itemsize - 1)))
    size = np.where(places == 0, 0, np.abs(places) + _left_out(least, dtype))
    return np.where(places < 0, size | sign, size).astype(f"i{dtype.itemsize}").view(dtype)


def _left_out(least: float, dtype: np.dtype) -> np.int64:
    """How many floats lie between 0 and `least`."""
    bits = np.array([least], dtype).view(f"i{dtype.itemsize}").astype(np.int64)[0]
    return np.maximum(bits - 1, 0)


def between(a: np.ndarray, b: np.ndarray, least: float = 0.0) -> np.ndarray:
    """For each pair of floats a < b a row of floats from a to b, both with it, evenly over the floats between them."""
    first, last = ordered(a, least)[:, None], ordered(b, least)[:, None]
    # The ends' distance can be all of int64: each is divided by itself.
    part = np.arange(PARTS + 1, dtype=np.int64)
    whole = last // PARTS * part + first // PARTS * (PARTS - part)
    rest = (last % PARTS * part + first % PARTS * (PARTS - part)) // PARTS
    return from_ordered(np.clip(whole + rest, first, last), a.dtype, least)


def close_in(
    a: np.ndarray, b: np.ndarray, choose: Callable[[np.ndarray], np.ndarray], least: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals a < b, narrowed until their ends are neighbours; what is nearer to 0 than `least` is 0.

    ``choose(x)`` gets rows of points, and says for each row the number i of the part ``x[i], x[i + 1]`` to look into.

    >>> a, b = close_in(np.array([1.0]), np.array([2.0]), lambda x: (x * x <= 2).sum(axis=1) - 1)
    >>> a.tolist(), b.tolist()
    ([1.414213562373095], [1.4142135623730951])
    """
    rows = np.arange(len(a))
    while (ordered(b, least) - 1 > ordered(a, least)).any():
        x = between(a, b, least)
        at = choose(x)
        a, b = x[rows, at], x[rows, at + 1]
    return a, b


def simplest(a: float, b: float, dtype: np.dtype) -> bool:
    """Whether b is the number that a person would name rather than a, of two neighbours: the one of fewer digits.

    >>> simplest(0.99999999999999989, 1.0, np.dtype("float64"))
    True
    """
    return len(str(dtype.type(b))) < len(str(dtype.type(a)))
