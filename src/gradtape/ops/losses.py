"""Losses that training minimises, straight from logits: cross entropies; and one_hot."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import DTypeError, ShapeError
from gradtape.graph.dtypes import as_dtype, float32, float64, int32, promote
from gradtape.graph.handles import TensorLike, leaf
from gradtape.graph.node import Node
from gradtape.graph.shapes import normalize_axes
from gradtape.ops.activations import softplus
from gradtape.ops.arithmetic import negative
from gradtape.ops.declare import convert, literal, operation
from gradtape.ops.halves import rounded_once
from gradtape.ops.logits import real, rows
from gradtape.ops.masked import multiply_no_nan
from gradtape.ops.selection import equal, logical_and, where
from gradtape.ops.shaping import SUM, over_runs, reshaped

Tensor = Any


def _positions(length: int, axis: int, rank: int) -> Node:
    """0, 1, … along one of `rank` axes."""
    return leaf(np.arange(length, dtype=np.int32).reshape([length if i == axis else 1 for i in range(rank)]), int32)


def _chosen(indices: Node, length: int, axis: int) -> Node:
    """Whether an index is the position along a new axis of this length, at `axis`."""
    shape = indices.shape[:axis] + (1,) + indices.shape[axis:]
    return equal(reshaped(indices, shape), convert(_positions(length, axis, len(shape)), indices.dtype))


def _whole(name: str, x: Node) -> Node:
    if not x.dtype.is_integer:
        raise DTypeError(f"{name} must be integers, but a tensor of type {x.dtype.name} was given")
    return x


@operation("indices", "on_value", "off_value")
def one_hot(
    indices: TensorLike,
    depth: int,
    on_value: TensorLike | None = None,
    off_value: TensorLike | None = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """`on_value` (1 unless given) at the indices and `off_value` (0) elsewhere, along a new axis of length `depth`.

    The new axis is the last one unless `axis` says otherwise. The result has the type `dtype`, else that of the values,
    else float32. An index outside [0, depth) gives a row of `off_value`. Raises DTypeError if indices are not integers.

    >>> import gradtape as tf
    >>> tf.one_hot([2, 0], 3).numpy()
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    _whole("indices", indices)
    (place,) = normalize_axes(-1 if axis is None else axis, len(indices.shape) + 1)
    given = [v for v in (on_value, off_value) if v is not None]
    found = as_dtype(dtype) if dtype is not None else float32
    if dtype is None and given:
        found = given[0].dtype if len(given) == 1 else promote(given[0].dtype, given[1].dtype)
    on = literal(1, found) if on_value is None else convert(on_value, found)
    off = literal(0, found) if off_value is None else convert(off_value, found)
    return where(_chosen(indices, int(depth), place), on, off)


@operation("labels", "logits")
def softmax_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, axis: int = -1, name: str | None = None
) -> Tensor:
    """-Σ labels · log softmax(logits) over `axis`: one loss for each row.

    `labels` has the shape of `logits`, each row a probability distribution (which is not checked). A logit of -inf may
    stand where the label is 0. Raises ShapeError if the shapes differ, DTypeError for integer logits.

    >>> import gradtape as tf
    >>> tf.nn.softmax_cross_entropy_with_logits(labels=[[1., 0.]], logits=[[20., 0.]]).numpy()
    array([2.0611537e-09], dtype=float32)
    """
    if labels.shape != logits.shape:
        raise ShapeError(f"labels and logits need one shape, but {labels.shape} and {logits.shape} were given")
    row = rows("softmax_cross_entropy_with_logits", logits, axis)
    share = convert(labels, float64)
    return convert(over_runs(SUM, multiply_no_nan(-row.log_softmax(), share), row.axes), logits.dtype)


@operation("labels", "logits")
def sparse_softmax_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike, name: str | None = None) -> Tensor:
    """-log softmax(logits)[label] over the last axis: one loss for each row.

    `labels` are integers of shape logits.shape[:-1]; the loss of a label outside [0, classes) is NaN. Raises ShapeError
    if the shapes do not belong together, DTypeError if labels are not integers.

    >>> import gradtape as tf
    >>> tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[20., 0.]]).numpy()
    array([2.0611537e-09], dtype=float32)
    """
    _whole("labels", labels)
    if labels.shape != logits.shape[:-1]:
        raise ShapeError(
            f"labels of shape {logits.shape[:-1]} belong to logits of shape {logits.shape}, but their shape is "
            f"{labels.shape}"
        )
    row = rows("sparse_softmax_cross_entropy_with_logits", logits, -1)
    classes, axis = logits.shape[-1], len(labels.shape)
    chosen = over_runs(SUM, where(_chosen(labels, classes, axis), row.log_softmax(), 0), row.axes)
    known = logical_and(labels >= 0, labels < classes)
    refused = where(known, literal(0, float64), float("nan"))
    return convert(refused - chosen, logits.dtype)


@operation("labels", "logits")
def sigmoid_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike, name: str | None = None) -> Tensor:
    """-labels · log σ(logits) - (1 - labels) · log(1 - σ(logits)), elementwise.

    For a label z between 0 and 1 it is computed as (1 - z)·softplus(x) + z·softplus(-x), in which nothing cancels; its
    derivative by x is (1 - z)·σ(x) - z·σ(-x). Raises ShapeError if the shapes differ.

    >>> import gradtape as tf
    >>> tf.nn.sigmoid_cross_entropy_with_logits(labels=[1., 0.], logits=[50., 0.]).numpy()
    array([1.9287499e-22, 6.9314718e-01], dtype=float32)
    """
    x = real("sigmoid_cross_entropy_with_logits", logits)
    z = convert(labels, x.dtype)
    if z.shape != x.shape:
        raise ShapeError(f"labels and logits need one shape, but {z.shape} and {x.shape} were given")
    return _binary_cross_entropy(z, x)


@rounded_once
def _binary_cross_entropy(z: Node, x: Node) -> Node:
    return multiply_no_nan(softplus(x), 1 - z) + multiply_no_nan(softplus(negative(x)), z)
