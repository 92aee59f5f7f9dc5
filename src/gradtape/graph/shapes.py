"""Shapes: broadcasting, axes and sizes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

from gradtape.errors import ShapeError

Shape = tuple[int, ...]


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape of an elementwise operation on `a` and `b`; ShapeError if they do not fit."""
    if a == b or not b:
        return a
    if not a:
        return b
    rank = max(len(a), len(b))
    left, right = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    result = []
    for m, n in zip(left, right, strict=True):
        if m != n and m != 1 and n != 1:
            raise ShapeError(
                f"shapes {a} and {b} do not fit together: aligned at the right, "
                f"each pair of lengths must be equal or one of them 1, but here are {m} and {n}; "
                "reshape or transpose one operand"
            )
        result.append(m if n == 1 else n)
    return tuple(result)


def normalize_axes(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Sorted axes from 0 to rank-1 for an axis, several axes, or None for all of them."""
    if axis is None:
        return tuple(range(rank))
    axes = axis if isinstance(axis, (list, tuple)) else (axis,)
    found = set()
    for one in axes:
        try:
            number = operator.index(one)
        except TypeError:
            raise ShapeError(f"an axis must be an integer, but {one!r} was given") from None
        if not -rank <= number < rank:
            raise ShapeError(f"axis {number} does not exist: the tensor has {rank} axes, so {-rank} to {rank - 1}")
        found.add(number % rank)
    if len(found) != len(axes):
        raise ShapeError(f"the axes {tuple(axes)} name the same axis twice")
    return tuple(sorted(found))


def reduced(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """The shape that is left after reducing over `axes`."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def as_shape(shape: Any) -> Shape:
    """A shape from an integer or a sequence of integers; ShapeError if a length is negative or no integer."""
    lengths = shape if isinstance(shape, (list, tuple)) else getattr(shape, "tolist", lambda: [shape])()
    lengths = lengths if isinstance(lengths, (list, tuple)) else [lengths]
    try:
        result = tuple(operator.index(n) for n in lengths)
    except TypeError:
        raise ShapeError(f"a shape must be integers, but {shape!r} was given") from None
    if any(n < 0 for n in result):
        raise ShapeError(f"the lengths of a shape cannot be negative, but {shape!r} was given")
    return result


def size(shape: Shape) -> int:
    """How many elements an array of this shape has."""
    return prod(shape)
