"""Where nodes come from, for those who look for NaN or a lost gradient: written down while check_numerics or explain
is on.

Nodes forget what made them when they are computed. What is noted here lasts as long as the node.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Mapping
from itertools import count
from types import FrameType
from typing import NamedTuple
from weakref import WeakKeyDictionary, ref

import numpy as np

from gradtape.graph.node import Node, Op, Recording, recordings

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_NUMPY = os.path.dirname(os.path.abspath(np.__file__))


class Place(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


class Origin(NamedTuple):
    """op          what made the node, if that is kept
    place       the user's line that asked for it, if known
    order       grows with time
    recordings  those that were open"""

    op: Op | None
    place: Place | None
    order: int = 0
    recordings: tuple[ref[Recording], ...] = ()


class Exit(NamedTuple):
    """A value that left: its node, through what, where, and when."""

    node: Node
    how: str
    place: Place | None
    order: int


class Assignment(NamedTuple):
    """What a Variable was set to."""

    name: str
    value: Node
    place: Place | None


class Pull(NamedTuple):
    """A cotangent of input `i` of `op`, which made the node `result`."""

    result: Node
    op: Op
    i: int


origins: WeakKeyDictionary[Node, Origin] = WeakKeyDictionary()
pulls: WeakKeyDictionary[Node, Pull] = WeakKeyDictionary()
assignments: WeakKeyDictionary[Node, Assignment] = WeakKeyDictionary()
exits: deque[Exit] = deque(maxlen=100)
"""The last ones; they keep their nodes."""
pauses: WeakKeyDictionary[Recording, list[tuple[int, int]]] = WeakKeyDictionary()
"""From which to which `order` a tape was paused."""
order = count(1)


def forward(made: Mapping[Node, Op | None]) -> None:
    """Note that these nodes were there before a gradient was asked for."""
    for node in made:
        origins.setdefault(node, Origin(None, None))


def pulled(ct: Node, result: Node, op: Op, i: int) -> None:
    """Note that `ct` was made by the rule of `op`. A rule may return a cotangent that another one made."""
    pulls.setdefault(ct, Pull(result, op, i))


def here() -> Place | None:
    """The first line outside of gradtape, seen from where this is called."""
    return _caller()[1]


def opened() -> tuple[ref[Recording], ...]:
    """The recordings that are open."""
    return tuple([ref(recording) for recording in recordings.get()])


_WAYS = {
    "__array__": "np.asarray()",
    "__bool__": "bool()",
    "__float__": "float()",
    "__index__": "an index",
    "__int__": "int()",
    "item": ".item()",
    "numpy": ".numpy()",
    "tolist": ".tolist()",
}
"""Methods through which values leave for good. Who prints one goes on with the tensor."""


def left(node: Node) -> None:
    """Note that the value of a node left through a method."""
    name, place = _caller()
    if name in _WAYS:
        exits.append(Exit(node, _WAYS[name], place, next(order)))


def set_to(leaf: Node, name: str, value: Node) -> None:
    """Note that the Variable `name` was set to a value, which is now its leaf."""
    assignments[leaf] = Assignment(name, value, here())


def _caller() -> tuple[str, Place | None]:
    """The function of gradtape that the user called, and from which line. Lines of NumPy are not the user's."""
    frame: FrameType | None = sys._getframe(2)
    name = ""
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, _NUMPY)):
        if frame.f_code.co_filename.startswith(_PACKAGE):
            name = frame.f_code.co_name
        frame = frame.f_back
    return name, None if frame is None else Place(frame.f_code.co_filename, frame.f_lineno)
