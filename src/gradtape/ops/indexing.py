"""Elements by their places: gather and scatter.

Everything is made of two linear maps, each the transpose of the other: `TAKE` reads slices at given places along an
axis, `PUT` adds slices up at given places. What was not taken has a gradient that is zero by structure. The order in
which `PUT` adds is that of the places, whatever the number of threads is, and floats are summed in float64.

Places are values in the graph. They are checked as soon as they are known: at once, or when they are computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.errors import DTypeError, ShapeError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType, as_dtype, converted, int64
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Buffer, Node, Primitive, leaf
from gradtape.graph.shapes import Shape, as_shape, normalize_axes, size
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import convert, operation
from gradtape.ops.selection import where
from gradtape.ops.shaping import TRANSPOSE, broadcasted, reshaped

Tensor = Any


# -- the two maps ---------------------------------------------------------------------------------------------


def in_range(places: np.ndarray, length: int, axis: int) -> np.ndarray:
    """The places; ShapeError if one is not in an axis of this length."""
    if places.size and (places.min() < 0 or places.max() >= length):
        wrong = np.argwhere((places < 0) | (places >= length))[0]
        at = f"[{', '.join(map(str, wrong))}]" if places.ndim else ""
        raise ShapeError(
            f"indices{at} is {places[tuple(wrong)]}, which is out of range: axis {axis} has length {length}"
            + (f", so indices are 0 to {length - 1}" if length else " and no elements")
        )
    return places


def _take(x: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    return np.take(x, in_range(places, x.shape[axis], axis), axis)


def _put(ct: np.ndarray, places: np.ndarray, axis: int, length: int) -> np.ndarray:
    """The sums of slices that go to the same place, in their order; of bools whether one is True."""
    before, after = ct.shape[:axis], ct.shape[axis + places.ndim :]
    flat = in_range(places, length, axis).ravel()
    rows, columns = size(before), size(after)
    slices = ct.reshape(rows, flat.size, columns)
    result = np.zeros((rows, length, columns), ct.dtype)
    if not flat.size or np.bincount(flat, minlength=1).max() <= 1:
        result[:, flat] = slices
    elif ct.dtype.kind in "bi":
        add: Any = np.logical_or if ct.dtype.kind == "b" else np.add
        add.at(result, (slice(None), flat), slices)
    else:
        target = (np.arange(rows)[:, None, None] * length + flat[:, None]) * columns + np.arange(columns)
        sums = np.bincount(target.ravel(), slices.ravel().astype(np.float64), result.size)
        result = converted(sums, as_dtype(ct.dtype)).reshape(result.shape)
    return result.reshape(*before, length, *after)


def _written_put(ct: np.ndarray, places: np.ndarray, axis: int, length: int) -> np.ndarray:
    """The same for `gradtape.source`, which does not check places."""
    wide = np.float64 if ct.dtype.kind == "f" else ct.dtype
    result = np.zeros((*ct.shape[:axis], length, *ct.shape[axis + places.ndim :]), wide)
    at: Any = (*[slice(None)] * axis, places)
    np.add.at(result, at, ct)
    return result.astype(ct.dtype)


def _infer_take(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    x, places = inputs
    (axis,) = params
    return x.shape[:axis] + places.shape + x.shape[axis + 1 :], x.dtype


def _infer_put(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    ct, places = inputs
    axis, length = params
    return (*ct.shape[:axis], length, *ct.shape[axis + len(places.shape) :]), ct.dtype


def _batch_take(inputs: tuple[Node, ...], batched: tuple[bool, ...], number: int, axis: int) -> Node:
    x, places = inputs
    if batched == (True, False):
        return apply(TAKE, (x, places), (axis + 1,))
    if batched == (False, True):
        found = apply(TAKE, (x, places), (axis,))
        return moved(found, (axis, *[i for i in range(len(found.shape)) if i != axis]))
    return gather(x, places, axis=axis + 1, batch_dims=1)


def _batch_put(inputs: tuple[Node, ...], batched: tuple[bool, ...], number: int, axis: int, length: int) -> Node:
    ct, places = inputs
    if batched == (True, False):
        return apply(PUT, (ct, places), (axis + 1, length))
    if not batched[0]:
        ct = broadcasted(ct, (number, *ct.shape))
    depth = len(places.shape)  # the places of all examples along one axis
    there = range(axis + 1, axis + depth)
    turned = moved(ct, (0, *there, *[i for i in range(1, len(ct.shape)) if i not in there]))
    flat = flat_places(reshaped(places, (*places.shape, 1)), (length,), 1)
    sums = apply(PUT, (turned, flat), (0, number * length))
    rest = range(2, len(sums.shape) + 1)
    return moved(reshaped(sums, (number, length, *sums.shape[1:])), (0, *rest[:axis], 1, *rest[axis:]))


def _batch_flat(inputs: tuple[Node, ...], batched: tuple[bool, ...], number: int, lengths: Shape, batch: int) -> Node:
    (coordinates,) = inputs
    if not batch:
        return apply(FLAT_PLACES, inputs, (lengths, 0))
    found = apply(FLAT_PLACES, inputs, (lengths, batch + 1))
    step = size(coordinates.shape[1 : batch + 1]) * size(lengths)  # places of one example
    first = np.arange(number).reshape(number, *[1] * (len(found.shape) - 1)) * step
    return found - leaf(first, int64)


TAKE = Primitive(
    "take",
    "linear",
    infer=_infer_take,
    rule=lambda ct, i, inputs, axis: None if i else apply(PUT, (ct, inputs[1]), (axis, inputs[0].shape[axis])),
    batch=_batch_take,
    reference=_take,
    numpy=lambda x, places, axis: np.take(x, places, axis),
    notation=notation.named("gather", "axis"),
    parameters=["axis"],
    admits=admit.places(lambda shape, _, axis: axis < len(shape)),
    halves=True,
    depends=lambda along, value, shape, params: along[0].moved(lambda kinds: np.take(kinds, value(1), *params)),
    zeros="first",
    mask=lambda mask, inputs, params: apply(TAKE, (mask, inputs[1]), params),
)

PUT = Primitive(
    "put",
    "linear",
    infer=_infer_put,
    rule=lambda ct, i, inputs, axis, length: None if i else apply(TAKE, (ct, inputs[1]), (axis,)),
    batch=_batch_put,
    reference=_put,
    numpy=_written_put,
    notation=lambda inputs, axis, length: notation.filled(
        (length,), f"{inputs[1].written}{f' of axis {axis}' if axis else ''}", inputs[0], added=True
    ),
    parameters=["axis", "length"],
    depends=lambda along, value, shape, params: along[0].placed(
        np.take(np.arange(size(shape)).reshape(shape), value(1), params[0]), shape
    ),
    admits=admit.places(lambda shape, at, axis, length: at == shape[axis : axis + len(at)] and axis <= len(shape)),
    halves=True,
    zeros="own",
    mask=lambda mask, inputs, params: apply(PUT, (mask, inputs[1]), params),
)


def _flat_places(coordinates: np.ndarray, lengths: Shape, batch: int) -> np.ndarray:
    for i, length in enumerate(lengths):
        in_range(coordinates[..., i], length, i + batch)
    flat = np.zeros(coordinates.shape[:-1], np.int64)
    for i, length in enumerate(lengths):
        flat = flat * length + coordinates[..., i]
    if batch:
        groups = np.arange(size(coordinates.shape[:batch])).reshape(coordinates.shape[:batch])
        flat += groups.reshape(groups.shape + (1,) * (flat.ndim - batch)) * size(lengths)
    return flat


def _written_flat_places(coordinates: np.ndarray, lengths: Shape, batch: int) -> np.ndarray:
    flat = np.zeros(coordinates.shape[:-1], np.int64)
    for i, length in enumerate(lengths):
        flat = flat * length + coordinates[..., i]
    if batch:
        groups = np.arange(math.prod(coordinates.shape[:batch])) * math.prod(lengths)
        flat = flat + groups.reshape(coordinates.shape[:batch] + (1,) * (coordinates.ndim - 1 - batch))
    return flat


def _are_coordinates(coordinates: Node, lengths: Any, batch: Any) -> bool:
    shape = coordinates.shape
    return (
        coordinates.dtype.is_integer
        and admit.lengths(lengths)
        and type(batch) is int
        and 0 <= batch < len(shape)
        and shape[-1] == len(lengths)
    )


FLAT_PLACES = Primitive(
    "flat_places",
    "constant",
    infer=lambda inputs, params: (inputs[0].shape[:-1], int64),
    batch=_batch_flat,
    reference=_flat_places,
    numpy=_written_flat_places,
    notation=notation.named("ravel_multi_index", "dims"),
    parameters=["lengths", "batch"],
    admits=lambda inputs, params: len(inputs) == 1 and len(params) == 2 and _are_coordinates(inputs[0], *params),
)
"""Where elements with these coordinates, along the last axis, stand if the axes of these lengths are made one; for each
of the first `batch` axes after those of the one before."""


def _last(places: np.ndarray, length: int) -> np.ndarray:
    result = np.full(length, -1, np.int64)
    result[in_range(places, length, 0)] = np.arange(places.size)  # the last one stays
    return result


def _written_last(places: np.ndarray, length: int) -> np.ndarray:
    result = np.full(length, -1, np.int64)
    result[places] = np.arange(places.size)
    return result


LAST = Primitive(
    "last_at",
    "constant",
    infer=lambda inputs, params: ((params[0],), int64),
    reference=_last,
    numpy=_written_last,
    notation=lambda inputs, length: notation.Text(
        f"the last of {inputs[0].written} at each of {length} places", notation.REMARK
    ),
    parameters=["length"],
    admits=lambda inputs, params: (
        len(inputs) == 1
        and inputs[0].dtype.is_integer
        and len(inputs[0].shape) == 1
        and len(params) == 1
        and admit.lengths(params)
    ),
)
"""For each place the number of the last slice that goes there; -1 for none."""


def taken(x: Node, places: Node, axis: int) -> Node:
    """Slices of x at places along an axis."""
    value = known(places)
    if value is not None:
        in_range(value, x.shape[axis], axis)
    return apply(TAKE, (x, places), (axis,))


def put(slices: Node, places: Node, axis: int, length: int) -> Node:
    """Zeros of this length along an axis, with slices added at places."""
    value = known(places)
    if value is not None:
        in_range(value, length, axis)
    return apply(PUT, (slices, places), (axis, length))


def flat_places(coordinates: Node, lengths: Shape, batch: int = 0) -> Node:
    value = known(coordinates)
    if value is not None:
        _flat_places(value, lengths, batch)
    return apply(FLAT_PLACES, (coordinates,), (lengths, batch))


def known(node: Node) -> np.ndarray | None:
    """The value of a node, if nothing has to be computed for it."""
    if node.value is None:
        return None
    return node.value.array if type(node.value) is Buffer else np.asarray(node.value)


def whole(name: str, what: str, places: Node) -> Node:
    if not places.dtype.is_integer:
        raise DTypeError(f"{what} of {name} must be integers, but a tensor of type {places.dtype.name} was given")
    return places


def merged(x: Node, start: int, number: int) -> Node:
    """x with some of its axes made one."""
    return reshaped(x, (*x.shape[:start], size(x.shape[start : start + number]), *x.shape[start + number :]))


def moved(x: Node, order: Sequence[int]) -> Node:
    return x if tuple(order) == tuple(range(len(order))) else apply(TRANSPOSE, (x,), (tuple(order),))


# -- gather and scatter ---------------------------------------------------------------------------------------


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
    if not batch:
        return taken(params, indices, along)
    value = known(indices)
    if value is not None:
        in_range(value, params.shape[along], along)
    first = (*range(batch), along, *range(batch, along), *range(along + 1, rank))
    turned = moved(params, first)
    places = flat_places(reshaped(indices, (*indices.shape, 1)), (params.shape[along],), batch)
    found = taken(merged(turned, 0, batch + 1), places, 0)
    inner, between = len(indices.shape), along - batch
    back = (
        *range(batch),
        *range(inner, inner + between),
        *range(batch, inner),
        *range(inner + between, len(found.shape)),
    )
    return moved(found, back)


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
