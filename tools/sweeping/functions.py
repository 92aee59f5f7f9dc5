"""What is swept: the functions of one variable that the library lists, and their derivatives through the tape."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any

import numpy as np

import gradtape as tf
from gradtape.compat.v1.contrib.eager import gradients_function
from gradtape.text.vocabulary import functions as vocabulary

ORDERS = (0, 1, 2, 3)
CONTRACT = {0: 1.0, 1: 2.0, 2: 4.0, 3: 4.0}
"""How many ulps a result may be off, by order; from order 2 on in the mixed measure."""
HIGH_ORDERS = tuple(range(4, 11))
HIGH_FUNCTIONS = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "erf")
HIGH_CONTRACT = 1.0
"""How many ulps orders from 4 to 10 of these functions may be off, in the mixed measure."""


def contract(order: int) -> float:
    """How many ulps a result of this order may be off."""
    return CONTRACT.get(order, HIGH_CONTRACT)


@dataclass(frozen=True)
class Function:
    """A function of one variable; `settings` are arguments that are not at their default."""

    name: str
    call: Callable[[Any], Any]
    plain: str
    """The name of the public function."""
    settings: tuple[tuple[str, bool], ...] = ()


@cache
def catalogue() -> dict[str, Function]:
    """Every function that takes one number and gives one, by name; those with a switch both ways."""
    found = {}
    for name, word in vocabulary().items():
        if word.takes[: len(word.takes) - word.optional] == ("number",) and word.gives == "number":
            found[name] = Function(name, word.call, name)
            for parameter in inspect.signature(word.call).parameters.values():
                if isinstance(parameter.default, bool):
                    setting = {parameter.name: not parameter.default}
                    spelt = f"{name}({parameter.name}={not parameter.default})"
                    found[spelt] = Function(spelt, _with(word.call, setting), name, tuple(setting.items()))
    return found


def _with(call: Callable[..., Any], settings: dict[str, bool]) -> Callable[[Any], Any]:
    return lambda x: call(x, **settings)


def derivative(function: Function, order: int, x: Any) -> Any:
    """The derivative at the Tensor x through nested tapes, as a Tensor; None where it is zero by structure."""
    if order == 0:
        return function.call(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = derivative(function, order - 1, x)
    return None if y is None else tape.gradient(y, x)


def values(function: Function, order: int, x: np.ndarray) -> np.ndarray | None:
    """The derivative at every x, in the type of x."""
    result = derivative(function, order, tf.constant(x))
    return None if result is None else result.numpy()


def values_by_transforms(function: Function, order: int, x: np.ndarray) -> dict[str, np.ndarray]:
    """The same through each transform of functions that the library has, by its name."""
    ways: dict[str, Callable[[Any], Any]] = {"gradients_function": lambda f: lambda v: gradients_function(f)(v)[0]}
    if grad := getattr(tf, "grad", None):
        ways["grad"] = lambda f: grad(lambda v: tf.reduce_sum(f(v)))
    found: dict[str, np.ndarray] = {}
    for name, transform in ways.items():
        f: Any = function.call
        for _ in range(order):
            f = transform(f)
        found[name] = f(tf.constant(x)).numpy()
    return found


@cache
def exists(name: str, order: int) -> bool:
    """Whether the tape gives this derivative; the others are zero by structure."""
    return derivative(catalogue()[name], order, tf.constant([0.5])) is not None


def kernels(make: Callable[[], Any]) -> str:
    """The LLVM IR of the kernels that compute the Tensor that `make` returns, whatever was asked for before."""
    (tf.constant([0.0]) + 1.0).numpy()  # computed, so what is asked for next is written down from an empty beginning
    out = StringIO()
    tf.show(make(), ir=True, file=out)
    text = out.getvalue()
    return text[text.find("define") :] if "define" in text else text


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code(name: str, order: int, dtype: str) -> str:
    """The LLVM IR of the kernel."""
    x = tf.constant(np.full(1 << 16, 0.5, tf.as_dtype(dtype).dtype))
    return kernels(lambda: derivative(catalogue()[name], order, x))


@cache
def fingerprint(name: str, order: int, dtypes: tuple[str, ...]) -> str:
    """Says which kernels are measured: another code for one of these types is another fingerprint."""
    return short_hash("".join(code(name, order, dtype) for dtype in dtypes))


def constants(name: str, order: int, dtype: str) -> np.ndarray:
    """The numbers that the kernel compares with: where it changes from one formula to another."""
    compared = re.findall(r"fcmp .*", code(name, order, dtype))
    bits = [int(c, 16) for line in compared for c in re.findall(r"0x([0-9A-F]{16})", line)]
    return np.unique(np.array(bits, np.uint64).view(np.float64))
