"""Reverse mode: cotangents from the targets back to whatever was watched.

    x ──sin──► y ──exp──► z        recorded:    y = sin(x), z = exp(y)
    cos(x)·ȳ ◄── ȳ = exp(y)·z̄ ◄── z̄             walked back, z̄ given

The walk below is the whole of it. What a primitive does to a cotangent follows from its kind. A rule that computes is
rounded once for the half types: it is evaluated in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradtape import config
from gradtape.graph.node import Node, Op, Recording, recordings, scalar
from gradtape.graph.origins import forward, pulled
from gradtape.ops.arithmetic import choose, plus, times
from gradtape.ops.custom import Rule, custom_call
from gradtape.ops.halves import rounded_once
from gradtape.ops.shaping import broadcasted, full, sum_to


def pull_back(made: dict[Node, Op | None], seeds: Mapping[Node, Node]) -> dict[Node, Node]:
    """The cotangent of every recorded node that a seeded node depends on.

    `made` lists nodes in the order in which they were made, `seeds` gives the cotangents to start from.
    """
    cotangents = dict(seeds)
    noted = not config.usual() and config.settings().observes
    if noted:
        forward(made)
    calls: dict[tuple[Node, ...], dict[Node, Op]] = {}
    for node in reversed(list(made)):  # the rules add to an open recording
        op, ct = made[node], cotangents.get(node)
        if op is None:
            continue
        primitive, inputs, params = op
        if primitive.kind == "custom":
            calls = calls or custom_calls(made)
            results = calls[inputs]
            if node is next(iter(results)) and any(one in cotangents for one in results):  # all that uses them is done
                for x, share in _custom(results, cotangents):
                    if x in made and share is not None:
                        cotangents[x] = plus(cotangents[x], share) if x in cotangents else share
            continue
        if ct is None:
            continue
        rule = rule_of(primitive.kind, node)
        for i, x in enumerate(inputs):
            if x in made:
                share = rule(primitive.rule, ct, i, node, inputs, params)
                if share is not None:
                    if noted:
                        pulled(share, node, op, i)
                    cotangents[x] = plus(cotangents[x], share) if x in cotangents else share
    return cotangents


def transpose(
    linear: Callable[[Sequence[Node]], Sequence[Node | None]], like: Sequence[Node], cotangents: Sequence[Node]
) -> list[Node | None]:
    """The cotangents of the inputs of a linear map, which are `like` these nodes, given those of its results."""
    inputs = [broadcasted(scalar(x.dtype.as_numpy_dtype(0).item(), x.dtype), x.shape) for x in like]
    recording = Recording(accessed=False)
    for x in inputs:
        if x.dtype.is_floating:
            recording.watch(x)
    token = recordings.set((*recordings.get(), recording))
    try:
        results = linear(inputs)
    finally:
        recordings.reset(token)
    seeds: dict[Node, Node] = {}
    for y, ct in zip(results, cotangents, strict=True):
        if y is not None and y in recording.made:
            seeds[y] = plus(seeds[y], ct) if y in seeds else ct
    found = pull_back(recording.made, seeds)
    return [found.get(x) for x in inputs]


# What a user declared: all results of a call have their cotangents together, and so do its arguments.


def custom_calls(made: Mapping[Node, Op | None]) -> dict[tuple[Node, ...], dict[Node, Op]]:
    """The results of each call of a function with a rule of its own, by the inputs that they share."""
    calls: dict[tuple[Node, ...], dict[Node, Op]] = {}
    for node, op in made.items():
        if op is not None and op[0].kind == "custom":
            calls.setdefault(op[1], {})[node] = op
    return calls


def custom_parts(nodes: Mapping[Node, Op]) -> tuple[Rule, Sequence[Node], list[Node]]:
    """The rule of a call, its arguments, and its results, of which some are given as nodes."""
    results: list[Node] = []
    for node, op in nodes.items():
        rule, computed, arguments, which = custom_call(op)
        results = results or list(computed)
        results[which] = node
    return rule, arguments, results


def _custom(nodes: Mapping[Node, Op], cotangents: Mapping[Node, Node]) -> Iterator[tuple[Node, Node | None]]:
    """The arguments of a call with their cotangents, as its rule says."""
    rule, arguments, results = custom_parts(nodes)
    cts = [cotangents.get(y) or full(y.shape, 0, y.dtype) for y in results]
    return zip(arguments, rule.pull(arguments, results, cts), strict=True)


# The cotangent of input i of y = f(inputs), given the cotangent of y: one function for each kind of map.


def _elementwise(partials: Any, ct: Node, i: int, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    if partials[i] is None:
        return None
    return sum_to(times(ct, partials[i](*inputs, *params)), inputs[i].shape)


def _linear(transpose: Any, ct: Node, i: int, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    return transpose(ct, i, inputs, *params)


def _bilinear(transposes: Any, ct: Node, i: int, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    return sum_to(transposes[i](ct, *inputs, *params), inputs[i].shape)


def _selection(picks: Any, ct: Node, i: int, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    if picks[i] is None:
        return None
    return sum_to(choose(picks[i](*inputs, *params), ct), inputs[i].shape)


def _implicit(rule: Any, ct: Node, i: int, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    return rule(ct, i, y, inputs, *params)


def _constant(rule: Any, ct: Node, i: int, y: Node, inputs: tuple[Node, ...], params: tuple) -> Node | None:
    return None


Share = Callable[[Any, Node, int, Node, tuple[Node, ...], tuple], Node | None]

RULES: dict[str, Share] = {
    "elementwise": _elementwise,
    "linear": _linear,
    "bilinear": _bilinear,
    "selection": _selection,
    "implicit": _implicit,
    "constant": _constant,
}

_ROUNDED = {kind: rounded_once(RULES[kind]) for kind in ("elementwise", "bilinear", "implicit")}


def rule_of(kind: str, y: Node) -> Share:
    """The rule for a kind of map whose result is `y`."""
    return RULES[kind] if not y.dtype.is_half else _ROUNDED.get(kind, RULES[kind])
