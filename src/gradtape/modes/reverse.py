"""Reverse mode: cotangents from the targets back to whatever was watched.

    x ──sin──► y ──exp──► z        recorded:    y = sin(x), z = exp(y)
    cos(x)·ȳ ◄── ȳ = exp(y)·z̄ ◄── z̄             walked back, z̄ given

The walk below is the whole of it. What a primitive does to a cotangent follows from its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradtape import config
from gradtape.graph.node import Node, Op
from gradtape.graph.origins import forward, pulled
from gradtape.ops.arithmetic import choose, plus, times
from gradtape.ops.shaping import sum_to


def pull_back(made: dict[Node, Op | None], seeds: Mapping[Node, Node]) -> dict[Node, Node]:
    """The cotangent of every recorded node that a seeded node depends on.

    `made` lists nodes in the order in which they were made, `seeds` gives the cotangents to start from.
    """
    cotangents = dict(seeds)
    noted = not config.usual() and bool(config.settings().check_numerics)
    if noted:
        forward(made)
    for node in reversed(list(made)):  # the rules add to an open recording
        op, ct = made[node], cotangents.get(node)
        if op is None or ct is None:
            continue
        primitive, inputs, params = op
        rule = RULES[primitive.kind]
        for i, x in enumerate(inputs):
            if x in made:
                share = rule(primitive.rule, ct, i, node, inputs, params)
                if share is not None:
                    if noted:
                        pulled(share, node, op, i)
                    cotangents[x] = plus(cotangents[x], share) if x in cotangents else share
    return cotangents


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


RULES: dict[str, Callable[[Any, Node, int, Node, tuple[Node, ...], tuple], Node | None]] = {
    "elementwise": _elementwise,
    "linear": _linear,
    "bilinear": _bilinear,
    "selection": _selection,
    "implicit": _implicit,
    "constant": _constant,
}
