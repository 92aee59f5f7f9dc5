"""From what people pass (tensors, variables, numbers, lists, arrays) to nodes and back.

`Handle` is what Tensor and Variable have in common; Tensor registers itself as what results are wrapped in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.dtypes import DType, as_dtype, bool_, converted, float32, int32, int64
from gradtape.graph.node import Node, leaf, scalar


class Handle:
    """Something that refers to a node. If it is `assignable`, then to one leaf after the other; `leaf` is the present
    one, and reading `node` tells the recordings."""

    __slots__ = ()
    assignable = False
    node: Node
    leaf: Node
    dtype: Any


TensorLike: TypeAlias = Any
"""A Tensor, Variable, number, NumPy array, or nested list of these."""


def _unregistered(node: Node) -> Any:
    raise RuntimeError("gradtape.tensor registers what nodes are wrapped in")


_wrap: Callable[[Node], Any] = _unregistered
_join: Callable[[Any, DType | None], Node]


def register(wrap: Callable[[Node], Any]) -> None:
    """Say what a node is wrapped in for the user."""
    global _wrap
    _wrap = wrap


def register_join(join: Callable[[Any, DType | None], Node]) -> None:
    """Say what makes one node of a nested list in which there are tensors."""
    global _join
    _join = join


def wrap(node: Node) -> Any:
    """The user's handle for a node."""
    return _wrap(node)


def weak(number: float | int | bool, dtype: DType) -> DType:
    """The type that a Python number has beside a tensor of type `dtype`: the tensor's, if its kind can hold it."""
    if isinstance(number, bool):
        return dtype
    if isinstance(number, int):
        return int32 if dtype.is_bool else dtype
    return dtype if dtype.is_floating else float32


def number_node(number: float | int | bool, dtype: DType) -> Node:
    """A leaf for a Python number; DTypeError if an integer does not fit the type."""
    if dtype.is_floating:
        try:
            number = float(number)
        except OverflowError:
            raise DTypeError("an integer of that size does not fit any floating type") from None
        if dtype.is_half:
            number = dtype.nearest(number)
    elif dtype.is_integer:
        if number != int(number):
            raise DTypeError(
                f"the number {number} is no integer and does not fit {dtype.name}; use cast or a float type"
            )
        if not dtype.min <= number <= dtype.max:
            raise DTypeError(f"the number {number} does not fit {dtype.name}; use a wider type")
    return scalar(number, dtype)


def as_node(value: TensorLike, dtype: DType | None = None) -> Node:
    """A node for whatever `value` is. Arrays are copied, so later changes to them do not matter.

    Without `dtype`, Python floats become float32, integers int32 (int64 if they need it), bools bool,
    and arrays keep their type. Tensors in lists are stacked, so derivatives go through the list. Raises DTypeError for
    what is no number, ShapeError for ragged lists.
    """
    if isinstance(value, Handle):
        value = value.node
    if isinstance(value, Node):
        if dtype is not None and value.dtype is not dtype:
            raise DTypeError(f"the tensor has type {value.dtype.name}, not {dtype.name}; use cast(x, '{dtype.name}')")
        return value
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        return number_node(value, dtype or default_type(value))
    if isinstance(value, (list, tuple)) and _has_handle(value):
        return _join(value, dtype)
    return leaf(*as_array(value, dtype))


def default_type(number: float | int | bool) -> DType:
    if isinstance(number, bool):
        return bool_
    if isinstance(number, int):
        return int32 if int32.min <= number <= int32.max else int64
    return float32


def as_array(value: Any, dtype: DType | None = None) -> tuple[np.ndarray, DType]:
    """A fresh native array of a supported type for a number, a nested list or an array-like, and that type."""
    typed = isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            f"cannot make a tensor of {_short(value)}: every row must have the same length and hold numbers ({error})"
        ) from None
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        raise DTypeError(
            f"cannot make a tensor of {_short(value)}: gradtape differentiates numbers, "
            "and there are no string or object tensors; convert to numbers first"
        )
    if array.dtype.kind == "c":
        raise DTypeError(f"cannot make a tensor of {_short(value)}: complex numbers are not supported")
    if dtype is None:
        if isinstance(value, (list, tuple)) and any(isinstance(x, (np.ndarray, np.generic)) for x in value):
            typed = True
        if typed:
            dtype = as_dtype(array.dtype)
        elif array.dtype.kind == "f":
            dtype = float32
        elif array.dtype.kind == "b":
            dtype = bool_
        else:
            fits = array.size == 0 or (array.min() >= int32.min and array.max() <= int32.max)
            dtype = int32 if fits else int64
    elif dtype.is_integer and array.dtype.kind == "f":
        raise DTypeError(f"cannot make an {dtype.name} tensor of {_short(value)}: the numbers are floats; use cast")
    if dtype.is_integer and array.size and not (dtype.min <= array.min() and array.max() <= dtype.max):
        raise DTypeError(f"the numbers in {_short(value)} do not fit {dtype.name}; use a wider type")
    return np.array(converted(array, dtype), order="C", copy=True), dtype


def _has_handle(value: Any) -> bool:
    return any(isinstance(x, Handle) or (isinstance(x, (list, tuple)) and _has_handle(x)) for x in value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def need_tensor(value: Any, what: str) -> Node:
    """The node of a Tensor or Variable; ArgumentError for anything else, which could not be followed."""
    if isinstance(value, Handle):
        return value.node
    raise ArgumentError(
        f"{what} must be a Tensor or Variable, but a {type(value).__module__}.{type(value).__name__} was given; "
        "make it one with convert_to_tensor(...) and compute with that"
    )
