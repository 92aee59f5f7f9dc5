"""``tf.losses`` of TensorFlow 1: one number, the mean over the elements whose weight is not 0 unless said otherwise.

>>> import gradtape.compat.v1 as tf
>>> tf.losses.mean_squared_error(labels=[1., 2.], predictions=[1., 4.]).numpy()
np.float32(2.0)
"""

from __future__ import annotations

from typing import Any

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.handles import TensorLike, as_node, wrap
from gradtape.graph.node import Node
from gradtape.graph.shapes import size
from gradtape.ops.declare import convert
from gradtape.ops.losses import sigmoid_cross_entropy_with_logits
from gradtape.ops.reductions import reduce_sum
from gradtape.ops.selection import equal, not_equal, where
from gradtape.ops.shaping import broadcasted, reshaped
from gradtape.ops.training_losses import (
    absolute_terms,
    categorical_rows,
    huber_terms,
    pair_of,
    sparse_losses,
    squared_terms,
)

__all__ = [
    "Reduction",
    "absolute_difference",
    "huber_loss",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]

Tensor = Any


class Reduction:
    """How the losses of elements become one number."""

    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_BY_NONZERO_WEIGHTS = SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"


def _reduced(losses: Node, weights: TensorLike, reduction: str) -> Tensor:
    weight = convert(as_node(weights), losses.dtype)
    if len(weight.shape) == len(losses.shape) + 1 and weight.shape[-1] == 1:
        weight = reshaped(weight, weight.shape[:-1])
    weighted = losses * weight
    if weighted.shape != losses.shape:
        raise ShapeError(f"weights of shape {weight.shape} do not belong to losses of shape {losses.shape}")
    weight = broadcasted(weight, losses.shape)
    if reduction == Reduction.NONE:
        return wrap(weighted)
    total = reduce_sum(weighted)
    if reduction == Reduction.SUM:
        return wrap(total)
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return wrap(total / float(size(losses.shape)))
    if reduction == Reduction.MEAN:
        divisor = reduce_sum(weight)
    elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        divisor = reduce_sum(convert(not_equal(weight, 0), losses.dtype))
    else:
        raise ArgumentError(f"a reduction is one of those of losses.Reduction, but {reduction!r} was given")
    empty = equal(divisor, 0)
    return wrap(where(empty, 0, total / where(empty, 1, divisor)))


def _alike(labels: TensorLike, predictions: TensorLike) -> tuple[Node, Node]:
    true, pred = pair_of(labels, predictions)
    if true.shape != pred.shape:
        raise ShapeError(f"labels of shape {true.shape} and predictions of shape {pred.shape} need one shape")
    return true, pred


def mean_squared_error(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: Any = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """(predictions - labels)² of all elements, weighted and reduced."""
    return _reduced(squared_terms(*_alike(labels, predictions)), weights, reduction)


def absolute_difference(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: Any = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """|predictions - labels| of all elements, weighted and reduced."""
    return _reduced(absolute_terms(*_alike(labels, predictions)), weights, reduction)


def huber_loss(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: Any = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """e²/2 where |e| ≤ delta, else delta·(|e| - delta/2), of all errors e, weighted and reduced."""
    return _reduced(huber_terms(*_alike(labels, predictions), delta), weights, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: Any = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of yes and no of all elements, from logits, weighted and reduced."""
    true, pred = _alike(multi_class_labels, logits)
    if label_smoothing:
        true = true * (1 - label_smoothing) + label_smoothing / 2
    return _reduced(sigmoid_cross_entropy_with_logits(true, pred), weights, reduction)


def softmax_cross_entropy(
    onehot_labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: Any = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of distributions in the last axis, from logits, weighted and reduced."""
    rows = categorical_rows(*_alike(onehot_labels, logits), True, label_smoothing)
    return _reduced(rows, weights, reduction)


def sparse_softmax_cross_entropy(
    labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: Any = None,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of class numbers, from logits in the last axis, weighted and reduced."""
    return _reduced(sparse_losses(labels, logits, True, None, -1)[0], weights, reduction)
