"""Code that makes operations and is run again and again, such as the update of an optimiser, run but once.

It stands on the tree of Traces: what was made after the same operations of the same inputs is known there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from gradtape import config
from gradtape.graph.node import Node
from gradtape.graph.trace import between, thread


def remembered(key: Hashable, inputs: Sequence[Node], make: Callable[[], list[Node]]) -> list[Node]:
    """The nodes that `make` makes, of `inputs` alone. `key` says what it does with them, by equality.

    If it was run after the same operations before, on inputs that stand in the same places, then its operations are
    appended without running it.
    """
    trace = thread.trace
    if thread.capture is not None or not config.usual():
        return make()
    place = ("remembered", key, *map(trace.__getitem__, inputs))
    before = trace.prefix
    known = before.known.get(place)
    if known is not None:
        steps, after, numbers = known
        return trace.replay(steps, after, numbers)  # type: ignore[return-value]
    made = make()
    if thread.trace is trace:
        numbers = [trace[node] for node in made]
        steps = between(before, trace.prefix)
        if steps is not None:
            before.known[place] = (steps, trace.prefix, numbers)
    return made
