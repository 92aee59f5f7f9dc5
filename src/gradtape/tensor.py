"""Tensor and Variable: what people hold. Thin handles on nodes, with Python's operators and NumPy's protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from gradtape import config
from gradtape.engine import run
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph import handles
from gradtape.graph.dtypes import DType, as_dtype
from gradtape.graph.handles import Handle, TensorLike, as_node
from gradtape.graph.node import Buffer, Node, recordings
from gradtape.graph.origins import left, set_to
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import thread
from gradtape.ops.declare import convert
from gradtape.ops.operators import Operators
from gradtape.ops.selection import equal, not_equal
from gradtape.ops.shaping import transpose


class TensorShape(tuple):
    """A shape: a tuple of lengths, with TensorFlow's names."""

    __slots__ = ()

    @property
    def rank(self) -> int:
        return len(self)

    ndims = rank

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, tuple(other) if isinstance(other, list) else other)

    __hash__ = tuple.__hash__

    def as_list(self) -> list[int]:
        return list(self)

    def num_elements(self) -> int:
        return int(np.prod(self, dtype=np.int64))


class _Values(Operators, Handle):
    """What Tensor and Variable share: everything that reads the value."""

    __slots__ = ()

    def numpy(self) -> Any:
        """The value: a NumPy scalar for a tensor without axes, else a read-only array. Computes what is pending."""
        return _as_numpy(self.node)

    @property
    def dtype(self) -> DType:
        return self.node.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.node.shape)

    @property
    def ndim(self) -> int:
        return len(self.node.shape)

    @property
    def size(self) -> int:
        return self.shape.num_elements()

    @property
    def T(self) -> Any:
        return transpose(self)

    def get_shape(self) -> TensorShape:
        return self.shape

    def item(self) -> float | int | bool:
        """The one element as a Python number."""
        if self.size != 1:
            raise ShapeError(f"a tensor of shape {tuple(self.shape)} is not one number; index an element first")
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
                f"a tensor of shape {tuple(self.shape)} is neither true nor false; use reduce_any, reduce_all or where"
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
        return f"{type(self).__name__}({self._array()!s}, shape={tuple(self.shape)}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        array = self._array()
        shown = str(array) if array.ndim == 0 else repr(array)
        line = "\n" if "\n" in shown else ""
        return f"<{self._title()}: shape={tuple(self.shape)}, dtype={self.dtype.name}, numpy={line}{shown}>"

    def _title(self) -> str:
        return type(self).__name__


class Tensor(_Values):
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


_numbers = count()
"""In which order Variables were made."""


class Variable(_Values):
    """A value that can be assigned. Tapes watch it as soon as it is read, unless ``trainable=False``.

    initial_value: anything that `constant` takes, or a function without arguments that returns it.

    >>> import gradtape as tf
    >>> w = tf.Variable(initial_value=3.)
    >>> w.assign_sub(1.)
    <Variable 'Variable': shape=(), dtype=float32, numpy=2.0>
    """

    __slots__ = ("__weakref__", "held", "name", "number", "trainable")
    assignable = True

    def __init__(
        self,
        initial_value: TensorLike | Callable[[], TensorLike] = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        shape: Any = None,
    ):
        if initial_value is None:
            raise ArgumentError("a Variable needs an initial value, as in Variable(3.0)")
        start = initial_value() if callable(initial_value) else initial_value
        node = as_node(start) if dtype is None or isinstance(start, Handle) else as_node(start, as_dtype(dtype))
        if dtype is not None:
            node = convert(node, as_dtype(dtype))
        if shape is not None and tuple(shape) != node.shape:
            raise ShapeError(f"the initial value has shape {node.shape}, not {tuple(shape)}")
        self.name = name or "Variable"
        self.number = next(_numbers)
        self.trainable = trainable
        self.held = _known(node)

    @property
    def leaf(self) -> Node:  # type: ignore[override]
        """The leaf with the present value; while a function is traced, what stands for it there."""
        capture = thread.capture
        return self.held if capture is None else capture.leaf_of(self)

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The leaf with the present value; open tapes see that it is read."""
        leaf = self.leaf
        if self.trainable:
            for recording in recordings.get():
                if recording.accessed and leaf not in recording.made:
                    recording.read(self, leaf)
        return leaf

    @property
    def dtype(self) -> DType:
        return self.held.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.held.shape)

    def numpy(self) -> Any:
        return _as_numpy(self.leaf)

    def read_value(self) -> Tensor:
        """The present value as a Tensor."""
        return Tensor(self.node)

    def value(self) -> Tensor:
        """The present value as a Tensor."""
        return Tensor(self.node)

    def assign(self, value: TensorLike, name: str | None = None, read_value: bool = True) -> Variable:
        """Set the value; shape and element type stay. Raises ShapeError or DTypeError if the value does not fit."""
        assign_all([self], [value])
        return self

    def assign_add(self, delta: TensorLike, name: str | None = None, read_value: bool = True) -> Variable:
        """Add `delta` to the value."""
        return self.assign(Tensor(self.leaf) + self._fitting(delta))

    def assign_sub(self, delta: TensorLike, name: str | None = None, read_value: bool = True) -> Variable:
        """Subtract `delta` from the value."""
        return self.assign(Tensor(self.leaf) - self._fitting(delta))

    def _fitting(self, delta: TensorLike) -> TensorLike:
        """Lists and arrays become of this type, as in `assign`."""
        return delta if isinstance(delta, (Handle, int, float)) else Tensor(as_node(delta, self.dtype))

    def __deepcopy__(self, memo: Any) -> Variable:
        return Variable(Tensor(self.leaf), self.trainable, self.name)

    def __reduce__(self) -> tuple:
        return Variable, (self._array(), self.trainable, self.name)

    def _title(self) -> str:
        return f"Variable '{self.name}'"


def assign_all(variables: Sequence[Variable], values: Sequence[TensorLike]) -> None:
    """Set several Variables. What is pending of the values is computed in one pass, then all are set, or none if one
    does not fit."""
    nodes = []
    for variable, value in zip(variables, values, strict=True):
        held = variable.held
        node = value if type(value) is Node else as_node(value, None if isinstance(value, Handle) else held.dtype)
        if node.shape != held.shape:
            raise ShapeError(f"{variable.name} has shape {held.shape}; a value of shape {node.shape} does not fit")
        if node.dtype is not held.dtype:
            raise DTypeError(f"{variable.name} has type {held.dtype.name}; cast the {node.dtype.name} value first")
        nodes.append(node)
    if thread.capture is not None:
        for variable, node in zip(variables, nodes, strict=True):
            thread.capture.assign(variable, node)
        return
    run.compute_all(nodes)
    for variable, node in zip(variables, nodes, strict=True):
        variable.held = Node(None, node.value, node.shape, node.dtype)
        if config.unusual and config.settings().explain:
            set_to(variable.held, variable.name, node)


def _as_numpy(node: Node) -> Any:
    value = node.value
    if value is None:
        value = run.compute(node)
    if config.unusual and config.settings().explain:
        left(node)
    return value.array if type(value) is Buffer else node.dtype.scalar(value)


def _known(node: Node) -> Node:
    """A leaf of its own with the node's value."""
    run.value_of(node)
    return Node(None, node.value, node.shape, node.dtype)
