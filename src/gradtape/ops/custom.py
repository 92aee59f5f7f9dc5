"""The derivative that a user declares for a function, as part of the graph.

    arguments x ──f──► results y            ruled(rule, y…, x…)  has the values of y
                                            and the derivatives that the rule says

What y was computed from does not matter to a mode that meets this primitive, the only one of kind `custom`:
derivatives do not go through it but from the arguments to the results, as the `Rule` says. How a mode reads it:

    call = custom_call(op)                  rule, results, arguments, and which of the results the node is
    call.rule.pull(arguments, results, cotangents of the results)   → cotangents of the arguments
    call.rule.push(arguments, results, tangents of the arguments)   → tangents of the results

Both are linear in the last argument, made of ordinary operations, and may be differentiated again; a rule that is told
one of them makes the other by transposing. All results of a call are pulled or pushed at once, as one call of the
user's function gives them all: nodes of the same call have equal `inputs`. A mode that works on other nodes than those
of the call (a batch, say) passes its own arguments, and declares its own Rule for the results with `declared`.

The rule is the value of a leaf, so it is no part of a Program: another closure in every call compiles nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gradtape.graph import notation
from gradtape.graph.dtypes import DType, int32
from gradtape.graph.node import Node, Op, Primitive, recordings
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import apply


class Rule(Protocol):
    """What somebody says about the derivative of a function."""

    def pull(
        self, arguments: Sequence[Node], results: Sequence[Node], cotangents: Sequence[Node]
    ) -> Sequence[Node | None]:
        """The cotangent of each argument, of its shape and type, or None if the results do not depend on it."""
        ...

    def push(
        self, arguments: Sequence[Node], results: Sequence[Node], tangents: Sequence[Node]
    ) -> Sequence[Node | None]:
        """The tangent of each result, of its shape and type, or None if it does not depend on the arguments."""
        ...


class CustomCall(NamedTuple):
    """A call of a function with a rule.

    results     what the function computed, by which no derivative goes; what a Recording kept has placeholders for them
    which       which one of these the node is
    """

    rule: Rule
    results: tuple[Node, ...]
    arguments: tuple[Node, ...]
    which: int


class _Carrier(int):
    """The number 0, which nobody computes with, and the rule that it carries. `results` are placeholders of the results
    that have derivatives, and the others themselves."""

    rule: Rule
    results: tuple[Node, ...]


def declared(rule: Rule, results: Sequence[Node], arguments: Sequence[Node]) -> list[Node]:
    """Nodes with the values of `results` that depend on `arguments` as the rule says.

    Open recordings do not keep what the results were computed from.
    """
    carrier = _Carrier()
    leaf = Node(None, carrier, (), int32)
    made = [apply(CUSTOM, (leaf, *results, *arguments), (len(results), i)) for i in range(len(results))]
    carrier.rule = rule
    carrier.results = tuple([Node(None, None, y.shape, y.dtype) if y.dtype.is_floating else y for y in made])
    inputs = (leaf, *arguments)
    for recording in recordings.get():
        for i, node in enumerate(made):
            if node in recording.made:
                recording.made[node] = CUSTOM, inputs, (0, i)
    return made


def custom_call(op: Op) -> CustomCall:
    """The call that an operation of kind `custom` belongs to."""
    _, inputs, (number, which) = op
    carrier = inputs[0].value
    results = inputs[1 : 1 + number] if number else carrier.results
    return CustomCall(carrier.rule, tuple(results), tuple(inputs[1 + number :]), which)


def _infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    result = inputs[shown(params)]
    return result.shape, result.dtype


def shown(params: tuple) -> int:
    """Which input has the value of the result."""
    return 1 + params[1]


CUSTOM = Primitive(
    "ruled",
    "custom",
    infer=_infer,
    reference=lambda *arguments: list(arguments[1 : 1 + arguments[-1]]),
    parameters=("number", "index"),
    notation=lambda inputs, *params: notation.remarked(inputs[shown(params)], "with a derivative of your own"),
    several=True,
    shows=shown,
)
