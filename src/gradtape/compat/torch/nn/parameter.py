"""PyTorch's Parameter: a Variable with a place for its gradient, which optimisers of ``torch.optim`` read."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradtape
from gradtape.compat.torch.tensor import Tensor, operator, own, tensor
from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.handles import Handle, TensorLike
from gradtape.ops.operators import Operators


class Parameter(gradtape.Variable):
    """A tensor that training changes. `grad` is what its last gradient was set to; nothing sets it by itself.

    >>> import gradtape, gradtape.compat.torch as torch
    >>> w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    >>> with gradtape.GradientTape() as tape:
    ...     loss = (w**2).sum()
    >>> w.grad = tape.gradient(loss, w)
    >>> w.grad
    tensor([2., 4.])
    """

    __slots__ = ("_grad",)

    def __init__(self, data: TensorLike, requires_grad: bool = True):
        start = data if isinstance(data, Handle) else tensor(data)
        if not start.dtype.is_floating:
            raise ArgumentError(f"a Parameter has gradients, so it is made of floats, not of {start.dtype.name}")
        super().__init__(start, trainable=requires_grad, name="Parameter")
        self._grad: Tensor | None = None

    @property
    def grad(self) -> Tensor | None:
        """The gradient, or None."""
        return self._grad

    @grad.setter
    def grad(self, gradient: TensorLike | None) -> None:
        if gradient is not None:
            gradient = own(gradient) if isinstance(gradient, Handle) else tensor(gradient)
            if gradient.shape != self.shape:
                raise ShapeError(f"the gradient has shape {tuple(gradient.shape)}, the parameter {tuple(self.shape)}")
        self._grad = gradient

    @property
    def requires_grad(self) -> bool:
        return self.trainable

    @property
    def data(self) -> Tensor:
        """The value; can be set."""
        return self.detach()

    @data.setter
    def data(self, value: TensorLike) -> None:
        self.assign(value)

    def detach(self) -> Tensor:
        """The value as a Tensor that no tape follows."""
        return Tensor(self.leaf)

    def numpy(self) -> np.ndarray:
        return np.asarray(super().numpy())

    def __repr__(self) -> str:
        return f"Parameter containing:\n{self.detach()!r}"

    __str__ = __repr__

    def __eq__(self, other: object) -> Any:
        return own(super().__eq__(other))

    def __ne__(self, other: object) -> Any:
        return own(super().__ne__(other))

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: Any) -> Parameter:
        return Parameter(self.detach(), self.trainable)

    def __reduce__(self) -> tuple:
        return Parameter, (self.numpy(), self.trainable)


for _name, _method in vars(Operators).items():
    if callable(_method):
        setattr(Parameter, _name, operator(_method))
for _name in ("sum", "mean", "pow", "exp", "log", "sqrt", "abs", "sigmoid", "tanh", "square"):
    setattr(Parameter, _name, vars(Tensor)[_name])
