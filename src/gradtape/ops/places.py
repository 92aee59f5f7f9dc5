"""Elements at places along axes, and to places: the maps that indexing, sorting and the like are made of.

Two are linear, each the transpose of the other: `TAKE` reads slices at given places along an axis, `PUT` adds slices up
at given places. What was not taken has a gradient that is zero by structure. The order in which `PUT` adds is that of
the places, whatever the number of threads is, and floats are summed in float64.

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
from gradtape.graph.node import Buffer, Node, Primitive, leaf
from gradtape.graph.shapes import Shape, size
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.shaping import TRANSPOSE, broadcasted, reshaped


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
    return taken(x, places, axis + 1, 1)


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


def taken(x: Node, places: Node, axis: int, batch: int = 0) -> Node:
    """Slices of x at places along an axis. The elements of the first `batch` axes of both have places of their own."""
    value = known(places)
    if value is not None:
        in_range(value, x.shape[axis], axis)
    if not batch:
        return apply(TAKE, (x, places), (axis,))
    rank = len(x.shape)
    turned = moved(x, (*range(batch), axis, *range(batch, axis), *range(axis + 1, rank)))
    flat = flat_places(reshaped(places, (*places.shape, 1)), (x.shape[axis],), batch)
    found = taken(merged(turned, 0, batch + 1), flat, 0)
    inner, between = len(places.shape), axis - batch
    back = (
        *range(batch),
        *range(inner, inner + between),
        *range(batch, inner),
        *range(inner + between, len(found.shape)),
    )
    return moved(found, back)


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
