"""Sums, means, extremes along axes, under NumPy's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradtape
from gradtape import math as functions
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.handles import TensorLike
from gradtape.graph.shapes import normalize_axes
from gradtape.numpy.reading import number, real, tensor

Tensor = Any
Axis = int | Sequence[int] | None


def sum(a: TensorLike, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over axes, of all elements if none are given."""
    found = number(a)
    if dtype is not None:
        found = gradtape.cast(found, as_dtype(dtype))
    return gradtape.reduce_sum(found, axis, keepdims)


def prod(a: TensorLike, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The product over axes."""
    found = number(a)
    if dtype is not None:
        found = gradtape.cast(found, as_dtype(dtype))
    return gradtape.reduce_prod(found, axis, keepdims)


def mean(a: TensorLike, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over axes; of integers in float64."""
    found = real(a) if dtype is None else gradtape.cast(tensor(a), as_dtype(dtype))
    return gradtape.reduce_mean(found, axis, keepdims)


def average(a: TensorLike, axis: Axis = None, weights: TensorLike = None, keepdims: bool = False) -> Tensor:
    """The mean over axes with weights, which broadcast."""
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    found, weight = real(a), real(weights)
    if len(weight.shape) == 1 and len(found.shape) > 1 and isinstance(axis, int):
        places = [1] * len(found.shape)
        places[axis] = weight.shape[0]
        weight = gradtape.reshape(weight, places)
    whole = gradtape.reduce_sum(weight + gradtape.zeros_like(found), axis, keepdims)
    return gradtape.reduce_sum(found * weight, axis, keepdims) / whole


def var(a: TensorLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """The variance over axes: the mean of squared differences from the mean, over their number less `ddof`."""
    found = real(a)
    rest = found - gradtape.reduce_mean(found, axis, True)
    count = math.prod(found.shape[i] for i in normalize_axes(axis, len(found.shape)))
    return gradtape.reduce_sum(gradtape.square(rest), axis, keepdims) / float(count - ddof)


def std(a: TensorLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """The standard deviation over axes: the root of the variance."""
    return gradtape.sqrt(var(a, axis, ddof, keepdims))


def max(a: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over axes; equal ones share the gradient evenly."""
    return gradtape.reduce_max(number(a), axis, keepdims)


def min(a: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over axes; equal ones share the gradient evenly."""
    return gradtape.reduce_min(number(a), axis, keepdims)


amax, amin = max, min


def any(a: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether one element over axes is true, or not 0."""
    return gradtape.reduce_any(_conditions(a), axis, keepdims)


def all(a: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over axes are true, or not 0."""
    return gradtape.reduce_all(_conditions(a), axis, keepdims)


def _conditions(a: TensorLike) -> Tensor:
    found = tensor(a)
    return found if found.dtype.is_bool else gradtape.not_equal(found, 0)


def argmax(a: TensorLike, axis: int | None = None) -> Tensor:
    """The place of the largest element along an axis, of the first one if several are equal."""
    return _place(gradtape.argmax, a, axis)


def argmin(a: TensorLike, axis: int | None = None) -> Tensor:
    """The place of the smallest element along an axis, of the first one if several are equal."""
    return _place(gradtape.argmin, a, axis)


def _place(f: Any, a: TensorLike, axis: int | None) -> Tensor:
    found = number(a)
    return f(gradtape.reshape(found, [-1]), 0) if axis is None else f(found, axis)


def cumsum(a: TensorLike, axis: int | None = None) -> Tensor:
    """The sums of the elements up to each one along an axis, of the tensor made one row without an axis."""
    return _running(gradtape.cumsum, a, axis)


def cumprod(a: TensorLike, axis: int | None = None) -> Tensor:
    """The products of the elements up to each one along an axis."""
    return _running(functions.cumprod, a, axis)


def _running(f: Any, a: TensorLike, axis: int | None) -> Tensor:
    found = number(a)
    return f(gradtape.reshape(found, [-1])) if axis is None else f(found, axis)


def median(a: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The middle of the elements along an axis, the mean of the two middle ones of an even number; NaN where one is."""
    found = real(a)
    kept = [1] * len(found.shape)
    if axis is None:
        found, place = gradtape.reshape(found, [-1]), 0
    else:
        (place,) = normalize_axes(axis, len(found.shape))
        kept = [1 if i == place else n for i, n in enumerate(found.shape)]
    ordered = gradtape.sort(found, place)
    count = found.shape[place]
    before = (slice(None),) * place
    low, high, last = (ordered[(*before, i)] for i in ((count - 1) // 2, count // 2, count - 1))
    middle = low if count % 2 else (low + high) / 2
    middle = gradtape.where(gradtape.is_nan(last), last, middle)
    return gradtape.reshape(middle, kept) if keepdims else middle
