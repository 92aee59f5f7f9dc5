"""What is given to a function in NumPy's spelling, as Tensors of NumPy's types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import gradtape
from gradtape.graph.dtypes import bool_, float64, int64
from gradtape.graph.handles import Handle, TensorLike

Tensor = Any


def tensor(x: TensorLike) -> Tensor:
    """x as a Tensor: floats and lists of them as float64; a list with Tensors in it is stacked."""
    if isinstance(x, Handle):
        return x
    if isinstance(x, (list, tuple)) and _has_tensors(x):
        return gradtape.stack([tensor(one) for one in x])
    return gradtape.constant(np.asarray(x))


def real(x: TensorLike) -> Tensor:
    """The same with floating elements: of integers and bools float64 is made."""
    found = tensor(x)
    return found if found.dtype.is_floating else gradtape.cast(found, float64)


def number(x: TensorLike) -> Tensor:
    """The same with numbers: of bools int64 is made."""
    found = tensor(x)
    return gradtape.cast(found, int64) if found.dtype is bool_ else found


def pair(x: TensorLike, y: TensorLike) -> tuple[Any, Any]:
    """Two operands; a Python number beside a Tensor or an array stays one, and takes its type."""
    plain = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (x, y)]
    if plain[0] and not plain[1]:
        other = tensor(y)
        return (x, other) if _takes(x, other) else (tensor(x), other)
    if plain[1] and not plain[0]:
        other = tensor(x)
        return (other, y) if _takes(y, other) else (other, tensor(y))
    return tensor(x), tensor(y)


def real_pair(x: TensorLike, y: TensorLike) -> tuple[Any, Any]:
    """Two operands of a function of real numbers."""
    first, second = pair(x, y)
    if isinstance(first, Handle):
        first = real(first)
    if isinstance(second, Handle):
        second = real(second)
    return first, second


def _takes(number: Any, beside: Tensor) -> bool:
    """Whether a Python number takes the type of a Tensor: a float not that of integers."""
    return beside.dtype.is_floating or (isinstance(number, int) and beside.dtype is not bool_)


def _has_tensors(x: Sequence[Any]) -> bool:
    return any(isinstance(one, Handle) or (isinstance(one, (list, tuple)) and _has_tensors(one)) for one in x)
