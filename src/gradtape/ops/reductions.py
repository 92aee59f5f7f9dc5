"""Reductions over axes: sum, mean, maximum, minimum, product, all, any.

How partial results combine is the field `reduction`; the order in which elements are combined is fixed by the shape and
axes alone (see engine.lower), so the bits do not depend on who computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import DTypeError
from gradtape.graph import notation
from gradtape.graph.handles import TensorLike, number_node
from gradtape.graph.node import TABLE, Node, Primitive
from gradtape.graph.shapes import normalize_axes, reduced, size
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.arithmetic import choose, times
from gradtape.ops.declare import convert, operation
from gradtape.ops.halves import rounded_once
from gradtape.ops.powers import real_divide
from gradtape.ops.selection import equal
from gradtape.ops.shaping import (
    CONCAT,
    SUM,
    TRANSPOSE,
    full,
    further,
    getitem,
    infer_reduced,
    over_runs,
    reshaped,
    spread,
)

Tensor = Any
Axis = int | Sequence[int] | None


def _extreme_rule(ct: Node, i: int, out: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node:
    """The cotangent goes to the extreme elements; equal ones share it evenly, as in TensorFlow."""
    (x,) = inputs
    chosen = equal(x, spread(out, axes, x.shape))
    share = ct / apply(SUM, (convert(chosen, x.dtype),), (axes,))
    return choose(chosen, spread(share, axes, x.shape))


def _product_rule(ct: Node, i: int, out: Node, inputs: tuple[Node, ...], axes: tuple[int, ...]) -> Node:
    """The product of the *other* elements, made of products alone, so it is right at zeros and to any order."""
    (x,) = inputs
    rest = tuple(i for i in range(len(x.shape)) if i not in axes)
    order = rest + axes
    moved = apply(TRANSPOSE, (x,), (order,))
    flat = reshaped(moved, (size(tuple(x.shape[i] for i in rest)), size(tuple(x.shape[i] for i in axes))))
    others = _products_before(flat) * _reversed(_products_before(_reversed(flat)))
    back = tuple(int(i) for i in np.argsort(order))
    return times(spread(ct, axes, x.shape), apply(TRANSPOSE, (reshaped(others, moved.shape),), (back,)))


def _reversed(x: Node) -> Node:
    return getitem(x, (slice(None), slice(None, None, -1)))


def _products_before(x: Node) -> Node:
    """For each element of a row, the product of those before it; by doubling, in log2(length) steps."""
    rows, length = x.shape
    ones = full((rows, 1), 1, x.dtype)
    result = apply(CONCAT, (ones, getitem(x, (slice(None), slice(0, length - 1)))), (1,))
    step = 1
    while step < length:
        shifted = apply(
            CONCAT, (full((rows, step), 1, x.dtype), getitem(result, (slice(None), slice(0, length - step)))), (1,)
        )
        result = result * shifted
        step *= 2
    return result


def _batch(name: str) -> Callable[..., Node]:
    return lambda inputs, batched, number, axes: apply(TABLE[name], inputs, (further(axes),))


def _extreme(name: str, function: Callable, lowest: Callable[[Any], Any]) -> Primitive:
    return Primitive(
        name,
        "implicit",
        infer=infer_reduced,
        rule=_extreme_rule,
        batch=_batch(name),
        reduction=name,
        reference=lambda x, axes: function(x, axis=axes, initial=lowest(x.dtype)),
        parameters=["axes"],
        notation=notation.over_axes(name),
        admits=admit.reduction(lambda dtype: not dtype.is_bool),
    )


def _end(sign: float) -> Callable[[Any], Any]:
    def of(dtype: Any) -> Any:
        if dtype.kind in "iu":
            return np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min
        return sign * np.inf

    return of


MAX = _extreme("max", np.max, _end(-1.0))
MIN = _extreme("min", np.min, _end(1.0))
PROD = Primitive(
    "prod",
    "implicit",
    infer=infer_reduced,
    rule=_product_rule,
    batch=_batch("prod"),
    reduction="mul",
    reference=lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype),
    notation=notation.over_axes("prod"),
    parameters=["axes"],
    admits=admit.reduction(lambda dtype: not dtype.is_bool),
)
ALL = Primitive(
    "all",
    "constant",
    infer=infer_reduced,
    batch=_batch("all"),
    reduction="and",
    reference=lambda x, axes: np.all(x, axis=axes),
    notation=notation.over_axes("all"),
    parameters=["axes"],
    admits=admit.reduction(lambda dtype: dtype.is_bool),
)
ANY = Primitive(
    "any",
    "constant",
    infer=infer_reduced,
    batch=_batch("any"),
    reduction="or",
    reference=lambda x, axes: np.any(x, axis=axes),
    notation=notation.over_axes("any"),
    parameters=["axes"],
    admits=admit.reduction(lambda dtype: dtype.is_bool),
)


def _over(primitive: Primitive, x: Node, axis: Axis, keepdims: bool) -> Node:
    axes = normalize_axes(axis, len(x.shape))
    result = over_runs(primitive, x, axes)
    return reshaped(result, reduced(x.shape, axes, True)) if keepdims else result


def _number(name: str, x: Node) -> Node:
    if x.dtype.is_bool:
        raise DTypeError(f"{name} works on number tensors, but a bool tensor was given; convert it with cast first")
    return x


@operation("input_tensor")
def reduce_sum(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The sum over `axis` (an integer, several, or None for all); `keepdims` leaves axes of length one.

    float32 and the half types are summed in float64 and rounded once. Raises ShapeError for an axis that does not
    exist.

    >>> import gradtape as tf
    >>> tf.reduce_sum([[1., 2.], [3., 4.]], axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    return _over(SUM, _number("reduce_sum", input_tensor), axis, keepdims)


@operation("input_tensor")
@rounded_once
def reduce_mean(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean over `axis` (an integer, several, or None for all). The mean of integers is rounded down, as in
    TensorFlow."""
    x = _number("reduce_mean", input_tensor)
    total = _over(SUM, x, axis, keepdims)
    number = size(x.shape) // max(1, size(total.shape)) if 0 not in x.shape else 0
    count = number_node(number, x.dtype)  # a value, not part of the code: another length compiles nothing
    return real_divide(total, count) if x.dtype.is_floating else total // count


@operation("input_tensor")
def reduce_max(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The largest element over `axis`; NaN if there is one. Equal ones share the gradient evenly."""
    return _over(MAX, _number("reduce_max", input_tensor), axis, keepdims)


@operation("input_tensor")
def reduce_min(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The smallest element over `axis`; NaN if there is one. Equal ones share the gradient evenly."""
    return _over(MIN, _number("reduce_min", input_tensor), axis, keepdims)


@operation("input_tensor")
def reduce_prod(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The product over `axis`. Its gradient is right at zeros too: it is the product of the other elements."""
    return _over(PROD, _number("reduce_prod", input_tensor), axis, keepdims)


@operation("input_tensor")
def reduce_all(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Whether all elements over `axis` of a bool tensor are True."""
    return _over(ALL, _truth("reduce_all", input_tensor), axis, keepdims)


@operation("input_tensor")
def reduce_any(input_tensor: TensorLike, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Whether any element over `axis` of a bool tensor is True."""
    return _over(ANY, _truth("reduce_any", input_tensor), axis, keepdims)


def _truth(name: str, x: Node) -> Node:
    if not x.dtype.is_bool:
        raise DTypeError(f"{name} works on bool tensors, but one of type {x.dtype.name} was given; compare it first")
    return x
