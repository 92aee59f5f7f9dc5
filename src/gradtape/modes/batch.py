"""Batch mode: what was made of one example, made of many at once.

    x: [3] ──sum──► s: [] ──exp──► y: []          x: [5, 3] ──sum over axis 1──► s: [5] ──exp──► y: [5]

The graph of one example is walked, and each operation made again on examples that stand side by side along a first
axis. What does not depend on an example stays as it is, and broadcasts. Each primitive says for itself what it is then;
those that work element by element need not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradtape.graph.node import Node, Op, Primitive
from gradtape.graph.trace import apply
from gradtape.modes.sketch import Sketch
from gradtape.ops.custom import Rule, custom_call, declared
from gradtape.ops.shaping import CONCAT, broadcasted, getitem, of_rank, reshaped, sum_to


def batched(results: Sequence[Node], examples: Mapping[Node, Node | None], number: int) -> list[Node | None]:
    """The results for so many examples, side by side along a first axis; None for one that is the same for all.

    `examples` maps nodes of the graph of one example to what stands for all examples; None: the node itself does.
    """
    made: dict[Node, Node | None] = dict(examples)
    calls: dict[tuple[Node, ...], list[Node]] = {}
    stack = list(results)
    while stack:  # graphs may be of any depth
        node = stack[-1]
        if node not in made:
            op = node.op
            inputs = () if op is None else op[1]
            missing = [x for x in inputs if x not in made]
            if missing:
                stack += missing[::-1]
                continue
            found = [made[x] for x in inputs]
            if op is None or all(x is None for x in found):
                made[node] = None
            elif op[0].kind == "custom":
                if op[1] not in calls:
                    calls[op[1]] = _ruled(op, found, number)
                made[node] = calls[op[1]][custom_call(op).which]
            else:
                made[node] = _again(op, found, number)
        stack.pop()
    return [made[node] for node in results]


def repeated(node: Node, number: int) -> Node:
    """What is the same for all examples, as if there were so many."""
    return broadcasted(node, (number, *node.shape))


def _again(op: Op, found: Sequence[Node | None], number: int) -> Node:
    """An operation on examples, where an input that is the same for all was not found."""
    primitive, inputs, params = op
    given = tuple([x if xs is None else xs for x, xs in zip(inputs, found, strict=True)])
    flags = tuple([xs is not None for xs in found])
    if primitive.batch is not None:
        return primitive.batch(given, flags, number, *params)
    if primitive.pointwise:
        return _broadcasting(primitive, inputs, given, flags, params)
    return _one_by_one(primitive, given, flags, number, params)


def _broadcasting(
    primitive: Primitive,
    inputs: Sequence[Node],
    given: Sequence[Node],
    flags: Sequence[bool],
    params: tuple,
) -> Node:
    rank = max(len(x.shape) for x in inputs)
    return apply(
        primitive, tuple([of_rank(x, rank) if flag else x for x, flag in zip(given, flags, strict=True)]), params
    )


def _one_by_one(primitive: Primitive, given: Sequence[Node], flags: Sequence[bool], number: int, params: tuple) -> Node:
    """One call for each example."""
    parts = []
    for i in range(number):
        inputs = tuple([getitem(x, i) if flag else x for x, flag in zip(given, flags, strict=True)])
        result = apply(primitive, inputs, params)
        parts.append(reshaped(result, (1, *result.shape)))
    return parts[0] if number == 1 else apply(CONCAT, tuple(parts), (0,))


# -- what a user declared -------------------------------------------------------------------------------------


def _ruled(op: Op, found: Sequence[Node | None], number: int) -> list[Node]:
    """The results of a call with a rule of its own, for all examples."""
    rule, results, arguments, _ = custom_call(op)
    of_results, of_arguments = found[1 : 1 + len(results)], found[1 + len(results) :]
    given = [x if xs is None else xs for x, xs in zip(arguments, of_arguments, strict=True)]
    shown = [repeated(y, number) if ys is None else ys for y, ys in zip(results, of_results, strict=True)]
    return declared(_ForAll(rule, [xs is not None for xs in of_arguments], number), shown, given)


class _ForAll:
    """The Rule for many examples, given that for one. Arguments that are not `batched` are the same for all."""

    def __init__(self, rule: Rule, flags: Sequence[bool], number: int):
        self.rule = rule
        self.flags = flags
        self.number = number

    def pull(
        self, arguments: Sequence[Node], results: Sequence[Node], cotangents: Sequence[Node]
    ) -> Sequence[Node | None]:
        examples: dict[Node, Node] = {}
        with Sketch("a rule under vmap", "it differs from example to example") as sketch:
            one = [_one(sketch, x, flag, examples) for x, flag in zip(arguments, self.flags, strict=True)]
            of_results, cts = ([_one(sketch, y, True, examples) for y in ys] for ys in (results, cotangents))
            shares = self.rule.pull(one, of_results, cts)
        found = self._all(sketch, shares, examples)
        return [
            share if share is None or flag else sum_to(share, x.shape)
            for share, x, flag in zip(found, arguments, self.flags, strict=True)
        ]

    def push(
        self, arguments: Sequence[Node], results: Sequence[Node], tangents: Sequence[Node]
    ) -> Sequence[Node | None]:
        examples: dict[Node, Node] = {}
        with Sketch("a rule under vmap", "it differs from example to example") as sketch:
            one, along = (
                [_one(sketch, x, flag, examples) for x, flag in zip(xs, self.flags, strict=True)]
                for xs in (arguments, tangents)
            )
            found = self.rule.push(one, [_one(sketch, y, True, examples) for y in results], along)
        return self._all(sketch, found, examples)

    def _all(self, sketch: Sketch, found: Sequence[Node | None], examples: Mapping[Node, Node]) -> list[Node | None]:
        """What was found for one example, for all of them side by side."""
        nodes = [node for node in found if node is not None]
        sketch.hand_out(nodes)
        many = iter(batched(nodes, examples, self.number))
        return [None if node is None else next(many) or repeated(node, self.number) for node in found]


def _one(sketch: Sketch, xs: Node, flag: bool, examples: dict[Node, Node]) -> Node:
    """One example of many, or what is the same for all."""
    if not flag:
        return xs
    x = sketch.placeholder(xs.shape[1:], xs.dtype)
    examples[x] = xs
    return x
