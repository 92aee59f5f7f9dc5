"""While a function is traced: its arguments and variables are placeholders, and nothing has a value.

A `Capture` stands at `thread.capture` meanwhile. Variables ask it what they are at the moment; the engine hands it
requests for values. A value that rests on constants alone is computed; any other is an error at the user's line.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradtape.engine.tiers import execute
from gradtape.errors import ControlFlowError
from gradtape.graph.dtypes import DType
from gradtape.graph.node import TABLE, Node, Recording, recordings
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import Trace, thread, trace
from gradtape.variable import Variable

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Capture:
    """What is read and assigned while `name` is traced; `outer` is the Capture around the body of a loop."""

    def __init__(self, name: str, outer: Capture | None = None):
        self.name = name
        self.outer = outer
        self.read: dict[int, tuple[Variable, Node]] = {}
        self.now: dict[int, Node] = {}
        self.assigned: dict[int, Variable] = {}
        self.relied: dict[Node, None] = {}
        self._hidden: tuple[Recording, ...] = ()

    def hidden(self) -> tuple[Recording, ...]:
        """The recordings of the function around a loop, which do not see its body. Those around the function are not
        among them: the trace is kept, so it does not depend on who watches what when it is made."""
        return () if self.outer is None else (*self._hidden, *self.outer.hidden())

    def rely(self, leaf: Node) -> None:
        """Note that the trace does not hold for who watches a leaf."""
        self.relied[leaf] = None
        if self.outer is not None:
            self.outer.rely(leaf)

    def leaf_of(self, variable: Variable) -> Node:
        """What a variable is at the moment: a placeholder, or what was assigned."""
        key = id(variable)
        if key not in self.now:
            if self.outer is not None:
                return self.outer.leaf_of(variable)
            if key not in self.read:
                self.read[key] = variable, placeholder(variable.held.shape, variable.held.dtype)
            self.now[key] = self.read[key][1]
        return self.now[key]

    def assign(self, variable: Variable, node: Node) -> None:
        """From now on the variable is `node`, which for tapes is a leaf."""
        if self.outer is not None:
            raise ControlFlowError(
                f"{where()}: a variable cannot be assigned in the body of a while_loop inside a traced function; "
                "make it a loop variable, and assign the result"
            )
        self.assigned[id(variable)] = variable
        op = (TABLE["stop_gradient"], (node,), ())
        leaf = self.now[id(variable)] = Node(op, None, node.shape, node.dtype)
        thread.trace.step(leaf, op)

    def compute(self, node: Node) -> None:
        """Compute a node that rests on constants; ControlFlowError if it rests on a placeholder."""
        program, leaves, _ = trace(node)
        if any(leaf.value is None for leaf in leaves):
            raise ControlFlowError(
                f"{where()}: this needs the value of a tensor, which is not known while {self.name} is traced; "
                "choose elements with gradtape.where, branches with gradtape.cond, repeat with gradtape.while_loop, "
                "return the tensor and look at it outside, or call the function without gradtape.function"
            )
        (node.value,) = execute(program, [leaf.value for leaf in leaves])


def placeholder(shape: Shape, dtype: DType) -> Node:
    """A leaf that has no value yet."""
    return Node(None, None, shape, dtype)


def where() -> str:
    """The innermost line that is not gradtape's: file, line and text."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line).strip()
    return f"{file}:{line}" + (f" `{text}`" if text else "")


@contextmanager
def tracing(capture: Capture) -> Iterator[Trace]:
    """Write operations into a Trace of their own. Tapes that are open outside do not see them."""
    outside = thread.trace, thread.capture
    token = recordings.set(())
    inside = thread.trace = Trace(closed=True)
    thread.capture = capture
    capture._hidden = token.old_value if isinstance(token.old_value, tuple) else ()
    try:
        yield inside
    finally:
        thread.trace, thread.capture = outside
        recordings.reset(token)


def kept(result: Any) -> bool:
    """Whether a function's result is handed through as it is: no tensor, no number."""
    return result is None or isinstance(result, (str, bytes, type)) or callable(result)
