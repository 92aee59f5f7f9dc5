"""Finding where NaN and infinity arise: `explain_nan`, and what check_numerics does with every Tensor.

A value with a NaN or an infinity is walked back, operation by operation and with a mask of the elements that matter:
an element of a result is explained by the elements of the inputs that it was made of and that are not finite. What no
input explains arose there. So an infinity that a selection drops, as in ``where(x > 0, log(x), 0.)``, explains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.config import Settings
from gradtape.engine.run import live, value_of
from gradtape.errors import ArgumentError, NumericsError
from gradtape.graph.handles import need_tensor
from gradtape.graph.node import Node, Op, leaf, recordings
from gradtape.graph.origins import Origin, Place, Pull, here, opened, order, origins, pulls
from gradtape.graph.program import title, typed
from gradtape.graph.shapes import broadcast
from gradtape.graph.trace import thread
from gradtape.modes.reverse import rule_of
from gradtape.ops.shaping import full

SHOWN = 4
"""How many elements of an input are written out, where an operation reads many of them for one of its result."""

AGAIN = 'inside `with gradtape.config.override(check_numerics="record"):`'


@dataclass(frozen=True)
class Anomaly:
    """The first NaN or infinity that reached a value.

    operation       what made it of finite numbers; "" if it was in a tensor that was given, or computed before
    index           of the first such element of its result
    result          that element
    of              element type and shape of that result
    inputs          the elements that it was made of, one number for each input, or several for a reduction
    place           the user's file and line, if it was recorded
    through         in a gradient: the operation that is differentiated, else ""
    operands        in a gradient: the values of that operation's inputs there, if they are elements
    derivative      in a gradient: that operation's derivative there, if it works by elements
    through_place   in a gradient: the file and line of that operation, if it was recorded
    """

    operation: str
    index: tuple[int, ...]
    result: float
    of: str
    inputs: tuple[Any, ...] = ()
    place: Place | None = None
    through: str = ""
    operands: tuple[Any, ...] = ()
    derivative: float | None = None
    through_place: Place | None = None

    def __str__(self) -> str:
        at = f"at element {self.index} of {self.of}" if self.index else f"in {self.of}"
        if not self.operation:
            return f"{self.result} {at} was in a tensor that was given, or computed before; then compute it {AGAIN}"
        lines = [f"{self.operation} makes {self.result} of {_numbers(self.inputs)}, {at}"]
        if self.through:
            lines[0] += f", in the gradient of {self.through}"
            if self.derivative is not None:
                lines.append(
                    f"{self.through} of {_numbers(self.operands)} has the derivative {self.derivative:.8g} there"
                )
            if self.through_place:
                lines.append(f"{self.through} was computed in {self.through_place}")
        where = "the gradient was asked for" if self.through else "this was asked for"
        lines.append(f"{where} in {self.place}" if self.place else f"to see the line, compute it {AGAIN}")
        return "\n    ".join(lines)


def explain_nan(value: Any) -> Anomaly | None:
    """The first operation and element at which a NaN or infinity arose that is in `value`; None if there is none.

    `value` is a Tensor or Variable, also a gradient. What it was made of is known as long as it is not computed, while
    a tape is open that watches, and for good if it was made inside ``config.override(check_numerics="record")``. Then
    the file and line are known too, and for a gradient which operation it went through, with its derivative there.
    Raises ArgumentError if it is not known, for instance after the value was printed.

    >>> import gradtape as tf
    >>> x = tf.constant([4., 0.])
    >>> with tf.config.override(check_numerics="record"):
    ...     with tf.GradientTape() as tape:
    ...         tape.watch(x)
    ...         y = tf.sqrt(x)
    ...     found = tf.explain_nan(tape.gradient(y, x))
    >>> found.operation, found.index, found.through, found.operands, found.derivative
    ("sqrt'", (1,), 'sqrt', (0.0,), inf)
    """
    node = need_tensor(value, "what explain_nan explains")
    for one in [node, *live(thread.trace)]:  # what is computed together; a second question has an answer too
        for made, op in _ancestors(one, _op).items():
            if op:
                origins[made] = origins.get(made, Origin(op, None))._replace(op=op)
    known = _ancestors(node, _op)
    if not _bad(node).any():
        return None
    found = _first(node, known)
    if not found.operation and not known[node]:
        raise ArgumentError(
            "this value has NaN or infinity, but it was given like that, or it was computed and what made it is "
            f"forgotten; compute it again {AGAIN}, or call explain_nan before anything reads the value"
        )
    return found


def observe(node: Node, now: Settings) -> None:
    """Do for a new Tensor what the settings ask for: record how it is made, or compute and check it."""
    known = _ancestors(node, _not_recorded if now.records else _pending)
    for one, op in reversed(known.items()):
        for x in op[1] if op and one in pulls else ():  # what a rule made on the way belongs to it
            if known[x] and x not in origins:
                pulls.setdefault(x, pulls[one])
    place, open_now = here(), opened()
    for one, op in known.items():
        old = origins.get(one)
        if op:
            kept = op if now.records else None
            origins[one] = old._replace(op=kept) if old else Origin(kept, place, next(order), open_now)
        elif now.explain and old is None:
            origins[one] = Origin(None, place, next(order), open_now)
    if now.check_numerics is True and _bad(node).any():
        found = _first(node, known)
        if found.operation:
            raise NumericsError(str(found), found)


def _op(node: Node) -> Op | None:
    """What made a node, as far as anybody knows."""
    op: Any = node.op
    if op is None and node in origins:
        op = origins[node].op
    if op is None:
        op = next((op for op in [recording.made.get(node) for recording in recordings.get()] if op), None)
    return tuple(op) if op is not None and op[1] else None


def _pending(node: Node) -> Op | None:
    """What makes a node that is not computed."""
    op: Any = node.op
    return tuple(op) if op is not None and op[1] else None


def _not_recorded(node: Node) -> Op | None:
    """What makes a node that is not computed, if that is not recorded yet."""
    return None if node in origins and origins[node].op else _pending(node)


def _ancestors(target: Node, op_of: Callable[[Node], Op | None]) -> dict[Node, Op | None]:
    """All nodes that a node was made of, and what made them as far as `op_of` says; inputs first."""
    known: dict[Node, Op | None] = {}
    ops: dict[Node, Op | None] = {}
    stack = [target]
    while stack:
        node = stack[-1]
        if node not in known:
            if node not in ops:
                ops[node] = op_of(node)
            op = ops[node]
            missing = [x for x in op[1] if x not in known] if op else []
            if missing:
                stack += missing[::-1]
                continue
            known[node] = op
        stack.pop()
    return known


def _array(node: Node) -> np.ndarray:
    return np.asarray(value_of(node))


def _bad(node: Node) -> np.ndarray:
    """Which elements of a node are NaN or infinite."""
    return ~np.isfinite(_array(node)) if node.dtype.is_floating else np.zeros(node.shape, bool)


def _first(target: Node, known: dict[Node, Op | None]) -> Anomaly:
    """Where the first NaN or infinity arose that reaches `target`."""
    reaching = {target: _bad(target)}
    arose: tuple[Node, np.ndarray] | None = None
    given: tuple[Node, np.ndarray] | None = None
    for node in reversed(list(known)):
        op = known[node]
        mask = reaching.pop(node, None)
        if mask is None:
            continue
        if op is None:
            given = node, mask
            continue
        causes, explained = _causes(node, op, mask)
        for x, cause in zip(op[1], causes, strict=True):
            if cause is not None and cause.any():
                reaching[x] = reaching[x] | cause if x in reaching else cause
        if (mask & ~explained).any():
            arose = node, mask & ~explained
    node, mask = arose or given  # type: ignore[misc] # the walk ends somewhere
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    return _described(node, known[node], index)


def _by_elements(op: Op, shape: tuple[int, ...]) -> bool:
    """Whether each element of a result is made of one element of each input, which broadcast."""
    primitive, inputs, _ = op
    if primitive.lowering is None or primitive.reduction is not None or primitive.view is not None:
        return False
    common: tuple[int, ...] = ()
    for x in inputs:
        common = broadcast(common, x.shape)
    return common == shape


def _causes(node: Node, op: Op, mask: np.ndarray) -> tuple[Sequence[np.ndarray | None], np.ndarray]:
    """For each input which of its elements explain those of `node` in `mask`; and which of these are explained."""
    primitive, inputs, params = op
    bad = [_bad(x) for x in inputs]
    nothing = np.zeros(node.shape, bool)
    if not any(one.any() for one in bad):
        return [None] * len(inputs), nothing
    if _by_elements(op, node.shape):
        wide = [np.broadcast_to(one, node.shape) & mask for one in bad]
        wide = [one & picked for one, picked in zip(wide, _picked(op, wide), strict=True)]
        return [_folded(one, x.shape) for one, x in zip(wide, inputs, strict=True)], np.logical_or.reduce(wide)
    if primitive.reduction is not None:
        of = bad[0] & np.expand_dims(mask, params[0])
        return [of], of.any(axis=params[0])
    if primitive.kind == "linear":  # moves elements: the transpose says where each one came from
        back = leaf(mask.astype(node.dtype.dtype), node.dtype)
        causes = [one & (_array(primitive.rule(back, i, inputs, *params)) != 0) for i, one in enumerate(bad)]
        return causes, mask if any(one.any() for one in causes) else nothing
    return bad, mask


def _picked(op: Op, bad: Sequence[np.ndarray]) -> Sequence[np.ndarray | bool]:
    """For each input where it is what a selection picked; everywhere for other operations, and where there is only one
    input that may be to blame."""
    primitive, inputs, params = op
    if primitive.kind != "selection" or sum(one.any() for one in bad) < 2:
        return [True] * len(inputs)
    picks = [False if pick is None else _array(pick(*inputs, *params)) for pick in primitive.rule]
    undecided = ~np.logical_or.reduce(np.broadcast_arrays(*picks))  # by comparing with NaN
    return [pick | undecided for pick in picks]


def _folded(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which elements of `shape` were broadcast to elements in the mask."""
    extra = mask.ndim - len(shape)
    axes = tuple(i for i in range(mask.ndim) if i < extra or (shape[i - extra] == 1 and mask.shape[i] != 1))
    return mask.any(axis=axes).reshape(shape)


def _described(node: Node, op: Op | None, index: tuple[int, ...]) -> Anomaly:
    result = _array(node)[index].item()
    kind = typed(node.dtype.name, node.shape)
    if op is None:
        return Anomaly("", index, result, kind)
    origin, pull = origins.get(node), pulls.get(node)
    found: dict[str, Any] = {"inputs": _inputs(op, node.shape, index), "place": origin.place if origin else None}
    if pull is not None:
        noted = origins.get(pull.result)
        found["through"] = _title(pull.op)
        found["through_place"] = noted.place if noted else None
        if node.shape == pull.result.shape and _by_elements(pull.op, node.shape):
            found["operands"] = _inputs(pull.op, node.shape, index)
            found["derivative"] = _derivative(pull, index)
    return Anomaly(_title(op), index, result, kind, **found)


def _title(op: Op) -> str:
    return title(op[0].name, op[2], len(op[1]))


def _inputs(op: Op, shape: tuple[int, ...], index: tuple[int, ...]) -> tuple[Any, ...]:
    """The elements of the inputs that an element of the result is made of."""
    primitive, inputs, params = op
    if _by_elements(op, shape):
        return tuple(np.broadcast_to(_array(x), shape)[index].item() for x in inputs)
    if primitive.reduction is not None:
        rest = [i for i in range(len(inputs[0].shape)) if i not in params[0]]
        return (tuple(_array(inputs[0]).transpose([*rest, *params[0]])[index].ravel().tolist()),)
    return tuple(tuple(_array(x).ravel().tolist()) for x in inputs)


def _derivative(pull: Pull, index: tuple[int, ...]) -> float | None:
    """The derivative of an operation on elements by its input `i`, at an element of its result."""
    primitive, inputs, params = pull.op
    shape = pull.result.shape
    elements = [leaf(np.array(np.broadcast_to(_array(x), shape)[index]), x.dtype) for x in inputs]
    result = leaf(np.array(_array(pull.result)[index]), pull.result.dtype)
    one = full((), 1, pull.result.dtype)
    slope = rule_of(primitive.kind, result)(primitive.rule, one, pull.i, result, tuple(elements), params)
    return None if slope is None else _array(slope).item()


def _numbers(inputs: Sequence[Any]) -> str:
    """Elements as people read them; of many only a few and their range."""
    shown = []
    for one in inputs:
        if not isinstance(one, tuple):
            shown.append(f"{one:.8g}")
        elif len(one) <= SHOWN:
            shown.append(f"[{', '.join(f'{x:.8g}' for x in one)}]")
        else:
            finite = [x for x in one if math.isfinite(x)] or [math.nan]
            shown.append(f"{len(one)} numbers from {min(finite):.8g} to {max(finite):.8g}")
    return " and ".join(shown) or "nothing"
