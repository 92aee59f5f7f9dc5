"""PyTorch's Tensor: gradtape's, that prints as PyTorch does and can be the `out` of a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

import gradtape
from gradtape.compat.torch.printing import text_of
from gradtape.engine import run
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.dtypes import DType, as_dtype, float64, int32, int64
from gradtape.graph.handles import Handle, TensorLike, as_node
from gradtape.graph.node import Node
from gradtape.ops.declare import convert
from gradtape.ops.operators import Operators


class Tensor(gradtape.Tensor):
    """What `tensor` and the functions here make. GradientTape follows it as any other Tensor."""

    __slots__ = ()

    def numpy(self) -> np.ndarray:
        """The value as a read-only NumPy array, also without axes."""
        return np.asarray(super().numpy())

    def numel(self) -> int:
        return self.size

    def detach(self) -> Tensor:
        """The same value, a constant for every gradient."""
        return own(gradtape.stop_gradient(self))

    def to(self, dtype: Any) -> Tensor:
        """The same numbers with another element type."""
        return Tensor(convert(self.node, torch_dtype(dtype)))

    def replace(self, node: Node) -> None:
        """Refer to another node: what writing into `out` means here. What was computed from the old one stays."""
        self.node = node
        run.pending(self)

    def __repr__(self) -> str:
        return text_of(self.numpy())

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else format(str(self), spec)

    def __eq__(self, other: object) -> Any:
        return own(super().__eq__(other))

    def __ne__(self, other: object) -> Any:
        return own(super().__ne__(other))

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Tensor:
        return Tensor(self.node)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return Tensor(self.node)

    def __reduce__(self) -> tuple:
        return from_numpy, (self.numpy(),)


def own(result: Any) -> Any:
    """A gradtape Tensor as one of these."""
    return Tensor(result.node) if isinstance(result, Handle) else result


def operator(method: Callable) -> Callable:
    """An operator whose result is one of these."""

    @wraps(method)
    def call(self: Any, *others: Any) -> Any:
        return own(method(self, *others))

    return call


for _name, _method in vars(Operators).items():
    if callable(_method):
        setattr(Tensor, _name, operator(_method))


def tensor(data: TensorLike, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of a number, nested lists or an array, which is copied.

    Python floats become float32, integers int64, bools bool; arrays keep their type. `requires_grad` can only be False.

    >>> tensor([1, 2]), tensor([1, 2.5]), tensor([0.1], dtype="float64")
    (tensor([1, 2]), tensor([1.0000, 2.5000]), tensor([0.1000], dtype=torch.float64))
    """
    if requires_grad:
        raise ArgumentError("there is no backward() here: watch the tensor with a gradtape.GradientTape instead")
    if dtype is None:
        node = as_node(data)
        if node.dtype is int32 and not isinstance(data, Handle):
            node = as_node(data, as_dtype(np.asarray(data).dtype.newbyteorder("=")))
        return Tensor(node)
    wanted = torch_dtype(dtype)
    if wanted.is_floating and not isinstance(data, Handle):  # straight from the data, with all its digits
        return Tensor(as_node(data, wanted))
    return Tensor(convert(tensor(data).node, wanted))


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor of the array's numbers and type. They are copied: unlike in PyTorch, memory is not shared.

    >>> import numpy as np
    >>> from_numpy(np.array([1.0, 2.0]))
    tensor([1., 2.], dtype=torch.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise ArgumentError(f"from_numpy takes a NumPy array, not a {type(ndarray).__name__}; use tensor(...)")
    return tensor(ndarray)


def torch_dtype(dtype: Any) -> DType:
    """The element type that PyTorch takes `dtype` for: Python's float and int are its wide ones there."""
    return float64 if dtype is float else int64 if dtype is int else as_dtype(dtype)


def deliver(result: Any, out: Any) -> Any:
    """`result` as a Tensor; or put into `out`, a Tensor or a NumPy array of its shape, which is returned.

    The type of `out` must hold every value of the result's type. Raises ShapeError, DTypeError, or ArgumentError if
    `out` cannot be written.
    """
    if out is None:
        return own(result)
    if not isinstance(out, (Tensor, np.ndarray)):
        raise ArgumentError(f"out must be a NumPy array or a tensor of this module, but {type(out).__name__} was given")
    if tuple(out.shape) != tuple(result.shape):
        raise ShapeError(f"out has shape {tuple(out.shape)}, but the result has shape {tuple(result.shape)}")
    if not np.can_cast(result.dtype.dtype, np.dtype(out.dtype), "safe"):
        raise DTypeError(f"out has type {np.dtype(out.dtype).name}, which cannot hold the {result.dtype.name} result")
    if isinstance(out, Tensor):
        out.replace(convert(result.node, out.dtype))
    elif out.flags.writeable:
        out[...] = result.numpy()
    else:
        raise ArgumentError("out is a read-only NumPy array; give one that can be written, for instance out.copy()")
    return out
