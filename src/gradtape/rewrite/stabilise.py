"""Stabilise a Program, before it is planned: hand-written formulas are replaced by the exact primitive.

Whether a number is the 1 of ``1 + x`` can only be told by its value, which is no part of a Program. So results come
with the answers about numbers that they rest on, and are valid where these are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gradtape.config import settings
from gradtape.graph.node import TABLE, Node
from gradtape.graph.program import Program, Step, rebuild
from gradtape.rewrite.match import Matcher
from gradtape.rewrite.table import apart, find, placed, table


class Stabilised(NamedTuple):
    """A Program, rewritten.

    program     what is computed instead
    leaves      which of the leaves it runs on
    guards      what was asked of leaves; where other answers are right, the result may be another
    rewritten   how often each row was applied
    """

    program: Program
    leaves: tuple[int, ...]
    guards: tuple[tuple[int, int | None, float, bool], ...]
    rewritten: Counter[str]

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether the same is right for leaves with these values."""
        for leaf, other, wanted, answer in self.guards:
            value = values[leaf]
            if (type(value) is float and value == (wanted if other is None else values[other])) != answer:
                return False
        return True


def concerns(program: Program) -> bool:
    """Whether any row may fit a part of the Program."""
    telling = table().telling
    return len(program.steps) > 1 and any(TABLE[name] in telling for name, _, _ in program.steps)


def stabilise(program: Program, values: Sequence[Any]) -> Stabilised:
    """The Program with every match replaced, for leaves with these values."""
    on = settings().stabilise
    leaves, nodes = rebuild(program)
    places = {leaf: i for i, leaf in enumerate(leaves)}

    def number(leaf: Node) -> float | None:
        value = values[places[leaf]]
        return value if type(value) is float else None

    matcher = Matcher(lambda node: node.op, number)
    names: dict[Node, str] = {}
    with apart():
        for node in nodes:
            assert node.op is not None
            found = find(on, matcher, node)
            if found is not None:
                replacement = found[0].made(found[1], node)
                if replacement is not None:
                    matcher.replaced[node] = replacement
                    names[node] = found[0].row.name
    guards = tuple([placed(guard, places) for guard in matcher.asked.values()])
    if not names:
        return Stabilised(program, tuple(range(len(leaves))), guards, Counter())
    wanted = [nodes[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]
    rewritten, used, reached = _with(matcher.replaced, wanted)
    return Stabilised(
        rewritten, tuple([places[leaf] for leaf in used]), guards, Counter([names[n] for n in names if n in reached])
    )


def _with(replaced: Mapping[Node, Node], wanted: Sequence[Node]) -> tuple[Program, list[Node], set[Node]]:
    """The Program that computes nodes, where some are replaced by others; its leaves; and which were replaced. It is
    in canonical order, see `gradtape.graph.trace.computation`."""
    number: dict[Node, int] = {}
    steps: dict[Step, int] = {}
    leaves: list[Node] = []
    reached: set[Node] = set()
    stack = list(reversed(wanted))
    while stack:
        node = stack[-1]
        if node in number:
            stack.pop()
        elif node in replaced:
            reached.add(node)
            if replaced[node] in number:
                number[node] = number[replaced[node]]
            else:
                stack.append(replaced[node])
        elif node.op is None:
            leaves.append(node)
            number[node] = -len(leaves)
        else:
            primitive, inputs, params = node.op
            missing = [x for x in inputs if x not in number]
            if missing:
                stack += missing[::-1]
            else:
                step = (primitive.name, params, tuple([number[x] for x in inputs]))
                number[node] = steps.setdefault(step, len(steps))
    signature = tuple([(leaf.dtype.name, leaf.shape) for leaf in leaves])
    return Program(signature, tuple(steps), tuple([number[node] for node in wanted])), leaves, reached
