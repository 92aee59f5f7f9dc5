"""Comparison, logic and selection: what decides, and what is decided between."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, ControlFlowError, DTypeError
from gradtape.graph import notation
from gradtape.graph.dtypes import bool_, int64
from gradtape.graph.handles import TensorLike, as_node, wrap
from gradtape.graph.node import Node, Primitive, leaf
from gradtape.graph.shapes import Shape, broadcast
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import elementwise, literal, pair, publish

Tensor = Any


@elementwise(
    notation=notation.infix(" < ", notation.COMPARED),
    lowering=lambda m, x, y: x < y,
    reference=np.less,
    operands="number",
    result=bool_,
    exact=lambda mp, x, y: x < y,
)
def less(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x < y, elementwise, as bool. Also the operator ``<``."""


@elementwise(
    notation=notation.infix(" <= ", notation.COMPARED),
    lowering=lambda m, x, y: x <= y,
    reference=np.less_equal,
    operands="number",
    result=bool_,
    exact=lambda mp, x, y: x <= y,
)
def less_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x <= y, elementwise, as bool. Also the operator ``<=``."""


@elementwise(
    notation=notation.infix(" > ", notation.COMPARED),
    lowering=lambda m, x, y: x > y,
    reference=np.greater,
    operands="number",
    result=bool_,
    exact=lambda mp, x, y: x > y,
)
def greater(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x > y, elementwise, as bool. Also the operator ``>``."""


@elementwise(
    notation=notation.infix(" >= ", notation.COMPARED),
    lowering=lambda m, x, y: x >= y,
    reference=np.greater_equal,
    operands="number",
    result=bool_,
    exact=lambda mp, x, y: x >= y,
)
def greater_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x >= y, elementwise, as bool. Also the operator ``>=``."""


@elementwise(
    notation=notation.infix(" == ", notation.COMPARED),
    lowering=lambda m, x, y: m.equal(x, y),
    reference=np.equal,
    operands="any",
    result=bool_,
    exact=lambda mp, x, y: x == y,
    formula=lambda sp, x, y: sp.Eq(x, y),
)
def equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x == y, elementwise, as bool. Also the operator ``==``; NaN equals nothing."""


@elementwise(
    notation=notation.infix(" != ", notation.COMPARED),
    lowering=lambda m, x, y: m.compare("ne", x, y, unordered=True),
    reference=np.not_equal,
    operands="any",
    result=bool_,
    exact=lambda mp, x, y: x != y,
    formula=lambda sp, x, y: sp.Ne(x, y),
)
def not_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x != y, elementwise, as bool. Also the operator ``!=``."""


@elementwise(
    lowering=lambda m, x, y: x & y,
    reference=np.logical_and,
    operands="bool",
    exact=lambda mp, x, y: x and y,
    formula=lambda sp, x, y: sp.And(x, y),
)
def logical_and(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x and y, elementwise, for bool tensors. Also the operator ``&``."""


@elementwise(
    lowering=lambda m, x, y: x | y,
    reference=np.logical_or,
    operands="bool",
    exact=lambda mp, x, y: x or y,
    formula=lambda sp, x, y: sp.Or(x, y),
)
def logical_or(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x or y, elementwise, for bool tensors. Also the operator ``|``."""


@elementwise(
    lowering=lambda m, x, y: x ^ y,
    reference=np.logical_xor,
    operands="bool",
    exact=lambda mp, x, y: x != y,
    formula=lambda sp, x, y: sp.Xor(x, y),
)
def logical_xor(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """Exactly one of x and y, elementwise, for bool tensors. Also the operator ``^``."""


@elementwise(
    lowering=lambda m, x: m.invert(x),
    reference=np.logical_not,
    operands="bool",
    exact=lambda mp, x: not x,
    formula=lambda sp, x: sp.Not(x),
    involution=True,
)
def logical_not(x: TensorLike, name: str | None = None) -> Tensor:
    """Not x, elementwise, for bool tensors. Also the operator ``~``."""


@elementwise(lowering=lambda m, x: m.is_nan(x), reference=np.isnan, result=bool_, exact=lambda mp, x: mp.isnan(x))
def is_nan(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether x is NaN, elementwise, as bool."""


@elementwise(
    lowering=lambda m, x: m.abs(x) < float("inf"),
    reference=np.isfinite,
    result=bool_,
    exact=lambda mp, x: mp.isfinite(x),
)
def is_finite(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether x is neither NaN nor infinite, elementwise, as bool."""


def _infer_where(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, Any]:
    condition, x, y = inputs
    if not condition.dtype.is_bool:
        raise DTypeError(
            f"the condition of where must be a bool tensor, but one of type {condition.dtype.name} was given; "
            "compare it with something, as in where(x > 0, ...)"
        )
    return broadcast(condition.shape, broadcast(x.shape, y.shape)), x.dtype


WHERE = Primitive(
    "where",
    "selection",
    infer=_infer_where,
    rule=[None, lambda c, x, y: c, lambda c, x, y: logical_not(c)],
    lowering=lambda m, c, x, y: m.select(c, x, y),
    reference=np.where,
    admits=admit.chosen,
    exact=lambda mp, c, x, y: x if c else y,
    formula=lambda sp, c, x, y: sp.Piecewise((x, c), (y, True)),
)


def known_mask(mask: Node) -> np.ndarray:
    """The value of a mask that decides on a shape. Raises ControlFlowError in a traced function, if it is not known
    there."""
    try:
        return np.asarray(wrap(mask))
    except ControlFlowError as error:
        raise ControlFlowError(
            f"how many elements a mask has chosen is not known while a function is traced, so the result has no shape: "
            f"use where(mask, x, 0.), which keeps the shape, or choose outside of the function ({error})"
        ) from None


def coordinates(mask: Node) -> Node:
    """The coordinates of the True elements of a mask, one row for each, in their order; its value is computed."""
    return leaf(np.ascontiguousarray(np.argwhere(known_mask(mask)), np.int64), int64)


def where(condition: TensorLike, x: TensorLike = None, y: TensorLike = None, name: str | None = None) -> Tensor:
    """x where `condition` holds, else y, elementwise with broadcasting.

    The gradient of what was not chosen is zero by structure: NaN or infinity there never spreads. Without x and y it is
    the coordinates of the elements that hold, one row of int64 for each; then the value of `condition` is computed, and
    in a traced function where it is not known this is a ControlFlowError. Raises ArgumentError if one is missing.

    >>> import gradtape as tf
    >>> tf.where([True, False], [1., 2.], 0.).numpy()
    array([1., 0.], dtype=float32)
    >>> tf.where([False, True, True]).numpy()
    array([[1],
           [2]])
    """
    if x is None or y is None:
        if x is not None or y is not None:
            raise ArgumentError("where needs both x and y, or neither of them for the coordinates of what holds")
        return wrap(coordinates(as_node(condition)))
    if type(condition) is Node:
        dtype = next(v.dtype for v in (x, y) if type(v) is Node)
        a, b = (v if type(v) is Node else literal(v, dtype) for v in (x, y))
        return apply(WHERE, (condition, a, b))
    a, b = pair(x, y)
    return wrap(apply(WHERE, (as_node(condition), a, b)))


publish(where, where)
