"""Activation functions in pieces, with the value of the derivative at each corner.

Pieces are chosen, not multiplied with 0 or 1, so the cotangent of what was not chosen is zero whatever it meets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.graph import notation
from gradtape.graph.handles import TensorLike, number_node
from gradtape.ops.arithmetic import abs
from gradtape.ops.closed_forms import selu_constants
from gradtape.ops.declare import elementwise, literal, operation
from gradtape.ops.halves import rounded_once
from gradtape.ops.selection import logical_and, where

Tensor = Any


# -- lines ----------------------------------------------------------------------------------------------------


@elementwise(
    picks=[lambda x: x > 0],
    lowering=lambda m, x: m.maximum(x, 0),
    reference=lambda x: np.maximum(x, x.dtype.type(0)),
    operands="number",
    exact=lambda mp, x: mp.nan if mp.isnan(x) else max(x, mp.zero),
    formula=lambda sp, x: sp.Piecewise((x, x > 0), (0, True)),
    smoothness=0,
)
def relu(features: TensorLike, name: str | None = None) -> Tensor:
    """max(x, 0), elementwise. Its derivative at 0 is 0, TensorFlow's convention.

    >>> import gradtape as tf
    >>> tf.nn.relu([-1., 2.]).numpy()
    array([0., 2.], dtype=float32)
    """


@operation("features")
@rounded_once
def leaky_relu(features: TensorLike, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x for x > 0, else alpha·x, elementwise. Its derivative at 0 is alpha, TensorFlow's convention."""
    slope = number_node(float(alpha), features.dtype)
    return where(features > 0, features, slope * features)


def _clamped(m: Any, x: Any, low: float, high: float) -> Any:
    return m.minimum(m.maximum(x, low), high)


def _clamped_exact(mp: Any, x: Any, low: float, high: float) -> Any:
    return mp.nan if mp.isnan(x) else min(max(x, mp.mpf(low)), mp.mpf(high))


@elementwise(
    picks=[lambda x: logical_and(x > 0, x < 6)],
    lowering=lambda m, x: _clamped(m, x, 0, 6),
    reference=lambda x: np.clip(x, x.dtype.type(0), x.dtype.type(6)),
    operands="number",
    exact=lambda mp, x: _clamped_exact(mp, x, 0, 6),
    formula=lambda sp, x: sp.Piecewise((0, x <= 0), (6, x >= 6), (x, True)),
    smoothness=0,
)
def relu6(features: TensorLike, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6), elementwise. Its derivative at 0 and 6 is 0, TensorFlow's convention.

    >>> import gradtape as tf
    >>> tf.nn.relu6([-1., 2., 7.]).numpy()
    array([0., 2., 6.], dtype=float32)
    """


@elementwise(
    picks=[lambda x: logical_and(x >= -1, x <= 1)],
    lowering=lambda m, x: _clamped(m, x, -1, 1),
    reference=lambda x: np.clip(x, x.dtype.type(-1), x.dtype.type(1)),
    operands="number",
    exact=lambda mp, x: _clamped_exact(mp, x, -1, 1),
    formula=lambda sp, x: sp.Piecewise((-1, x < -1), (1, x > 1), (x, True)),
    smoothness=0,
)
def hard_tanh(x: TensorLike, name: str | None = None) -> Tensor:
    """min(max(x, -1), 1), elementwise. Its derivative at -1 and 1 is 1, as that of TensorFlow's clip_by_value.

    >>> import gradtape as tf
    >>> tf.nn.hard_tanh([-3., 0.5, 1.]).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """


@elementwise(
    notation=lambda inputs: notation.Text(f"({inputs[0].within(notation.SUM)} + 3)/6", notation.PRODUCT),
    partials=[lambda x: literal(1 / 6, x.dtype)],
    lowering="hard_line",
    reference=lambda x: ((x.astype(np.float64) + 3) / 6).astype(x.dtype),
    public=False,
    exact=lambda mp, x: (x + 3) / 6,
)
def hard_line(x: TensorLike, name: str | None = None) -> Tensor:
    """(x + 3) / 6."""


@operation("x")
def hard_sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """x/6 + 1/2 limited to [0, 1], elementwise, as in Keras 3 and PyTorch. Its derivative at -3 and 3 is 0.

    >>> import gradtape as tf
    >>> tf.nn.hard_sigmoid([-4., 0., 1.5]).numpy()
    array([0.  , 0.5 , 0.75], dtype=float32)
    """
    return where(x <= -3, 0, where(x >= 3, 1, hard_line(x)))


@operation("x")
@rounded_once
def softshrink(x: TensorLike, lambd: float = 0.5, name: str | None = None) -> Tensor:
    """x moved by `lambd` towards 0, and 0 where |x| ≤ lambd, elementwise. Its derivative at ±lambd is 0.

    >>> import gradtape as tf
    >>> tf.nn.softshrink([-2., 0.3, 1.]).numpy()
    array([-1.5,  0. ,  0.5], dtype=float32)
    """
    width = number_node(float(lambd), x.dtype)
    return where(abs(x) <= width, 0, where(x > 0, x - width, x + width))


@operation("x")
@rounded_once
def hardshrink(x: TensorLike, lambd: float = 0.5, name: str | None = None) -> Tensor:
    """x, and 0 where |x| ≤ lambd, elementwise. Its derivative at ±lambd is 0.

    >>> import gradtape as tf
    >>> tf.nn.hardshrink([-2., 0.3, 1.]).numpy()
    array([-2.,  0.,  1.], dtype=float32)
    """
    return where(abs(x) <= number_node(float(lambd), x.dtype), 0, x)


# -- linear on one side, exponential on the other -------------------------------------------------------------


def _elu_exact(mp: Any, x: Any, order: int) -> Any:
    if mp.isnan(x):
        return mp.nan
    if not order:
        return x if x > 0 else mp.expm1(x)
    return mp.mpf(order == 1) if x >= 0 else mp.exp(x)


def _elu_reference(x: Any, order: int) -> Any:
    below = np.minimum(x, x.dtype.type(0))
    if not order:
        return np.where(x > 0, x, np.expm1(below))
    return np.where(x >= 0, x.dtype.type(order == 1), np.exp(below))


@elementwise(
    notation=notation.derivative_of("elu"),
    partials=[lambda x, order: exponential_linear(x, order=min(order + 1, 2))],
    lowering="elu",
    reference=_elu_reference,
    family="order",
    public=False,
    exact=_elu_exact,
    formula=lambda sp, x: sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)),
    smoothness=lambda order: 1 - order,
)
def exponential_linear(x: TensorLike, name: str | None = None) -> Tensor:
    """x for x > 0, else eˣ - 1. The derivatives at 0 are those of x, and all after the second are the second."""


@operation("features")
@rounded_once
def elu(features: TensorLike, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """x for x > 0, else alpha·(eˣ - 1), elementwise. Its derivative at 0 is alpha, TensorFlow's convention, and its
    second one 0.

    >>> import gradtape as tf
    >>> tf.nn.elu([-1., 2.]).numpy()
    array([-0.63212055,  2.        ], dtype=float32)

    Source: Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by exponential linear units*,
    2015.
    """
    value = exponential_linear(features)
    if alpha == 1:
        return value
    return where(features > 0, features, number_node(float(alpha), features.dtype) * value)


@operation("x")
@rounded_once
def celu(x: TensorLike, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """x for x > 0, else alpha·(e^(x/alpha) - 1), elementwise, which is smooth: its derivative at 0 is 1 for every
    alpha. The second one at 0 is 0.

    Raises ArgumentError for an alpha of 0.

    >>> import gradtape as tf
    >>> tf.nn.celu([-1., 2.], alpha=2.).numpy()
    array([-0.78693867,  2.        ], dtype=float32)

    Source: Barron, *Continuously differentiable exponential linear units*, 2017.
    """
    if alpha == 1:
        return exponential_linear(x)
    if not alpha:
        raise ArgumentError("celu divides by alpha, but alpha=0 was given; for alpha towards 0 it is relu")
    width = number_node(float(alpha), x.dtype)
    return where(x > 0, x, width * exponential_linear(x / width))


def _selu_exact(mp: Any, x: Any, order: int) -> Any:
    scale, alpha = (mp.mpf(c.numerator) / c.denominator for c in selu_constants())
    if x > 0 and not order:
        return scale * x
    if order and x >= 0:
        return scale if order == 1 else mp.zero
    return scale * alpha * (mp.exp(x) if order else mp.expm1(x))


def _selu_formula(sp: Any, x: Any) -> Any:
    scale, alpha = (sp.Rational(c.numerator, c.denominator) for c in selu_constants())
    return scale * sp.Piecewise((x, x > 0), (alpha * (sp.exp(x) - 1), True))


def _selu_reference(x: Any, order: int) -> Any:
    scale, alpha = map(float, selu_constants())
    wide = x.astype(np.float64)
    below = np.minimum(wide, 0)
    if not order:
        return np.where(x > 0, scale * wide, scale * alpha * np.expm1(below)).astype(x.dtype)
    return np.where(x >= 0, scale * (order == 1), scale * alpha * np.exp(below)).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: selu(x, order=min(order + 1, 2))],
    lowering="selu",
    reference=_selu_reference,
    family="order",
    exact=_selu_exact,
    formula=_selu_formula,
    smoothness=lambda order: max(-order, -1),
)
def selu(features: TensorLike, name: str | None = None) -> Tensor:
    """1.0507…·x for x > 0, else 1.0507…·1.6732…·(eˣ - 1), elementwise. The derivatives at 0 are those of the linear
    part, TensorFlow's convention.

    >>> import gradtape as tf
    >>> tf.nn.selu([-1., 2.]).numpy()
    array([-1.1113307,  2.101402 ], dtype=float32)

    Source: Klambauer et al., *Self-normalizing neural networks*, 2017.
    """
