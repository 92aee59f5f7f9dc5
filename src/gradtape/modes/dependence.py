"""On which elements of x each element of a tensor depends, in sets that elements may share.

    x: 5 elements        x[1:] * x[:-1]              {0,1} {1,2} {2,3} {3,4}        kind 0 1 2 3
                         (x[1:] * x[:-1])[0] + x     {0,1} {0,1} {0,1,2} …
                         x / sum(x)                  {0,1,2,3,4}                    kind 0 0 0 0 0

Moving elements renames them, whatever is in the sets; a sum over everything is one set, however often it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gradtape.graph.shapes import Shape, reduced, size

NOTHING = -1
"""The kind of elements that depend on nothing."""


LARGEST = 1 << 26
"""Sets with more elements than that in all are not made. One that has all of them stands in their place, which is too
large and takes no memory."""


class Sets:
    """Sets of numbers, sorted: set k is members[start[k]:start[k+1]]."""

    __slots__ = ("members", "start")

    def __init__(self, start: np.ndarray, members: np.ndarray):
        self.start = start
        self.members = members

    def __len__(self) -> int:
        return len(self.start) - 1

    def sizes(self, kinds: np.ndarray) -> np.ndarray:
        """How many members the sets of some kinds have."""
        return np.append(np.diff(self.start), 0)[kinds]

    def of(self, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The members of the sets of some kinds, one after another, and which of `kinds` each belongs to."""
        there = np.flatnonzero(kinds != NOTHING)
        first = self.start[kinds[there]]
        number = self.start[kinds[there] + 1] - first
        owner = np.repeat(there, number)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
        return self.members[np.repeat(first, number) + offset], owner


class Dependence:
    """A tensor's dependence on x: of which kind each element is, in the tensor's shape, and the set of each kind.

    `total` is how many elements x has.
    """

    __slots__ = ("kinds", "sets", "total")

    def __init__(self, kinds: np.ndarray, sets: Sets, total: int):
        self.kinds = kinds
        self.sets = sets
        self.total = total

    @classmethod
    def own(cls, shape: Shape) -> Dependence:
        """That of x itself."""
        total = size(shape)
        return cls(np.arange(total).reshape(shape), Sets(np.arange(total + 1), np.arange(total)), total)

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> Dependence:
        """That of the elements after a move, which puts 0 where there is nothing."""
        return Dependence(move(self.kinds - NOTHING) + NOTHING, self.sets, self.total)

    def repeated(self, shape: Shape) -> Dependence:
        """That of the tensor broadcast to a shape."""
        return Dependence(np.broadcast_to(self.kinds, shape), self.sets, self.total)

    def over(self, axes: Sequence[int], keepdims: bool = False) -> Dependence:
        """That of something made of all elements along axes."""
        axes = tuple(axis % self.kinds.ndim for axis in axes)
        kept = reduced(self.kinds.shape, axes, True)
        made = self.placed(np.arange(size(kept)).reshape(kept), kept)
        return made if keepdims else made.moved(lambda kinds: kinds.reshape(reduced(self.kinds.shape, axes, False)))

    def placed(self, places: np.ndarray, shape: Shape) -> Dependence:
        """That of something of a shape, each element of which is made of all elements that have its place, counted from
        the first element to the last. `places` broadcast to the shape of the tensor."""
        place = np.broadcast_to(places, self.kinds.shape)
        # The same kind several times in one place counts once
        key = _distinct(place.ravel() * (len(self.sets) + 1) + self.kinds.ravel() - NOTHING)
        place, kinds = np.divmod(key, len(self.sets) + 1)
        if self.sets.sizes(kinds + NOTHING).sum() > LARGEST:
            return self._anything(shape)
        members, owner = self.sets.of(kinds + NOTHING)
        made = _united(place[owner], members, size(shape), self.total)
        return Dependence(made.kinds.reshape(shape), made.sets, self.total)

    def joined(self, other: Dependence) -> Dependence:
        """That of what is made element by element of both, which broadcast."""
        a, b = np.broadcast_arrays(self.kinds, other.kinds)
        if self.sets is other.sets and (a == b).all():
            return self.repeated(a.shape)
        pair, inverse = np.unique(
            (a.ravel() - NOTHING) * (len(other.sets) + 1) + b.ravel() - NOTHING, return_inverse=True
        )
        first, second = np.divmod(pair, len(other.sets) + 1)
        if self.sets.sizes(first + NOTHING).sum() + other.sets.sizes(second + NOTHING).sum() > LARGEST:
            return self._anything(a.shape)
        members, owner = self.sets.of(first + NOTHING)
        more, owner_of_more = other.sets.of(second + NOTHING)
        rows, columns = np.concatenate([owner, owner_of_more]), np.concatenate([members, more])
        made = _united(rows, columns, len(pair), self.total)
        return Dependence(made.kinds[inverse].reshape(a.shape), made.sets, self.total)

    def everywhere(self, shape: Shape) -> Dependence:
        """That of something each element of which may depend on each element of this."""
        return self.over(range(self.kinds.ndim)).repeated(shape)

    def _anything(self, shape: Shape) -> Dependence:
        """That of elements each of which may depend on all of x."""
        everything = Sets(np.array([0, self.total]), np.arange(self.total))
        return Dependence(np.broadcast_to(np.int64(0), shape), everything, self.total)

    def number(self) -> int:
        """How many pairs of dependent elements there are."""
        return int(self.sets.sizes(self.kinds).sum())

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The pairs (element of the tensor, element of x), sorted."""
        columns, rows = self.sets.of(self.kinds.ravel())
        return rows, columns


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """The different numbers, sorted. For so many different ones sorting is faster than the table of np.unique."""
    numbers = np.sort(numbers)
    return numbers[np.append(True, numbers[1:] != numbers[:-1])] if len(numbers) else numbers


def _united(rows: np.ndarray, columns: np.ndarray, number: int, total: int) -> Dependence:
    """The dependence of a line of elements, from pairs among which there may be equal ones."""
    key = _distinct(rows * total + columns) if total else rows
    rows, columns = np.divmod(key, total) if total else (key, key)
    start = np.searchsorted(rows, np.arange(number + 1))
    return Dependence(np.arange(number), Sets(start, columns), total)
