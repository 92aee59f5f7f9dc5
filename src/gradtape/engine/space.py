"""The loops of a kernel: which axes become which loop, and how each array is walked through.

    outer loops …        any number, axes merged as far as all arrays allow
      middle loop        in deep kernels: walked through in blocks for one block of the inner loop
        inner loop       the one that is vectorised

In elementwise kernels the inner loop is the last one. An operand that does not have its elements side by side along
it, but along another (a transposed one), makes that other one the middle loop: the kernel then goes through memory in
tiles.

A short inner loop would cost more than what is done in it. It is joined with those around it to a long one, in the
order of the elements, so that whole arrays are still walked through from end to end. An array that such a loop
cannot walk through in equal strides (one that is broadcast along a part of it) is read at places from a list, which
is the same for every block:

    (1000, 10) * (1000, 1)    inner loop of 10 000; of the second array elements 0 0 0 0 0 0 0 0 0 0 1 1 1 …

In reductions the order in which elements are combined follows from the shape and the reduced axes alone (see
`engine.combine`). Where no axis follows the reduced ones and rows are long, they are the inner loop, and reduced in
lanes. Else they are the middle loop, and the inner one is any other: what is reduced are columns. A short one is
joined with others if there is an array to walk through from end to end, for the sake of the caches; if all are
broadcast, the longest loop serves better, as it needs no list.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from gradtape.engine.combine import BLOCK, MANY, ROWS, SHORT_ROW
from gradtape.engine.layout import Layout
from gradtape.graph.shapes import Shape, reduced

SHORT = 32
"""An inner loop below this length is joined with those around it."""

LONG = 256
"""Length from which a joined loop is long enough."""

LIST = 1024
"""Places in a list, at most."""

COLUMNS = 1024
"""Elements of the inner loop in a block of a deep kernel, at most: there are accumulators for so many."""

TILE = (64, 64)
"""Elements of the middle and inner loop in a block, where something is read along the middle one."""

Loop = list[int]
"""Its length, then for each array the elements to its next index."""

Parts = tuple[tuple[int, int], ...]
"""Of loops that were joined, outermost first: (length, elements of an array to the next index)."""


class Space:
    """The loops of a kernel over `shape` that reads arrays as `reads` says; `stores` if it stores elementwise results.

    deep       whether there is a middle loop
    reduces    which loop is reduced: "inner", "middle", or "" for none
    lengths    of the outer loops, the middle (1 if there is none) and the inner one
    sizes      elements of the middle and inner loop that are one block
    strides    for each operand: elements to the next index of each loop
    mapped     the same for an elementwise result
    kept       the same for the result of a reduction
    lists      for each operand, then for an elementwise result: None, or if the inner loop reads it at places from a
               list, what that loop was joined of; its stride of the inner loop is then that to the next block
    copied     for an operand that the loops cannot follow, the layout that has to be copied first; else None
    """

    def __init__(self, shape: Shape, axes: tuple[int, ...], reads: Sequence[Layout], stores: bool):
        self.copied: list[Layout | None] = [None] * len(reads)
        rest = iter(Layout.dense(reduced(shape, axes, False)).strides)
        result = tuple(0 if axis in axes else next(rest) for axis in range(len(shape)))
        dense = Layout.dense(shape).strides
        self.patterns = [*[read.strides for read in reads], dense, result]
        self.shape = shape
        self.deep, self.reduces = False, ""
        self.sizes = (1, BLOCK)
        self.lists: list[Parts | None] = [None] * len(self.patterns)
        none = [1] + [0] * len(self.patterns)
        if axes:
            outer, middle, inner = self._reduction(axes, reads, stores)
        else:
            outer, middle, inner = self._elementwise()
        loops = [*outer, middle or none, inner or none]
        self.lengths = tuple(loop[0] for loop in loops)
        *self.strides, self.mapped, self.kept = [
            tuple(loop[1 + i] for loop in loops) for i in range(len(self.patterns))
        ]

    def _elementwise(self) -> tuple[list[Loop], Loop | None, Loop | None]:
        loops = self._merge(range(len(self.shape)))
        if len(loops) < 2:
            return [], None, loops[0] if loops else None
        if loops[-1][0] < SHORT:
            return loops, None, self._join(loops, LIST)
        inner = loops.pop()
        middle = self._along(inner, loops)
        if middle is not None:
            loops.remove(middle)
            self.deep, self.sizes = True, TILE
        return loops, middle, inner

    def _join(self, loops: list[Loop], block: int) -> Loop:
        """Take the last loops, as many as make a long one, and join them. At most `block` elements are a block."""
        taken = [loops.pop()]
        while loops and prod(loop[0] for loop in taken) < LONG:
            taken.insert(0, loops.pop())
        row = prod(loop[0] for loop in taken[1:])
        rows = max(1, min(taken[0][0], block // max(1, row)))
        self.sizes = (self.sizes[0], max(1, rows * row))
        joined = [taken[0][0] * row]
        for i in range(len(self.patterns)):
            parts = tuple((loop[0], loop[1 + i]) for loop in taken)
            even = all(outer == n * inner for (_, outer), (n, inner) in pairwise(parts))
            self.lists[i] = None if even else parts
            joined.append(parts[-1][1] if even else rows * parts[0][1])
        return joined

    def _along(self, inner: Loop, loops: list[Loop]) -> Loop | None:
        """The loop along which an operand has its elements closer together than along the inner one."""
        best, closest = None, 0
        for loop in loops:
            for ours, theirs in zip(inner[1:-2], loop[1:-2], strict=True):
                if theirs and abs(ours) > abs(theirs) and (not best or abs(theirs) < closest) and loop[0] > 1:
                    best, closest = loop, abs(theirs)
        return best

    def _reduction(
        self, axes: tuple[int, ...], reads: Sequence[Layout], stores: bool
    ) -> tuple[list[Loop], Loop | None, Loop | None]:
        shape = self.shape
        first, last = axes[0], axes[-1] + 1
        for i, read in enumerate(reads):  # the reduced axes are one loop
            if len(_merged(shape, range(first, last), [self.patterns[i]])) > 1:
                self._copy(i, read)
        self.reduces = "inner"
        before = self._merge(range(first))
        row: Loop | None = next(iter(self._merge(range(first, last))), None)
        after = self._merge(range(last, len(shape)))
        n = prod(shape[first:last])
        in_lanes = prod(shape[last:]) == 1 and (n > SHORT_ROW or prod(shape[:first]) < MANY)
        if in_lanes:
            if row is not None and self._along(row, before) is not None:
                self._copy_strided(row, reads)
                before, row = self._merge(range(first)), self._merge(range(first, last))[0]
            return before, None, row
        self.deep, self.reduces, self.sizes = True, "middle", (ROWS, COLUMNS)
        loops = before + after
        inner = loops[-1] if loops else None
        if inner is not None and inner[0] < SHORT and n <= ROWS and len(loops) > 1:
            if stores or any(all(loop[1 + i] for loop in loops) for i in range(len(reads))):
                return loops, row, self._join(loops, COLUMNS // 4)
            inner = max(loops, key=lambda loop: loop[0])
        if inner is not None:
            loops.remove(inner)
            if self._along(inner, [row] if row else []):
                self.sizes = (ROWS, COLUMNS // 4)
        return loops, row, inner

    def _copy_strided(self, row: Loop, reads: Sequence[Layout]) -> None:
        for i, read in enumerate(reads):
            if abs(row[1 + i]) > 1:
                self._copy(i, read)

    def _copy(self, i: int, read: Layout) -> None:
        self.patterns[i], self.copied[i] = Layout.dense(self.shape).strides, read

    def _merge(self, group: range) -> list[Loop]:
        return _merged(self.shape, group, self.patterns)


def _merged(shape: Shape, group: range, patterns: Sequence[tuple[int, ...]]) -> list[Loop]:
    """Loops over the axes of `group`, neighbours merged where all arrays allow; axes of length one are left out."""
    loops: list[Loop] = []
    for axis in group:
        if shape[axis] == 1:
            continue
        loop = [shape[axis], *[pattern[axis] for pattern in patterns]]
        if loops and all(outer == inner * shape[axis] for outer, inner in zip(loops[-1][1:], loop[1:], strict=True)):
            loops[-1] = [loops[-1][0] * loop[0], *loop[1:]]
        else:
            loops.append(loop)
    return loops
