"""Expressions of the table, written out once: what an elementwise rule makes of its inputs, as a list of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from gradtape.graph.dtypes import DType
from gradtape.graph.node import Node, Op
from gradtape.rewrite.table import apart


class Written(NamedTuple):
    """An expression of the table: its result, its inputs, its operations, and on which inputs it rests smoothly."""

    result: Node | None
    places: list[Node]
    steps: list[tuple[Node, Op]]
    rests_on: frozenset[int]


@lru_cache(maxsize=4096)
def written(function: Callable, types: tuple[DType, ...], params: tuple) -> Written:
    with apart():
        places = [Node(None, None, (), dtype) for dtype in types]
        result = function(*places, *params)
    steps = [] if result is None else steps_to(result, places)
    smooth: dict[Node, frozenset[int]] = {place: frozenset([i]) for i, place in enumerate(places)}
    for node, op in steps:
        rough = op[0].kind == "constant" or not node.dtype.is_floating
        smooth[node] = frozenset() if rough else frozenset().union(*[smooth.get(x, ()) for x in op[1]])
    return Written(result, places, steps, frozenset() if result is None else smooth.get(result, frozenset()))


def steps_to(result: Node, places: Iterable[Node]) -> list[tuple[Node, Op]]:
    """The operations that lead from `places` to the result, inputs first."""
    steps: dict[Node, Op] = {}
    rests = dict.fromkeys(places, True)
    stack = [result]
    while stack:
        node = stack[-1]
        op = node.op
        if node not in rests:
            missing = [] if op is None else [x for x in op[1] if x not in rests]
            if missing:
                stack += missing
                continue
            rests[node] = op is not None and any(rests[x] for x in op[1])
            if op is not None and rests[node]:
                steps[node] = op
        stack.pop()
    return list(steps.items())
