"""What makes tensors of nothing: zeros, ones, fill, linspace, range, eye."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, DTypeError
from gradtape.graph.dtypes import as_dtype, float32, promote
from gradtape.graph.handles import Handle, TensorLike, as_node, default_type, leaf, number_node, wrap
from gradtape.graph.shapes import as_shape
from gradtape.ops.declare import convert, operation, publish
from gradtape.ops.shaping import broadcasted, reshape

Tensor = Any


def _made(shape: Any, number: float | int, dtype: Any) -> Tensor:
    """A fresh leaf, so that two equal tensors are two sources; memory is used when somebody asks for the elements."""
    return wrap(broadcasted(number_node(number, as_dtype(dtype)), as_shape(shape)))


@operation()
def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """A tensor of zeros."""
    return _made(shape, 0, dtype)


@operation()
def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """A tensor of ones.

    >>> import gradtape as tf
    >>> tf.ones((2, 2))
    <Tensor: shape=(2, 2), dtype=float32, numpy=
    array([[1., 1.],
           [1., 1.]], dtype=float32)>
    """
    return _made(shape, 1, dtype)


@operation("input")
def zeros_like(input: TensorLike, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros with the shape of `input`, and its type if `dtype` is not given."""
    return broadcasted(number_node(0, as_dtype(dtype or input.dtype)), input.shape)


@operation("input")
def ones_like(input: TensorLike, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones with the shape of `input`, and its type if `dtype` is not given."""
    return broadcasted(number_node(1, as_dtype(dtype or input.dtype)), input.shape)


@operation("value")
def fill(dims: Any, value: TensorLike, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` with the number `value` everywhere."""
    if value.shape:
        raise ArgumentError(f"fill needs one number, but a tensor of shape {value.shape} was given")
    return broadcasted(value, as_shape(dims))


def linspace(start: TensorLike, stop: TensorLike, num: int, name: str | None = None, axis: int = 0) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included.

    Integers and Python floats give float32; arrays keep their type. Raises ArgumentError if `num` is below 1.

    >>> import gradtape as tf
    >>> tf.linspace(-1., 1., 5).numpy()
    array([-1. , -0.5,  0. ,  0.5,  1. ], dtype=float32)
    """
    number = int(num)
    if number < 1:
        raise ArgumentError(f"linspace needs at least one point, but num={num!r} was given")
    a, b = as_node(start), as_node(stop)
    dtype = promote(a.dtype, b.dtype)
    dtype = dtype if dtype.is_floating else float32
    points = np.linspace(np.asarray(wrap(a), np.float64), np.asarray(wrap(b), np.float64), number, axis=axis)
    return wrap(leaf(points.astype(dtype.dtype), dtype))


def range(
    start: TensorLike, limit: TensorLike = None, delta: TensorLike = 1, dtype: Any = None, name: str | None = "range"
) -> Tensor:
    """The numbers from `start` (0 if only one is given) up to, not including, `limit`, in steps of `delta`.

    int32 for integers and float32 for floats, unless `dtype` says otherwise. Raises ArgumentError for a zero step.

    >>> import gradtape as tf
    >>> tf.range(3).numpy()
    array([0, 1, 2], dtype=int32)
    """
    if limit is None:
        start, limit = 0, start
    first, last, step = (np.asarray(v).item() for v in (start, limit, delta))
    if step == 0:
        raise ArgumentError("range needs a step that is not zero")
    found = as_dtype(dtype) if dtype is not None else default_type(first + last + step)
    number = builtins.max(0, int(np.ceil((last - first) / step)))
    points = first + step * np.arange(number)
    return wrap(leaf(points.astype(found.dtype), found))


@operation()
def eye(num_rows: int, num_columns: int | None = None, dtype: Any = float32, name: str | None = None) -> Tensor:
    """The identity matrix."""
    found = as_dtype(dtype)
    return wrap(
        leaf(np.eye(int(num_rows), None if num_columns is None else int(num_columns), dtype=found.dtype), found)
    )


def constant(value: TensorLike, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor of the given numbers: a number, nested lists, or an array, which is copied.

    Python floats become float32, integers int32, bools bool, arrays keep their type; `dtype` converts. With `shape` the
    elements are reshaped, or one number is repeated. Raises DTypeError for strings and for types without support,
    ShapeError for ragged lists.

    >>> import gradtape as tf
    >>> tf.constant([1, 2], dtype=tf.float64)
    <Tensor: shape=(2,), dtype=float64, numpy=array([1., 2.])>
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Handle):
        node = value.node if wanted is None else convert(value.node, wanted)
    else:
        node = as_node(value, wanted)
    if shape is not None:
        target = as_shape(shape)
        node = broadcasted(node, target) if node.shape == () else reshape(node, target)
    return wrap(node)


def convert_to_tensor(value: TensorLike, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """`value` as a Tensor: unchanged if it is one of the right type, else as `constant`.

    `dtype_hint` is the type for numbers and arrays that it can hold, where `dtype` is not given.
    """
    if dtype is None and dtype_hint is not None and not isinstance(value, Handle):
        try:
            return constant(value, dtype_hint)
        except DTypeError:  # the hint does not fit these numbers
            pass
    return constant(value, dtype)


for _definition in (linspace, range, constant, convert_to_tensor):
    publish(_definition, _definition)
