"""Indexing with arrays and masks, ``x[...]``: which slices of what are taken, see `gradtape.ops.indexing`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import DTypeError, ShapeError
from gradtape.graph.dtypes import int64
from gradtape.graph.handles import Handle, TensorLike, as_node
from gradtape.graph.node import Node, leaf
from gradtape.graph.shapes import Shape, broadcast, normalize_axes
from gradtape.graph.trace import apply
from gradtape.ops import shaping
from gradtape.ops.declare import convert, operation
from gradtape.ops.places import TAKE, flat_places, in_range, known, merged, moved, taken
from gradtape.ops.selection import coordinates, known_mask, where
from gradtape.ops.shaping import CONCAT, broadcasted, reshaped

Tensor = Any


@operation("tensor", "mask")
def boolean_mask(
    tensor: TensorLike, mask: TensorLike, axis: int | None = None, name: str | None = "boolean_mask"
) -> Tensor:
    """The slices of `tensor` where `mask` is True; its axes stand for those of the tensor from `axis` (0) on.

    The shape depends on the mask, so its value is computed; in a traced function it must be known, else this is a
    ControlFlowError. The gradient of what is left out is zero by structure. Raises ShapeError if the shapes differ.

    >>> import gradtape as tf
    >>> tf.boolean_mask([1., 2., 3.], [True, False, True]).numpy()
    array([1., 3.], dtype=float32)
    """
    if not mask.dtype.is_bool:
        raise DTypeError(f"boolean_mask needs a bool mask, not one of type {mask.dtype.name}; compare it first")
    if not mask.shape:
        raise ShapeError("boolean_mask needs a mask with axes; use cond to choose by one truth value")
    (first,) = normalize_axes(0 if axis is None else axis, max(len(tensor.shape), 1))
    depth = len(mask.shape)
    if tensor.shape[first : first + depth] != mask.shape:
        raise ShapeError(
            f"a mask of shape {mask.shape} does not fit the axes from {first} of a tensor of shape {tensor.shape}"
        )
    return _masked(tensor, mask, first)


def _masked(x: Node, mask: Node, first: int) -> Node:
    places = np.flatnonzero(known_mask(mask))
    return apply(TAKE, (merged(x, first, len(mask.shape)), leaf(places, int64)), (first,))


# -- indexing -------------------------------------------------------------------------------------------------


@operation("tensor")
def getitem(tensor: TensorLike, index: Any) -> Tensor:
    """Indexing as in NumPy: integers, slices, ``...`` and None (a new axis), arrays, lists and tensors of integers,
    bool masks, or a tuple of these.

    Arrays broadcast against each other. Their axes stand where the indexed ones stood if these are neighbours, else in
    front. Negative integers count from the end. Raises ShapeError for an index out of range or too many of them, or a
    mask of another shape; DTypeError for anything else.
    """
    items = list(index) if type(index) is tuple else [index]
    items = [_item(item) for item in items]
    return _advanced(tensor, items) if any(type(i) is Node for i in items) else shaping.getitem(tensor, tuple(items))


def _item(item: Any) -> Any:
    """An index as a basic one, or a node of integers or bools."""
    if isinstance(item, (list, np.ndarray, Handle, Node)):
        node = as_node(np.asarray(item, np.int32) if isinstance(item, list) and not item else item)
        if node.dtype.is_integer or node.dtype.is_bool:
            return node
        raise DTypeError(f"a tensor is indexed with integers or bools, but one of type {node.dtype.name} was given")
    return item


def _advanced(x: Node, items: list[Any]) -> Node:
    if len(items) == 1 and isinstance(items[0], Node) and items[0].dtype.is_bool and items[0].shape:
        mask = items[0]
        _fits(mask, x.shape[: len(mask.shape)])
        return _masked(x, mask, 0)
    used = sum(
        len(i.shape) if isinstance(i, Node) and i.dtype.is_bool else i is not None for i in items if i is not ...
    )
    if used > len(x.shape):
        raise ShapeError(f"{used} indices were given, but the tensor has {len(x.shape)} axes: its shape is {x.shape}")
    if not any(item is Ellipsis for item in items):
        items = [*items, Ellipsis]
    basic: list[Any] = []  # an index for each axis of x, and new axes
    chosen: dict[int, Node] = {}  # by the axis of what `basic` makes of x
    axis = 0
    for item in items:
        if item is Ellipsis:
            rest = len(x.shape) - used
            basic += [slice(None)] * rest
            axis += rest
        elif isinstance(item, Node) and item.dtype.is_bool:
            if not item.shape:
                raise DTypeError("a tensor is not indexed with one truth value; use cond to choose")
            _fits(item, x.shape[axis : axis + len(item.shape)])
            found = coordinates(item)
            for i in range(len(item.shape)):
                chosen[len(basic)] = shaping.getitem(found, (slice(None), i))
                basic.append(slice(None))
            axis += len(item.shape)
        elif isinstance(item, slice) or item is None:
            basic.append(item)
            axis += item is not None
        else:
            place = item if isinstance(item, Node) else _number(item, x.shape[axis], axis)
            chosen[len(basic)] = _from_the_end(place, x.shape[axis], axis)
            basic.append(slice(None))
            axis += 1
    return _picked(shaping.getitem(x, tuple(basic)), chosen)


def _fits(mask: Node, shape: Shape) -> None:
    if mask.shape != shape:
        raise ShapeError(f"a mask of shape {mask.shape} does not fit axes of lengths {shape}; they must be the same")


def _number(item: Any, length: int, axis: int) -> Node:
    return leaf(np.asarray(shaping.position(item, length, axis)), int64)


def _from_the_end(places: Node, length: int, axis: int) -> Node:
    """Places where negative ones count from the end."""
    found = known(places)
    if found is None:
        wide = convert(places, int64)
        return where(wide < 0, wide + length, wide)
    if found.size and found.min() < 0:
        in_range(np.where(found < -length, found, 0), length, axis)
        return leaf(np.where(found < 0, found + length, found).astype(np.int64), int64)
    in_range(found, length, axis)
    return places


def _picked(x: Node, chosen: dict[int, Node]) -> Node:
    """The elements of x at places along axes; these broadcast against each other."""
    axes = list(chosen)
    together = axes[-1] - axes[0] == len(axes) - 1
    first = axes[0] if together else 0
    if not together:
        x = moved(x, (*axes, *[i for i in range(len(x.shape)) if i not in axes]))
    places = list(chosen.values())
    if len(places) == 1:
        return taken(x, places[0], first)
    shape: Shape = ()
    for one in places:
        shape = broadcast(shape, one.shape)
    parts = [reshaped(broadcasted(convert(one, int64), shape), (*shape, 1)) for one in places]
    lengths = x.shape[first : first + len(axes)]
    places_in_all = flat_places(apply(CONCAT, tuple(parts), (len(shape),)), lengths)
    return taken(merged(x, first, len(axes)), places_in_all, first)
