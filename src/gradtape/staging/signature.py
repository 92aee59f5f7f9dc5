"""Which calls of a function share a trace: those with tensors of the same shapes and types in the same places, and with
equal other arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.dtypes import DType, as_dtype
from gradtape.graph.handles import Handle, as_node
from gradtape.graph.node import Node
from gradtape.modes import nest
from gradtape.tensor import Tensor


class TensorSpec:
    """What a tensor must be like: its shape, where None stands for any length, and its element type.

    >>> import gradtape as tf
    >>> tf.TensorSpec([None, 3], tf.float32)
    TensorSpec(shape=(None, 3), dtype=float32)
    """

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None):
        self.shape = None if shape is None else tuple(shape)
        self.dtype: DType = as_dtype(dtype)
        self.name = name

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype.name))

    def check(self, value: Any, what: str) -> Any:
        """The value as a tensor; ShapeError or DTypeError if it is not like this."""
        node = as_node(value, None if isinstance(value, (Handle, np.ndarray, np.generic)) else self.dtype)
        if node.dtype is not self.dtype:
            raise DTypeError(f"{what} has type {node.dtype.name}, but the input_signature says {self.dtype.name}")
        if self.shape is not None and (
            len(self.shape) != len(node.shape)
            or any(n not in (None, m) for n, m in zip(self.shape, node.shape, strict=True))
        ):
            raise ShapeError(f"{what} has shape {node.shape}, but the input_signature says {self.shape}")
        return value if isinstance(value, Handle) else Tensor(node)


def describe(value: Any, key: list[Hashable], nodes: list[Node]) -> None:
    """Append to `key` what a trace depends on, and to `nodes` the tensors in it."""
    if isinstance(value, Handle) and not value.assignable:
        node = value.node
        key += (node.dtype.name, node.shape)
        nodes.append(node)
    elif isinstance(value, (np.ndarray, np.generic)):
        node = as_node(value)
        key += (node.dtype.name, node.shape)
        nodes.append(node)
    elif isinstance(value, Handle):
        key.append((type(value), id(value)))  # the trace keeps the variable, so its id stays its own
    elif isinstance(value, dict):
        key.append((dict, tuple(value)))
        for one in value.values():
            describe(one, key, nodes)
    elif isinstance(value, (list, tuple)):
        key.append((type(value), len(value)))
        for one in value:
            describe(one, key, nodes)
    elif nest.is_nest(value):  # a dataclass
        key.append((type(value),))
        for _, one in nest.parts(value):
            describe(one, key, nodes)
    elif isinstance(value, float):
        key.append((float, value.hex()))
    else:
        try:
            hash(value)
        except TypeError:
            raise ArgumentError(
                f"an argument of a traced function is a {type(value).__name__}, which is neither a tensor nor "
                "hashable; pass tensors, nests of them, or hashable values"
            ) from None
        key.append((type(value), value))


def replaced(value: Any, next_node: Callable[[], Node]) -> Any:
    """`value` with each tensor that `describe` found replaced by the next node, in the same order."""
    if isinstance(value, (np.ndarray, np.generic)) or (isinstance(value, Handle) and not value.assignable):
        return Tensor(next_node())
    if isinstance(value, dict):
        return type(value)((key, replaced(one, next_node)) for key, one in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[replaced(one, next_node) for one in value])
    if isinstance(value, (list, tuple)):
        return type(value)(replaced(one, next_node) for one in value)
    if nest.is_nest(value):  # a dataclass
        result = copy(value)
        for name, one in nest.parts(value):
            object.__setattr__(result, name, replaced(one, next_node))
        return result
    return value


def difference(old: tuple, new: tuple) -> str:
    """In words, what makes two signatures different."""
    if len(old) != len(new):
        return "the structure of the arguments changes"
    for i, (a, b) in enumerate(zip(old, new, strict=True)):
        if a == b:
            continue
        if isinstance(a, str) and isinstance(b, str):
            return f"a tensor changes from {a}{list(old[i + 1])} to {b}{list(new[i + 1])}"
        if i and isinstance(old[i - 1], str):
            return f"a tensor changes from {old[i - 1]}{list(a)} to {new[i - 1]}{list(b)}"
        if isinstance(a, tuple) and isinstance(b, tuple) and a[0] is b[0]:
            if a[0] == "shapes":
                return f"variables of open shape change theirs from {a[1]} to {b[1]}"
            if a[0] in (int, float):
                shown = [float.fromhex(v[1]) if v[0] is float else v[1] for v in (a, b)]
                return f"a Python number changes from {shown[0]} to {shown[1]}: pass constant({shown[1]})"
            return f"an argument changes from {a[1]!r:.60} to {b[1]!r:.60}"
        break
    return "the arguments change"
