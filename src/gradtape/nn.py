"""Activation functions under TensorFlow's name ``tf.nn``."""

from gradtape.ops.activations import log_sigmoid, mish, sigmoid, silu, softplus, softsign, tanh, tanhshrink
from gradtape.ops.exponential import exp as exponential
from gradtape.ops.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from gradtape.ops.normalised import l2_normalize, log_softmax, softmax
from gradtape.ops.ordering import top_k
from gradtape.ops.rectifiers import (
    celu,
    elu,
    hard_sigmoid,
    hard_tanh,
    hardshrink,
    leaky_relu,
    relu,
    relu6,
    selu,
    softshrink,
)
from gradtape.ops.special import gelu
from gradtape.ops.training_losses import l2_loss

swish = silu

__all__ = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "hard_tanh",
    "hardshrink",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softshrink",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
    "tanhshrink",
    "top_k",
]
