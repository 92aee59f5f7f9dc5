"""Forward mode: tangents from whatever was given some up to the targets.

    x ──sin──► y ──exp──► z        recorded:    y = sin(x), z = exp(y)
    ẋ ──────► ẏ = cos(x)·ẋ ──────► ż = exp(y)·ẏ             walked again, ẋ given

The walk below is the whole of it. What a primitive does to tangents follows from its kind. As in reverse mode, a rule
that computes is evaluated in float32 for the half types, and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gradtape.graph.node import Node, Op, Primitive
from gradtape.graph.trace import apply
from gradtape.modes.reverse import custom_calls, custom_parts, transpose
from gradtape.ops.arithmetic import choose, plus, times
from gradtape.ops.halves import rounded_once
from gradtape.ops.shaping import broadcasted, full

Tangents = tuple[Node | None, ...]
"""The tangent of each input; None where it is zero, as the input does not depend on what was given one."""


def push_forward(
    made: Mapping[Node, Op | None], given: Mapping[Node, Node], targets: Iterable[Node]
) -> dict[Node, Node]:
    """The tangent of every recorded node that a target depends on, and that itself depends on a node with a tangent.

    `made` lists nodes in the order in which they were made, `given` the tangents to start from.
    """
    tangents = dict(given)
    ops = dict(made)  # the rules add to an open recording
    calls: dict[tuple[Node, ...], dict[Node, Op]] = {}
    for node in _behind(ops, targets):
        op = ops[node]
        if op is None or node in tangents:
            continue
        primitive, inputs, params = op
        along = tuple([tangents.get(x) for x in inputs])
        if all(t is None for t in along):
            continue
        if primitive.kind == "custom":
            calls = calls or custom_calls(ops)
            tangents.update(_custom(calls[inputs], tangents))
            continue
        tangent = rule_of(primitive.kind, node)(primitive, along, node, inputs, params)
        if tangent is not None:
            tangents[node] = tangent
    return tangents


def _behind(made: Mapping[Node, Op | None], targets: Iterable[Node]) -> list[Node]:
    """The recorded nodes that the targets rest on, in the order in which they were made."""
    wanted = {node for node in targets if node in made}
    found = []
    for node in reversed(list(made)):
        if node in wanted:
            found.append(node)
            op = made[node]
            if op is not None:
                wanted.update(op[1])
    return found[::-1]


def _custom(nodes: Mapping[Node, Op], tangents: Mapping[Node, Node]) -> dict[Node, Node]:
    """The tangents of all results of a call with a rule of its own, as that says."""
    rule, arguments, results = custom_parts(nodes)
    along = [tangents.get(x) or full(x.shape, 0, x.dtype) for x in arguments]
    found = zip(results, rule.push(arguments, results, along), strict=True)
    return {y: tangent for y, tangent in found if tangent is not None}


# The tangent of y = f(inputs), given those of the inputs: one function for each kind of map.


def _sum(shares: Iterable[Node | None], y: Node) -> Node | None:
    total: Node | None = None
    for share in shares:
        if share is not None:
            total = share if total is None else plus(total, share)
    return None if total is None else broadcasted(total, y.shape)


def _elementwise(f: Primitive, tangents: Tangents, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    along = [(t, f.rule[i]) for i, t in enumerate(tangents) if t is not None and f.rule[i] is not None]
    return _sum([times(t, partial(*inputs, *params)) for t, partial in along], y)


def _linear(f: Primitive, tangents: Tangents, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    """What is no float is a place, and stays where it is."""
    along = [
        x if not x.dtype.is_floating else full(x.shape, 0, x.dtype) if t is None else t
        for x, t in zip(inputs, tangents, strict=True)
    ]
    return apply(f, tuple(along), params)


def _bilinear(f: Primitive, tangents: Tangents, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    def share(i: int, t: Node) -> Node:
        if f.pointwise:  # its own transpose, which keeps what is zero by structure
            return f.rule[i](t, *inputs, *params)
        return apply(f, (*inputs[:i], t, *inputs[i + 1 :]), params)

    return _sum([share(i, t) for i, t in enumerate(tangents) if t is not None], y)


def _selection(f: Primitive, tangents: Tangents, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    along = [(t, picks) for t, picks in zip(tangents, f.rule, strict=True) if t is not None and picks is not None]
    return _sum([choose(picks(*inputs, *params), t) for t, picks in along], y)


def _implicit(f: Primitive, tangents: Tangents, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    if f.forward is not None:
        return f.forward(tangents, y, inputs, *params)

    def share(i: int, t: Node) -> Node | None:  # the rule is linear in the cotangent, and reverse mode transposes it
        return transpose(lambda cts: [f.rule(cts[0], i, y, inputs, *params)], [y], [t])[0]

    return _sum([share(i, t) for i, t in enumerate(tangents) if t is not None], y)


def _constant(f: Primitive, tangents: Tangents, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    return None


Push = Callable[[Primitive, Tangents, Node, tuple[Node, ...], tuple], Node | None]

RULES: dict[str, Push] = {
    "elementwise": _elementwise,
    "linear": _linear,
    "bilinear": _bilinear,
    "selection": _selection,
    "implicit": _implicit,
    "constant": _constant,
}

_ROUNDED = {kind: rounded_once(RULES[kind]) for kind in ("elementwise", "bilinear", "implicit")}


def rule_of(kind: str, y: Node) -> Push:
    """The rule for a kind of map whose result is `y`."""
    return RULES[kind] if not y.dtype.is_half else _ROUNDED.get(kind, RULES[kind])
