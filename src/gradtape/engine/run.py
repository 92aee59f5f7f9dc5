"""Computing what was asked for.

Somebody wants the value of a node: what this thread's Trace says of it becomes a Program, together with the other
values that a live Tensor waits for and that share something with it. How the Program is run is decided in
`engine.tiers`. With that a Trace ends, and the next operation begins another.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from weakref import ref

from gradtape.config import noticed, settings
from gradtape.engine.tiers import runner
from gradtape.errors import ControlFlowError
from gradtape.graph.node import Buffer, Node, recordings
from gradtape.graph.trace import HELD, Later, Trace, computation, thread

NESTED = 10
"""How many times more operations may wait while one tape records another: derivatives of a high order are large
expressions that share most of what they are made of, and cutting them up would compute it many times."""


def pending(tensor: Any) -> None:
    """Note a Tensor whose value is not known yet.

    A Trace that became long is computed, so that a loop that never reads its result stays bounded in memory.
    """
    trace = thread.trace
    trace.waiting.append(ref(tensor))
    if trace.prefix.steps > trace.limit:
        _relieve(trace, tensor)


def value_of(node: Node) -> Any:
    """The value of a node: a Python number if its shape is (), else a read-only array. Computed if need be."""
    value = node.value
    if value is None:
        value = compute(node)
    return value.array if type(value) is Buffer else value


def compute(node: Node, others: Sequence[Node] = ()) -> Any:
    """Compute a node and `others`, and in the same pass the values that live Tensors wait for and that share something
    with them. The value of `node`, as nodes hold it."""
    if thread.capture is not None:
        for one in (node, *others):
            thread.capture.compute(one)
        return node.value
    trace = thread.trace
    numbers = [trace[node]]
    nodes = [node]
    if others:
        nodes += others
        numbers += [trace[other] for other in others]
    certain = len(nodes)
    for reference in trace.waiting:
        tensor = reference()
        if tensor is not None:
            other = tensor.node
            if other.value is None and other in trace and other is not node:
                nodes.append(other)
                numbers.append(trace[other])
    thread.trace = Trace()
    key = (settings().tier, certain, *numbers)
    known = trace.prefix.known.get(key)
    if known is None:
        found = computation(trace.prefix, numbers, certain)
        known = trace.prefix.known[key] = (runner(found.program), found.leaves, found.taken)
    run, leaves, taken = known
    at = trace.at
    values = [at[i].value for i in leaves]
    if None in values:
        raise ControlFlowError(
            "this tensor was made while a gradtape.function was traced and has no value outside; "
            "return it from the function instead of keeping it"
        )
    results = run.run(values)
    if len(taken) < len(nodes):
        nodes = [nodes[i] for i in taken]
    for output, value in zip(nodes, results, strict=True):
        output.value = value
        op = output.op
        if op is not None and (type(op) is Later or op[1]):  # a constant of the code has no inputs, and stays one
            output.op = None
    return results[0]


def compute_all(nodes: Sequence[Node]) -> None:
    """Compute those nodes that are not computed yet, in one pass. With check_numerics or explain each is looked at,
    as Tensors are when they are made."""
    now = settings()
    if now.observes:
        from gradtape.engine.numerics import observe

        for node in nodes:
            observe(node, now)
    pending = [node for node in nodes if node.value is None]
    if pending:
        compute(pending[0], pending[1:])


def _look_again() -> None:
    """After check_numerics or explain was changed: let the next operation look at it."""
    thread.trace.limit = -1


noticed.append(_look_again)


def _relieve(trace: Trace, tensor: Any) -> None:
    """Compute what waits if it became too much, or let go of leaves that nobody needs any more. With check_numerics
    or explain this is done for every Tensor."""
    if thread.capture is not None:
        trace.limit = sys.maxsize
        return
    now = settings()
    if now.observes:
        from gradtape.engine.numerics import observe

        observe(tensor.node, now)
        trace = thread.trace
    if trace.bytes > HELD:
        _shed(trace)
    trace = thread.trace
    most = now.pending_limit * (NESTED if len(recordings.get()) > 1 else 1)
    trace.limit = 0 if now.observes else most
    if trace.prefix.steps > most:
        for node in live(trace):
            value_of(node)


def live(trace: Trace) -> list[Node]:
    """The nodes without a value that live Tensors refer to."""
    tensors = [tensor for tensor in [reference() for reference in trace.waiting] if tensor is not None]
    return [tensor.node for tensor in tensors if tensor.node.value is None]


def _shed(trace: Trace) -> None:
    """Begin another Trace with what live Tensors wait for, so that leaves nobody needs any more are let go."""
    fresh = Trace()
    for node in live(trace):
        fresh[node]
    fresh.waiting = [reference for reference in trace.waiting if reference() is not None]
    fresh.bytes = 0  # what is held now is held for somebody; look again when as much has come anew
    thread.trace = fresh
