"""Where nodes come from, for those who look for NaN: written down only while check_numerics is on.

Nodes forget what made them when they are computed. What is noted here lasts as long as the node.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

from gradtape.graph.node import Node, Op

_PACKAGE = str(Path(__file__).parents[1])


class Place(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


class Origin(NamedTuple):
    """op      what made the node, if that is kept
    place   the user's line that asked for it, if known"""

    op: Op | None
    place: Place | None


class Pull(NamedTuple):
    """A cotangent of input `i` of `op`, which made the node `result`."""

    result: Node
    op: Op
    i: int


origins: WeakKeyDictionary[Node, Origin] = WeakKeyDictionary()
pulls: WeakKeyDictionary[Node, Pull] = WeakKeyDictionary()


def forward(made: Mapping[Node, Op | None]) -> None:
    """Note that these nodes were there before a gradient was asked for."""
    for node in made:
        origins.setdefault(node, Origin(None, None))


def pulled(ct: Node, result: Node, op: Op, i: int) -> None:
    """Note that `ct` was made by the rule of `op`. A rule may return a cotangent that another one made."""
    pulls.setdefault(ct, Pull(result, op, i))


def here() -> Place | None:
    """The first line outside of gradtape, seen from where this is called."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    return None if frame is None else Place(frame.f_code.co_filename, frame.f_lineno)
