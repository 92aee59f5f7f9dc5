"""The same derivatives by TensorFlow, PyTorch and JAX, each through its own automatic differentiation."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from sweeping.functions import Function, values

HOMES = {
    "tensorflow": ("tensorflow.math", "tensorflow.nn", "tensorflow", "tensorflow.keras.activations"),
    "torch": ("torch", "torch.nn.functional", "torch.special"),
    "jax": ("jax.numpy", "jax.nn", "jax.lax", "jax.scipy.special"),
}
"""Where each peer keeps its functions, in the order in which they are looked for."""

PACKAGES = {"tensorflow": ("tensorflow-cpu", "tensorflow"), "torch": ("torch",), "jax": ("jax",)}
TITLES = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}

Evaluator = Callable[[np.ndarray], np.ndarray]


class NotThere(Exception):
    """The peer is not installed, or has no such function, or one that is defined otherwise."""


def installed(peer: str) -> str | None:
    """The version that is installed, if any."""
    for package in PACKAGES[peer]:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None


def evaluator(peer: str, function: Function, order: int) -> Evaluator:
    """float32 numbers → float32 derivatives of that order. Raises NotThere."""
    if installed(peer) is None:
        raise NotThere(peer)
    make: Callable[[Callable, int], Evaluator] = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}[peer]
    for candidate in _candidates(peer, function):
        try:
            if _same(make(candidate, 0), function):
                found = make(candidate, order)
                found(np.linspace(0.1, 0.9, 3, dtype=np.float32))
                return found
        except Exception:  # a function of that name with other arguments, other types, or without a derivative
            continue
    raise NotThere(f"{peer} has no {function.name}")


def _candidates(peer: str, function: Function) -> list[Callable]:
    """Functions of that name, with the settings as this peer spells them."""
    name = function.plain
    settings: dict[str, Any] = dict(function.settings)
    if "approximate" in settings or name == "gelu":
        tanh = settings.get("approximate", False)
        settings = {"approximate": ("tanh" if tanh else "none") if peer == "torch" else tanh}
    found = []
    for home in HOMES[peer]:
        for spelling in (name, name.replace("_", "")):
            call = getattr(import_module(home), spelling, None)
            if callable(call):
                found.append(lambda x, call=call: call(x, **settings))
    return found


def _same(evaluate: Evaluator, function: Function) -> bool:
    """Whether it is the same function at ordinary numbers: not one with another default, or only the same name."""
    x = np.linspace(-3, 3, 61, dtype=np.float32)[1:]
    ours, theirs = values(function, 0, x), evaluate(x)
    return ours is not None and np.allclose(theirs, ours, 1e-3, 1e-3, equal_nan=True)


def _tensorflow(f: Callable, order: int) -> Evaluator:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf = import_module("tensorflow")

    def nested(x: Any, k: int) -> Any:
        if k == 0:
            return f(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = nested(x, k - 1)
        return tape.gradient(y, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return lambda x: nested(tf.constant(x), order).numpy()


def _torch(f: Callable, order: int) -> Evaluator:
    import torch

    torch.set_num_threads(1)

    def evaluate(x: np.ndarray) -> np.ndarray:
        leaf = torch.tensor(x, requires_grad=True)
        y = f(leaf)
        for _ in range(order):
            if not y.requires_grad:
                return np.zeros_like(x)
            (slope,) = torch.autograd.grad(y.sum(), leaf, create_graph=True, allow_unused=True)
            y = torch.zeros_like(leaf) if slope is None else slope
        return y.detach().numpy()

    return evaluate


def _jax(f: Callable, order: int) -> Evaluator:
    import jax

    for _ in range(order):
        f = jax.grad(f)
    vectorised = jax.jit(jax.vmap(f))
    return lambda x: np.asarray(vectorised(x))
