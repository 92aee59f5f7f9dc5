"""Half types are computed in float32: Program → Program, before it is planned.

    v: float16[n] = sin(x)      becomes     w: float32[n] = cast(x, float32)      nothing: so it stands in a register
                                            s: float32[n] = sin(w)
                                            v: float16[n] = cast(s, float16)      rounds, once

So each operation on halves is what the same operation gives in float32, rounded to the nearest; and as the casts are
part of the Program, they are the same in every tier. What only moves, compares or chooses elements is done as it is:
its result is one of its inputs. A reduction has its own accumulators (see `engine.combine`), which it rounds once.
"""

from __future__ import annotations

from gradtape.graph.dtypes import float32
from gradtape.graph.node import TABLE, Node, Primitive
from gradtape.graph.program import Program, Step, rebuild, without_unread


def widen(program: Program) -> Program:
    """The Program with operations on halves written as operations on float32, between casts."""
    leaves, nodes = rebuild(program)
    if not any(node.dtype.is_half for node in [*leaves, *nodes]):
        return program
    steps: list[Step] = []
    numbers: dict[int, int] = {}
    wide: dict[int, int] = {}  # of a result that is rounded, or an operand: the same in float32

    def add(*step: object) -> int:
        steps.append(step)  # type: ignore[arg-type]
        return len(steps) - 1

    def widened(ref: int) -> int:
        node = nodes[ref] if ref >= 0 else leaves[-1 - ref]
        if not node.dtype.is_half:
            return numbers.get(ref, ref)
        if ref not in wide:
            wide[ref] = add("cast", (float32.name,), (numbers.get(ref, ref),))
        return wide[ref]

    for number, ((name, params, refs), node) in enumerate(zip(program.steps, nodes, strict=True)):
        if _is_exact(TABLE[name], node):
            numbers[number] = add(name, params, tuple([numbers.get(i, i) for i in refs]))
        else:
            result = add(name, params, tuple([widened(i) for i in refs]))
            numbers[number] = add("cast", (node.dtype.name,), (result,)) if node.dtype.is_half else result
    outputs = tuple([numbers.get(i, i) for i in program.outputs])
    return without_unread(Program(program.leaves, tuple(steps), outputs))


def _is_exact(primitive: Primitive, node: Node) -> bool:
    """Whether a primitive gives what it does in float32, rounded, also if it is done on halves as they are."""
    if primitive.view is not None or primitive.reduction is not None or primitive.kind in ("selection", "custom"):
        return True
    return primitive.halves or (primitive.lowering is not None and not node.dtype.is_half)
