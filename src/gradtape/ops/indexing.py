"""Gather and scatter, under TensorFlow's names: written with the maps of `ops.places`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import ShapeError
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.graph.shapes import Shape, as_shape, normalize_axes, size
from gradtape.graph.trace import apply
from gradtape.ops.declare import convert, operation
from gradtape.ops.places import LAST, TAKE, flat_places, known, merged, put, taken, whole
from gradtape.ops.selection import where
from gradtape.ops.shaping import reshaped

Tensor = Any


@operation("params", "indices")
def gather(
    params: TensorLike,
    indices: TensorLike,
    validate_indices: Any = None,
    axis: int | None = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """The slices of `params` at `indices` along `axis`, which is `batch_dims` unless given.

    The first `batch_dims` axes belong together: each of their elements has indices of its own. The shape of the result
    is params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:]. The gradient adds up what belongs to
    the same slice. Raises ShapeError for an index that is negative or too large (when the indices are known or
    computed), DTypeError if they are not integers.

    >>> import gradtape as tf
    >>> tf.gather([10., 20., 30.], [2, 0, 2]).numpy()
    array([30., 10., 30.], dtype=float32)
    >>> tf.gather([[1., 2.], [3., 4.]], [1, 0], batch_dims=1).numpy()
    array([2., 3.], dtype=float32)
    """
    whole("gather", "indices", indices)
    rank, batch = len(params.shape), int(batch_dims)
    batch += len(indices.shape) if batch < 0 else 0
    (along,) = normalize_axes(batch if axis is None else axis, rank)
    if not 0 <= batch <= min(along, len(indices.shape)) or params.shape[:batch] != indices.shape[:batch]:
        raise ShapeError(
            f"gather with batch_dims={batch_dims} needs equal shapes up to there, and an axis behind: params have "
            f"shape {params.shape}, indices {indices.shape}, axis is {along}"
        )
    return taken(params, indices, along, batch)


def _at_coordinates(name: str, indices: Node, shape: Shape, batch: int) -> int:
    """How many axes the coordinates in the last axis of `indices` name."""
    whole(name, "indices", indices)
    if not indices.shape or not batch < len(indices.shape):
        raise ShapeError(f"indices of {name} need a last axis with the coordinates, but have shape {indices.shape}")
    depth = indices.shape[-1]
    if depth > len(shape) - batch:
        raise ShapeError(f"indices of {name} have {depth} coordinates, but the shape {shape} has fewer axes for them")
    return depth


@operation("params", "indices")
def gather_nd(params: TensorLike, indices: TensorLike, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """The slices of `params` at the coordinates that stand along the last axis of `indices`.

    The shape of the result is indices.shape[:-1] + params.shape[batch_dims + indices.shape[-1]:]. Raises ShapeError for
    a coordinate out of range, DTypeError if `indices` are not integers.

    >>> import gradtape as tf
    >>> tf.gather_nd([[1., 2.], [3., 4.]], [[0, 1], [1, 0]]).numpy()
    array([2., 3.], dtype=float32)
    """
    batch = int(batch_dims)
    depth = _at_coordinates("gather_nd", indices, params.shape, batch)
    if params.shape[:batch] != indices.shape[:batch]:
        raise ShapeError(
            f"gather_nd with batch_dims={batch} needs equal shapes up to there, but got {params.shape} and "
            f"{indices.shape}"
        )
    places = flat_places(indices, params.shape[batch : batch + depth], batch)
    return taken(merged(params, 0, batch + depth), places, 0)


def _updates(name: str, shape: Shape, indices: Node, updates: Node) -> tuple[Node, Node]:
    """Places along one axis that stands for those of the coordinates, and the slices for them."""
    depth = _at_coordinates(name, indices, shape, 0)
    if updates.shape != indices.shape[:-1] + shape[depth:]:
        raise ShapeError(
            f"updates of {name} must have shape {indices.shape[:-1] + shape[depth:]}, as indices have shape "
            f"{indices.shape} and the result {shape}, but their shape is {updates.shape}"
        )
    places = reshaped(flat_places(indices, shape[:depth]), (size(indices.shape[:-1]),))
    return places, reshaped(updates, (*places.shape, *shape[depth:]))


@operation("indices", "updates")
def scatter_nd(indices: TensorLike, updates: TensorLike, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of a shape, with `updates` added at the coordinates along the last axis of `indices`.

    What goes to the same place is added in the order of the indices, in float64. Raises ShapeError for a coordinate
    out of range, or updates that do not fit.

    >>> import gradtape as tf
    >>> tf.scatter_nd([[1], [3], [1]], [1., 2., 4.], [5]).numpy()
    array([0., 5., 0., 2., 0.], dtype=float32)
    """
    target = as_shape(np.asarray(shape).tolist())
    places, slices = _updates("scatter_nd", target, indices, updates)
    depth = indices.shape[-1]
    return reshaped(put(slices, places, 0, size(target[:depth])), target)


@operation("tensor", "indices", "updates")
def tensor_scatter_nd_add(
    tensor: TensorLike, indices: TensorLike, updates: TensorLike, name: str | None = None
) -> Tensor:
    """`tensor` with `updates` added at the coordinates along the last axis of `indices`; see `scatter_nd`.

    >>> import gradtape as tf
    >>> tf.tensor_scatter_nd_add([1., 1., 1.], [[0], [0]], [2., 3.]).numpy()
    array([6., 1., 1.], dtype=float32)
    """
    return tensor + scatter_nd(indices, convert(updates, tensor.dtype), tensor.shape)


@operation("tensor", "indices", "updates")
def tensor_scatter_nd_sub(
    tensor: TensorLike, indices: TensorLike, updates: TensorLike, name: str | None = None
) -> Tensor:
    """`tensor` with `updates` subtracted at the coordinates along the last axis of `indices`; see `scatter_nd`."""
    return tensor - scatter_nd(indices, convert(updates, tensor.dtype), tensor.shape)


@operation("tensor", "indices", "updates")
def tensor_scatter_nd_update(
    tensor: TensorLike, indices: TensorLike, updates: TensorLike, name: str | None = None
) -> Tensor:
    """`tensor` with `updates` in place of what stands at the coordinates along the last axis of `indices`.

    Of several updates for one place the last one counts. What was replaced, and updates that do not count, have a
    gradient that is zero by structure. Raises ShapeError for a coordinate out of range, or updates that do not fit.

    >>> import gradtape as tf
    >>> tf.tensor_scatter_nd_update([1., 2., 3.], [[2], [0]], [30., 10.]).numpy()
    array([10.,  2., 30.], dtype=float32)
    """
    shape = tensor.shape
    places, slices = _updates("tensor_scatter_nd_update", shape, indices, convert(updates, tensor.dtype))
    if not places.shape[0]:
        return tensor
    depth = indices.shape[-1]
    number = apply(LAST, (places,), (size(shape[:depth]),))
    replaced = reshaped(number >= 0, number.shape + (1,) * (len(shape) - depth))
    new = apply(TAKE, (slices, where(number >= 0, number, 0)), (0,))
    flat = reshaped(tensor, new.shape)
    return reshaped(where(replaced, new, flat), shape)


@operation("data", "segment_ids")
def unsorted_segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int, name: str | None = None
) -> Tensor:
    """The sums of the slices of `data` that have the same id, one for each id from 0 to num_segments - 1.

    `segment_ids` has the shape of the first axes of `data`; what has a negative id is left out. Sums are in the
    order of the data, in float64. Raises ShapeError for an id that is too large, or shapes that do not belong together.

    >>> import gradtape as tf
    >>> tf.math.unsorted_segment_sum([1., 2., 4.], [1, 0, 1], 3).numpy()
    array([2., 5., 0.], dtype=float32)
    """
    whole("unsorted_segment_sum", "segment_ids", segment_ids)
    length, depth = int(num_segments), len(segment_ids.shape)
    if data.shape[:depth] != segment_ids.shape:
        raise ShapeError(f"segment_ids of shape {segment_ids.shape} do not belong to data of shape {data.shape}")
    value = known(segment_ids)
    if value is not None and (value.size == 0 or value.min() >= 0):
        return put(data, segment_ids, 0, length)
    counts = segment_ids >= 0
    everywhere = reshaped(counts, counts.shape + (1,) * (len(data.shape) - depth))
    return put(where(everywhere, data, 0), where(counts, segment_ids, 0), 0, length)
