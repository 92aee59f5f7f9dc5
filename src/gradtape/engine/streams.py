"""Which results over one iteration space are computed in one loop, where there are many.

A loop over many arrays at once is slow: the processor follows some dozen of them on their way through memory. So
results that share no array, such as the new values of many variables, go into several loops. Those that do share one
stay together, as it is read once then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gradtape.graph.node import Node

STREAMS = 24
"""Arrays that one loop may read and write, if what it computes can be taken apart."""


def taken_apart(results: Sequence[Node], ends: Sequence[Node], known: Collection[Node]) -> list[list[Node]]:
    """The results, in groups for a loop each; `ends` are their last elementwise values, `known` what is in memory."""
    if len(results) < STREAMS // 2:
        return [list(results)]
    part: dict[Node, int] = {}  # of every array that was met
    parts: list[int] = []  # where a part went that was joined to an earlier one
    arrays: list[int] = []  # how many each part reads and writes

    def root(i: int) -> int:
        while parts[i] != i:
            i = parts[i]
        return i

    for number, end in enumerate(ends):
        parts.append(number)
        arrays.append(1)
        stack = [end]
        while stack:
            node = stack.pop()
            if node in part:
                here, there = root(number), root(part[node])
                if here != there:
                    first, second = min(here, there), max(here, there)
                    parts[second] = first
                    arrays[first] += arrays[second]
                continue
            part[node] = number
            if node in known:
                arrays[root(number)] += 1
            elif node.op is not None:
                stack += [x for x in node.op[1] if x.shape != ()]
    groups: list[list[Node]] = []
    place: dict[int, list[Node]] = {}
    room = 0
    for number, result in enumerate(results):
        here = root(number)
        if here not in place:
            if not groups or arrays[here] > room:
                groups.append([])
                room = STREAMS
            room -= arrays[here]
            place[here] = groups[-1]
        place[here].append(result)
    return groups
