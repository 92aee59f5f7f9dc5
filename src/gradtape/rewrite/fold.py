"""Fold: drop operations that change nothing, where this is exact for every value (so x*1, but not x*0 or x+0)."""

from __future__ import annotations

from gradtape.graph.node import READ, TABLE
from gradtape.graph.program import Program, Step, rebuild, without_unread
from gradtape.ops.declare import CAST


def fold(program: Program) -> Program:
    """The Program without multiplications by one, double negations, results that are an input, and steps
    that nobody reads."""
    leaves, nodes = rebuild(program)
    replaced: dict[int, int] = {}
    steps: list[Step] = []
    for number, (name, params, inputs) in enumerate(program.steps):
        refs = tuple(replaced.get(i, i) for i in inputs)
        steps.append((name, params, refs))
        node = nodes[number]
        primitive = TABLE[name]
        for position in primitive.neutral:
            other = refs[1 - position]
            shape = (nodes[other] if other >= 0 else leaves[-1 - other]).shape
            if _is_one(steps, refs[position]) and shape == node.shape:
                replaced[number] = other
        if primitive.involution and refs[0] >= 0 and steps[refs[0]][0] == name:
            replaced[number] = steps[refs[0]][2][0]
        if primitive.shows is not None:
            replaced[number] = refs[primitive.shows(params)]
    outputs = tuple(replaced.get(i, i) for i in program.outputs)
    return without_unread(Program(program.leaves, tuple(steps), outputs))


def _is_one(steps: list[Step], number: int) -> bool:
    while number >= 0 and (TABLE[steps[number][0]].lowering is READ or steps[number][0] == CAST.name):
        number = steps[number][2][0]
    if number < 0 or steps[number][0] != "literal":
        return False
    text = steps[number][1][0]
    return (float.fromhex(text) if isinstance(text, str) else text) == 1
