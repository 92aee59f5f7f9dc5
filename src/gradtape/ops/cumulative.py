"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph.dtypes import as_dtype, converted
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import normalize_axes
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import linear, operation
from gradtape.ops.shaping import CONCAT, full, getitem

Tensor = Any


def _running(function: Any, start: int) -> Any:
    """NumPy's function along an axis. Floats are added up and multiplied in float64 and rounded once."""

    def reference(x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
        wide = x if x.dtype.kind == "i" else x.astype(np.float64)
        wide = np.flip(wide, axis) if reverse else wide
        result = function(wide, axis=axis, dtype=wide.dtype)
        if exclusive and x.shape[axis]:
            ones = np.full_like(np.take(result, [0], axis), start)
            result = np.concatenate([ones, np.delete(result, -1, axis)], axis)
        return converted(np.flip(result, axis) if reverse else result, as_dtype(x.dtype))

    return reference


_PARAMETERS = ["axis", "exclusive", "reverse"]

CUMSUM = linear(
    "cumsum",
    infer=lambda inputs, params: (inputs[0].shape, inputs[0].dtype),
    transpose=lambda ct, x, axis, exclusive, reverse: apply(CUMSUM, (ct,), (axis, exclusive, not reverse)),
    batch=lambda xs, number, axis, *how: apply(CUMSUM, (xs,), (axis + 1, *how)),
    reference=_running(np.cumsum, 0),
    parameters=_PARAMETERS,
    admits=admit.along_axis(bool, bool),
    depends=lambda along, value, shape, params: along[0].over(params[:1], keepdims=True).repeated(shape),
)


def _product_rule(
    ct: Node, i: int, out: Node, inputs: tuple[Node, ...], axis: int, exclusive: bool, reverse: bool
) -> Node:
    """With p the running product of what comes before: the cotangent of xᵢ is pᵢ sᵢ, where sᵢ = ctᵢ + xᵢ₊₁ sᵢ₊₁ is the
    running sum of cotangents times the elements between. No element is divided by, so it is right at zeros."""
    (x,) = inputs
    before = apply(CUMPROD, (x,), (axis, True, reverse))
    if exclusive:
        ct = _shifted(ct, 1, axis, not reverse, 0)
    # (a, b) stands for s → a s + b; doubling composes neighbours
    a, b = _shifted(x, 1, axis, not reverse, 1), ct
    step, length = 1, x.shape[axis]
    while step < length:
        b = b + a * _shifted(b, step, axis, not reverse, 0)
        a = a * _shifted(a, step, axis, not reverse, 1)
        step *= 2
    return before * b


def _shifted(x: Node, by: int, axis: int, back: bool, filled: int) -> Node:
    """x with its elements moved along an axis, `back` or forth, and numbers where nothing came."""
    length = x.shape[axis]
    by = min(by, length)
    rest = full((*x.shape[:axis], by, *x.shape[axis + 1 :]), filled, x.dtype)
    kept = getitem(x, (*[slice(None)] * axis, slice(by, None) if back else slice(length - by)))
    return apply(CONCAT, (kept, rest) if back else (rest, kept), (axis,))


CUMPROD = Primitive(
    "cumprod",
    "implicit",
    infer=lambda inputs, params: (inputs[0].shape, inputs[0].dtype),
    rule=_product_rule,
    batch=lambda inputs, batched, number, axis, *how: apply(CUMPROD, inputs, (axis + 1, *how)),
    reference=_running(np.cumprod, 1),
    parameters=_PARAMETERS,
    admits=admit.along_axis(bool, bool),
    depends=lambda along, value, shape, params: along[0].over(params[:1], keepdims=True).repeated(shape),
)


def _along(primitive: Primitive, x: Node, axis: int, exclusive: bool, reverse: bool) -> Node:
    (along,) = normalize_axes(axis, len(x.shape))
    return apply(primitive, (x,), (along, bool(exclusive), bool(reverse)))


@operation("x")
def cumsum(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The sums of the elements along `axis` up to each one; `exclusive` leaves it out, `reverse` begins at the end.

    Floats are summed in float64, in their order, and rounded once.

    >>> import gradtape as tf
    >>> tf.cumsum([1., 2., 3.]).numpy()
    array([1., 3., 6.], dtype=float32)
    """
    return _along(CUMSUM, x, axis, exclusive, reverse)


@operation("x")
def cumprod(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The products of the elements along `axis` up to each one; `exclusive` leaves it out, `reverse` begins at the end.

    Its gradient is right at zeros too.

    >>> import gradtape as tf
    >>> tf.math.cumprod([2., 3., 4.], exclusive=True).numpy()
    array([1., 2., 6.], dtype=float32)
    """
    return _along(CUMPROD, x, axis, exclusive, reverse)
