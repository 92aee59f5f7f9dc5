"""What is kept between computations, in memory: an executable for each Program, code for each kernel.

Both are bounded; the one that was used longest ago goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """A bounded mapping. Safe to use from several threads: its operations are single steps of the interpreter, and
    two threads that make the same value at once merely waste work."""

    def __init__(self, limit: int):
        self.limit = limit
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        value = self._values.get(key)
        if value is not None:
            try:
                self._values.move_to_end(key)
            except KeyError:  # another thread dropped it meanwhile
                pass
        return value

    def put(self, key: Hashable, value: V) -> V:
        self._values[key] = value
        while len(self._values) > self.limit:
            try:
                self._values.popitem(last=False)
            except KeyError:
                break
        return value

    def find(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value for a key, made if it is not there."""
        value = self.get(key)
        return self.put(key, make()) if value is None else value

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def clear(self) -> None:
        self._values.clear()
