"""Stabilise what a tape has recorded, before it is differentiated."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gradtape.config import settings
from gradtape.graph.node import TABLE, Node, Op, Recording, recordings
from gradtape.graph.trace import rely, thread, watched
from gradtape.rewrite.match import Match, Matcher
from gradtape.rewrite.table import Entry, Rows, find, placed, table


class Recorded(NamedTuple):
    """A recording whose matches are the identity of their replacement.

    made        what pull_back walks
    hidden      recorded nodes inside of a match, which it does not lead to any more
    rests_on    the conditions under which the same record gives the same; None: always
    """

    made: dict[Node, Op | None]
    hidden: Collection[Node]
    rests_on: Conditions | None


class Conditions(NamedTuple):
    """The setting (None: they never hold again), what was asked of numbers, and how much other open recordings had
    seen."""

    on: Rows | None
    guards: tuple[tuple[int, int | None, float, bool], ...]
    sizes: tuple[int, ...]

    def hold(self, at: Mapping[int, Node], made: Mapping[Node, Any]) -> bool:
        """Whether they hold for the nodes with the same numbers in a Trace."""
        outer = recordings.get()
        if settings().stabilise != self.on or (self.sizes if not outer else self.sizes != _sizes()):
            return False
        for leaf, other, wanted, answer in self.guards:
            value = _constant(at[leaf], made)
            if (value is not None and value == (wanted if other is None else _constant(at[other], made))) != answer:
                return False
        _rely([at[i] for leaf, other, _, answer in self.guards if answer for i in (leaf, other) if i is not None])
        return True


NEVER = Conditions(None, (), ())


def _sizes() -> tuple[int, ...]:
    return tuple([len(recording.made) for recording in recordings.get()])


def _constant(node: Node, made: Mapping[Node, Any]) -> float | None:
    """The number that a node is, if it is a constant for every tape."""
    value = node.value
    return None if type(value) is not float or node in made or watched(node) else value


def _rely(leaves: Sequence[Node]) -> None:
    """Say of which numbers a match was made."""
    if thread.capture is not None:
        for leaf in leaves:
            rely(leaf)


def recorded(made: dict[Node, Op | None], numbers: Mapping[Node, int], apart: Collection[Node] = ()) -> Recorded:
    """The recorded operations, stabilised, but nothing across the nodes `apart`.

    `numbers` says by which number a node is known where conditions are checked.
    """
    telling = table().telling
    if not any(op is not None and op[0] in telling for op in made.values()):
        return Recorded(made, (), None)
    sizes = _sizes()
    on = settings().stabilise
    if not on:
        return Recorded(made, (), Conditions(False, (), sizes))
    outer = recordings.get()
    watching = (made, *[recording.made for recording in outer])
    fresh: dict[Node, Op | None] = {}

    def made_by(node: Node) -> Op | None:
        if node in fresh:
            return fresh[node]
        op = made.get(node, node.op)
        if op is None or (node in apart and node is not last):
            return None
        for one in watching:  # what was made of a watched node, but not recorded, is a constant
            if node not in one and node.dtype.is_floating and any(x in one for x in op[1]):
                return None
        return op

    matcher = Matcher(made_by, lambda node: _constant(node, made))
    result: dict[Node, Op | None] = {}
    hidden: set[Node] = set()
    last = None
    for node, op in list(made.items()):
        last = node
        found = None if op is None else find(on, matcher, node)
        if found is not None:
            entry, match = found
            bound = [x for x in match.nodes.values() if x in result]
            replacement, steps = _recorded_apart(entry, match, node, bound)
            if replacement is not None:
                fresh.update(steps)
                result.update(steps)
                result[node] = (TABLE["identity"], (replacement,), ())
                if node not in apart:
                    matcher.replaced[node] = replacement
                hidden.update(_inside(node, bound, made))
                continue
        result[node] = op
    guards = list(matcher.asked.values())
    _rely([x for guard in guards if guard.answer for x in (guard.leaf, guard.other) if x is not None])
    if on is True and not guards and not matcher.replaced and not apart:
        return Recorded(made, (), None)
    if any(guard.leaf not in numbers or (guard.other or guard.leaf) not in numbers for guard in guards):
        return Recorded(result, hidden, NEVER)
    return Recorded(result, hidden, Conditions(on, tuple([placed(guard, numbers) for guard in guards]), sizes))


def _recorded_apart(
    entry: Entry, match: Match, node: Node, bound: list[Node]
) -> tuple[Node | None, dict[Node, Op | None]]:
    """What replaces a node, and those of its operations that rest on what was recorded."""
    recording = Recording(accessed=False)
    for x in bound:
        recording.watch(x)
    token = recordings.set((*recordings.get(), recording))
    try:
        replacement = entry.made(match, node)
    finally:
        recordings.reset(token)
    return replacement, {x: op for x, op in recording.made.items() if op is not None}


def _inside(node: Node, bound: Collection[Node], made: Mapping[Node, Op | None]) -> Iterator[Node]:
    """The recorded nodes between a match and what it is of."""
    pending = [node]
    while pending:
        op = made[pending.pop()]
        for x in op[1] if op is not None else ():
            if x in made and x not in bound:
                yield x
                pending.append(x)
