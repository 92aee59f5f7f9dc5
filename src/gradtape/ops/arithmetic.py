"""Arithmetic: + - * and remainders, rounding, absolute value, maximum; the arithmetic of cotangents."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape import config
from gradtape.errors import ShapeError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node, Primitive
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import apply
from gradtape.ops import admit
from gradtape.ops.declare import elementwise, literal, publish
from gradtape.ops.selection import logical_and, where
from gradtape.ops.series import PRODUCT
from gradtape.ops.shaping import broadcasted
from gradtape.ops.zeros import kept, known_number, nonzero

Tensor = Any


def one(x: Node, *_: Any) -> Node:
    return literal(1, x.dtype)


@elementwise(
    notation=notation.infix(" + ", notation.SUM),
    partials=[one, one],
    operands="number",
    lowering=lambda m, x, y: x + y,
    reference=np.add,
    domain="all real x, y",
    exact=lambda mp, x, y: x + y,
    commutes=True,
    zeros="all",
)
def add(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x + y, elementwise with broadcasting. Also the operator ``+``.

    >>> import gradtape as tf
    >>> tf.add([1., 2.], 3.).numpy()
    array([4., 5.], dtype=float32)
    """


@elementwise(
    notation=notation.infix(" - ", notation.SUM),
    partials=[one, lambda x, y: literal(-1, y.dtype)],
    operands="number",
    lowering=lambda m, x, y: x - y,
    reference=np.subtract,
    domain="all real x, y",
    exact=lambda mp, x, y: x - y,
)
def subtract(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x - y, elementwise with broadcasting. Also the operator ``-``."""


@elementwise(
    notation=notation.infix("*", notation.PRODUCT),
    kind="bilinear",
    partials=[lambda ct, x, y: times(ct, y), lambda ct, x, y: times(ct, x)],
    operands="number",
    lowering=lambda m, x, y: x * y,
    reference=np.multiply,
    domain="all real x, y",
    exact=lambda mp, x, y: x * y,
    commutes=True,
    neutral=[0, 1],
    series=PRODUCT,
)
def multiply(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x * y, elementwise with broadcasting. Also the operator ``*``."""


def _floor_divide(m: Any, x: Any, y: Any) -> Any:
    if x.type in ("float", "double"):
        return m.floor(x / y)
    # The machine's division traps on y = 0 and on min / -1: neither is ever executed. x // 0 is 0, as in NumPy.
    safe = m.select(m.equal(y, 0) | m.equal(y, -1), m.value(1, y.type), y)
    quotient = x / safe
    remainder = x - quotient * safe
    adjusted = m.select(m.compare("ne", remainder, 0) & ((remainder < 0) ^ (safe < 0)), quotient - 1, quotient)
    return m.select(m.equal(y, 0), m.value(0, y.type), m.select(m.equal(y, -1), -x, adjusted))


def _floor_mod(m: Any, x: Any, y: Any) -> Any:
    if x.type in ("float", "double"):
        remainder = m.emit("frem", x.type, [x, y])  # exact, sign of x
        wrong = m.compare("ne", remainder, 0) & ((remainder < 0) ^ (y < 0))
        remainder = m.select(wrong, remainder + y, remainder)
        return m.select(m.equal(remainder, 0), m.copysign(m.value(0.0, x.type), y), remainder)
    return m.select(m.equal(y, 0), m.value(0, y.type), x - _floor_divide(m, x, y) * y)


@elementwise(
    notation=notation.infix("//", notation.PRODUCT),
    lowering=_floor_divide,
    reference=np.floor_divide,
    operands="number",
    domain="y ≠ 0",
    exact=lambda mp, x, y: mp.floor(x / y),
)
def floordiv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The quotient x / y rounded down, elementwise. Also the operator ``//``. Its gradient is None."""


@elementwise(
    notation=notation.infix(" % ", notation.PRODUCT),
    partials=[one, lambda x, y: -floordiv(x, y)],
    lowering=_floor_mod,
    reference=np.mod,
    operands="number",
    domain="y ≠ 0",
    smoothness=-1,
    exact=lambda mp, x, y: x - y * mp.floor(x / y),
)
def floormod(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The remainder x - y * floor(x / y), with the sign of y, elementwise. Also the operator ``%``."""


@elementwise(
    notation=notation.prefix("-"),
    partials=[lambda x: literal(-1, x.dtype)],
    operands="number",
    lowering=lambda m, x: -x,
    reference=np.negative,
    exact=lambda mp, x: -x,
    halves=True,
    involution=True,
    zeros="first",
)
def negative(x: TensorLike, name: str | None = None) -> Tensor:
    """-x, elementwise. Also the operator ``-``."""


@elementwise(
    partials=[lambda x: sign(x)],
    operands="number",
    lowering=lambda m, x: m.abs(x),
    reference=np.abs,
    exact=lambda mp, x: mp.fabs(x),
    smoothness=0,
    halves=True,
)
def abs(x: TensorLike, name: str | None = None) -> Tensor:
    """The absolute value, elementwise. Its derivative at 0 is 0, TensorFlow's convention."""


def _sign(m: Any, x: Any) -> Any:
    ended = m.select(x > 0, m.value(1, x.type), m.select(x < 0, m.value(-1, x.type), m.value(0, x.type)))
    return m.select(m.is_nan(x), x, ended) if x.type in ("float", "double") else ended


@elementwise(lowering=_sign, reference=np.sign, operands="number", exact=lambda mp, x: mp.sign(x), halves=True)
def sign(x: TensorLike, name: str | None = None) -> Tensor:
    """-1, 0 or 1 by the sign of x, elementwise; NaN stays NaN. Its gradient is None."""


@elementwise(lowering=lambda m, x: m.floor(x), reference=np.floor, exact=lambda mp, x: mp.floor(x), halves=True)
def floor(x: TensorLike, name: str | None = None) -> Tensor:
    """The largest integer that is not above x, elementwise, as a float. Its gradient is None."""


@elementwise(lowering=lambda m, x: m.ceil(x), reference=np.ceil, exact=lambda mp, x: mp.ceil(x), halves=True)
def ceil(x: TensorLike, name: str | None = None) -> Tensor:
    """The smallest integer that is not below x, elementwise, as a float. Its gradient is None."""


@elementwise(lowering=lambda m, x: m.rint(x), reference=np.rint, exact=lambda mp, x: mp.nint(x), halves=True)
def round(x: TensorLike, name: str | None = None) -> Tensor:
    """The nearest integer, ties to even, elementwise, as a float. Its gradient is None."""


@elementwise(
    picks=[lambda x, y: x >= y, lambda x, y: x < y],
    operands="number",
    lowering=lambda m, x, y: m.maximum(x, y),
    reference=np.maximum,
    domain="all real x, y",
    exact=lambda mp, x, y: mp.nan if mp.isnan(x) or mp.isnan(y) else max(x, y),
    formula=lambda sp, x, y: sp.Piecewise((x, x >= y), (y, True)),
    smoothness=0,
    commutes=True,
)
def maximum(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The larger of x and y, elementwise; NaN if one is NaN. Where they are equal the gradient goes to x."""


@elementwise(
    picks=[lambda x, y: x <= y, lambda x, y: x > y],
    operands="number",
    lowering=lambda m, x, y: m.minimum(x, y),
    reference=np.minimum,
    domain="all real x, y",
    exact=lambda mp, x, y: mp.nan if mp.isnan(x) or mp.isnan(y) else min(x, y),
    formula=lambda sp, x, y: sp.Piecewise((x, x <= y), (y, True)),
    smoothness=0,
    commutes=True,
)
def minimum(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The smaller of x and y, elementwise; NaN if one is NaN. Where they are equal the gradient goes to x."""


def clip_by_value(
    t: TensorLike, clip_value_min: TensorLike, clip_value_max: TensorLike, name: str | None = None
) -> Tensor:
    """t, but at least `clip_value_min` and at most `clip_value_max`, which broadcast to the shape of t.

    The gradient is 1 where t is between the limits or at one of them and zero by structure elsewhere; the limits get
    what t does not. If the limits cross, the result is `clip_value_min`. Raises ShapeError if a limit does not
    broadcast to the shape of t.

    >>> import gradtape as tf
    >>> tf.clip_by_value([-2., 0.5, 3.], 0., 1.).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    below = minimum(t, clip_value_max)
    clipped = maximum(below, clip_value_min)
    shape = np.shape(t) if isinstance(t, (list, tuple, int, float)) else tuple(t.shape)
    if tuple(clipped.shape) != shape:
        raise ShapeError(f"the limits of clip_by_value must broadcast to {shape}, the shape of t, but do not")
    return clipped


publish(clip_by_value, clip_by_value)


# -- the arithmetic of cotangents -----------------------------------------------------------------------------


def times(ct: Node, factor: Node) -> Node:
    """ct * factor in a rule. A factor ±1 that is known costs nothing, and a cotangent that is zero by structure stays
    zero whatever the factor is, be it infinite or NaN."""
    for number, other in ((known_number(ct), factor), (known_number(factor), ct)):
        if number is not None and other.shape == broadcast_shape(ct, factor):
            if number == 1.0:
                return other
            if number == -1.0:
                return negative(other)
    mask = nonzero(ct) if _safe() else None
    if mask is None:
        return multiply(ct, factor)
    return where(mask, multiply(kept(ct), factor), 0)


def choose(mask: Node, ct: Node) -> Node:
    """ct where `mask` holds, zero by structure elsewhere. Masks do not pile up."""
    known = nonzero(ct) if _safe() else None
    if known is None:
        return where(mask, ct, 0)
    if mask.op is not None and mask.op == known.op:  # the same comparison of the same nodes
        return ct
    return where(logical_and(mask, known), kept(ct), 0)


def plus(a: Node, b: Node) -> Node:
    """The sum of two cotangents. What was put to the same place is added up before it is put there."""
    first, second = a.op, b.op
    if first is not None and first[0].zeros == "own" and second is not None and first[0] is second[0]:
        primitive, (x, *places), params = first
        y, *others = second[1]
        if places == others and params == second[2] and x.shape == y.shape:
            return apply(primitive, (add(x, y), *places), params)
    return add(a, b)


def _safe() -> bool:
    return not config.unusual or config.settings().safe_selection


def broadcast_shape(a: Node, b: Node) -> tuple[int, ...]:
    return a.shape if len(a.shape) >= len(b.shape) else b.shape


@elementwise(
    picks=[None],
    lowering=lambda m, x: x,
    reference=np.array,
    operands="any",
    exact=lambda mp, x: x,
)
def stop_gradient(x: TensorLike, name: str | None = None) -> Tensor:
    """x itself, but a constant for every gradient."""


def _alike(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    value, smooth = inputs
    if (value.shape, value.dtype) != (smooth.shape, smooth.dtype):
        raise ShapeError(
            f"a number and what it is differentiated as are alike, but {value.dtype.name}{list(value.shape)} and "
            f"{smooth.dtype.name}{list(smooth.shape)} were given"
        )
    return value.shape, value.dtype


DIFFERENTIATED_AS = Primitive(
    "differentiated_as",
    "implicit",
    infer=_alike,
    rule=lambda ct, i, y, inputs: ct if i else None,
    forward=lambda tangents, y, inputs: tangents[1],
    shows=lambda params: 0,
    batch=lambda given, flags, number: differentiated_as(
        *[x if flag else broadcasted(x, (number, *x.shape)) for x, flag in zip(given, flags, strict=True)]
    ),
    depends=lambda along, value, shape, params: along[0] if along[1] is None else along[1],
    reference=lambda value, smooth: np.array(value),
    notation=lambda inputs: notation.remarked(inputs[0], f"with the derivative of {inputs[1].written}"),
    admits=lambda inputs, params: admit.operands(2)(inputs, params) and inputs[0].shape == inputs[1].shape,
    exact=lambda mp, value, smooth: value,
)


def differentiated_as(value: Node, smooth: Node) -> Node:
    """`value`, in a rule, with the derivative of `smooth`: the same numbers by a formula that is less exact, but that a
    derivative may be taken of. No kernel computes it."""
    return apply(DIFFERENTIATED_AS, (value, smooth))


@elementwise(
    notation=lambda inputs: inputs[0],
    partials=[one],
    lowering=lambda m, x: x,
    reference=np.array,
    operands="any",
    domain="all real x",
    exact=lambda mp, x: x,
    halves=True,
    zeros="first",
)
def identity(x: TensorLike, name: str | None = None) -> Tensor:
    """x itself, as another node: a source of its own for gradients."""
