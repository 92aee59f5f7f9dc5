"""Match: whether a node of a graph was made as a pattern says, and of what.

A pattern is a graph of its own, traced from an expression: its leaves stand for any node, its literals for numbers
that must be exactly these. The same sum with its operands exchanged matches, as do other spellings of a half, a square
and an inverse. What was rewritten already is seen in its new form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gradtape.graph.node import READ, TABLE, Node, Op, Primitive
from gradtape.ops.declare import LITERAL, number_of

COMMUTATIVE = {"add", "multiply"}
DEEP = 6
"""So many operations deep two expressions are compared before they count as different."""


class Guard(NamedTuple):
    """What was asked of a leaf, and the answer: whether its value is `number`, or that of the leaf `other`."""

    leaf: Node
    other: Node | None
    number: float
    answer: bool


class Match(NamedTuple):
    """What the leaves of a pattern stand for; for a sum the axes, and the shape that its result was given."""

    nodes: Mapping[Node, Node]
    axes: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()

    def bound(self, wild: Node, node: Node) -> Match:
        return self._replace(nodes={**self.nodes, wild: node})


class Matcher:
    """Matches in one graph.

    op          what made a node, or None where that is not known or must not be looked at
    number      the Python number that a leaf is, or None
    replaced    nodes that were rewritten → what by
    asked       the answers on which the matches so far depend
    as_written  whether replacements are left out of account
    """

    def __init__(self, op: Callable[[Node], Op | None], number: Callable[[Node], float | None]):
        self._op = op
        self._number = number
        self.replaced: dict[Node, Node] = {}
        self.asked: dict[tuple[Node, Any], Guard] = {}
        self.as_written = False

    def op(self, node: Node) -> Op | None:
        """What made a node, or what it was replaced by."""
        replacement = None if self.as_written else self.replaced.get(node)
        return self._op(node) if replacement is None else replacement.op

    def match(self, pattern: Node, node: Node, found: Match) -> Match | None:
        """`found` with what the leaves of the pattern stand for, if the node is as the pattern says."""
        wanted = pattern.op
        if wanted is None:
            known = found.nodes.get(pattern)
            if known is None:
                return found.bound(pattern, node)
            return found if self.same(known, node) else None
        primitive, parts, params = wanted
        if primitive is LITERAL:
            return found if self.is_number(node, number_of(params[0])) else None
        op = self.op(node)
        if op is None:
            return None
        if primitive.reduction:
            return self._reduction(primitive, parts[0], node, found)
        if op[0] is not primitive or op[2] != params:
            return self._otherwise(primitive, parts, op, found)
        inputs = op[1]
        result = self._all(parts, inputs, found)
        if result is None and primitive.name in COMMUTATIVE:
            result = self._all(parts, inputs[::-1], found)
        return result

    def _all(self, parts: tuple[Node, ...], inputs: tuple[Node, ...], found: Match) -> Match | None:
        """All inputs, numbers last: what they are is asked only where the rest fits."""
        pairs = sorted(zip(parts, inputs, strict=True), key=lambda pair: number(pair[0]) is not None)
        result: Match | None = found
        for part, x in pairs:
            if result is not None:
                result = self.match(part, x, result)
        return result

    def _otherwise(self, primitive: Primitive, parts: tuple[Node, ...], op: Op, found: Match) -> Match | None:
        """Other spellings: x·x for x², y / 2 for 0.5·y, reciprocal(y) and y⁻¹ for 1 / y."""
        made, inputs, params = op
        if primitive.name == "square" and made.name == "multiply" and self.same(inputs[0], inputs[1]):
            return self.match(parts[0], inputs[0], found)
        if primitive.name == "multiply" and number(parts[0]) == 0.5 and made.name == "real_divide":
            result = self.match(parts[1], inputs[0], found)
            return result if result is not None and self.is_number(inputs[1], 2.0) else None
        if primitive.name == "real_divide" and number(parts[0]) == 1 and _inverts(made, params):
            return self.match(parts[1], inputs[0], found)
        return None

    def _reduction(self, primitive: Primitive, part: Node, node: Node, found: Match) -> Match | None:
        """A reduction over any axes, whose result may have been given another shape."""
        op = self.op(node)
        while op is not None and op[0] is TABLE["reshape"]:
            op = self.op(op[1][0])
        if op is None or op[0] is not primitive:
            return None
        return self.match(part, op[1][0], found._replace(axes=op[2][0], shape=node.shape))

    def is_number(self, node: Node, wanted: float) -> bool:
        """Whether a node is this number everywhere."""
        op = self._op(node)
        while op is not None and op[0].lowering is READ:
            node = op[1][0]
            op = self._op(node)
        if op is not None:
            return op[0] is LITERAL and number_of(op[2][0]) == wanted
        if node.shape:
            return False
        guard = Guard(node, None, wanted, self._number(node) == wanted)
        return self.asked.setdefault((node, wanted), guard).answer

    def same(self, a: Node, b: Node, deep: int = DEEP) -> bool:
        """Whether two nodes are the same operations on the same leaves."""
        if a is b:
            return True
        first, second = self.op(a), self.op(b)
        if first is None and second is None:
            if a.shape or b.shape or a.dtype is not b.dtype:
                return False
            one = self._number(a)
            return self.asked.setdefault((a, b), Guard(a, b, 0.0, one is not None and one == self._number(b))).answer
        if first is None or second is None or not deep:
            return False
        if first[0] is not second[0] or first[2] != second[2]:
            return False
        return all(self.same(x, y, deep - 1) for x, y in zip(first[1], second[1], strict=True))


def number(pattern: Node) -> float | None:
    """The number that a pattern wants, if it is one."""
    op = pattern.op
    return number_of(op[2][0]) if op is not None and op[0] is LITERAL else None


def _inverts(primitive: Primitive, params: tuple) -> bool:
    return primitive.name == "reciprocal" or (primitive.name == "integer_pow" and params == (-1,))


def roots(pattern: Node) -> set[Primitive]:
    """The primitives that a match of the pattern can have been made by."""
    assert pattern.op is not None
    primitive, parts, _ = pattern.op
    found = {primitive}
    if primitive.name == "multiply" and number(parts[0]) == 0.5:
        found.add(TABLE["real_divide"])
    if primitive.name == "real_divide" and number(parts[0]) == 1:
        found |= {TABLE["reciprocal"], TABLE["integer_pow"]}
    return found
