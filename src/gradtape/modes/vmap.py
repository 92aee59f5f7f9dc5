"""`vmap`: a function of one example becomes one of many, which stand along an axis.

The function is called once, on placeholders for one example (`modes.sketch`), and what it did is done for all of them
at once (`modes.batch`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.graph.node import Node
from gradtape.graph.trace import apply, thread
from gradtape.modes import nest
from gradtape.modes.arguments import name_of
from gradtape.modes.batch import batched, repeated
from gradtape.modes.kept import Found, kept
from gradtape.modes.sketch import Sketch
from gradtape.modes.transformed import transform
from gradtape.ops.shaping import TRANSPOSE
from gradtape.rewrite.recorded import NEVER

Axes = Any
"""An axis, None, or a nest of them like the upper part of what it is for."""


@transform
def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0, axis_size: int | None = None) -> Callable:
    """The function that applies f to each example, and puts what it returns side by side.

    in_axes     along which axis the examples of an argument stand; None: it is the same for all of them. One for all
                arguments, or a tuple with one for each; for an argument that is a nest it may be a nest as well. What
                is given by name has its examples along axis 0
    out_axes    along which axis the results are put, in the same way; None for a result that does not depend on them
    axis_size   how many examples there are, where that does not follow from an argument

    Negative axes count from the last one. f is called once, with tensors whose values are not known, so it chooses with
    `where`, `cond` and `while_loop`. Nothing is repeated that is the same for all examples, and the results have the
    bits that a loop would give, but for matrix products, and sums of at most 24 numbers each in 32 examples or more,
    which are summed in another order.

    Raises ShapeError if an axis does not exist or numbers of examples differ, ArgumentError if `in_axes` does not fit
    the arguments, ControlFlowError if f needs a value.

    >>> import gradtape as tf
    >>> rows = tf.constant([[1., 2.], [3., 4.], [5., 6.]])
    >>> tf.vmap(tf.reduce_sum)(rows).numpy()
    array([ 3.,  7., 11.], dtype=float32)
    >>> tf.vmap(tf.grad(lambda x, w: tf.reduce_sum(x**2) * w), in_axes=(1, None))(rows, 10.).numpy()
    array([[ 20.,  60., 100.],
           [ 40.,  80., 120.]], dtype=float32)
    """

    def mapped(*args: Any, **kwargs: Any) -> Any:
        axes = nest.spread(tuple(in_axes) if isinstance(in_axes, list) else in_axes, args, "in_axes")
        axes += [0] * len(nest.flatten(kwargs))
        flat = nest.flatten((args, kwargs))
        mapped_nodes = [_examples(value, axis) for value, axis in zip(flat, axes, strict=True)]
        number = _number(flat, axes, mapped_nodes, axis_size)
        with Sketch("vmap", "it differs from example to example") as sketch:
            examples: dict[Node, Node] = {}
            for i, xs in enumerate(mapped_nodes):
                if xs is not None:
                    x = sketch.placeholder(xs.shape[1:], xs.dtype)
                    examples[x], flat[i] = xs, wrap(x)
            given, named = nest.pack((args, kwargs), flat)
            result = f(*given, **named)
            results = [None if one is None else _result(f, one) for one in nest.flatten(result)]
        places = nest.spread(out_axes, result, "out_axes")
        wanted = [(y, axis) for y, axis in zip(results, places, strict=True) if y is not None]

        def walk(numbers: Any) -> Found:
            sketch.hand_out([y for y, _ in wanted])
            many = batched([y for y, _ in wanted], examples, number)
            placed = [_placed(y, ys, axis, number) for (y, axis), ys in zip(wanted, many, strict=True)]
            return [*placed], NEVER if sketch.is_by_hand() else None

        at, leaves = sketch.standing([*examples, *[y for y, _ in wanted]])
        question = ("vmap", *at, number, tuple([axis for _, axis in wanted]))
        nodes = kept(question, [*leaves, *examples.values()], {}, thread.trace.token, walk)
        found = iter([wrap(node) for node in nodes if node is not None])
        return nest.pack(result, [None if y is None else next(found) for y in results])

    return mapped


def _examples(value: Any, axis: Any) -> Node | None:
    """A mapped value with its examples along the first axis; None for one that is the same for all of them."""
    if axis is None or value is None:
        return None
    if not isinstance(value, (Handle, np.ndarray, np.generic, bool, int, float)) and not hasattr(value, "__array__"):
        raise ArgumentError(f"vmap cannot map over a {type(value).__name__}; give it the axis None in in_axes")
    node = as_node(value)
    return _moved(node, _axis(axis, len(node.shape), f"in_axes has {axis}, but an argument has shape {node.shape}"), 0)


def _number(flat: Sequence[Any], axes: Sequence[Any], nodes: Sequence[Node | None], axis_size: int | None) -> int:
    """How many examples there are."""
    numbers = {node.shape[0] for node in nodes if node is not None}
    if axis_size is not None:
        numbers.add(operator.index(axis_size))
    if not numbers:
        raise ArgumentError("vmap has nothing to map over: an argument needs an axis in in_axes, or give axis_size")
    if len(numbers) > 1:
        told = [
            f"{np.shape(value)} has {node.shape[0]} along axis {axis}"
            for value, axis, node in zip(flat, axes, nodes, strict=True)
            if node is not None
        ]
        told += [f"axis_size is {axis_size}"] * (axis_size is not None)
        raise ShapeError(f"vmap needs the same number of examples everywhere, but {', '.join(told)}")
    return numbers.pop()


def _result(f: Callable[..., Any], value: Any) -> Node:
    if not isinstance(value, (Handle, np.ndarray, np.generic, bool, int, float)):
        raise ArgumentError(f"vmap needs a function that returns tensors, but {name_of(f)} returned {value!r:.40}")
    return as_node(value)


def _placed(y: Node, ys: Node | None, axis: Any, number: int) -> Node:
    """The results for all examples along the axis that is wanted."""
    if axis is None:
        if ys is not None:
            raise ArgumentError(
                "out_axes has None for a result that depends on the example; give the axis along which results are put"
            )
        return y
    rank = len(y.shape) + 1
    place = _axis(axis, rank, f"out_axes has {axis}, but with the axis for examples a result has {rank} axes")
    return _moved(repeated(y, number) if ys is None else ys, 0, place)


def _axis(axis: Any, rank: int, what: str) -> int:
    try:
        position = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"an axis must be an integer or None, but {axis!r} was given") from None
    if not -rank <= position < rank:
        raise ShapeError(f"{what}: there is no such axis")
    return position % rank


def _moved(x: Node, start: int, stop: int) -> Node:
    """x with one axis at another place."""
    if start == stop:
        return x
    order = [i for i in range(len(x.shape)) if i != start]
    order.insert(stop, start)
    return apply(TRANSPOSE, (x,), (tuple(order),))
