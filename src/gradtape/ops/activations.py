"""Activation functions, and the families that their derivatives form. Those in pieces are in `rectifiers`.

The smooth ones know all their derivatives: the primitive has the order as a static parameter, its derivative is the
next order, and each order is evaluated by a formula of its own in e^-|x|, without cancellation. Writing the
derivative as s(1 - s) or 1 - t² of the *rounded* s or t would lose all digits in the tails.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.handles import TensorLike, as_node, number_node
from gradtape.graph.node import Node
from gradtape.ops.arithmetic import abs, sign
from gradtape.ops.closed_forms import logistic, mish_weight, polynomial, shrink_terms
from gradtape.ops.declare import PUBLIC, elementwise, operation
from gradtape.ops.halves import rounded_once
from gradtape.ops.powers import reciprocal, square
from gradtape.ops.series import Alike, Closed, member

Tensor = Any


def _sigmoid_reference(x: Any, order: int) -> Any:
    with np.errstate(all="ignore"):
        z = np.exp(-np.abs(x, dtype=np.float64))
        if order == 0:
            return np.where(x >= 0, 1 / (1 + z), z / (1 + z)).astype(x.dtype)
        total = z * np.polyval(logistic(order)[::-1], z) / (1 + z) ** (order + 1)
        if order % 2 == 0:
            total = total * -np.expm1(-np.abs(x, dtype=np.float64)) * np.sign(x)
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
    total = z * polynomial(logistic(order), z) / (1 + z) ** (order + 1)
    return total if order % 2 else -total * mp.expm1(-mp.fabs(x)) * mp.sign(x)


def _tanh_exact(mp: Any, x: Any, order: int) -> Any:
    return 2 ** (order + 1) * _sigmoid_exact(mp, 2 * x, order) if order else mp.tanh(x)


@elementwise(
    partials=[lambda x, order: sigmoid(x, order=order + 1)],
    lowering="sigmoid",
    reference=_sigmoid_reference,
    family="order",
    exact=_sigmoid_exact,
    formula=lambda sp, x: 1 / (1 + sp.exp(-x)),
    series=Alike(lambda x, order: member(tanh, 0.5 * x, order) * 0.5 ** (order + 1)),
)
def sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """The logistic function 1 / (1 + e^-x), elementwise; values in (0, 1).

    >>> import gradtape as tf
    >>> tf.sigmoid([-100., 0.]).numpy()
    array([3.8e-44, 5.0e-01], dtype=float32)
    """


def _tanh_slope(x: Node, order: int) -> Node | None:
    """Of the value and the first derivative, which is not made from the value: that would cancel in the tails."""
    if order > 1:
        return None
    slope = member(tanh, x, 1)
    return -2 * tanh(x) * slope if order else slope


@elementwise(
    partials=[lambda x, order: tanh(x, order=order + 1)],
    lowering="tanh",
    reference=_tanh_reference,
    family="order",
    exact=_tanh_exact,
    series=Closed([lambda x, order: _tanh_slope(x, order)]),
)
def tanh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic tangent, elementwise; values in (-1, 1)."""


@elementwise(
    partials=[lambda x: sigmoid(x)],
    lowering="softplus",
    reference=lambda x: np.logaddexp(x, x.dtype.type(0)),
    exact=lambda mp, x: max(x, mp.zero) + mp.log1p(mp.exp(-mp.fabs(x))),
    formula=lambda sp, x: sp.log(1 + sp.exp(x)),
)
def softplus(features: TensorLike, name: str | None = None) -> Tensor:
    """log(1 + eˣ), elementwise, a smooth relu; exact also for very negative x."""


@operation("x")
def log_sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """log(1 / (1 + e^-x)), elementwise, which is -softplus(-x); exact also for very large x.

    >>> import gradtape as tf
    >>> tf.math.log_sigmoid([-200., 0., 20.]).numpy()
    array([-2.0000000e+02, -6.9314718e-01, -2.0611537e-09], dtype=float32)
    """
    return -softplus(-x)


def _logit_exact(mp: Any, x: Any, order: int) -> Any:
    if not 0 <= x <= 1:
        return mp.nan
    if order:
        if x in (0, 1):
            return mp.inf if x or order % 2 else -mp.inf
        return mp.factorial(order - 1) * (1 / (1 - x) ** order - (-1) ** order / x**order)
    if 0.25 <= x <= 0.75:
        return mp.log1p((2 * x - 1) / (1 - x))  # near its zero at 1/2 the logarithms cancel
    return mp.log(x) - mp.log(1 - x)


def _logit_reference(x: Any, order: int) -> Any:
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        if not order:
            near = np.log1p((2 * wide - 1) / (1 - wide))
            return np.where(np.abs(wide - 0.5) <= 0.25, near, np.log(wide) - np.log1p(-wide)).astype(x.dtype)
        inside = np.where((wide >= 0) & (wide <= 1), wide, np.nan)
        total = math.factorial(order - 1) * (1 / (1 - inside) ** order - (-1) ** order / np.abs(inside) ** order)
        return total.astype(x.dtype)


@elementwise(
    partials=[lambda x, order: logit(x, order=order + 1)],
    lowering="logit",
    reference=_logit_reference,
    family="order",
    domain="0 < x < 1",
    exact=_logit_exact,
    formula=lambda sp, x: sp.log(x / (1 - x)),
    series=Closed([lambda x, order: None if order else reciprocal(x * (1 - x))]),
)
def logit(x: TensorLike, name: str | None = None) -> Tensor:
    """log(x / (1 - x)), elementwise, the inverse of sigmoid; exact also next to its zero at 1/2. It is -inf at 0, inf
    at 1 and NaN outside.

    >>> import gradtape as tf
    >>> tf.math.logit([0.25, 0.5]).numpy()
    array([-1.0986123,  0.       ], dtype=float32)
    """


def _silu_reference(x: Any, order: int) -> Any:
    wide = x.astype(np.float64)
    value = wide * _sigmoid_reference(wide, order)
    return (value + order * _sigmoid_reference(wide, order - 1) if order else value).astype(x.dtype)


def _silu_slope(x: Node, order: int) -> Node | None:
    """The first member, which is exact next to its zero; the second is σ'(x) (2 - x tanh(x/2))."""
    if order != 1:
        return None if order else member(sigmoid_weighted, x, 1)
    return 0.25 * member(tanh, 0.5 * x, 1) * (2 - x * tanh(0.5 * x))


def _silu_exact(mp: Any, x: Any, order: int) -> Any:
    value = x * _sigmoid_exact(mp, x, order)
    return value + order * _sigmoid_exact(mp, x, order - 1) if order else value


@elementwise(
    notation=notation.derivative_of("silu"),
    partials=[lambda x, order: sigmoid_weighted(x, order=order + 1)],
    lowering="silu",
    reference=_silu_reference,
    family="order",
    public=False,
    exact=_silu_exact,
    formula=lambda sp, x: x / (1 + sp.exp(-x)),
    series=Closed([lambda x, order: _silu_slope(x, order)]),
)
def sigmoid_weighted(x: TensorLike, name: str | None = None) -> Tensor:
    """x / (1 + e^-x), elementwise."""


@operation("features")
@rounded_once
def silu(features: TensorLike, beta: float | Tensor = 1.0, name: str | None = None) -> Tensor:
    """x·sigmoid(beta·x), elementwise. Also called swish.

    For a tensor `beta`, which broadcasts, there is a gradient too.

    >>> import gradtape as tf
    >>> tf.nn.silu([-100., -1., 2.]).numpy()
    array([-3.7204474e-42, -2.6894143e-01,  1.7615942e+00], dtype=float32)

    Source: Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning*, Neural Networks 107, 2018.
    """
    if isinstance(beta, (int, float)):
        if beta == 1:
            return sigmoid_weighted(features)
        if beta:
            factor = number_node(float(beta), features.dtype)
            return sigmoid_weighted(factor * features) / factor
        return features * 0.5
    return features * sigmoid(as_node(beta) * features)


PUBLIC["swish"] = silu


def _mish_slope(x: Node, order: int) -> Node | None:
    """The first member, which is exact next to its zero; the second is 2R' + xR'', where R = tanh(softplus(x)) has
    R' = tanh'·σ and R'' = tanh'·(σ' - 2 R σ²)."""
    if order != 1:
        return None if order else member(mish, x, 1)
    weight, slope, s = tanh(softplus(x)), member(tanh, softplus(x), 1), sigmoid(x)
    return slope * (2 * s + x * (0.25 * member(tanh, 0.5 * x, 1) - 2 * weight * square(s)))


def _mish_exact(mp: Any, x: Any, order: int) -> Any:
    e = mp.exp(x)
    base = e * e + 2 * e + 2
    total = x * polynomial(mish_weight(order), e)
    if order:
        total += order * base * polynomial(mish_weight(order - 1), e)
    return total * e / base ** (order + 1)


def _mish_reference(x: Any, order: int) -> Any:
    """In whichever of eˣ and e^-x is at most 1."""
    wide = np.clip(x.astype(np.float64), -750, None)
    e = np.exp(-np.abs(wide))
    positive = wide > 0

    def either(terms: tuple[int, ...]) -> Any:
        return np.where(positive, np.polyval(terms, e), np.polyval(terms[::-1], e))

    base = either((2, 2, 1))
    total = wide * either(mish_weight(order)) * np.where(positive & (order == 1), e * e, 1)
    if order:
        total = total + order * base * either(mish_weight(order - 1))
    head = np.where(positive, e**2 if order > 1 else 1, e)
    return (total * head / base ** (order + 1)).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: mish(x, order=order + 1)],
    lowering="mish",
    reference=_mish_reference,
    family="order",
    exact=_mish_exact,
    formula=lambda sp, x: x * sp.tanh(sp.log(1 + sp.exp(x))),
    series=Closed([lambda x, order: _mish_slope(x, order)]),
)
def mish(x: TensorLike, name: str | None = None) -> Tensor:
    """x·tanh(softplus(x)), elementwise.

    >>> import gradtape as tf
    >>> tf.nn.mish([-1., 2.]).numpy()
    array([-0.30340147,  1.943959  ], dtype=float32)

    Source: Misra, *Mish: a self regularized non-monotonic activation function*, 2019.
    """


def _softsign_exact(mp: Any, x: Any, order: int) -> Any:
    base = 1 + mp.fabs(x)
    if not order:
        return x / base if mp.isfinite(x) else mp.sign(x)
    slope = mp.factorial(order) / base ** (order + 1)
    return slope if order % 2 else -slope * mp.sign(x)


def _softsign_reference(x: Any, order: int) -> Any:
    wide = x.astype(np.float64)
    base = 1 + np.abs(wide)
    if not order:
        return (wide / base).astype(x.dtype)
    slope = math.factorial(order) / base ** (order + 1)
    return (slope if order % 2 else -slope * np.sign(wide)).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: softsign(x, order=order + 1)],
    lowering="softsign",
    reference=_softsign_reference,
    family="order",
    exact=_softsign_exact,
    formula=lambda sp, x: x / (1 + sp.Abs(x)),
    smoothness=lambda order: max(1 - order, -1),
    series=Closed(
        [
            lambda x, order: (
                softsign(x, order=order) * sign(x) * -(order + 1) / (1 + abs(x))
                if order
                else reciprocal(square(1 + abs(x)))
            )
        ]
    ),
)
def softsign(features: TensorLike, name: str | None = None) -> Tensor:
    """x / (1 + |x|), elementwise; values in (-1, 1). Derivatives of even order jump at 0, where they are taken as 0.

    >>> import gradtape as tf
    >>> tf.nn.softsign([-1., 3.]).numpy()
    array([-0.5 ,  0.75], dtype=float32)
    """


def _tanhshrink_exact(mp: Any, x: Any, order: int) -> Any:
    if order:
        return mp.tanh(x) ** 2 if order == 1 else -_tanh_exact(mp, x, order)
    if not x or not mp.isfinite(x):
        return x
    with mp.workprec(mp.prec + 2 * max(0, -mp.mag(x)) + 10):  # as much as cancels
        return x - mp.tanh(x)


def _tanhshrink_reference(x: Any, order: int) -> Any:
    wide = x.astype(np.float64)
    if order:
        return (np.tanh(wide) ** 2 if order == 1 else -_tanh_reference(wide, order)).astype(x.dtype)
    near = np.clip(wide, -1, 1)
    series = near**3 * np.polyval([float(c) for c in shrink_terms(10)][::-1], near * near) / np.cosh(near)
    return np.where(np.abs(wide) < 1, series, wide - np.tanh(wide)).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: tanhshrink(x, order=order + 1)],
    lowering="tanhshrink",
    reference=_tanhshrink_reference,
    family="order",
    exact=_tanhshrink_exact,
    formula=lambda sp, x: x - sp.tanh(x),
    series=Closed([lambda x, order: -member(tanh, x, order + 1) if order > 0 else square(tanh(x))]),
)
def tanhshrink(x: TensorLike, name: str | None = None) -> Tensor:
    """x - tanh(x), elementwise, exact also near 0, where it is about x³/3.

    >>> import gradtape as tf
    >>> tf.nn.tanhshrink([1e-3, 1.]).numpy()
    array([3.3333325e-10, 2.3840584e-01], dtype=float32)
    """
