"""How far predictions are from what is true, under the names of Keras: one loss for each row, from the terms of it.

`*_terms` are losses of single elements; a row's loss is their mean over the last axis. Cross entropies of probabilities
limit these to [EPSILON, 1 - EPSILON], as Keras does, so that a prediction that is sure and wrong has a finite loss; its
gradient is 0 there. From logits nothing is limited and nothing is lost.
"""

from __future__ import annotations

from typing import Any

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.dtypes import float32, int64
from gradtape.graph.handles import Handle, TensorLike, as_node, wrap
from gradtape.graph.node import Node
from gradtape.graph.shapes import broadcast, normalize_axes
from gradtape.ops.arithmetic import abs, maximum, minimum
from gradtape.ops.declare import convert, operation
from gradtape.ops.exponential import log
from gradtape.ops.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from gradtape.ops.masked import xlog1py, xlogy
from gradtape.ops.powers import square
from gradtape.ops.reductions import reduce_mean
from gradtape.ops.selection import not_equal, where
from gradtape.ops.shaping import SUM, over_runs, reshaped, spread, transpose

Tensor = Any

EPSILON = 1e-7


def pair_of(y_true: TensorLike, y_pred: TensorLike) -> tuple[Node, Node]:
    """Nodes of the predictions' type (float32 if that is no float) and of one rank: an axis of length 1 at the end that
    only one of them has does not count. Raises ShapeError if they do not broadcast."""
    pred = as_node(y_pred)
    pred = pred if pred.dtype.is_floating else convert(pred, float32)
    true = convert(as_node(y_true, None if _is_typed(y_true) else pred.dtype), pred.dtype)
    for shorter, longer in ((true.shape, pred.shape), (pred.shape, true.shape)):
        if len(longer) == len(shorter) + 1 and longer[-1] == 1:
            true, pred = (reshaped(x, (*shorter, 1)) if x.shape == shorter else x for x in (true, pred))
            break
    broadcast(true.shape, pred.shape)
    return true, pred


def _is_typed(value: Any) -> bool:
    return isinstance(value, (Handle, Node)) or hasattr(value, "dtype")


def row_means(terms: Node) -> Node:
    return reduce_mean(terms, -1) if terms.shape else terms


def squared_terms(true: Node, pred: Node) -> Node:
    return square(pred - true)


def absolute_terms(true: Node, pred: Node) -> Node:
    return abs(pred - true)


def huber_terms(true: Node, pred: Node, delta: TensorLike = 1.0) -> Node:
    error, limit = pred - true, as_node(delta, None if isinstance(delta, (Handle, Node)) else pred.dtype)
    size = abs(error)
    return where(size <= limit, square(error) * 0.5, limit * (size - limit * 0.5))


def binary_terms(true: Node, pred: Node, from_logits: bool = False, label_smoothing: float = 0.0) -> Node:
    if label_smoothing:
        true = true * as_node(1 - label_smoothing, true.dtype) + as_node(label_smoothing / 2, true.dtype)
    if from_logits:
        return sigmoid_cross_entropy_with_logits(true, pred)
    sure = _limited(pred)
    return -(xlogy(true, sure) + xlog1py(1 - true, -sure))


def categorical_rows(
    true: Node, pred: Node, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Node:
    axes = normalize_axes(axis, len(pred.shape))
    if label_smoothing:
        even = as_node(label_smoothing / max(1, pred.shape[axes[0]]), true.dtype)
        true = true * as_node(1 - label_smoothing, true.dtype) + even
    if from_logits:
        return softmax_cross_entropy_with_logits(true, pred, axis)
    if true.shape != pred.shape:
        raise ShapeError(f"y_true and y_pred need one shape, but {true.shape} and {pred.shape} were given")
    share = pred / spread(over_runs(SUM, pred, axes), axes, pred.shape)
    return -over_runs(SUM, xlogy(true, _limited(share)), axes)


def sparse_rows(true: Node, pred: Node, from_logits: bool = False, axis: int = -1) -> Node:
    (place,) = normalize_axes(axis, len(pred.shape))
    last = len(pred.shape) - 1
    if place != last:
        pred = transpose(pred, [*[i for i in range(last + 1) if i != place], place])
    return sparse_softmax_cross_entropy_with_logits(true, pred if from_logits else log(_limited(pred)))


def class_numbers(y_true: TensorLike, pred: Node, axis: int) -> Node:
    """Labels as integers, without an axis of length 1 in the place of the classes."""
    (place,) = normalize_axes(axis, len(pred.shape))
    true = as_node(y_true)
    if len(true.shape) == len(pred.shape) and true.shape[place] == 1:
        true = reshaped(true, true.shape[:place] + true.shape[place + 1 :])
    return true if true.dtype.is_integer else convert(true, int64)


def _limited(share: Node) -> Node:
    return minimum(maximum(share, EPSILON), 1 - EPSILON)


# -- one loss for each row ------------------------------------------------------------------------------------


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of (y_pred - y_true)² over the last axis.

    An axis of length 1 at the end that only one of the two has does not count. The result has the type of `y_pred`.
    Raises ShapeError if the shapes do not belong together.

    >>> import gradtape as tf
    >>> tf.losses.mean_squared_error([[0., 1.]], [[1., 3.]]).numpy()
    array([2.5], dtype=float32)
    """
    return wrap(row_means(squared_terms(*pair_of(y_true, y_pred))))


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of |y_pred - y_true| over the last axis; shapes as in `mean_squared_error`.

    >>> import gradtape as tf
    >>> tf.losses.mean_absolute_error([[0., 1.]], [[1., 3.]]).numpy()
    array([1.5], dtype=float32)
    """
    return wrap(row_means(absolute_terms(*pair_of(y_true, y_pred))))


def huber(y_true: TensorLike, y_pred: TensorLike, delta: TensorLike = 1.0) -> Tensor:
    """The mean over the last axis of e²/2 where |e| ≤ delta, else delta·(|e| - delta/2), of the errors e.

    >>> import gradtape as tf
    >>> tf.losses.huber([[0., 0.]], [[0.5, 3.]]).numpy()
    array([1.3125], dtype=float32)
    """
    return wrap(row_means(huber_terms(*pair_of(y_true, y_pred), delta)))


def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The mean over `axis` of -y·log(p) - (1 - y)·log(1 - p), for labels y and predictions p.

    from_logits         whether predictions are logits, of which p is the sigmoid: exact however sure they are.
                        Probabilities are limited to [1e-7, 1 - 1e-7]
    label_smoothing     y is replaced by y·(1 - label_smoothing) + label_smoothing/2

    >>> import gradtape as tf
    >>> tf.losses.binary_crossentropy([[0., 1.]], [[-50., 50.]], from_logits=True).numpy()
    array([1.9287499e-22], dtype=float32)
    """
    terms = binary_terms(*pair_of(y_true, y_pred), from_logits, label_smoothing)
    return wrap(reduce_mean(terms, axis) if terms.shape else terms)


def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ y·log(p) over `axis`, for distributions y and p.

    from_logits         whether predictions are logits, of which p is the softmax: exact however sure they are. Else
                        p is `y_pred` over its sum, limited to [1e-7, 1 - 1e-7]
    label_smoothing     y is replaced by y·(1 - label_smoothing) + label_smoothing/classes

    Raises ShapeError if the shapes differ.

    >>> import gradtape as tf
    >>> tf.losses.categorical_crossentropy([[1., 0.]], [[20., 0.]], from_logits=True).numpy()
    array([2.0611537e-09], dtype=float32)
    """
    return wrap(categorical_rows(*pair_of(y_true, y_pred), from_logits, label_smoothing, axis))


def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log(p) of the true classes, for class numbers `y_true` and distributions p along `axis` of `y_pred`.

    from_logits     as in `categorical_crossentropy`
    ignore_class    rows with this label have the loss 0

    Labels have the shape of `y_pred` without `axis`, or with length 1 there. The loss of a label that is no class is
    NaN. Raises ShapeError if the shapes do not belong together.

    >>> import gradtape as tf
    >>> tf.losses.sparse_categorical_crossentropy([0, 1], [[20., 0.], [0., 0.]], from_logits=True).numpy()
    array([2.0611537e-09, 6.9314718e-01], dtype=float32)
    """
    rows, _ = sparse_losses(y_true, y_pred, from_logits, ignore_class, axis)
    return wrap(rows)


def sparse_losses(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool, ignore_class: int | None, axis: int
) -> tuple[Node, Node | None]:
    """The losses, and which of them count if one class is ignored."""
    pred = as_node(y_pred)
    pred = pred if pred.dtype.is_floating else convert(pred, float32)
    if not pred.shape:
        raise ArgumentError("y_pred is one number, but a distribution over classes is needed")
    true = class_numbers(y_true, pred, axis)
    if ignore_class is None:
        return sparse_rows(true, pred, from_logits, axis), None
    counts = not_equal(true, as_node(ignore_class, true.dtype))
    rows = sparse_rows(where(counts, true, 0), pred, from_logits, axis)
    return where(counts, rows, 0), counts


@operation("t")
def l2_loss(t: TensorLike, name: str | None = None) -> Tensor:
    """Σt²/2 over all elements.

    >>> import gradtape as tf
    >>> tf.nn.l2_loss([3., 4.]).numpy()
    np.float32(12.5)
    """
    return over_runs(SUM, square(t), tuple(range(len(t.shape)))) * 0.5
