"""Walks over what was recorded, made but once for each structure.

A walk adds operations to the Trace. If all that it looks at stands in the Trace that is still open, and it was made
after the same operations before, then what it added then is known, and is added without walking.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from gradtape import config
from gradtape.graph.node import Node, Op
from gradtape.graph.trace import between, thread
from gradtape.rewrite.recorded import NEVER, Conditions
from gradtape.rewrite.table import KEPT

Found = tuple[list[Node | None], Conditions | None]
"""What a walk leads to, and on which conditions the same walk leads to the same: None always, NEVER never."""


def kept(
    question: Hashable,
    nodes: Sequence[Node],
    made: Mapping[Node, Any],
    token: object,
    walk: Callable[[Mapping[Node, int]], Found],
) -> list[Node | None]:
    """What a walk over recorded operations leads to.

    question    what it does, by equality
    nodes       all that it looks at: what was recorded, where it begins, what is wanted
    made        what was recorded, and the `token` of the Trace that was open when that began
    walk        is given by which number a node is known where conditions are checked
    """
    trace = thread.trace
    if trace.token is not token or not config.usual():
        return walk({})[0]
    key = (question, *map(trace.__getitem__, nodes))
    before = trace.prefix
    known = before.known.get(key, ())
    for conditions, steps, after, places in known:
        if conditions is None or conditions.hold(trace.at, made):
            return trace.replay(steps, after, places)
    found, conditions = walk(trace)
    if conditions is not NEVER:
        places = [None if node is None else trace[node] for node in found]
        steps = between(before, trace.prefix)
        if steps is not None:
            before.known[key] = ((conditions, steps, trace.prefix, places), *known[: KEPT - 1])
    return found


def is_by_hand(made: Mapping[Node, Op | None]) -> bool:
    """Whether there are rules of the user among the operations: Python, which may do something else each time."""
    return any(op is not None and op[0].kind == "custom" for op in made.values())
