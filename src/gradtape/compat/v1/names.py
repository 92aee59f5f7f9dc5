"""Functions that TensorFlow 2 renamed or dropped, under the names and signatures of TensorFlow 1."""

from __future__ import annotations

from typing import Any

from gradtape.graph.dtypes import bfloat16, float32, float64, int32, int64
from gradtape.graph.handles import TensorLike
from gradtape.ops.arithmetic import floordiv, floormod
from gradtape.ops.makers import convert_to_tensor, linspace
from gradtape.ops.powers import divide
from gradtape.ops.shaping import cast
from gradtape.variable import Variable

Tensor = Any


def lin_space(start: TensorLike, stop: TensorLike, num: int, name: str | None = None) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included.

    >>> lin_space(0., 1., 3).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return linspace(start, stop, num)


def div(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y as Python 2 divided: integers are rounded down.

    >>> div(7, 2).numpy(), div(7., 2.).numpy()
    (np.int32(3), np.float32(3.5))
    """
    a, b = convert_to_tensor(x), convert_to_tensor(y)
    return divide(x, y) if a.dtype.is_floating or b.dtype.is_floating else floordiv(x, y)


def truediv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y as Python 3 divides."""
    return divide(x, y)


def mod(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The remainder of x / y, with the sign of y."""
    return floormod(x, y)


def to_float(x: TensorLike, name: str | None = None) -> Tensor:
    """x as float32."""
    return cast(x, float32)


def to_double(x: TensorLike, name: str | None = None) -> Tensor:
    """x as float64."""
    return cast(x, float64)


def to_bfloat16(x: TensorLike, name: str | None = None) -> Tensor:
    """x as bfloat16, rounded to the nearest."""
    return cast(x, bfloat16)


def to_int32(x: TensorLike, name: str | None = None) -> Tensor:
    """x as int32, cut towards zero."""
    return cast(x, int32)


def to_int64(x: TensorLike, name: str | None = None) -> Tensor:
    """x as int64, cut towards zero."""
    return cast(x, int64)


def assign(ref: Variable, value: TensorLike, name: str | None = None) -> Variable:
    """Set a Variable."""
    return ref.assign(value)


def assign_add(ref: Variable, value: TensorLike, name: str | None = None) -> Variable:
    """Add to a Variable."""
    return ref.assign_add(value)


def assign_sub(ref: Variable, value: TensorLike, name: str | None = None) -> Variable:
    """Subtract from a Variable."""
    return ref.assign_sub(value)
