"""The table of rewrites made ready: spellings traced to patterns, and the first row that fits a node."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from gradtape.graph.dtypes import DType, float32
from gradtape.graph.node import Node, Op, Primitive, recordings
from gradtape.graph.trace import Trace, thread
from gradtape.rewrite.match import Guard, Match, Matcher, Pattern
from gradtape.rewrite.rows import ALIKE, ROWS, Row

KEPT = 8
"""So many results for other numbers are kept of one Program or recording."""

Rows = bool | frozenset[str]
"""The setting `stabilise`: whether all rows are in use or none, or the names of those that are."""


class Entry(NamedTuple):
    """A row, and the pattern of one of its spellings."""

    row: Row
    pattern: Pattern

    def made(self, found: Match, node: Node) -> Node | None:
        """What replaces a node, if it has the same shape and type."""
        more = (found.axes, node.shape) if self.row.over_axes else ()
        made = self.row.replacement(*found.nodes.values(), *more)
        return made if made.shape == node.shape and made.dtype is node.dtype else None


class Table(NamedTuple):
    """The rows for one element type, by the primitives that a match can end with, and primitives of which every match
    has one."""

    entries: Mapping[Primitive, Sequence[Entry]]
    telling: Collection[Primitive]

    def found(self, matcher: Matcher, node: Node) -> tuple[Entry, Match] | None:
        """The first row that fits a node, and what its x and y are."""
        op = matcher.op(node)
        assert op is not None
        for entry in self.entries.get(op[0], ()):
            found = matcher.match(entry.pattern, node)
            if found is not None:
                unless = entry.row.unless
                if unless is None or not unless(matcher.op, next(iter(found.nodes.values()))):
                    return entry, found
        return None


@contextmanager
def apart() -> Iterator[None]:
    """Nodes that are made in the block are part of no computation."""
    outside, token = thread.trace, recordings.set(())
    thread.trace = Trace(closed=True)
    try:
        yield
    finally:
        thread.trace = outside
        recordings.reset(token)


def find(on: Rows, matcher: Matcher, node: Node) -> tuple[Entry, Match] | None:
    """The first of the rows that are in use that fits a node, and what its x and y are."""
    return table(on, node.dtype).found(matcher, node) if node.dtype.is_floating else None


@cache
def table(on: Rows = True, dtype: DType = float32) -> Table:
    """The table of the rows that are in use, traced when it is first needed. What a spelling contains is rewritten by
    the rows before it."""
    entries: dict[Primitive, list[Entry]] = {}
    telling: set[Primitive] = set()
    with apart():
        for row in ROWS:
            if on is not True and (on is False or row.name not in on):
                continue
            for spelling in row.spellings.values():
                leaves = [Node(None, None, (2, 3), dtype) for _ in range(spelling.__code__.co_argcount)]
                root = spelling(*leaves)
                telling.add(_telling(root))
                pattern = _pattern(_normal(root, Table(entries, ())), dtype)
                for primitive in pattern.ends():
                    entries.setdefault(primitive, []).append(Entry(row, pattern))
    return Table(entries, frozenset(telling))


def _ops(root: Node) -> dict[Node, Op]:
    """What a node is made of, nearest first."""
    found: dict[Node, Op] = {}
    pending = [root]
    for node in pending:
        if node.op is not None and node not in found:
            found[node] = node.op
            pending += node.op[1]
    return found


def _telling(root: Node) -> Primitive:
    """The primitive by which a spelling is told from the usual: its last elementary function, or function of rows."""
    ops = [op[0] for op in _ops(root).values()]
    return next((primitive for primitive in ops if primitive.costly or primitive.shows is not None), ops[0])


def _normal(root: Node, known: Table) -> Node:
    """A spelling with all but its last operation rewritten."""
    matcher = Matcher(lambda node: node.op, lambda node: None)
    done: dict[Node, Node] = {}

    def rewritten(node: Node) -> Node:
        if node.op is None or not node.op[1]:
            return node
        if node not in done:
            primitive, inputs, params = node.op
            new = Node((primitive, tuple([rewritten(x) for x in inputs]), params), None, node.shape, node.dtype)
            found = None if node is root else known.found(matcher, new)
            done[node] = (None if found is None else found[0].made(found[1], new)) or new
        return done[node]

    return rewritten(root)


def _pattern(root: Node, dtype: DType) -> Pattern:
    """A spelling with what may be written otherwise in it."""
    matcher = Matcher(lambda node: node.op, lambda node: None)
    alike: dict[Node, list[Node]] = {}
    for usual, others in ALIKE:
        leaf = Node(None, None, (2, 3), dtype)
        (form,) = [form(leaf) for form in usual.values()]
        for node in _ops(root):
            found = matcher.match(Pattern(form, {}), node)
            if found is not None:
                alike.setdefault(node, []).extend([other(found.nodes[leaf]) for other in others.values()])
    return Pattern(root, alike)


def placed(guard: Guard, number: Mapping[Node, int]) -> tuple[int, int | None, float, bool]:
    """What was asked of a leaf, where leaves have numbers."""
    other = None if guard.other is None else number[guard.other]
    return number[guard.leaf], other, guard.number, guard.answer
