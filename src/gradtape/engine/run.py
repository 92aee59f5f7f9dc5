"""Computing what was asked for.

Somebody wants the value of a node: the pending graph behind it becomes a Program, together with the other pending
values that a live Tensor refers to and that share something with it. How the Program is run is decided in
`engine.tiers`.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import ref

from gradtape.engine.tiers import execute
from gradtape.graph.node import Buffer, Node
from gradtape.graph.program import trace

WAITING = 64
"""How many pending values are looked at when one of them is computed: the latest."""


class _Pending(threading.local):
    """Weak references to the Tensors of this thread that were not computed when they were made."""

    def __init__(self) -> None:
        self.tensors: list[ref] = []


_pending = _Pending()


def pending(tensor: Any) -> None:
    """Note a Tensor whose value is not known yet."""
    tensors = _pending.tensors
    tensors.append(ref(tensor))
    if len(tensors) > 4 * WAITING:
        _pending.tensors = [r for r in tensors if _unknown(r)][-WAITING:]


def _unknown(reference: ref) -> bool:
    tensor = reference()
    return tensor is not None and tensor.node.value is None


def value_of(node: Node) -> Any:
    """The value of a node: a Python number if its shape is (), else a read-only array. Computed if need be."""
    value = node.value
    if value is None:
        compute(node)
        value = node.value
    return value.array if type(value) is Buffer else value


def compute(node: Node) -> None:
    """Compute a node, and in the same pass the live pending values that share something with it."""
    waiting, _pending.tensors = _pending.tensors, []
    others = [t for t in [reference() for reference in waiting] if t is not None and t.node.value is None]
    if len(others) > WAITING:
        others = others[-WAITING:]
    try:
        program, leaves, outputs = trace(node, [t.node for t in others if t.node is not node])
        values = execute(program, [leaf.value for leaf in leaves])
        for output, value in zip(outputs, values, strict=True):
            output.value = value
            if output.op is not None and output.op[1]:  # a constant of the code has no inputs, and stays one
                output.op = None
    finally:
        _pending.tensors += [ref(t) for t in others if t.node.value is None]
