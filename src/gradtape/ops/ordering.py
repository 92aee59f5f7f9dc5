"""Order: sorting, the largest elements, and where they stand.

Which element comes first is a constant; the values are gathered from there, so their gradients go back to where they
came from, and are zero by structure for what was not taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.dtypes import DType, as_dtype, int32, int64
from gradtape.graph.handles import TensorLike, as_node, wrap
from gradtape.graph.node import TABLE, Node, Primitive
from gradtape.graph.shapes import Shape, normalize_axes
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import convert, operation, publish
from gradtape.ops.indexing import gather
from gradtape.ops.places import moved
from gradtape.ops.shaping import getitem

Tensor = Any


def _argsort(x: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    if not descending:
        return np.argsort(x, axis, kind="stable")
    backwards = np.argsort(np.flip(x, axis), axis, kind="stable")  # so that equal ones keep their order
    return x.shape[axis] - 1 - np.flip(backwards, axis)


def _batch(name: str) -> Callable[..., Node]:
    return lambda inputs, batched, number, axis, *how: apply(TABLE[name], inputs, (axis + 1, *how))


ARGSORT = Primitive(
    "argsort",
    "constant",
    batch=_batch("argsort"),
    infer=lambda inputs, params: (inputs[0].shape, int64),
    reference=_argsort,
    parameters=["axis", "descending"],
    admits=admit.along_axis(bool),
)


def _infer_place(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    (x,), (axis,) = inputs, params
    if not x.shape[axis]:
        raise ShapeError(f"there is no largest or smallest element along axis {axis} of shape {x.shape}")
    return x.shape[:axis] + x.shape[axis + 1 :], int64


def _place_of(name: str, function: Any) -> Primitive:
    return Primitive(
        name,
        "constant",
        infer=_infer_place,
        batch=_batch(name),
        reference=function,
        parameters=["axis"],
        admits=admit.along_axis(),
    )


ARGMAX, ARGMIN = _place_of("argmax", np.argmax), _place_of("argmin", np.argmin)


def _descending(direction: Any) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ArgumentError(f"direction must be 'ASCENDING' or 'DESCENDING', but {direction!r} was given")
    return direction == "DESCENDING"


def _along(x: Node, places: Node, axis: int) -> Node:
    """The elements of x at places along an axis, for each position along the others."""
    last = len(x.shape) - 1
    order = (*[i for i in range(last + 1) if i != axis], axis)
    found = gather(moved(x, order), moved(places, order), axis=last, batch_dims=last)
    return moved(found, tuple(int(i) for i in np.argsort(order)))


@operation("values")
def argsort(
    values: TensorLike, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The places of the elements along `axis` in their order, as int32; equal ones keep theirs, NaN comes last.

    Raises ArgumentError for another direction than "ASCENDING" and "DESCENDING".

    >>> import gradtape as tf
    >>> tf.argsort([3., 1., 2.]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    (along,) = normalize_axes(axis, len(values.shape))
    return convert(apply(ARGSORT, (values,), (along, _descending(direction))), int32)


@operation("values")
def sort(values: TensorLike, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The elements along `axis` in their order, "ASCENDING" or "DESCENDING"; NaN is larger than any number.

    >>> import gradtape as tf
    >>> tf.sort([3., 1., 2.], direction="DESCENDING").numpy()
    array([3., 2., 1.], dtype=float32)
    """
    (along,) = normalize_axes(axis, len(values.shape))
    return _along(values, apply(ARGSORT, (values,), (along, _descending(direction))), along)


class TopK(NamedTuple):
    """The largest elements, and where they stand."""

    values: Any
    indices: Any


def top_k(input: TensorLike, k: int = 1, sorted: bool = True, name: str | None = None) -> TopK:
    """The `k` largest elements along the last axis, the largest first, and their places as int32.

    Of equal ones the first comes first. Raises ShapeError if there are fewer than `k`.

    >>> import gradtape as tf
    >>> values, indices = tf.math.top_k([1., 4., 2., 4.], k=3)
    >>> values.numpy(), indices.numpy()
    (array([4., 4., 2.], dtype=float32), array([1, 3, 2], dtype=int32))
    """
    x, number = as_node(input), int(k)
    if not x.shape or not 0 <= number <= x.shape[-1]:
        raise ShapeError(f"top_k with k={k} needs a last axis with at least as many elements; the shape is {x.shape}")
    last = len(x.shape) - 1
    places = getitem(apply(ARGSORT, (x,), (last, True)), (..., slice(number)))
    return TopK(wrap(_along(x, places, last)), wrap(convert(places, int32)))


publish(top_k, top_k)


@operation("input")
def argmax(input: TensorLike, axis: int | None = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """Where the largest element stands along `axis` (the first one unless given), as int64 or `output_type`.

    Of equal ones the first counts, and NaN counts as the largest. Raises ShapeError for an axis without elements.

    >>> import gradtape as tf
    >>> tf.argmax([[1., 5.], [7., 2.]], axis=1).numpy()
    array([1, 0])
    """
    return _place(ARGMAX, input, axis, output_type)


@operation("input")
def argmin(input: TensorLike, axis: int | None = None, output_type: Any = int64, name: str | None = None) -> Tensor:
    """Where the smallest element stands along `axis` (the first one unless given), as int64 or `output_type`; see
    `argmax`."""
    return _place(ARGMIN, input, axis, output_type)


def _place(primitive: Primitive, x: Node, axis: int | None, output_type: Any) -> Node:
    (along,) = normalize_axes(0 if axis is None else axis, len(x.shape))
    return convert(apply(primitive, (x,), (along,)), as_dtype(output_type))
