"""The same expression with TensorFlow, PyTorch and JAX, for comparison, where they are installed.

Operators are Python's; functions are found in each library by our name or, in `OTHER`, by theirs.
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from gradtape.text import Expression
from gradtape.text.expression import Call, Constant, Load


@dataclass(frozen=True)
class Peer:
    """A system and what it computed; None with the reason in `note`."""

    name: str
    computed: np.ndarray | None
    note: str = ""


OPERATORS: dict[str, Callable] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floordiv": operator.floordiv,
    "floormod": operator.mod,
    "negative": operator.neg,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "logical_and": operator.and_,
    "logical_or": operator.or_,
    "logical_not": operator.invert,
    "abs": operator.abs,
}

OTHER = {
    "torch": {"log_sigmoid": "logsigmoid", "swish": "silu", "hard_sigmoid": "hardsigmoid", "hard_tanh": "hardtanh"},
    "jax": {"swish": "silu", "lgamma": "gammaln", "floormod": "mod"},
    "tensorflow": {},
}
"""What a function is called there, if not as here."""


class _Missing(Exception):
    """A function that a library does not have."""


def results(
    f: Any, order: int, x: np.ndarray, systems: Sequence[str] = ("tensorflow", "torch", "jax")
) -> Iterator[Peer]:
    """The derivative of an expression at x, by each of the systems."""
    for module in systems:
        name, derivative = SYSTEMS[module]
        if not isinstance(f, Expression):
            yield Peer(name, None, "only expressions are translated")
            continue
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                system = import_module(module)
                yield Peer(f"{name} {system.__version__}", np.asarray(derivative(system, f, order, x), x.dtype))
        except ImportError:
            yield Peer(name, None, "not installed")
        except _Missing as missing:
            yield Peer(name, None, f"has no {missing}")


def _evaluate(f: Expression, x: Any, places: list[Any], names: dict[str, str], lift: Callable[[Any], Any]) -> Any:
    """The expression with the functions of a library: found in `places` by name, given tensors made by `lift`."""
    stack: list[Any] = []
    for step in f.steps:
        match step:
            case Constant(value):
                stack.append(value)
            case Load():
                stack.append(x)
            case Call(function, count):
                operands = stack[len(stack) - count :]
                del stack[len(stack) - count :]
                stack.append(_call(function.name, operands, places, names, lift))
    return lift(stack[0])


def _call(name: str, operands: list[Any], places: list[Any], names: dict[str, str], lift: Callable[[Any], Any]) -> Any:
    if name == "pow":
        base, exponent = operands
        whole = isinstance(exponent, float) and exponent.is_integer()
        return operator.pow(base, int(exponent) if whole else exponent)  # as people write it: x**2
    if name in OPERATORS and not all(isinstance(o, bool) for o in operands):
        return OPERATORS[name](*operands)
    for place in places:
        function = getattr(place, names.get(name, name), None)
        if function is not None:
            return function(*[lift(o) for o in operands])
    raise _Missing(name)


def _tensorflow(tf: Any, f: Expression, order: int, x: np.ndarray) -> Any:
    at = tf.constant(x)

    def lift(value: Any) -> Any:
        return tf.constant(value, x.dtype) if isinstance(value, float) else value

    def value(n: int) -> Any:
        if n == 0:
            return lift(_evaluate(f, at, [tf.math, tf.nn, tf], OTHER["tensorflow"], lift)) + tf.zeros_like(at)
        with tf.GradientTape() as tape:
            tape.watch(at)
            y = value(n - 1)
        return tape.gradient(y, at, unconnected_gradients="zero")

    return value(order).numpy()


def _torch(torch: Any, f: Expression, order: int, x: np.ndarray) -> Any:
    wide = x.astype(np.float64)  # it does not know NumPy's bfloat16
    at = torch.tensor(wide, dtype=getattr(torch, x.dtype.name), requires_grad=True)

    def lift(value: Any) -> Any:
        return torch.tensor(value, dtype=at.dtype) if isinstance(value, float) else value

    y = _evaluate(f, at, [torch, torch.special, torch.nn.functional], OTHER["torch"], lift) + torch.zeros_like(at)
    for _ in range(order):
        if not y.requires_grad:
            return np.zeros_like(x)
        (y,) = torch.autograd.grad(y.sum(), at, create_graph=True, allow_unused=True, materialize_grads=True)
    return y.detach().double().numpy()


def _jax(jax: Any, f: Expression, order: int, x: np.ndarray) -> Any:
    numpy, special = import_module("jax.numpy"), import_module("jax.scipy.special")

    def function(at: Any) -> Any:
        def lift(value: Any) -> Any:
            return numpy.asarray(value, at.dtype) if isinstance(value, float) else value

        return lift(_evaluate(f, at, [numpy, jax.nn, jax.lax, special], OTHER["jax"], lift))

    derivative = function
    for _ in range(order):
        derivative = jax.grad(derivative)
    wide = jax.enable_x64 if hasattr(jax, "enable_x64") else import_module("jax.experimental").enable_x64
    with wide(x.dtype == np.float64):
        return np.asarray(jax.vmap(derivative)(numpy.asarray(x)))


SYSTEMS: dict[str, tuple[str, Callable]] = {
    "tensorflow": ("TensorFlow", _tensorflow),
    "torch": ("PyTorch", _torch),
    "jax": ("JAX", _jax),
}
"""By the module that is imported: the system's name, and how it computes a derivative."""
