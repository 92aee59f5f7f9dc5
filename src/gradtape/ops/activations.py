"""Activation functions, and the families that their derivatives form.

sigmoid and tanh know all their derivatives: the primitive has the order as a static parameter, its derivative is the
next order, and each order is evaluated by a formula of its own in e^-|x|, without cancellation. Writing the
derivative as s(1 - s) or 1 - t² of the *rounded* s or t would lose all digits in the tails.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph.handles import TensorLike, number_node
from gradtape.ops.declare import elementwise, operation
from gradtape.ops.selection import where

Tensor = Any


def eulerian(order: int) -> list[int]:
    """The coefficients of the polynomial A in σ⁽ᵏ⁾(x) = e·A(e) / (1 + e)ᵏ⁺¹ with e = e^-x, k ≥ 1.

    The recurrence comes from differentiating that form: A is the Eulerian polynomial at -e.

    >>> eulerian(1), eulerian(2), eulerian(3)
    ([1], [-1, 1], [1, -4, 1])
    """
    row = [1]
    for k in range(2, order + 1):
        row = [(j + 1) * (row[j] if j < len(row) else 0) + (k - j) * (row[j - 1] if j > 0 else 0) for j in range(k)]
    return [(-1) ** (order - 1 + j) * a for j, a in enumerate(row)]


def _sigmoid_reference(x: Any, order: int) -> Any:
    with np.errstate(all="ignore"):
        z = np.exp(-np.abs(x, dtype=np.float64))
        if order == 0:
            return np.where(x >= 0, 1 / (1 + z), z / (1 + z)).astype(x.dtype)
        even_sign = np.where(x < 0, (-1.0) ** (order - 1), 1.0)
        total = even_sign * z * np.polyval(eulerian(order)[::-1], z) / (1 + z) ** (order + 1)
        return np.where(np.isnan(x), x, total).astype(x.dtype)


def _tanh_reference(x: Any, order: int) -> Any:
    if order == 0:
        return np.tanh(x)
    return (2.0 ** (order + 1) * _sigmoid_reference(2 * x.astype(np.float64), order)).astype(x.dtype)


def _sigmoid_exact(mp: Any, x: Any, order: int) -> Any:
    """The same formula in e^-|x|. The function is even or odd from the first derivative on."""
    z = mp.exp(-mp.fabs(x))
    if order == 0:
        return 1 / (1 + z) if x >= 0 else z / (1 + z)
    total = z * mp.polyval(eulerian(order)[::-1], z) / (1 + z) ** (order + 1)
    return -total if x < 0 and order % 2 == 0 else total


def _tanh_exact(mp: Any, x: Any, order: int) -> Any:
    return 2 ** (order + 1) * _sigmoid_exact(mp, 2 * x, order) if order else mp.tanh(x)


@elementwise(
    partials=[lambda x, order: sigmoid(x, order=order + 1)],
    lowering="sigmoid",
    reference=_sigmoid_reference,
    family="order",
    exact=_sigmoid_exact,
)
def sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """The logistic function 1 / (1 + e^-x), elementwise; values in (0, 1).

    >>> import gradtape as tf
    >>> tf.sigmoid([-100., 0.]).numpy()
    array([3.8e-44, 5.0e-01], dtype=float32)
    """


@elementwise(
    partials=[lambda x, order: tanh(x, order=order + 1)],
    lowering="tanh",
    reference=_tanh_reference,
    family="order",
    exact=_tanh_exact,
)
def tanh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic tangent, elementwise; values in (-1, 1)."""


@elementwise(
    partials=[lambda x: sigmoid(x)],
    lowering="softplus",
    reference=lambda x: np.logaddexp(x, x.dtype.type(0)),
    exact=lambda mp, x: max(x, mp.zero) + mp.log1p(mp.exp(-mp.fabs(x))),
)
def softplus(features: TensorLike, name: str | None = None) -> Tensor:
    """log(1 + eˣ), elementwise, a smooth relu; exact also for very negative x."""


@elementwise(
    picks=[lambda x: x > 0],
    lowering=lambda m, x: m.maximum(x, 0),
    reference=lambda x: np.maximum(x, x.dtype.type(0)),
    operands="number",
    exact=lambda mp, x: mp.nan if mp.isnan(x) else max(x, mp.zero),
)
def relu(features: TensorLike, name: str | None = None) -> Tensor:
    """max(x, 0), elementwise. Its derivative at 0 is 0, TensorFlow's convention.

    >>> import gradtape as tf
    >>> tf.nn.relu([-1., 2.]).numpy()
    array([0., 2.], dtype=float32)
    """


@operation("features")
def leaky_relu(features: TensorLike, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x for x > 0, else alpha·x, elementwise. Its derivative at 0 is alpha, TensorFlow's convention."""
    slope = number_node(float(alpha), features.dtype)
    return where(features > 0, features, slope * features)
