"""Variable: a value that can be assigned, whole or in parts. A handle on one leaf after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from gradtape import config
from gradtape.engine import run
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.dtypes import DType, as_dtype, promote
from gradtape.graph.handles import Handle, TensorLike, as_node
from gradtape.graph.node import Node, recordings
from gradtape.graph.origins import set_to
from gradtape.graph.shapes import size as number_of_elements
from gradtape.graph.trace import thread
from gradtape.ops.declare import convert
from gradtape.ops.indexing import (
    gather,
    gather_nd,
    tensor_scatter_nd_add,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_update,
)
from gradtape.ops.shaping import broadcast_to, getitem, reshape
from gradtape.tensor import Ref, Tensor, TensorShape, Values, as_numpy


class IndexedSlices(NamedTuple):
    """Rows of a tensor, for `Variable.scatter_update` and its like.

    values        the rows
    indices       which rows they are, one integer each
    dense_shape   the shape of the whole, taken for TensorFlow's sake
    """

    values: TensorLike
    indices: TensorLike
    dense_shape: Any = None


_numbers = count()
"""In which order Variables were made."""


class Variable(Values):
    """A value that can be assigned. Tapes watch it as soon as it is read, unless ``trainable=False``.

    initial_value   anything that `constant` takes, or a function without arguments that returns it
    trainable       whether tapes watch it when it is read; None: yes
    name            what it is called in messages
    dtype           its element type, which stays; None: that of the value
    constraint      a function from a value to one that is allowed, which optimizers call after each step
    shape           its shape, which stays; lengths that are None, or ``TensorShape(None)`` for the whole, are open:
                    values of any such shape may be assigned. None: that of the value

    The other arguments are taken for TensorFlow's sake.

    >>> import gradtape as tf
    >>> w = tf.Variable(initial_value=3.)
    >>> w.assign_sub(1.)
    <Variable 'Variable': shape=(), dtype=float32, numpy=2.0>
    """

    __slots__ = ("__weakref__", "_open", "constraint", "held", "name", "number", "trainable")
    assignable = True

    def __init__(
        self,
        initial_value: TensorLike | Callable[[], TensorLike] = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Callable[[Tensor], TensorLike] | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ):
        if initial_value is None:
            raise ArgumentError("a Variable needs an initial value, as in Variable(3.0)")
        start = initial_value() if callable(initial_value) else initial_value
        node = as_node(start) if dtype is None or isinstance(start, Handle) else as_node(start, as_dtype(dtype))
        if dtype is not None:
            node = convert(node, as_dtype(dtype))
        declared = None if shape is None else TensorShape(shape)
        if declared is not None and not declared.is_compatible_with(node.shape):
            raise ShapeError(f"the initial value has shape {node.shape}, not {declared}")
        self._open = None if declared is None or declared.is_fully_defined() else declared
        self.name = name or "Variable"
        self.number = next(_numbers)
        self.trainable = trainable is None or bool(trainable)
        if constraint is not None and not callable(constraint):
            raise ArgumentError(f"a constraint is a function of the value, but {constraint!r:.60} was given")
        self.constraint = constraint
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
        """The shape that all its values have: those of a Variable of open shape have one of their own each."""
        return TensorShape(self.held.shape) if self._open is None else self._open

    @property
    def open(self) -> bool:
        """Whether values of another shape may be assigned."""
        return self._open is not None

    @property
    def ndim(self) -> int:
        return len(self.leaf.shape)

    @property
    def size(self) -> int:
        return number_of_elements(self.leaf.shape)

    def set_shape(self, shape: Any) -> None:
        super().set_shape(shape)
        narrower = TensorShape(shape)
        if self._open is not None and narrower != TensorShape(None):
            if not narrower.is_compatible_with(self.held.shape):
                raise ShapeError(f"{self.name} has a value of shape {self.held.shape}, which is not {narrower}")
            whole = narrower if self._open.rank is None else map(_narrower, self._open, narrower)
            self._open = TensorShape(whole)
            if self._open.is_fully_defined():
                self._open = None

    def numpy(self) -> Any:
        return as_numpy(self.leaf)

    def read_value(self) -> Tensor:
        """The present value as a Tensor."""
        return Tensor(self.node)

    value = read_value

    def initialized_value(self) -> Tensor:
        """The present value: a Variable has one as soon as it is made."""
        return Tensor(self.node)

    def is_initialized(self, name: str | None = None) -> bool:
        """True: a Variable has its value as soon as it is made."""
        return True

    def experimental_ref(self) -> Ref:
        """TensorFlow's older name of `ref`."""
        return self.ref()

    # -- assigning --------------------------------------------------------------------------------------------

    def assign(self, value: TensorLike, use_locking: Any = False, name: Any = None, read_value: bool = True) -> Any:
        """Set the value; shape and element type stay, unless the shape is open. The Variable, or None if not
        `read_value`.

        Raises ShapeError or DTypeError if the value does not fit.
        """
        assign_all([self], [value])
        return self if read_value else None

    def assign_add(self, delta: TensorLike, use_locking: Any = False, name: Any = None, read_value: bool = True) -> Any:
        """Add `delta`, which has the value's shape or broadcasts to it. As `assign` otherwise."""
        return self.assign(self._as_large(Tensor(self.leaf) + self._fitting(delta)), read_value=read_value)

    def assign_sub(self, delta: TensorLike, use_locking: Any = False, name: Any = None, read_value: bool = True) -> Any:
        """Subtract `delta`, which has the value's shape or broadcasts to it. As `assign` otherwise."""
        return self.assign(self._as_large(Tensor(self.leaf) - self._fitting(delta)), read_value=read_value)

    def _as_large(self, changed: Tensor) -> Tensor:
        """A new value of the old one's shape. ShapeError for another, which `assign` takes where the shape is open."""
        if changed.node.shape != self.leaf.shape:
            raise ShapeError(
                f"the value has shape {self.leaf.shape}, and adding to it would make {changed.node.shape} of that; "
                "assign a value of another shape with assign"
            )
        return changed

    def __getitem__(self, index: Any) -> VariableSlice:
        """A part of the value, which can be assigned: ``v[0].assign(5.)``."""
        part = VariableSlice(getitem(self.node, index))
        part.variable, part.index = self, index
        return part

    def sparse_read(self, indices: TensorLike, name: Any = None) -> Tensor:
        """The rows with these numbers."""
        return gather(self, indices)

    def gather_nd(self, indices: TensorLike, name: Any = None) -> Tensor:
        """The elements or slices whose first coordinates stand in the last axis of `indices`."""
        return gather_nd(self, indices)

    def scatter_nd_update(self, indices: TensorLike, updates: TensorLike, name: Any = None) -> Variable:
        """Set the elements or slices whose first coordinates stand in the last axis of `indices`."""
        return self.assign(tensor_scatter_nd_update(Tensor(self.leaf), indices, self._fitting(updates)))

    def scatter_nd_add(self, indices: TensorLike, updates: TensorLike, name: Any = None) -> Variable:
        """Add to these; what stands there several times adds up."""
        return self.assign(tensor_scatter_nd_add(Tensor(self.leaf), indices, self._fitting(updates)))

    def scatter_nd_sub(self, indices: TensorLike, updates: TensorLike, name: Any = None) -> Variable:
        """Subtract from these; what stands there several times adds up."""
        return self.assign(tensor_scatter_nd_sub(Tensor(self.leaf), indices, self._fitting(updates)))

    def scatter_update(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Set rows.

        >>> import gradtape as tf
        >>> v = tf.Variable([1., 2., 3.])
        >>> v.scatter_update(tf.IndexedSlices([10., 20.], [0, 2])).numpy()
        array([10.,  2., 20.], dtype=float32)
        """
        return self.scatter_nd_update(*self._rows(sparse_delta))

    def scatter_add(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Add to rows; what is named several times adds up."""
        return self.scatter_nd_add(*self._rows(sparse_delta))

    def scatter_sub(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Subtract from rows; what is named several times adds up."""
        return self.scatter_nd_sub(*self._rows(sparse_delta))

    def scatter_mul(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Multiply rows, one after the other. Not in a traced function, as are the next three."""
        return self._one_by_one(np.multiply, sparse_delta)

    def scatter_div(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Divide rows, one after the other."""
        return self._one_by_one(np.divide, sparse_delta)

    def scatter_max(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Raise rows to at least these values."""
        return self._one_by_one(np.maximum, sparse_delta)

    def scatter_min(self, sparse_delta: IndexedSlices, use_locking: Any = False, name: Any = None) -> Variable:
        """Lower rows to at most these values."""
        return self._one_by_one(np.minimum, sparse_delta)

    def _rows(self, slices: Any) -> tuple[Tensor, Tensor]:
        if not isinstance(slices, IndexedSlices):
            raise ArgumentError(f"rows are given as IndexedSlices(values, indices), not as {slices!r:.60}")
        indices = as_node(slices.indices)
        return Tensor(reshape(indices, (*indices.shape, 1))), Tensor(as_node(self._fitting(slices.values)))

    def _one_by_one(self, combine: np.ufunc, slices: Any) -> Variable:
        places, values = (np.asarray(one) for one in self._rows(slices))
        whole = np.array(as_numpy(self.leaf))
        try:
            combine.at(whole, places[..., 0], values)
        except (IndexError, ValueError) as error:
            raise ShapeError(f"these rows do not fit {self.name} of shape {self.held.shape}: {error}") from None
        return self.assign(whole)

    def _fitting(self, delta: TensorLike, anyway: bool = False) -> TensorLike:
        """Lists and arrays become of this type, as in `assign`, and numbers too if `anyway`; DTypeError for a tensor of
        a wider one."""
        if isinstance(delta, Handle) and promote(self.dtype, delta.dtype) is not self.dtype:
            raise _other_type(self, delta.dtype)
        known = isinstance(delta, Handle) or (isinstance(delta, (int, float)) and not anyway)
        return delta if known else Tensor(as_node(delta, self.dtype))

    def __deepcopy__(self, memo: Any) -> Variable:
        shape = self._open  # the value alone does not tell
        return type(self)(Tensor(self.leaf), self.trainable, name=self.name, constraint=self.constraint, shape=shape)

    def __reduce__(self) -> tuple:
        made = (self._array(), self.trainable, True, None, self.name, None, self.dtype.name, None, self.constraint)
        return Variable, (*made, None, None, self._open)

    def _title(self) -> str:
        return f"Variable '{self.name}'"


class VariableSlice(Tensor):
    """A part of a Variable's value: a Tensor that can also be assigned."""

    __slots__ = ("index", "variable")
    variable: Variable
    index: Any

    def assign(self, value: TensorLike, use_locking: Any = False, name: Any = None, read_value: bool = True) -> Any:
        """Set this part of the Variable; `value` broadcasts to its shape. The Variable, or None if not `read_value`.

        Raises ShapeError or DTypeError if the value does not fit, and what NumPy raises for an index that is none.

        >>> import gradtape as tf
        >>> v = tf.Variable([[1., 2.], [3., 4.]])
        >>> v[:, 0].assign([10., 30.]).numpy()
        array([[10.,  2.],
               [30.,  4.]], dtype=float32)
        """
        return self._set(Tensor(as_node(self.variable._fitting(value, anyway=True))), read_value)

    def assign_add(self, value: TensorLike, use_locking: Any = False, name: Any = None, read_value: bool = True) -> Any:
        """Add to this part. As `assign` otherwise."""
        return self._set(self._now() + self.variable._fitting(value), read_value)

    def assign_sub(self, value: TensorLike, use_locking: Any = False, name: Any = None, read_value: bool = True) -> Any:
        """Subtract from this part. As `assign` otherwise."""
        return self._set(self._now() - self.variable._fitting(value), read_value)

    def _now(self) -> Tensor:
        """What stands there now, which need not be what stood there when the part was taken."""
        return Tensor(getitem(self.variable.leaf, self.index))

    def _set(self, value: Tensor, read_value: bool) -> Any:
        whole = Tensor(self.variable.leaf)
        places = np.arange(whole.size).reshape(whole.shape)[_plain(self.index)]
        try:
            values = broadcast_to(value, places.shape)
        except ShapeError:
            raise ShapeError(
                f"this part of {self.variable.name} has shape {places.shape}; "
                f"a value of shape {tuple(value.shape)} does not fit"
            ) from None
        flat = tensor_scatter_nd_update(reshape(whole, (-1,)), places.reshape(-1, 1), reshape(values, (-1,)))
        return self.variable.assign(reshape(flat, whole.shape), read_value=read_value)


def _plain(index: Any) -> Any:
    """An index as NumPy takes it."""
    if isinstance(index, tuple):
        return tuple([_plain(one) for one in index])
    return np.asarray(index) if isinstance(index, Handle) else index


def assign_all(variables: Sequence[Variable], values: Sequence[TensorLike]) -> None:
    """Set several Variables. What is pending of the values is computed in one pass, then all are set, or none if one
    does not fit."""
    nodes = []
    for variable, value in zip(variables, values, strict=True):
        held = variable.held
        node = value if type(value) is Node else as_node(value, None if isinstance(value, Handle) else held.dtype)
        if node.shape != held.shape and not (variable.open and variable.shape.is_compatible_with(node.shape)):
            raise ShapeError(f"{variable.name} has shape {variable.shape}; a value of shape {node.shape} does not fit")
        if node.dtype is not held.dtype:
            raise _other_type(variable, node.dtype)
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


def _other_type(variable: Variable, dtype: DType) -> DTypeError:
    return DTypeError(f"{variable.name} has type {variable.dtype.name}; cast the {dtype.name} value first")


def _narrower(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def _known(node: Node) -> Node:
    """A leaf of its own with the node's value."""
    run.value_of(node)
    return Node(None, node.value, node.shape, node.dtype)
