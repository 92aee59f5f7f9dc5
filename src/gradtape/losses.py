"""Losses under TensorFlow's name ``tf.losses``: functions that give one loss for each row, classes that reduce them.

>>> import gradtape as tf
>>> loss = tf.losses.MeanSquaredError()
>>> loss([1., 2.], [1., 4.]).numpy()
np.float32(2.0)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.handles import TensorLike, as_node, wrap
from gradtape.graph.node import Node
from gradtape.ops.declare import convert
from gradtape.ops.masked import multiply_no_nan
from gradtape.ops.reductions import reduce_mean, reduce_sum
from gradtape.ops.selection import equal, where
from gradtape.ops.shaping import reshaped
from gradtape.ops.training_losses import (
    absolute_terms,
    binary_crossentropy,
    binary_terms,
    categorical_crossentropy,
    categorical_rows,
    huber,
    huber_terms,
    mean_absolute_error,
    mean_squared_error,
    pair_of,
    sparse_categorical_crossentropy,
    sparse_losses,
    squared_terms,
)

Tensor = Any

MSE = mse = mean_squared_error
MAE = mae = mean_absolute_error

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", None, "mean_with_sample_weight")


class Loss:
    """A loss: called with what is true and what is predicted, it returns one number, or with reduction "none" one for
    each row.

    reduction   "sum_over_batch_size" or "mean": the mean over all rows; "sum"; "none" or None;
                "mean_with_sample_weight": the sum over that of the weights
    dtype       the element type to compute in; that of the predictions unless given

    A loss of your own is a subclass that says `call`. Raises ArgumentError for another reduction.
    """

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            raise ArgumentError(f"a reduction is one of {REDUCTIONS}, but reduction={reduction!r} was given")
        self.name = name or type(self).__name__.lower()
        self.reduction = reduction
        self._dtype = None if dtype is None else as_dtype(dtype)

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        """One loss for each row."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a loss is computed")

    def __call__(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> Tensor:
        """The loss. `sample_weight` has the shape of the rows, or one that broadcasts to it."""
        if self._dtype is not None:
            y_pred = wrap(convert(as_node(y_pred), self._dtype))
        if sample_weight is None and self.reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
            return wrap(self._mean(y_true, y_pred))
        rows, counts = self._rows(y_true, y_pred)
        return wrap(self._reduced(rows, counts, sample_weight))

    def _rows(self, y_true: TensorLike, y_pred: TensorLike) -> tuple[Node, Node | None]:
        """The losses of rows, and which of them count if not all do."""
        return as_node(self.call(y_true, y_pred)), None

    def _mean(self, y_true: TensorLike, y_pred: TensorLike) -> Node:
        return self._reduced(*self._rows(y_true, y_pred), None)

    def _reduced(self, rows: Node, counts: Node | None, sample_weight: TensorLike | None) -> Node:
        weight = None
        if sample_weight is not None:
            weight = convert(as_node(sample_weight), rows.dtype)
            if len(weight.shape) == len(rows.shape) + 1 and weight.shape[-1] == 1:
                weight = reshaped(weight, weight.shape[:-1])
            elif len(rows.shape) > len(weight.shape) >= 1:
                weight = reshaped(weight, weight.shape + (1,) * (len(rows.shape) - len(weight.shape)))
            rows = rows * weight
        if self.reduction in ("none", None):
            return rows
        total = reduce_sum(rows)
        if self.reduction == "sum":
            return total
        if weight is not None and self.reduction == "mean_with_sample_weight":
            divisor = reduce_sum(weight if counts is None else multiply_no_nan(weight, convert(counts, rows.dtype)))
        elif counts is not None:
            divisor = reduce_sum(convert(counts, rows.dtype))
        else:
            return reduce_mean(rows)
        empty = equal(divisor, 0)
        return where(empty, 0, total / where(empty, 1, divisor))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make a loss like this one."""
        names = [name for name in vars(self) if not name.startswith("_")]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """The loss that `get_config` describes."""
        return cls(**config)


class _Elementwise(Loss):
    """A loss whose rows are means of terms. The mean of all rows is that of all terms: one pass."""

    def _terms(self, true: Node, pred: Node) -> Node:
        raise NotImplementedError

    def _axis(self) -> int:
        return -1

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        """One loss for each row."""
        terms = self._terms(*pair_of(y_true, y_pred))
        return wrap(reduce_mean(terms, self._axis()) if terms.shape else terms)

    def _mean(self, y_true: TensorLike, y_pred: TensorLike) -> Node:
        return reduce_mean(self._terms(*pair_of(y_true, y_pred)))


class MeanSquaredError(_Elementwise):
    """The mean of (y_pred - y_true)²; see `mean_squared_error`.

    >>> import gradtape as tf
    >>> tf.losses.MeanSquaredError(reduction="sum")([[0., 1.], [0., 0.]], [[1., 1.], [1., 0.]]).numpy()
    np.float32(1.0)
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None
    ):
        super().__init__(name, reduction, dtype)

    def _terms(self, true: Node, pred: Node) -> Node:
        return squared_terms(true, pred)


class MeanAbsoluteError(_Elementwise):
    """The mean of |y_pred - y_true|; see `mean_absolute_error`.

    >>> import gradtape as tf
    >>> tf.losses.MeanAbsoluteError()([0., 1.], [1., 4.], sample_weight=0.5).numpy()
    np.float32(1.0)
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None
    ):
        super().__init__(name, reduction, dtype)

    def _terms(self, true: Node, pred: Node) -> Node:
        return absolute_terms(true, pred)


class Huber(_Elementwise):
    """Like half the squared error where it is small, like the absolute error where it is large; see `huber`.

    >>> import gradtape as tf
    >>> tf.losses.Huber()([0., 0.], [0.5, 3.]).numpy()
    np.float32(1.3125)
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def _terms(self, true: Node, pred: Node) -> Node:
        return huber_terms(true, pred, self.delta)


class BinaryCrossentropy(_Elementwise):
    """The cross entropy of yes and no; see `binary_crossentropy`.

    >>> import gradtape as tf
    >>> tf.losses.BinaryCrossentropy(from_logits=True)([1., 0.], [50., -50.]).numpy()
    np.float32(1.9287499e-22)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def _axis(self) -> int:
        return self.axis

    def _terms(self, true: Node, pred: Node) -> Node:
        return binary_terms(true, pred, self.from_logits, self.label_smoothing)


class CategoricalCrossentropy(Loss):
    """The cross entropy of distributions over classes; see `categorical_crossentropy`.

    >>> import gradtape as tf
    >>> tf.losses.CategoricalCrossentropy(from_logits=True)([[1., 0.]], [[20., 0.]]).numpy()
    np.float32(2.0611537e-09)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        """One loss for each row."""
        true, pred = pair_of(y_true, y_pred)
        return wrap(categorical_rows(true, pred, self.from_logits, self.label_smoothing, self.axis))


class SparseCategoricalCrossentropy(Loss):
    """The cross entropy of class numbers; see `sparse_categorical_crossentropy`. What is ignored does not count for the
    mean either.

    >>> import gradtape as tf
    >>> loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    >>> loss([0, -1], [[20., 0.], [0., 0.]]).numpy()
    np.float32(2.0611537e-09)
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
        """One loss for each row."""
        return wrap(self._rows(y_true, y_pred)[0])

    def _rows(self, y_true: TensorLike, y_pred: TensorLike) -> tuple[Node, Node | None]:
        return sparse_losses(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)


__all__ = [
    "MAE",
    "MSE",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "huber",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "sparse_categorical_crossentropy",
]
