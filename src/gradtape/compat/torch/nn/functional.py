"""``torch.nn.functional``: activation functions.

>>> import gradtape.compat.torch as torch
>>> import gradtape.compat.torch.nn.functional as F
>>> F.leaky_relu(torch.tensor([-1.0, 2.0]))
tensor([-0.0100,  2.0000])
"""

from __future__ import annotations

from typing import Any

import gradtape as tf
from gradtape.compat.torch.functions import to_float
from gradtape.compat.torch.tensor import Tensor, own, tensor
from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle, TensorLike

__all__ = [
    "binary_cross_entropy_with_logits",
    "celu",
    "cross_entropy",
    "elu",
    "gelu",
    "hardshrink",
    "hardsigmoid",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
]


def relu(input: TensorLike) -> Tensor:
    """max(x, 0), elementwise."""
    return own(tf.nn.relu(_tensor(input)))


def leaky_relu(input: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """x for x > 0, else negative_slope·x, elementwise."""
    return own(tf.nn.leaky_relu(to_float(_tensor(input)), alpha=negative_slope))


def softplus(input: TensorLike, beta: float = 1.0) -> Tensor:
    """log(1 + e^(beta·x)) / beta, elementwise; exact for every x, so there is no threshold to become linear."""
    x = to_float(_tensor(input))
    return own(tf.nn.softplus(x) if beta == 1 else tf.nn.softplus(beta * x) / beta)


def sigmoid(input: TensorLike) -> Tensor:
    """1 / (1 + e^-x), elementwise."""
    return own(tf.sigmoid(to_float(_tensor(input))))


def tanh(input: TensorLike) -> Tensor:
    """The hyperbolic tangent, elementwise."""
    return own(tf.tanh(to_float(_tensor(input))))


def gelu(input: TensorLike, approximate: str = "none") -> Tensor:
    """x Φ(x), elementwise, with the normal distribution function Φ; its tanh form with approximate="tanh".

    >>> gelu(tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu has the forms 'none' and 'tanh', but approximate={approximate!r} was given")
    return own(tf.nn.gelu(to_float(_tensor(input)), approximate == "tanh"))


def relu6(input: TensorLike) -> Tensor:
    """min(max(x, 0), 6), elementwise."""
    return own(tf.nn.relu6(_tensor(input)))


def hardtanh(input: TensorLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x limited to [min_val, max_val], elementwise."""
    x = _tensor(input)
    limited = tf.nn.hard_tanh(x) if (min_val, max_val) == (-1, 1) else tf.minimum(tf.maximum(x, min_val), max_val)
    return own(limited)


def hardsigmoid(input: TensorLike) -> Tensor:
    """x/6 + 1/2 limited to [0, 1], elementwise."""
    return own(tf.nn.hard_sigmoid(to_float(_tensor(input))))


def logsigmoid(input: TensorLike) -> Tensor:
    """log(sigmoid(x)), elementwise."""
    return own(tf.nn.log_sigmoid(to_float(_tensor(input))))


def silu(input: TensorLike) -> Tensor:
    """x·sigmoid(x), elementwise."""
    return own(tf.nn.silu(to_float(_tensor(input))))


def mish(input: TensorLike) -> Tensor:
    """x·tanh(softplus(x)), elementwise."""
    return own(tf.nn.mish(to_float(_tensor(input))))


def elu(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """x for x > 0, else alpha·(eˣ - 1), elementwise."""
    return own(tf.nn.elu(to_float(_tensor(input)), alpha=alpha))


def selu(input: TensorLike) -> Tensor:
    """elu with alpha = 1.6732…, times 1.0507…, elementwise."""
    return own(tf.nn.selu(to_float(_tensor(input))))


def celu(input: TensorLike, alpha: float = 1.0) -> Tensor:
    """x for x > 0, else alpha·(e^(x/alpha) - 1), elementwise."""
    return own(tf.nn.celu(to_float(_tensor(input)), alpha=alpha))


def softsign(input: TensorLike) -> Tensor:
    """x / (1 + |x|), elementwise."""
    return own(tf.nn.softsign(to_float(_tensor(input))))


def tanhshrink(input: TensorLike) -> Tensor:
    """x - tanh(x), elementwise."""
    return own(tf.nn.tanhshrink(to_float(_tensor(input))))


def softshrink(input: TensorLike, lambd: float = 0.5) -> Tensor:
    """x moved by lambd towards 0, and 0 where |x| ≤ lambd, elementwise."""
    return own(tf.nn.softshrink(to_float(_tensor(input)), lambd=lambd))


def hardshrink(input: TensorLike, lambd: float = 0.5) -> Tensor:
    """x, and 0 where |x| ≤ lambd, elementwise."""
    return own(tf.nn.hardshrink(to_float(_tensor(input)), lambd=lambd))


def softmax(input: TensorLike, dim: int) -> Tensor:
    """exp(x) / Σ exp(x) over `dim`."""
    return own(tf.nn.softmax(to_float(_tensor(input)), dim))


def log_softmax(input: TensorLike, dim: int) -> Tensor:
    """x - log Σ exp(x) over `dim`."""
    return own(tf.nn.log_softmax(to_float(_tensor(input)), dim))


def cross_entropy(input: TensorLike, target: TensorLike, *, reduction: str = "mean") -> Tensor:
    """-log softmax(input)[target] for rows of logits over axis 1 (0 if there is but one axis).

    `target` are class numbers, of the shape of `input` without that axis, or probabilities of the shape of `input`.
    `reduction` is "mean" or "sum" over all losses, or "none".

    >>> cross_entropy(tensor([[0.0, 0.0]]), tensor([1]))
    tensor(0.6931)
    """
    logits, labels = to_float(_tensor(input)), _tensor(target)
    axis = 1 if len(logits.shape) > 1 else 0
    if labels.dtype.is_integer:
        labels = tf.one_hot(labels, logits.shape[axis], axis=axis, dtype=logits.dtype)
    return _reduced(tf.nn.softmax_cross_entropy_with_logits(labels, logits, axis), reduction)


def binary_cross_entropy_with_logits(input: TensorLike, target: TensorLike, *, reduction: str = "mean") -> Tensor:
    """-target·log σ(input) - (1 - target)·log(1 - σ(input)); `reduction` as in `cross_entropy`."""
    return _reduced(tf.nn.sigmoid_cross_entropy_with_logits(_tensor(target), to_float(_tensor(input))), reduction)


def _reduced(losses: Any, reduction: str) -> Tensor:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"a reduction is 'mean', 'sum' or 'none', but reduction={reduction!r} was given")
    if reduction == "none":
        return own(losses)
    return own(tf.reduce_mean(losses) if reduction == "mean" else tf.reduce_sum(losses))


def _tensor(x: Any) -> Any:
    return x if isinstance(x, Handle) else tensor(x)
