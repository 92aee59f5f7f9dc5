"""Linear maps that move elements without computing: reshape, transpose, broadcasting, slices, joining."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradtape.errors import DTypeError, ShapeError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType, as_dtype, promote
from gradtape.graph.handles import Handle, TensorLike, as_node, register_join, weak
from gradtape.graph.node import READ, TABLE, Node, Primitive
from gradtape.graph.shapes import Shape, as_shape, broadcast, normalize_axes, reduced, size
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import convert, linear, literal, operation

Tensor = Any

RESHAPE = linear(
    "reshape",
    infer=lambda inputs, params: (params[0], inputs[0].dtype),
    transpose=lambda ct, x, shape: reshaped(ct, x.shape),
    batch=lambda xs, number, shape: reshaped(xs, (number, *shape)),
    view=lambda layout, shape: layout.reshape(shape),
    reference=lambda x, shape: x.reshape(shape),
    parameters=["shape"],
    admits=admit.one_input(admit.reshaped),
)

TRANSPOSE = linear(
    "transpose",
    infer=lambda inputs, params: (tuple(inputs[0].shape[i] for i in params[0]), inputs[0].dtype),
    transpose=lambda ct, x, perm: apply(TRANSPOSE, (ct,), (tuple(int(i) for i in np.argsort(perm)),)),
    batch=lambda xs, number, perm: apply(TRANSPOSE, (xs,), ((0, *[i + 1 for i in perm]),)),
    view=lambda layout, perm: layout.transpose(perm),
    reference=lambda x, perm: x.transpose(perm),
    parameters=["perm"],
    admits=admit.one_input(admit.permuted),
)

BROADCAST = linear(
    "broadcast_to",
    infer=lambda inputs, params: (params[0], inputs[0].dtype),
    transpose=lambda ct, x, shape: sum_to(ct, x.shape),
    batch=lambda xs, number, shape: broadcasted(of_rank(xs, len(shape)), (number, *shape)),
    lowering=READ,
    view=lambda layout, shape: layout.broadcast(shape),
    reference=lambda x, shape: np.broadcast_to(x, shape),
    parameters=["shape"],
    admits=admit.one_input(admit.repeated),
)


def infer_reduced(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    return reduced(inputs[0].shape, params[0], False), inputs[0].dtype


SUM = linear(
    "sum",
    infer=infer_reduced,
    transpose=lambda ct, x, axes: spread(ct, axes, x.shape),
    batch=lambda xs, number, axes: apply(SUM, (xs,), (further(axes),)),
    reduction="add",
    reference=lambda x, axes: np.sum(x, axis=axes, dtype=np.float64 if x.dtype.kind == "f" else None).astype(x.dtype),
    notation=notation.over_axes("sum"),
    parameters=["axes"],
    admits=admit.reduction(lambda dtype: not dtype.is_bool),
    zeros="all",
    mask=lambda mask, inputs, params: apply(TABLE["any"], (mask,), params),
)


def further(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The same axes where there is another one in front."""
    return tuple([i + 1 for i in axes])


def of_rank(xs: Node, rank: int) -> Node:
    """Examples side by side along the first axis, each given so many axes: those that it lacks are put in front."""
    return reshaped(xs, (xs.shape[0], *[1] * (rank + 1 - len(xs.shape)), *xs.shape[1:]))


def reshaped(x: Node, shape: Shape) -> Node:
    return x if x.shape == shape else apply(RESHAPE, (x,), (shape,))


def broadcasted(x: Node, shape: Shape) -> Node:
    return x if x.shape == shape else apply(BROADCAST, (x,), (shape,))


def spread(x: Node, axes: tuple[int, ...], shape: Shape) -> Node:
    """The result of a reduction over `axes` of `shape`, repeated along these axes."""
    if axes != tuple(range(len(axes))):  # in front, broadcasting puts the missing axes back by itself
        x = reshaped(x, reduced(shape, axes, True))
    return broadcasted(x, shape)


def over_runs(primitive: Primitive, x: Node, axes: tuple[int, ...]) -> Node:
    """Reduce over `axes`, the last run of neighbouring axes first.

    A kernel reduces one run of neighbouring axes; several runs are several reductions, in this fixed order.
    Axes that all have length one are dropped, as there is nothing to reduce.
    """
    if 1 in x.shape and all(x.shape[i] == 1 for i in axes):
        return reshaped(x, reduced(x.shape, axes, False))
    while axes:
        start = len(axes) - 1
        while start and axes[start - 1] == axes[start] - 1:
            start -= 1
        x = apply(primitive, (x,), (axes[start:],))
        axes = axes[:start]
    return x


def sum_to(x: Node, shape: Shape) -> Node:
    """The sum of `x` over the axes along which `shape` was broadcast to x.shape."""
    if x.shape == shape:
        return x
    extra = len(x.shape) - len(shape)
    axes = tuple(range(extra))
    if 1 in shape:
        axes += tuple(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)
    return reshaped(over_runs(SUM, x, axes), shape)


@operation("tensor")
def reshape(tensor: TensorLike, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; one length may be -1 and follows from the others.

    Raises ShapeError if the number of elements differs.

    >>> import gradtape as tf
    >>> tf.reshape([[1, 2], [3, 4]], [-1]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    given = np.asarray(shape).ravel().tolist()
    lengths = [operator.index(n) for n in given]
    total = size(tensor.shape)
    if lengths.count(-1) == 1:
        known = size(tuple(n for n in lengths if n != -1))
        if known and total % known == 0:
            lengths[lengths.index(-1)] = total // known
    if -1 in lengths or size(tuple(lengths)) != total:
        raise ShapeError(
            f"cannot reshape {tensor.shape}, which has {total} elements, to {tuple(given)}: the lengths must "
            "multiply to the same number, and one of them may be -1"
        )
    return reshaped(tensor, as_shape(lengths))


@operation("a")
def transpose(a: TensorLike, perm: Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """The axes in the order `perm`; reversed if it is not given."""
    rank = len(a.shape)
    order = tuple(range(rank))[::-1] if perm is None else tuple(operator.index(i) % max(rank, 1) for i in perm)
    if sorted(order) != list(range(rank)):
        raise ShapeError(f"perm must name each of the {rank} axes once, but {perm!r} was given")
    return a if order == tuple(range(rank)) else apply(TRANSPOSE, (a,), (order,))


@operation("input")
def broadcast_to(input: TensorLike, shape: Any, name: str | None = None) -> Tensor:
    """The tensor repeated to a shape that it broadcasts to; no memory is used for the copies."""
    target = as_shape(shape)
    if broadcast(input.shape, target) != target:
        raise ShapeError(f"{input.shape} does not broadcast to {target}")
    return broadcasted(input, target)


@operation("input")
def expand_dims(input: TensorLike, axis: int, name: str | None = None) -> Tensor:
    """The tensor with an axis of length one put in at `axis`."""
    (position,) = normalize_axes(axis, len(input.shape) + 1)
    return reshaped(input, input.shape[:position] + (1,) + input.shape[position:])


@operation("input")
def squeeze(input: TensorLike, axis: int | Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """The tensor without its axes of length one, or without those in `axis`, which must have length one."""
    if axis is None:
        return reshaped(input, tuple(n for n in input.shape if n != 1))
    axes = normalize_axes(axis, len(input.shape))
    for i in axes:
        if input.shape[i] != 1:
            raise ShapeError(f"cannot squeeze axis {i} of shape {input.shape}: its length is not 1")
    return reshaped(input, tuple(n for i, n in enumerate(input.shape) if i not in axes))


# -- joining --------------------------------------------------------------------------------------------------


def _concat_infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    axis, first = params[0], inputs[0].shape
    for x in inputs:
        if len(x.shape) != len(first) or x.shape[:axis] + x.shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise ShapeError(f"cannot join shapes {first} and {x.shape} along axis {axis}: the other lengths differ")
    return first[:axis] + (sum(x.shape[axis] for x in inputs),) + first[axis + 1 :], inputs[0].dtype


def _concat_rule(ct: Node, i: int, inputs: tuple[Node, ...], axis: int) -> Node:
    start = sum(x.shape[axis] for x in inputs[:i])
    slices = [slice(None)] * len(ct.shape)
    slices[axis] = slice(start, start + inputs[i].shape[axis])
    return getitem(ct, tuple(slices))


def _concat_batch(inputs: tuple[Node, ...], batched: tuple[bool, ...], number: int, axis: int) -> Node:
    parts = [x if b else broadcasted(x, (number, *x.shape)) for x, b in zip(inputs, batched, strict=True)]
    return apply(CONCAT, tuple(parts), (axis + 1,))


def _joined_dependence(along: Sequence[Any], value: Any, shape: Shape, params: tuple) -> Any:
    """Each input stands in a part of the result, and nothing elsewhere."""
    (axis,), total, start = params, None, 0
    for i, x in enumerate(along):
        length = value.shape(i)[axis]
        if x is not None:
            ends = [(0, 0)] * len(shape)
            ends[axis] = (start, shape[axis] - start - length)
            part = x.moved(lambda kinds, ends=ends: np.pad(kinds, ends))
            total = part if total is None else total.joined(part)
        start += length
    return total


CONCAT = Primitive(
    "concat",
    "linear",
    infer=_concat_infer,
    rule=_concat_rule,
    batch=_concat_batch,
    reference=lambda *given: np.concatenate(given[:-1], axis=given[-1]),
    parameters=["axis"],
    admits=admit.joined,
    halves=True,
    depends=_joined_dependence,
)


def _nodes(values: Any, what: str) -> list[Node]:
    if isinstance(values, Handle) or not isinstance(values, (list, tuple)):
        node = as_node(values)
        if not node.shape:
            raise ShapeError(f"{what} joins a list of tensors, but one tensor without axes was given")
        return [getitem(node, i) for i in range(node.shape[0])]
    if not values:
        raise ShapeError(f"{what} needs at least one tensor")
    nodes = [as_node(v) for v in values]
    dtype = nodes[0].dtype
    for node in nodes:
        dtype = promote(dtype, node.dtype)
    return [convert(node, dtype) for node in nodes]


@operation()
def concat(values: Sequence[TensorLike], axis: int, name: str | None = None) -> Tensor:
    """The tensors one after the other along `axis`, which they must have.

    >>> import gradtape as tf
    >>> tf.concat([[1, 2], [3]], axis=0).numpy()
    array([1, 2, 3], dtype=int32)
    """
    nodes = _nodes(values, "concat")
    (axis,) = normalize_axes(axis, len(nodes[0].shape))
    return nodes[0] if len(nodes) == 1 else apply(CONCAT, tuple(nodes), (axis,))


@operation()
def stack(values: Sequence[TensorLike], axis: int = 0, name: str | None = None) -> Tensor:
    """The tensors, all of one shape, side by side along a new axis at `axis`."""
    return _stacked(_nodes(values, "stack"), axis)


def _stacked(nodes: Sequence[Node], axis: int) -> Node:
    for node in nodes:
        if node.shape != nodes[0].shape:
            raise ShapeError(f"stack needs equal shapes, but {nodes[0].shape} and {node.shape} were given")
    (axis,) = normalize_axes(axis, len(nodes[0].shape) + 1)
    shape = nodes[0].shape[:axis] + (1,) + nodes[0].shape[axis:]
    parts = tuple(reshaped(node, shape) for node in nodes)
    return parts[0] if len(parts) == 1 else apply(CONCAT, parts, (axis,))


def _joined(values: Any, dtype: DType | None) -> Node:
    """A nested list with tensors in it as one node. Python numbers take the type of the tensors and arrays."""
    if dtype is None:
        numbers = []
        for one in _elements(values):
            if isinstance(one, (bool, int, float)) and not isinstance(one, np.generic):
                numbers.append(one)
            else:
                found = one.dtype if isinstance(one, Handle) else as_dtype(np.asarray(one).dtype)
                dtype = found if dtype is None else promote(dtype, found)
        assert dtype is not None
        for number in numbers:
            dtype = promote(dtype, weak(number, dtype))
    parts = [_joined(one, dtype) if isinstance(one, (list, tuple)) else _element(one, dtype) for one in values]
    return _stacked(parts, 0)


def _elements(values: Any) -> Iterator[Any]:
    for one in values:
        if isinstance(one, (list, tuple)):
            yield from _elements(one)
        else:
            yield one


def _element(value: Any, dtype: DType) -> Node:
    node = as_node(value) if isinstance(value, Handle) or hasattr(value, "__array__") else as_node(value, dtype)
    return convert(node, dtype)


register_join(_joined)

# -- slices ---------------------------------------------------------------------------------------------------

Slices = tuple[tuple[int, int, int], ...]
"""(start, number, step) for each axis."""


def _slice_infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    return tuple(n for _, n, _ in params[0]), inputs[0].dtype


def as_slices(slices: Slices) -> tuple[slice, ...]:
    """What NumPy takes for them."""
    result = []
    for start, number, step in slices:
        stop = start + number * step
        result.append(slice(start, stop if stop >= 0 else None, step) if number else slice(0, 0))
    return tuple(result)


def _spelt(slices: Slices) -> str:
    """As users write them.

    >>> _spelt(((0, 2, 1), (3, 4, -1)))
    '[0:2, 3::-1]'
    """
    texts = []
    for start, number, step in slices:
        stop = start + number * step
        texts.append(f"{start}:{stop if stop >= 0 else ''}" + (f":{step}" if step != 1 else ""))
    return f"[{', '.join(texts)}]"


def _put_reference(ct: Any, shape: Shape, slices: Slices) -> Any:
    result = np.zeros(shape, ct.dtype)
    result[as_slices(slices)] = ct
    return result


SLICE = linear(
    "slice",
    infer=_slice_infer,
    transpose=lambda ct, x, slices: apply(PUT_SLICE, (ct,), (x.shape, slices)),
    batch=lambda xs, number, slices: apply(SLICE, (xs,), (((0, number, 1), *slices),)),
    view=lambda layout, slices: layout.slice(slices),
    reference=lambda x, slices: x[as_slices(slices)],
    notation=lambda inputs, slices: notation.Text(inputs[0].within(notation.ATOM) + _spelt(slices)),
    parameters=["slices"],
    admits=admit.one_input(admit.sliced),
)

PUT_SLICE = linear(
    "put_slice",
    infer=lambda inputs, params: (params[0], inputs[0].dtype),
    transpose=lambda ct, x, shape, slices: apply(SLICE, (ct,), (slices,)),
    batch=lambda xs, number, shape, slices: apply(PUT_SLICE, (xs,), ((number, *shape), ((0, number, 1), *slices))),
    reference=_put_reference,
    notation=lambda inputs, shape, slices: notation.filled(shape, _spelt(slices), inputs[0]),
    parameters=["shape", "slices"],
    admits=admit.one_input(admit.put),
    halves=True,
    depends=lambda along, value, shape, params: along[0].moved(lambda kinds: _put_reference(kinds, *params)),
    zeros="own",
    mask=lambda mask, inputs, params: apply(PUT_SLICE, (mask,), params),
)


@operation("tensor")
def getitem(tensor: TensorLike, index: Any) -> Tensor:
    """Basic indexing as in NumPy: integers, slices, ``...`` and None (a new axis), or a tuple of these.

    Raises ShapeError for an index out of range or too many of them, DTypeError for anything else.
    """
    items = list(index) if isinstance(index, tuple) else [index]
    rank = len(tensor.shape)
    used = sum(1 for item in items if item is not None and item is not Ellipsis)
    if used > rank:
        raise ShapeError(f"{used} indices were given, but the tensor has {rank} axes: its shape is {tensor.shape}")
    if not any(item is Ellipsis for item in items):
        items.append(Ellipsis)
    slices: list[tuple[int, int, int]] = []
    shape: list[int] = []
    for item in items:
        axis = len(slices)
        if item is Ellipsis:
            for n in tensor.shape[axis : axis + rank - used]:
                slices.append((0, n, 1))
                shape.append(n)
        elif item is None:
            shape.append(1)
        elif isinstance(item, slice):
            start, stop, step = _bounds(item, tensor.shape[axis])
            number = len(range(start, stop, step))
            slices.append((start, number, step))
            shape.append(number)
        else:
            slices.append((position(item, tensor.shape[axis], axis), 1, 1))
    if all(s == (0, n, 1) for s, n in zip(slices, tensor.shape, strict=True)):
        return reshaped(tensor, tuple(shape))
    return reshaped(apply(SLICE, (tensor,), (tuple(slices),)), tuple(shape))


def _bounds(item: slice, length: int) -> tuple[int, int, int]:
    parts = (None if v is None else operator.index(v) for v in (item.start, item.stop, item.step))
    return slice(*parts).indices(length)


def position(item: Any, length: int, axis: int) -> int:
    if isinstance(item, (bool, np.bool_)) or not hasattr(item, "__index__"):
        raise DTypeError(
            f"a tensor is indexed with integers, slices, ..., None, and arrays of integers or bools, but {item!r} was "
            "given; to choose by a condition use where"
        )
    position = operator.index(item)
    if not -length <= position < length:
        raise ShapeError(f"index {position} is out of range: axis {axis} has length {length}")
    return position % length


def full(shape: Shape, number: float | int | bool, dtype: DType) -> Node:
    """A node with the same known number everywhere, that takes no memory."""
    return broadcasted(literal(number, dtype), shape)


@operation("x")
def cast(x: TensorLike, dtype: Any, name: str | None = None) -> Tensor:
    """The tensor with another element type. Floats are cut towards zero to become integers.

    >>> import gradtape as tf
    >>> tf.cast([1.8, -1.8], tf.int32).numpy()
    array([ 1, -1], dtype=int32)
    """
    return convert(x, as_dtype(dtype))
