"""Computing what was asked for.

Somebody wants the value of a node: the pending graph behind it becomes a Program, together with the other pending
values that a live Tensor refers to and that share something with it. The Program's executable comes from the cache,
or is made: op by op for a small Program that was never seen, as fused kernels for one that is large or comes again.
Both run the same lowerings, so the bits are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from gradtape.engine.cache import Cache
from gradtape.graph.node import Buffer, Node
from gradtape.graph.program import Program, Signature, rebuild, trace
from gradtape.graph.shapes import size

WAITING = 64
"""How many pending values are looked at when one of them is computed: the latest."""

SMALL = 1 << 15
"""Elements times operations below which a Program that is seen for the first time may run op by op."""

LONG = 512
"""Operations above which a Program is cut into pieces: compiling takes longer than in proportion to the length, and the
pieces of a graph that a loop made are often equal."""

MISSING = 1
"""How many operations may have to be compiled for running op by op; beyond it one fused kernel compiles faster."""

_executables: Cache[Callable[[list], list]] = Cache(4096)
_seen: Cache[bool] = Cache(16384)


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
    others = []
    tensors, _pending.tensors = _pending.tensors, []
    for reference in tensors:
        tensor = reference()
        if tensor is not None and tensor.node.value is None and tensor.node is not node:
            others.append(tensor)
    others = others[-WAITING:]
    try:
        program, leaves, outputs = trace(node, [tensor.node for tensor in others])
        values = execute(program, [leaf.value for leaf in leaves])
        for output, value in zip(outputs, values, strict=True):
            output.value = value
            if output.op is not None and output.op[1]:  # a constant of the code has no inputs, and stays one
                output.op = None
    finally:
        for tensor in others:
            if tensor.node.value is None:
                _pending.tensors.append(ref(tensor))


def execute(program: Program, values: list[Any]) -> list[Any]:
    """The outputs of a Program on given leaves, as nodes hold them: numbers and Buffers."""
    if len(program.steps) > LONG:
        return in_pieces(program, values)
    run = _executables.get(program)
    if run is None:
        run = _choose(program)
    return run(values)


def _choose(program: Program) -> Callable[[list], list]:
    """Op by op, or fused and kept: see the module's documentation."""
    if len(program.steps) > 1 and program not in _seen:
        _seen.put(program, True)
        elements = max((size(shape) for _, shape in program.leaves), default=1)
        if elements * len(program.steps) < SMALL:
            single = one_by_one(program)
            if sum(one not in _executables for one in single) <= MISSING:
                return lambda values: op_by_op(program, values)
    from gradtape.engine.executable import Executable  # kernels are loaded when the first one is needed

    return _executables.put(program, Executable(program))


def in_pieces(program: Program, values: Sequence[Any]) -> list[Any]:
    """The outputs of a long Program: its steps in pieces, one Program after the other."""
    types = dict(enumerate(types_of(program)))
    types |= {-1 - i: signature for i, signature in enumerate(program.leaves)}
    known = {-1 - i: value for i, value in enumerate(values)}
    last_read = {i: number for number, step in enumerate(program.steps) for i in step[2]}
    last_read.update(dict.fromkeys(program.outputs, len(program.steps)))
    for first in range(0, len(program.steps), LONG):
        piece = range(first, min(first + LONG, len(program.steps)))
        place = {number: number - first for number in piece}
        leaves: list[int] = []
        steps = []
        for number in piece:
            name, params, inputs = program.steps[number]
            for i in inputs:
                if i not in place:
                    leaves.append(i)
                    place[i] = -len(leaves)
            steps.append((name, params, tuple([place[i] for i in inputs])))
        outputs = [number for number in piece if last_read.get(number, -1) > piece[-1]]
        part = Program(tuple([types[i] for i in leaves]), tuple(steps), tuple([place[i] for i in outputs]))
        known.update(zip(outputs, execute(part, [known[i] for i in leaves]), strict=True))
        known = {i: value for i, value in known.items() if last_read.get(i, -1) > piece[-1]}
    return [known[i] if i >= 0 else values[-1 - i] for i in program.outputs]


def types_of(program: Program) -> list[Signature]:
    """The element type and shape of each step's result."""
    return [(node.dtype.name, node.shape) for node in rebuild(program)[1]]


def one_by_one(program: Program) -> list[Program]:
    """Each operation as a Program of its own, so that what is compiled serves every graph."""
    types = types_of(program)
    made = []
    for name, params, inputs in program.steps:
        leaves = tuple(types[i] if i >= 0 else program.leaves[-1 - i] for i in inputs)
        made.append(Program(leaves, ((name, params, tuple(-1 - i for i in range(len(inputs)))),), (0,)))
    return made


def op_by_op(program: Program, values: Sequence[Any]) -> list[Any]:
    """The outputs of a Program, computed with one kernel or call for each operation."""
    known = {-1 - i: value for i, value in enumerate(values)}
    for number, (single, step) in enumerate(zip(one_by_one(program), program.steps, strict=True)):
        (known[number],) = execute(single, [known[i] for i in step[2]])
    return [known[i] for i in program.outputs]
