"""Tensors cut up, turned round, repeated and padded: composed of slices, joining and gathering."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.dtypes import int64
from gradtape.graph.handles import TensorLike, as_node
from gradtape.graph.node import Node, leaf
from gradtape.graph.shapes import normalize_axes
from gradtape.graph.trace import apply
from gradtape.ops.declare import convert, operation
from gradtape.ops.places import taken
from gradtape.ops.shaping import CONCAT, broadcasted, getitem, reshaped

Tensor = Any


def _whole_numbers(values: Any) -> list[int]:
    return [operator.index(n) for n in np.asarray(values).ravel().tolist()]


def _between(x: Node, axis: int, start: int, stop: int) -> Node:
    return getitem(x, (*[builtins.slice(None)] * axis, builtins.slice(start, stop)))


@operation("tensor")
def reverse(tensor: TensorLike, axis: int | Sequence[int], name: str | None = None) -> Tensor:
    """The elements in reverse order along one or several axes.

    >>> import gradtape as tf
    >>> tf.reverse([[1, 2], [3, 4]], axis=[1]).numpy()
    array([[2, 1],
           [4, 3]], dtype=int32)
    """
    axes = normalize_axes(tuple(_whole_numbers(axis)), len(tensor.shape))
    steps = [-1 if i in axes else None for i in builtins.range(len(tensor.shape))]
    return getitem(tensor, tuple(builtins.slice(None, None, step) for step in steps))


@operation("input")
def roll(input: TensorLike, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements moved on by `shift` along `axis`, and round from the end to the begin; several of each are done one
    after the other.

    >>> import gradtape as tf
    >>> tf.roll([1, 2, 3, 4], shift=1, axis=0).numpy()
    array([4, 1, 2, 3], dtype=int32)
    """
    shifts, axes = _whole_numbers(shift), _whole_numbers(axis)
    if len(shifts) != len(axes):
        raise ArgumentError(f"roll needs a shift for each axis, but {len(shifts)} and {len(axes)} were given")
    x = input
    for by, one in zip(shifts, axes, strict=True):
        (along,) = normalize_axes(one, len(x.shape))
        length = x.shape[along]
        start = -by % length if length else 0
        if start:
            x = apply(CONCAT, (_between(x, along, start, length), _between(x, along, 0, start)), (along,))
    return x


@operation("input")
def tile(input: TensorLike, multiples: Any, name: str | None = None) -> Tensor:
    """The tensor side by side with itself, as often along each axis as `multiples` says. Raises ShapeError if there is
    not one number, at least 0, for each axis.

    >>> import gradtape as tf
    >>> tf.tile([[1, 2]], [2, 2]).numpy()
    array([[1, 2, 1, 2],
           [1, 2, 1, 2]], dtype=int32)
    """
    times, shape = _whole_numbers(multiples), input.shape
    if len(times) != len(shape) or any(n < 0 for n in times):
        raise ShapeError(f"tile needs a number of at least 0 for each axis of {shape}, but multiples are {multiples!r}")
    pairs = list(zip(times, shape, strict=True))
    spaced = reshaped(input, tuple(n for pair in pairs for n in (1, pair[1])))
    return reshaped(broadcasted(spaced, tuple(n for pair in pairs for n in pair)), tuple(m * n for m, n in pairs))


@operation("input")
def repeat(input: TensorLike, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element along `axis` so many times one after the other; without `axis` of the tensor made one row.

    `repeats` is a whole number, or one for each element along the axis.

    >>> import gradtape as tf
    >>> tf.repeat([1, 2, 3], [2, 0, 1]).numpy()
    array([1, 1, 3], dtype=int32)
    """
    x = reshaped(input, (int(np.prod(input.shape)),)) if axis is None else input
    (along,) = normalize_axes(0 if axis is None else axis, len(x.shape))
    length, times = x.shape[along], _whole_numbers(repeats)
    if len(times) not in (1, length) or any(n < 0 for n in times):
        raise ShapeError(
            f"repeat needs one number of at least 0, or one for each of {length} elements, but repeats are {repeats!r}"
        )
    return taken(x, leaf(np.repeat(np.arange(length), times[0] if len(times) == 1 else times), int64), along)


@operation("tensor", "constant_values")
def pad(
    tensor: TensorLike,
    paddings: Any,
    mode: str = "CONSTANT",
    constant_values: TensorLike = 0,
    name: str | None = None,
) -> Tensor:
    """The tensor with elements added before and behind along each axis: `paddings` has a row of two numbers for each.

    `mode` is "CONSTANT" for `constant_values`, "REFLECT" for the tensor mirrored at its edge, "SYMMETRIC" for the same
    with the edge repeated. Raises ShapeError if the paddings do not fit, ArgumentError for another mode.

    >>> import gradtape as tf
    >>> tf.pad([1, 2, 3], [[1, 2]]).numpy()
    array([0, 1, 2, 3, 0, 0], dtype=int32)
    >>> tf.pad([1, 2, 3], [[2, 0]], "REFLECT").numpy()
    array([3, 2, 1, 2, 3], dtype=int32)
    """
    given, shape, kind = np.asarray(paddings), tensor.shape, str(mode).upper()
    if given.shape != (len(shape), 2) or given.dtype.kind not in "iu" or (given < 0).any():
        raise ShapeError(f"pad needs two numbers of at least 0 for each axis of {shape}, but got {given.tolist()}")
    pairs = [(int(a), int(b)) for a, b in given]
    if kind == "CONSTANT":
        number = convert(as_node(constant_values), tensor.dtype)
        if number.shape:
            raise ShapeError(f"pad needs one number as constant_values, but a tensor of shape {number.shape} was given")
        x = tensor
        for axis, (a, b) in enumerate(pairs):
            ends = [broadcasted(number, (*x.shape[:axis], n, *x.shape[axis + 1 :])) for n in (a, b)]
            parts = [*ends[: a > 0], x, *ends[1 : 1 + (b > 0)]]
            x = apply(CONCAT, tuple(parts), (axis,)) if len(parts) > 1 else x
        return x
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ArgumentError(f"mode of pad must be 'CONSTANT', 'REFLECT' or 'SYMMETRIC', but {mode!r} was given")
    edge = int(kind == "REFLECT")
    x = tensor
    for axis, ((a, b), n) in enumerate(zip(pairs, shape, strict=True)):
        if max(a, b) > n - edge:
            raise ShapeError(f"pad with {kind} adds {n - edge} elements at most along axis {axis}, not {max(a, b)}")
        if a or b:
            x = taken(x, leaf(np.pad(np.arange(n), (a, b), kind.lower()), int64), axis)  # type: ignore[call-overload]
    return x


@operation("value")
def split(
    value: TensorLike, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str | None = None
) -> list[Tensor]:
    """The parts of a tensor along `axis`: so many of equal length, or of the lengths in a list, of which one may be -1.

    Raises ShapeError if they do not make up the whole.

    >>> import gradtape as tf
    >>> [part.numpy().tolist() for part in tf.split([1, 2, 3, 4, 5], [2, -1])]
    [[1, 2], [3, 4, 5]]
    """
    (along,) = normalize_axes(axis, len(value.shape))
    length, given = value.shape[along], np.asarray(num_or_size_splits)
    lengths = _whole_numbers(given)
    if not given.shape:
        if lengths[0] < 1 or length % lengths[0]:
            raise ShapeError(f"split cannot cut axis {along} of length {length} into {lengths[0]} equal parts")
        lengths = [length // lengths[0]] * lengths[0]
    if lengths.count(-1) == 1:
        lengths[lengths.index(-1)] = length - sum(lengths) - 1
    if any(n < 0 for n in lengths) or sum(lengths) != length:
        raise ShapeError(f"split into {given.tolist()} does not make up axis {along}, which has length {length}")
    ends = np.cumsum(lengths).tolist()
    return [_between(value, along, end - n, end) for n, end in zip(lengths, ends, strict=True)]


@operation("value")
def unstack(value: TensorLike, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices of a tensor along `axis`, which is left out of them. Raises ShapeError if there are not `num`.

    >>> import gradtape as tf
    >>> [part.numpy().tolist() for part in tf.unstack([[1, 2], [3, 4]], axis=1)]
    [[1, 3], [2, 4]]
    """
    (along,) = normalize_axes(axis, len(value.shape))
    length = value.shape[along]
    if num is not None and int(num) != length:
        raise ShapeError(f"unstack finds {length} slices along axis {along}, not num={num}")
    return [getitem(value, (*[builtins.slice(None)] * along, i)) for i in builtins.range(length)]


@operation("input_")
def slice(input_: TensorLike, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block that starts at `begin`, a number for each axis, and has the lengths `size`, where -1 is all that is
    left. Raises ShapeError if it is not inside of the tensor.

    >>> import gradtape as tf
    >>> tf.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, -1]).numpy()
    array([[2, 3],
           [5, 6]], dtype=int32)
    """
    starts, lengths, shape = _whole_numbers(begin), _whole_numbers(size), input_.shape
    if len(starts) != len(shape) or len(lengths) != len(shape):
        raise ShapeError(f"slice needs begin and size for each axis of {shape}, but got {starts} and {lengths}")
    parts = []
    for axis, (start, wanted, length) in enumerate(zip(starts, lengths, shape, strict=True)):
        number = length - start if wanted == -1 else wanted
        if start < 0 or number < 0 or start + number > length:
            raise ShapeError(f"slice from {start} of length {number} is not inside of axis {axis} of length {length}")
        parts.append(builtins.slice(start, start + number))
    return getitem(input_, tuple(parts))
