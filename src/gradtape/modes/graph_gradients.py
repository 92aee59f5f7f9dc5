"""`gradients` and `hessians`, in TensorFlow 1's style: without a tape, as the graph knows what was made of what."""

from __future__ import annotations

from typing import Any

from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.handles import Handle, as_node, need_tensor, wrap
from gradtape.graph.node import Node, Op, recordings
from gradtape.graph.origins import Origin, origins
from gradtape.graph.trace import thread
from gradtape.modes import nest
from gradtape.modes.jacobians import Linear, directions
from gradtape.modes.reverse import pull_back
from gradtape.modes.tape import wants_zero
from gradtape.ops.arithmetic import plus
from gradtape.ops.shaping import full, reshaped
from gradtape.rewrite.recorded import recorded


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str | None = None,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = "none",
    *,
    colocate_gradients_with_ops: bool = False,
) -> list[Any]:
    """The derivatives of the sum of all `ys` by each of `xs`, as a list; without a tape.

    ys, xs                  a Tensor or Variable, or a list of them; xs may be intermediate values
    grad_ys                 weights for the elements of each of ys, or None for ones
    stop_gradients          a Tensor or Variable, or a list of them, that count as constants: nothing goes through them
    unconnected_gradients   what stands for "no dependence": "none" → None, "zero" → zeros

    The other arguments are taken for TensorFlow's sake. In a traced function this always works. Elsewhere a value
    forgets what it was computed from when it is computed, for instance to be printed: then use a GradientTape. What
    was pending when gradients were asked for is remembered. Raises ArgumentError for one of ys whose history is
    forgotten, and for what is no Tensor or Variable.

    >>> import gradtape as tf
    >>> a = tf.constant(0.)
    >>> b = 2. * a
    >>> [g.numpy() for g in tf.gradients(a + b, [a, b])]
    [np.float32(3.0), np.float32(1.0)]
    >>> [g.numpy() for g in tf.gradients(a + b, [a, b], stop_gradients=[a, b])]
    [np.float32(1.0), np.float32(1.0)]
    """
    zero = wants_zero(unconnected_gradients)
    sources = [_node(x, "one of xs") for x in nest.flatten(xs)]
    for node in sources:
        if not node.dtype.is_floating:
            raise DTypeError(
                f"one of xs has type {node.dtype.name}, which has no derivative; make it float32 or float64"
            )
    targets = [_node(y, "one of ys") for y in nest.flatten(ys)]
    weights = [None] * len(targets) if grad_ys is None else grad_ys if isinstance(grad_ys, list) else [grad_ys]
    if len(weights) != len(targets):
        raise ShapeError(f"{len(targets)} ys were given, but {len(weights)} grad_ys")
    constants = {
        _node(x, "one of stop_gradients") for x in nest.flatten([] if stop_gradients is None else stop_gradients)
    }
    for node in targets:
        if node not in sources and _op(node) is None and not _is_variable(node, ys):
            raise ArgumentError(
                "one of ys has been computed, or was given as numbers, and does not know what it was computed from; "
                "ask for gradients before its value is read, inside gradtape.function, or use a GradientTape"
            )
    made = _dependent(targets, sources, constants)
    _remember(targets)
    seeds: dict[Node, Node] = {}
    for node, weight in zip(targets, weights, strict=True):
        if node.dtype.is_floating:
            seed = full(node.shape, 1, node.dtype) if weight is None else _weight(weight, node)
            seeds[node] = plus(seeds[node], seed) if node in seeds else seed
    inner = [node for node in sources if made.get(node)]
    found = pull_back(recorded(made, {}, apart=inner).made, seeds)
    totals = [found.get(node) for node in sources]
    if zero:
        totals = [g if g is not None else full(x.shape, 0, x.dtype) for x, g in zip(sources, totals, strict=True)]
    return [None if total is None else wrap(total) for total in totals]


def hessians(ys: Any, xs: Any, name: str | None = None) -> list[Any]:
    """The second derivatives of the sum of `ys` by each of `xs`, each of shape x.shape + x.shape.

    ys, xs    a tensor, or a list of them

    TensorFlow's function for graphs; where it works and what it raises is as for `gradients`. Raises ArgumentError,
    too, for one of xs that no y depends on. `hessian` takes a function, and works everywhere.

    >>> import gradtape as tf
    >>> @tf.function
    ... def curvature(x):
    ...     return tf.hessians(tf.reduce_sum(x**3), x)[0]
    >>> curvature(tf.constant([1., 2.])).numpy()
    array([[ 6.,  0.],
           [ 0., 12.]], dtype=float32)
    """
    found = []
    for x in xs if isinstance(xs, (list, tuple)) else [xs]:
        node = _node(x, "one of xs")
        (slope,) = gradients(ys, [x])
        if slope is None:
            raise ArgumentError("no y depends on one of xs, so that it has no second derivatives")
        made = recorded(_dependent([slope.node], [node], set()), {}, apart=[node] if _op(node) else []).made
        (rows,) = directions(_pulled(made, slope.node, node), node.shape, node.dtype)
        found.append(wrap(full(node.shape * 2, 0, node.dtype) if rows is None else reshaped(rows, node.shape * 2)))
    return found


def _pulled(made: dict[Node, Op | None], y: Node, x: Node) -> Linear:
    return lambda ct: [pull_back(made, {y: ct}).get(x)]


def _node(value: Any, what: str) -> Node:
    return value.leaf if getattr(value, "assignable", False) else need_tensor(value, what)


def _is_variable(node: Node, ys: Any) -> bool:
    return any(getattr(y, "assignable", False) and y.leaf is node for y in nest.flatten(ys))


def _weight(weight: Any, node: Node) -> Node:
    seed = as_node(weight, None if isinstance(weight, Handle) else node.dtype)
    if seed.shape != node.shape:
        raise ShapeError(f"grad_ys must have the shape {node.shape} of its y, but one has {seed.shape}")
    return seed


def _remember(targets: list[Node]) -> None:
    """Note what targets, and what else is pending and will be computed with them, were made of."""
    waiting = [tensor.node for tensor in [reference() for reference in thread.trace.waiting] if tensor is not None]
    stack = [*targets, *waiting]
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node.op is not None and node not in seen:
            seen.add(node)
            op: Any = tuple(node.op)
            origins[node] = origins.get(node, Origin(op, None))._replace(op=op)
            stack += op[1]


def _op(node: Node) -> Op | None:
    """What made a node, as far as anybody knows."""
    op: Any = node.op
    if op is None and node in origins:
        op = origins[node].op
    if op is None:
        op = next((op for op in [recording.made.get(node) for recording in recordings.get()] if op), None)
    return tuple(op) if op is not None and op[1] else None


def _dependent(targets: list[Node], sources: list[Node], constants: set[Node]) -> dict[Node, Op | None]:
    """What the targets were made of, as far as it depends on sources, inputs first."""
    made: dict[Node, Op | None] = dict.fromkeys([x for x in sources if x in constants or _op(x) is None])
    seen: set[Node] = set(made)
    wanted = set(sources)
    stack = list(targets)
    while stack:
        node = stack[-1]
        op = None if node in constants or node in seen else _op(node)
        missing = [x for x in op[1] if x not in seen and x not in constants] if op else []
        if missing:
            stack += missing[::-1]
            continue
        stack.pop()
        if node not in seen:
            seen.add(node)
            if op and node.dtype.is_floating and any(x in made for x in op[1]):
                made[node] = op
            elif node in wanted:
                made[node] = None
    return made
