"""New tensors, under NumPy's names and with its default types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import gradtape
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.handles import TensorLike
from gradtape.numpy.reading import real, tensor

Tensor = Any
Lengths = int | Sequence[int]


def array(object: TensorLike, dtype: Any = None) -> Tensor:
    """A Tensor of what is given; gradients go through Tensors in lists."""
    found = tensor(object)
    return found if dtype is None else gradtape.cast(found, as_dtype(dtype))


def asarray(a: TensorLike, dtype: Any = None) -> Tensor:
    """A Tensor of what is given, itself if it is one."""
    return array(a, dtype)


def zeros(shape: Lengths, dtype: Any = "float64") -> Tensor:
    """Zeros of a shape."""
    return full(shape, 0, dtype)


def ones(shape: Lengths, dtype: Any = "float64") -> Tensor:
    """Ones of a shape."""
    return full(shape, 1, dtype)


def full(shape: Lengths, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """One number in every place of a shape."""
    return gradtape.broadcast_to(array(fill_value, dtype), [shape] if isinstance(shape, int) else list(shape))


def zeros_like(a: TensorLike, dtype: Any = None) -> Tensor:
    """Zeros of the shape and type of another."""
    return full_like(a, 0, dtype)


def ones_like(a: TensorLike, dtype: Any = None) -> Tensor:
    """Ones of the shape and type of another."""
    return full_like(a, 1, dtype)


def full_like(a: TensorLike, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """One number in every place of the shape of another, of its type."""
    found = tensor(a)
    return full(tuple(found.shape), fill_value, found.dtype if dtype is None else dtype)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """The numbers from `start` (0 if only one is given) up to, not including, `stop`."""
    low, high = (0, start) if stop is None else (start, stop)
    return array(np.arange(low, high, step), dtype)


def linspace(start: TensorLike, stop: TensorLike, num: int = 50, endpoint: bool = True, dtype: Any = None) -> Tensor:
    """`num` evenly spaced numbers; `endpoint` says whether `stop` is one of them."""
    if num < 1:
        raise ArgumentError(f"linspace makes one number at least, not {num}")
    low, high = real(start), real(stop)
    if not endpoint:
        high = low + (high - low) * ((num - 1) / num)
    return array(gradtape.linspace(low, high, num), dtype)


def logspace(start: TensorLike, stop: TensorLike, num: int = 50, base: float = 10.0) -> Tensor:
    """`num` numbers whose logarithms are evenly spaced."""
    return gradtape.pow(tensor(float(base)), linspace(start, stop, num))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = "float64") -> Tensor:
    """Ones on the k-th diagonal of a matrix, else zeros."""
    return array(np.eye(N, M, k), dtype)


def identity(n: int, dtype: Any = "float64") -> Tensor:
    """The identity matrix."""
    return eye(n, dtype=dtype)


def meshgrid(*xi: TensorLike, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid: each row of numbers along an axis of its own, the first two exchanged for "xy"."""
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    rows = [gradtape.reshape(tensor(x), [-1]) for x in xi]
    places = list(range(len(rows)))
    if indexing == "xy" and len(rows) > 1:
        places[:2] = [1, 0]
    shape = [0] * len(rows)
    for place, row in zip(places, rows, strict=True):
        shape[place] = row.shape[0]
    return [
        gradtape.broadcast_to(gradtape.reshape(row, [-1 if i == place else 1 for i in range(len(rows))]), shape)
        for place, row in zip(places, rows, strict=True)
    ]


def diag(v: TensorLike, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix, or a matrix with a row of numbers as that."""
    found = tensor(v)
    if len(found.shape) == 1:
        size = found.shape[0] + abs(k)
        rows = np.arange(found.shape[0]) + max(-k, 0)
        return gradtape.scatter_nd(np.stack([rows, rows + k], 1), found, [size, size])
    if len(found.shape) != 2:
        raise ArgumentError(f"diag takes a row or a matrix, not a tensor of shape {tuple(found.shape)}")
    count = max(0, min(found.shape[0] + min(k, 0), found.shape[1] - max(k, 0)))
    rows = np.arange(count) + max(-k, 0)
    return gradtape.gather_nd(found, np.stack([rows, rows + k], 1))


def tril(m: TensorLike, k: int = 0) -> Tensor:
    """The lower triangle of matrices, zeros above the k-th diagonal."""
    found = tensor(m)
    return gradtape.where(np.tri(found.shape[-2], found.shape[-1], k, dtype=bool), found, gradtape.zeros_like(found))


def triu(m: TensorLike, k: int = 0) -> Tensor:
    """The upper triangle of matrices, zeros below the k-th diagonal."""
    found = tensor(m)
    return gradtape.where(
        np.tri(found.shape[-2], found.shape[-1], k - 1, dtype=bool), gradtape.zeros_like(found), found
    )
