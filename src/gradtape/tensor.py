"""Tensor: what people hold. A thin handle on a node, with Python's operators and NumPy's protocols.

Variables, which have most of this too, stand in `gradtape.variable`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradtape import config
from gradtape.engine import run
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph import handles
from gradtape.graph.dtypes import DType, as_dtype
from gradtape.graph.handles import Handle, as_node
from gradtape.graph.node import Buffer, Node
from gradtape.graph.origins import left
from gradtape.graph.shapes import Shape
from gradtape.graph.shapes import size as number_of_elements
from gradtape.ops.operators import Operators
from gradtape.ops.selection import equal, not_equal
from gradtape.ops.shaping import transpose


class TensorShape(tuple):
    """A shape: a tuple of lengths, with TensorFlow's names.

    A length that is None stands for any, and ``TensorShape(None)`` for any shape: what a Variable may be assigned.

    >>> import gradtape as tf
    >>> tf.TensorShape([None, 2]).is_compatible_with([3, 2]), tf.TensorShape(None).rank is None
    (True, True)
    """

    __slots__ = ()

    def __new__(cls, dims: Any) -> TensorShape:
        return tuple.__new__(_AnyShape, ()) if dims is None or type(dims) is _AnyShape else tuple.__new__(cls, dims)

    @property
    def rank(self) -> int | None:
        return len(self)

    ndims = rank

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other) if isinstance(other, list) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def as_list(self) -> list[int]:
        return list(self)

    def num_elements(self) -> int | None:
        """How many elements a tensor of this shape has; None if that is open."""
        return int(np.prod(self, dtype=np.int64)) if self.is_fully_defined() else None

    def is_fully_defined(self) -> bool:
        return None not in self

    def is_compatible_with(self, other: Any) -> bool:
        """Whether there are tensors of both shapes."""
        other = TensorShape(other)
        if type(self) is _AnyShape or type(other) is _AnyShape:
            return True
        return len(self) == len(other) and all(
            n is None or m is None or n == m for n, m in zip(self, other, strict=True)
        )


class _AnyShape(TensorShape):
    """Any shape: nobody knows how many axes, so there is nothing to count or to go through."""

    __slots__ = ()

    @property
    def rank(self) -> None:
        return None

    ndims = rank

    def __eq__(self, other: object) -> bool:
        return type(other) is _AnyShape

    __hash__ = tuple.__hash__

    def __repr__(self) -> str:
        return "<unknown>"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> tuple:
        return TensorShape, (None,)

    def is_fully_defined(self) -> bool:
        return False

    def as_list(self) -> list[int]:
        raise ShapeError("any shape has no list of lengths; take that of the value: x.read_value().shape")

    def __len__(self) -> int:
        raise ShapeError("any shape has no number of axes; take that of the value: x.read_value().shape")

    def __iter__(self) -> Iterator[Any]:
        raise ShapeError("any shape has no lengths; take those of the value: x.read_value().shape")


_of_lengths: Any = tuple.__new__


class Values(Operators, Handle):
    """What Tensor and Variable share: everything that reads the value."""

    __slots__ = ()

    def numpy(self) -> Any:
        """The value: a NumPy scalar for a tensor without axes, else a read-only array. Computes what is pending."""
        return as_numpy(self.node)

    @property
    def dtype(self) -> DType:
        return self.node.dtype

    @property
    def shape(self) -> TensorShape:
        return _of_lengths(TensorShape, self.node.shape)

    @property
    def ndim(self) -> int:
        return len(self.node.shape)

    @property
    def size(self) -> int:
        return number_of_elements(self.node.shape)

    @property
    def T(self) -> Any:
        return transpose(self)

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Say of which shape this is; ShapeError if it is not. A Variable of open shape stays of it from now on."""
        if not TensorShape(shape).is_compatible_with(self.shape):
            raise ShapeError(f"a tensor of shape {self.shape} is not of shape {TensorShape(shape)}")

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        if self.size != 1:
            raise ShapeError(f"a tensor of shape {self.shape} is not one number; index an element first")
        return self._array().item()

    def tolist(self) -> Any:
        return self._array().tolist()

    def _array(self) -> np.ndarray:
        return np.asarray(self.numpy())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self._array()
        if copy is False and dtype is not None and array.dtype != dtype:
            raise ValueError("a tensor cannot be seen as another element type without a copy")
        return np.array(array, dtype=dtype, copy=True) if copy else array.astype(dtype or array.dtype, copy=False)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if not self.dtype.is_integer:
            raise DTypeError(f"a {self.dtype.name} tensor cannot count or index; use int(x) or an integer tensor")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ArgumentError(
                f"a tensor of shape {self.shape} is neither true nor false; use reduce_any, reduce_all or where"
            )
        return bool(self.item())

    def __len__(self) -> int:
        if not self.node.shape:
            raise DTypeError("a tensor without axes has no length")
        return self.node.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.node.shape:
            raise DTypeError("a tensor without axes cannot be iterated over")
        return (self[i] for i in range(self.node.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self._array() == np.asarray(item)))

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec and self.size == 1 else self.numpy(), spec)

    def __eq__(self, other: object) -> Any:
        return False if other is None else equal(self, other)

    def __ne__(self, other: object) -> Any:
        return True if other is None else not_equal(self, other)

    def __hash__(self) -> int:
        raise DTypeError(f"unhashable type: {type(self).__name__}, as == compares its elements; use x.ref() as the key")

    def ref(self) -> Ref:
        """A hashable reference that compares by identity."""
        return Ref(self)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self._array()!s}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        array = self._array()
        shown = str(array) if array.ndim == 0 else repr(array)
        line = "\n" if "\n" in shown else ""
        return f"<{self._title()}: shape={self.shape}, dtype={self.dtype.name}, numpy={line}{shown}>"

    def _repr_html_(self) -> str:
        """What notebooks show: a table of the elements, of many of them the first and the last."""
        from gradtape import notebook

        return notebook.array(f"{self._title()}: shape={self.shape}, dtype={self.dtype.name}", self._array())

    def _title(self) -> str:
        return type(self).__name__


class Tensor(Values):
    """A value that is known or will be computed when somebody asks for it.

    Made by `constant`, `convert_to_tensor` and by every operation. ``==`` compares the elements, so as a key
    of a dictionary use ``x.ref()``.
    """

    __slots__ = ("__weakref__", "node")

    def __init__(self, node: Node):
        if not isinstance(node, Node):
            raise ArgumentError("a Tensor is made with constant(...) or convert_to_tensor(...)")
        self.node = node
        if node.value is None:
            run.pending(self)

    def __copy__(self) -> Tensor:
        return Tensor(self.node)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return Tensor(self.node)

    def __reduce__(self) -> tuple:
        return _rebuild, (self._array(), self.dtype.name)


def _rebuild(array: np.ndarray, dtype: str) -> Tensor:
    return Tensor(as_node(array, as_dtype(dtype)))


class Ref:
    """A reference to a Tensor or Variable: hashable, equal for the same one."""

    __slots__ = ("_value",)

    def __init__(self, value: Any):
        self._value = value

    def deref(self) -> Any:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


_new = Tensor.__new__


def _wrap(node: Node) -> Tensor:
    tensor = _new(Tensor)
    tensor.node = node
    if node.value is None:
        run.pending(tensor)
    return tensor


handles.register(_wrap)

_new_node = Node.__new__


def known(value: Any, shape: Shape, dtype: DType) -> Tensor:
    """A Tensor with a value as nodes hold it. What a traced function returns is made here, so this is written out."""
    node = _new_node(Node)
    node.op = None
    node.value = value
    node.shape = shape
    node.dtype = dtype
    tensor = _new(Tensor)
    tensor.node = node
    return tensor


def as_numpy(node: Node) -> Any:
    """The value of a node as users get it."""
    value = node.value
    if value is None:
        value = run.compute(node)
    if config.unusual and config.settings().explain:
        left(node)
    return value.array if type(value) is Buffer else node.dtype.scalar(value)
