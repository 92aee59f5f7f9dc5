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
from gradtape.graph.handles import Handle, TensorLike

__all__ = ["leaky_relu", "relu", "sigmoid", "softplus", "tanh"]


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


def _tensor(x: Any) -> Any:
    return x if isinstance(x, Handle) else tensor(x)
