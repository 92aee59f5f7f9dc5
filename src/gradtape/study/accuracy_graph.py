"""The graph of a function of one variable and of its derivatives, as a Program with names for people.

Each operation keeps its text, as in ``1 - exp(x)``, and the line of the user's file that made it, where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import gradtape
from gradtape.config import override
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.handles import wrap
from gradtape.graph.node import TABLE, Node, Op, Primitive, Recording, recordings
from gradtape.graph.notation import ATOM, SIGN, Text
from gradtape.graph.origins import here
from gradtape.graph.program import Program, Step, text_of
from gradtape.graph.shapes import size
from gradtape.staging.capture import Capture, placeholder, tracing
from gradtape.study.derive import nested
from gradtape.text import Expression

LONGEST = 60
"""Characters of an operation's text; what is longer is shortened inside."""


@dataclass(frozen=True)
class Graph:
    """A Program whose outputs are f, f', …, each of one number.

    leaves      the numbers that it runs on; that of the variable is not used
    variable    which leaf the variable is, as -1, -2, …, or 0 if nothing depends on it
    places      the user's file and line, by the text of an operation
    """

    program: Program
    leaves: tuple[Any, ...]
    variable: int
    name: str
    places: dict[str, str]

    def texts(self, program: Program | None = None) -> dict[int, Text]:
        """How each leaf and operation is written, of this Program or of a rewritten form of it."""
        texts = {
            -1 - i: Text(self.name) if -1 - i == self.variable else _number(number)
            for i, number in enumerate(self.leaves)
        }
        for number, (name, params, inputs) in enumerate((program or self.program).steps):
            texts[number] = _short(name, params, [texts[i] for i in inputs])
        return texts


class _Placed(dict[Node, "Op | None"]):
    """What a Recording made, with the line of the user's file that each node comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Node, str] = {}

    def __setitem__(self, node: Node, op: Op | None) -> None:
        super().__setitem__(node, op)
        place = here()
        if place:
            self.places.setdefault(node, str(place))


def record(f: Callable[[Any], Any], order: int, dtype: str, name: str, at: float | None, stabilise: Any) -> Graph:
    """The graph of f and its derivatives up to `order`, with or without stabilising rewrites.

    It is traced at one number, which a Python ``if`` may see; with None, at a number that nobody knows, so that the
    graph holds for all of them. Then ControlFlowError where f looks at it. Variables are the numbers that they hold.
    """
    capture = Capture("a function")
    unknown = tracing(capture) if at is None else nullcontext()
    made = _Placed()
    with unknown, override(stabilise=stabilise, check_numerics=False, explain=False):
        x = gradtape.constant(at, dtype) if at is not None else wrap(placeholder((), as_dtype(dtype)))
        placed = f if isinstance(f, Expression) else _placed(f, made, x.node)
        outputs = [value.node for value in nested(placed, x, order)]
    steps: dict[Step, int] = {}
    leaves: list[Node] = []
    numbers: dict[Node, int] = {}
    for output in outputs:
        _number_nodes(output, numbers, leaves, steps)
    if any(size(leaf.shape) != 1 or leaf.shape for leaf in leaves):
        raise ArgumentError("a function is studied number by number, but this one uses a tensor with axes")
    program = Program(
        tuple((leaf.dtype.name, leaf.shape) for leaf in leaves), tuple(steps), tuple(numbers[o] for o in outputs)
    )
    for name_of, _, _ in program.steps:
        readable(TABLE[name_of])
    held = {node: variable for variable, node in capture.read.values()}
    values = tuple(held[leaf].numpy().item() if leaf in held else leaf.value for leaf in leaves)
    graph = Graph(program, values, numbers.get(x.node, 0), name, {})
    texts = graph.texts()
    for node, place in made.places.items():
        if node in numbers:
            graph.places.setdefault(texts[numbers[node]].written, place)
    return graph


def _placed(f: Callable[[Any], Any], made: _Placed, x: Node) -> Callable[[Any], Any]:
    """f, with a recording open while it runs that notes in `made` which line each operation on x comes from."""
    recording = Recording(accessed=False)
    recording.made = made
    recording.watch(x)

    def placed(point: Any) -> Any:
        token = recordings.set((*recordings.get(), recording))
        try:
            return f(point)
        finally:
            recordings.reset(token)

    placed.__name__ = getattr(f, "__name__", str(f))
    return placed


def readable(primitive: Primitive) -> None:
    """ArgumentError for a primitive that is not read with mpmath."""
    if primitive.exact is None:
        raise ArgumentError(
            f"{primitive.name} cannot be studied: it is not a function of single numbers; "
            "write the function with elementwise operations"
        )


def _number_nodes(root: Node, numbers: dict[Node, int], leaves: list[Node], steps: dict[Step, int]) -> None:
    """Number what `root` rests on, operations 0, 1, … and leaves -1, -2, …; equal operations have one number."""
    stack = [root]
    while stack:
        node = stack[-1]
        op = node.op
        if node in numbers:
            stack.pop()
        elif op is None:
            leaves.append(node)
            numbers[node] = -len(leaves)
        else:
            missing = [x for x in op[1] if x not in numbers]
            if missing:
                stack += missing[::-1]
                continue
            step = (op[0].name, op[2], tuple(numbers[x] for x in op[1]))
            numbers[node] = steps.setdefault(step, len(steps))


# -- text -----------------------------------------------------------------------------------------------------


def _number(number: Any) -> Text:
    text = f"{float(number):.6g}" if not isinstance(number, bool) else str(number)
    return Text(text, ATOM if not text.startswith("-") else SIGN)


def _short(name: str, params: tuple, inputs: list[Text]) -> Text:
    """An operation on its inputs, shortened inside if that is too long."""
    if name == "literal":
        number, _ = params
        return _number(float.fromhex(number) if isinstance(number, str) else number)
    text = text_of(name, params, inputs)
    if len(text.written) > LONGEST:
        text = text_of(name, params, [Text("…") if len(i.written) > LONGEST // 3 else i for i in inputs])
    return text
