"""Match: whether a node of a graph was made as a pattern says, and of what.

A pattern is a graph of its own, traced from an expression: its leaves stand for any node, its literals for numbers
that must be exactly these. Operands that may be exchanged are tried both ways, and `Pattern.alike` has other ways to
write a part. A reduction of a pattern stands for one over any axes, and its result may have been given another shape,
but is to be joined with what it was reduced from along these axes alone. What was rewritten already is seen in its new
form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gradtape.graph.node import READ, Node, Op, Primitive
from gradtape.graph.shapes import Shape, reduced, size
from gradtape.ops.declare import LITERAL, number_of
from gradtape.ops.shaping import BROADCAST, RESHAPE

DEEP = 6
"""So many operations deep two expressions are compared before they count as different."""


class Guard(NamedTuple):
    """What was asked of a leaf, and the answer: whether its value is `number`, or that of the leaf `other`."""

    leaf: Node
    other: Node | None
    number: float
    answer: bool


class Pattern(NamedTuple):
    """The node that a match ends with, and for each part of it that can be written otherwise the other ways."""

    root: Node
    alike: Mapping[Node, Sequence[Node]]

    def ends(self) -> set[Primitive]:
        """The primitives that a match can have been made by."""
        roots = [self.root, *self.alike.get(self.root, ())]
        return {root.op[0] for root in roots if root.op is not None}


class Match(NamedTuple):
    """What the leaves of a pattern stand for; of reductions the axes, and the shapes in which their results are joined
    with what has all axes."""

    nodes: Mapping[Node, Node]
    axes: tuple[int, ...] = ()
    rows: tuple[Shape, ...] = ()

    def bound(self, wild: Node, node: Node) -> Match:
        return self._replace(nodes={**self.nodes, wild: node})

    def joined(self, shape: Shape) -> Match:
        return self._replace(rows=(*self.rows, shape))

    def is_aligned(self, shape: Shape, wide: bool) -> bool:
        """Whether what was reduced is joined with what it was reduced from along the reduced axes, in a result of this
        shape, which has one element for each row unless it is `wide`."""
        if not self.axes:
            return True
        whole = next(iter(self.nodes.values())).shape
        row = reduced(whole, self.axes, True)
        fits = shape == whole if wide else size(shape) == size(row)
        return fits and all(_alike(one, row) for one in self.rows)


def _alike(a: Shape, b: Shape) -> bool:
    """Whether two shapes differ by lengths of one in front alone."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    return long == (1,) * (len(long) - len(short)) + short


class Matcher:
    """Matches in one graph.

    op          what made a node, or None where that is not known or must not be looked at
    number      the Python number that a leaf is, or None
    replaced    nodes that were rewritten → what by
    asked       the answers on which the matches so far depend
    """

    def __init__(self, op: Callable[[Node], Op | None], number: Callable[[Node], float | None]):
        self._op = op
        self._number = number
        self.replaced: dict[Node, Node] = {}
        self.asked: dict[tuple[Node, Any], Guard] = {}

    def op(self, node: Node) -> Op | None:
        """What made a node, or what it was replaced by."""
        replacement = self.replaced.get(node)
        return self._op(node) if replacement is None else replacement.op

    def match(self, pattern: Pattern, node: Node) -> Match | None:
        """What the leaves of a pattern stand for, if the node is as the pattern says."""
        found = self._part(pattern, pattern.root, node, Match({}))
        if found is None:
            return None
        wide = all(pattern.root.shape == leaf.shape for leaf in found.nodes)
        return found if found.is_aligned(node.shape, wide) else None

    def _part(self, pattern: Pattern, part: Node, node: Node, found: Match) -> Match | None:
        wanted = part.op
        if wanted is None:
            known = found.nodes.get(part)
            if known is None:
                return found.bound(part, node)
            return found if self.same(known, node) else None
        primitive, _, params = wanted
        if primitive is LITERAL:
            return found if self.is_number(node, number_of(params[0])) else None
        result = self._operation(pattern, part, node, found)
        for other in pattern.alike.get(part, ()) if result is None else ():
            result = result or self._operation(pattern, other, node, found)
        return result

    def _operation(self, pattern: Pattern, part: Node, node: Node, found: Match) -> Match | None:
        assert part.op is not None
        primitive, parts, params = part.op
        if primitive.view is not None:
            return self._row(pattern, part, node, found)
        op = self.op(node)
        if op is None:
            return None
        if primitive.reduction:
            return self._reduction(pattern, primitive, parts[0], node, found)
        if op[0] is not primitive:
            return None
        inputs = op[1]
        if "axes" in primitive.parameters:
            if found.axes and found.axes != op[2][0]:
                return None
            found = found._replace(axes=op[2][0])
        elif op[2] != params:
            return None
        if primitive.shows is not None:  # its value is what it is of the other inputs
            shown = primitive.shows(params)
            parts, inputs = ((*both[:shown], *both[shown + 1 :]) for both in (parts, inputs))
        result = self._all(pattern, part, parts, inputs, found)
        if result is None and primitive.commutes:
            result = self._all(pattern, part, parts, op[1][::-1], found)
        return result

    def _all(
        self, pattern: Pattern, whole: Node, parts: Sequence[Node], inputs: Sequence[Node], found: Match
    ) -> Match | None:
        """All inputs, numbers last: what they are is asked only where the rest fits."""
        pairs = sorted(zip(parts, inputs, strict=True), key=lambda pair: _is_literal(pair[0]))
        result: Match | None = found
        for part, x in pairs:
            if result is not None and part.shape and size(part.shape) < size(whole.shape):
                result = result.joined(self._viewed(x)[1])
            if result is not None:
                result = self._part(pattern, part, x, result)
        return result

    def _row(self, pattern: Pattern, part: Node, node: Node, found: Match) -> Match | None:
        """The result of a reduction in any shape, or repeated along the axes of what was reduced."""
        inner = part
        while inner.op is not None and inner.op[0].view is not None:
            inner = inner.op[1][0]
        base, shape = self._viewed(node)
        if size(part.shape) > size(inner.shape):
            found = found.joined(shape)
        return self._part(pattern, inner, base, found)

    def _viewed(self, node: Node) -> tuple[Node, Shape]:
        """What a node shows in another shape, and that shape, before it is repeated."""
        shape = node.shape
        op = self.op(node)
        if op is not None and op[0] is BROADCAST:
            node = op[1][0]
            shape = node.shape
            op = self.op(node)
        while op is not None and op[0] is RESHAPE:
            node = op[1][0]
            op = self.op(node)
        return node, shape

    def _reduction(self, pattern: Pattern, primitive: Primitive, part: Node, node: Node, found: Match) -> Match | None:
        """A reduction over any axes; over several runs of axes it is several reductions, see `over_runs`."""
        axes: tuple[int, ...] | None = None
        while True:
            base = self._viewed(node)[0] if axes is None else node
            op = self.op(base)
            if op is None or op[0] is not primitive:
                break
            (node,) = op[1]
            left = [i for i in range(len(node.shape)) if i not in op[2][0]]
            axes = tuple(sorted([*op[2][0], *[left[i] for i in axes or ()]]))
        if axes is None or (found.axes and found.axes != axes):
            return None
        return self._part(pattern, part, node, found._replace(axes=axes))

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


def _is_literal(part: Node) -> bool:
    return part.op is not None and part.op[0] is LITERAL
