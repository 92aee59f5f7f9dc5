"""Sketches: graphs that are made aside, to be read and made again on other nodes.

    with Sketch("vmap") as sketch:                 x stands for a value that is not known
        x = sketch.placeholder((3,), float32)
        y = f(x)                                   a graph from x to y, which is part of no computation yet

Unlike in `gradtape.function`, open tapes see what is done: they see what does not depend on a placeholder, and
variables that are read. What does depend on one, they are to forget.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gradtape.errors import ControlFlowError
from gradtape.graph.dtypes import DType
from gradtape.graph.handles import wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import Trace, thread


class Sketch:
    """What is done in its `with` block is written into a Trace of its own. It stands at `thread.capture` meanwhile, and
    answers what variables and the engine ask there.

    name    what is being made, for messages
    why     why a value is not known in it
    forget  whether open tapes are to forget all that was done, but for variables that were read
    """

    def __init__(self, name: str, why: str, forget: bool = False):
        self.name = name
        self.why = why
        self.forget = forget
        self.read: dict[int, Any] = {}  # nothing is kept of variables: what they are is asked outside
        self.now: dict[int, Node] = {}
        self.assigned: dict[int, Any] = {}
        self._rests: dict[Node, bool] = {}
        self._outside: tuple[Trace, Any] = thread.trace, thread.capture

    def __enter__(self) -> Sketch:
        self._outside = thread.trace, thread.capture
        self._seen = [(recording, len(recording.made)) for recording in recordings.get()]
        self._trace = thread.trace = Trace(closed=True)
        thread.capture = self
        return self

    def __exit__(self, *exception: Any) -> None:
        thread.trace, thread.capture = self._outside
        for recording, before in self._seen:
            made = recording.made
            later = [made.popitem() for _ in range(len(made) - before)]
            made.update([(node, op) for node, op in reversed(later) if op is None or self._is_kept(node)])

    def _is_kept(self, node: Node) -> bool:
        return not self.forget and not self.rests_on_placeholder(node)

    def placeholder(self, shape: Shape, dtype: DType) -> Node:
        """A leaf that has no value."""
        node = Node(None, None, shape, dtype)
        self._rests[node] = True
        return node

    def rests_on_placeholder(self, node: Node) -> bool:
        """Whether a node was made of a placeholder."""
        rests, stack = self._rests, [node]
        while stack:
            top = stack[-1]
            if top not in rests:
                inputs = () if top.op is None else top.op[1]
                missing = [x for x in inputs if x not in rests]
                if missing:
                    stack += missing
                    continue
                rests[top] = any(rests[x] for x in inputs)
            stack.pop()
        return rests[node]

    def hand_out(self, results: Iterable[Node]) -> None:
        """After the block: what the results rest on that rests on no placeholder belongs to the Trace outside."""
        outside = thread.trace
        if not outside.closed:  # it takes up by itself what was made elsewhere
            return
        inside = {node for number, node in self._trace.at.items() if number >= 0}
        stack, done = list(results), set(outside)
        while stack:
            node = stack[-1]
            if node in inside and node not in done and node.op is not None:
                missing = [x for x in node.op[1] if x not in done]
                if missing:
                    stack += missing[::-1]
                    continue
                if not self.rests_on_placeholder(node):
                    outside.step(node, node.op)
            done.add(node)
            stack.pop()

    def standing(self, nodes: Iterable[Node]) -> tuple[tuple, list[Node]]:
        """Where nodes stand in what was done, which tells equal sketches by equality, and what else was read."""
        numbers = tuple([self._trace[node] for node in nodes])
        leaves = [node for number, node in self._trace.at.items() if number < 0 and not self._rests.get(node)]
        return (self._trace.prefix, numbers), leaves

    def is_by_hand(self) -> bool:
        """Whether derivatives of the user are among what was done."""
        return any(node.op is not None and node.op[0].kind == "custom" for node in self._trace.at.values())

    def resting(self, results: Iterable[Node]) -> list[Node]:
        """What the results rest on that rests on a placeholder."""
        found: dict[Node, None] = {}
        stack = [node for node in results if self.rests_on_placeholder(node)]
        while stack:
            node = stack.pop()
            if node not in found:
                found[node] = None
                stack += [x for x in (node.op[1] if node.op else ()) if self.rests_on_placeholder(x)]
        return list(found)

    # -- what variables, rewrites and the engine ask ----------------------------------------------------------

    def hidden(self) -> tuple[Recording, ...]:
        return () if self._outside[1] is None else self._outside[1].hidden()

    def rely(self, leaf: Node) -> None:
        if self._outside[1] is not None:
            self._outside[1].rely(leaf)

    def leaf_of(self, variable: Any) -> Node:
        with self._as_outside():
            return variable.leaf

    def assign(self, variable: Any, node: Node) -> None:
        raise ControlFlowError(
            f"{variable.name} cannot be assigned inside of {self.name}; return the value and assign it outside"
        )

    def compute(self, node: Node) -> None:
        if self.rests_on_placeholder(node):
            raise ControlFlowError(
                f"this needs the value of a tensor inside of {self.name}, but {self.why}; choose elements with "
                "gradtape.where, branches with gradtape.cond, repeat with gradtape.while_loop"
            )
        with self._as_outside():
            wrap(node).numpy()

    @contextmanager
    def _as_outside(self) -> Iterator[None]:
        inside = thread.trace, thread.capture
        thread.trace, thread.capture = self._outside
        try:
            yield
        finally:
            thread.trace, thread.capture = inside
