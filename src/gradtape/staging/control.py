"""`cond` and `while_loop`: what depends on values. Outside a traced function they are Python's; inside, operations.

A condition computes both branches and picks one, so it fuses and has derivatives of every order. A loop is one
operation, see `staging.loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, ShapeError
from gradtape.graph.dtypes import bool_
from gradtape.graph.handles import TensorLike, as_node
from gradtape.graph.node import Node
from gradtape.graph.trace import apply, thread, trace
from gradtape.modes import nest
from gradtape.ops.declare import convert
from gradtape.ops.selection import not_equal, where
from gradtape.staging.capture import Capture, placeholder, tracing
from gradtape.staging.loop import WHILE, part
from gradtape.tensor import Tensor


def cond(
    pred: TensorLike,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """true_fn() if `pred` holds, else false_fn().

    pred    one bool (or number: whether it is not 0)

    In a traced function, where `pred` is not known, both are computed and one result is picked: they must return
    tensors of the same structure, shapes and types, else this is an ArgumentError. Derivatives are those of the
    branch picked.

    >>> import gradtape as tf
    >>> @tf.function
    ... def f(x):
    ...     return tf.cond(x > 0., lambda: x**2, lambda: -x)
    >>> f(tf.constant(3.)).numpy(), f(tf.constant(-3.)).numpy()
    (np.float32(9.0), np.float32(3.0))
    """
    if not callable(true_fn) or not callable(false_fn):
        raise ArgumentError("cond needs two functions, as in cond(x > 0., lambda: x, lambda: -x)")
    chosen = as_node(pred)
    if int(np.prod(chosen.shape)) != 1:
        raise ShapeError(f"cond picks one branch, but pred has shape {chosen.shape}; use where to pick elements")
    capture: Capture | None = thread.capture
    if capture is None or not _rests_on_placeholders(chosen):
        return true_fn() if bool(Tensor(chosen)) else false_fn()
    truth = Tensor(chosen if chosen.dtype.is_bool else not_equal(chosen, 0))
    before, was_assigned = capture.now.copy(), capture.assigned.copy()
    first = true_fn()
    after_true, assigned_true = capture.now.copy(), capture.assigned.copy()
    capture.now, capture.assigned = before.copy(), was_assigned
    second = false_fn()
    picked = _pick(truth, first, second)
    for key, variable in {**assigned_true, **capture.assigned}.items():
        if_false = capture.leaf_of(variable)
        if_true = after_true.get(key) or before.get(key) or capture.read[key][1]
        capture.assign(variable, where(truth, Tensor(if_true), Tensor(if_false)).node)
    return picked


def _pick(truth: Tensor, first: Any, second: Any) -> Any:
    a, b = nest.flatten(first), nest.flatten(second)
    if len(a) != len(b):
        raise ArgumentError(f"the branches of cond return {len(a)} and {len(b)} tensors; they must return the same")
    picked: list[Any] = []
    for one, other in zip(a, b, strict=True):
        if one is None and other is None:
            picked.append(None)
            continue
        if one is None or other is None:
            raise ArgumentError("one branch of cond returns None where the other returns a tensor")
        x, y = as_node(one), as_node(other)
        if (x.shape, x.dtype) != (y.shape, y.dtype):
            raise ArgumentError(
                f"the branches of cond return {x.dtype.name}{list(x.shape)} and {y.dtype.name}{list(y.shape)}; "
                "they must have the same shape and type"
            )
        picked.append(where(truth, Tensor(x), Tensor(y)))
    return nest.pack(first, picked)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Sequence[Any],
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: int | None = None,
    name: str | None = None,
) -> Any:
    """Repeat ``loop_vars = body(*loop_vars)`` as long as ``cond(*loop_vars)`` holds; the last loop_vars.

    loop_vars               a list or tuple of tensors or nests of them; `body` returns as many of the same shapes and
                            types
    maximum_iterations      how often at most

    The other arguments are taken for TensorFlow's sake. In a traced function the loop is one operation, and reverse
    mode does not go through it: a tape inside the same function raises a ControlFlowError. A tape outside the function
    does: then the function runs in Python. `jvp`, `derivatives` and `jet` go through it.

    >>> import gradtape as tf
    >>> @tf.function
    ... def root(a):                                            # Newton's method until it changes no more
    ...     x, _ = tf.while_loop(lambda x, last: x != last, lambda x, last: ((x + a / x) / 2., x), (a, 0. * a))
    ...     return x
    >>> root(tf.constant(2.)).numpy()
    np.float32(1.4142135)
    """
    if not callable(cond) or not callable(body) or not isinstance(loop_vars, (list, tuple)) or not loop_vars:
        raise ArgumentError("while_loop needs two functions and a list of loop variables")
    nodes = [as_node(value) for value in nest.flatten(loop_vars)]
    if thread.capture is not None:
        return nest.pack(loop_vars, _loop(cond, body, loop_vars, nodes, maximum_iterations))
    flat = [Tensor(node) for node in nodes]
    done = 0
    while (maximum_iterations is None or done < maximum_iterations) and bool(cond(*nest.pack(loop_vars, flat))):
        flat = [Tensor(node) for node in _next(body(*nest.pack(loop_vars, flat)), nodes)]
        done += 1
    return nest.pack(loop_vars, flat)


def _next(result: Any, nodes: Sequence[Node]) -> list[Node]:
    """The nodes of what a body returned; ShapeError or ArgumentError if they do not fit the loop variables."""
    flat = [as_node(value) for value in nest.flatten(result)]
    if len(flat) != len(nodes):
        raise ArgumentError(f"the body of while_loop returned {len(flat)} tensors for {len(nodes)} loop variables")
    for i, (new, old) in enumerate(zip(flat, nodes, strict=True)):
        if new.shape != old.shape or new.dtype is not old.dtype:
            raise ShapeError(
                f"loop variable {i} of while_loop changes from {old.dtype.name}{list(old.shape)} "
                f"to {new.dtype.name}{list(new.shape)}; it must keep its shape and type"
            )
    return flat


def _loop(cond: Callable, body: Callable, structure: Any, nodes: list[Node], maximum: int | None) -> list[Tensor]:
    """The loop as operations, one for each variable."""
    capture = Capture(thread.capture.name, thread.capture)
    places = [placeholder(node.shape, node.dtype) for node in nodes]
    packed = nest.pack(structure, [Tensor(place) for place in places])
    inputs = {place: i for i, place in enumerate(places)}
    with tracing(capture) as inside:
        test = as_node(cond(*packed))
        if int(np.prod(test.shape)) != 1:
            raise ShapeError(f"the condition of while_loop has shape {test.shape}; it must be one truth value")
        condition = part(inside, [convert(test, bool_)], inputs)
    with tracing(capture) as inside:
        step = part(inside, _next(body(*packed), nodes), inputs)
    operands = (*nodes, *list(inputs)[len(nodes) :])
    return [Tensor(apply(WHILE, operands, (condition, step, maximum, i))) for i in range(len(nodes))]


def _rests_on_placeholders(node: Node) -> bool:
    return any(leaf.value is None for leaf in trace(node)[1])
