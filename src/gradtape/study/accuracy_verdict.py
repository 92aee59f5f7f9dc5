"""At which operation the digits are lost.

The graph runs once more at one input, rounded as the engine does it and exactly. From the result back, each operation
is asked which of its operands brought the error in; the first one whose operands are fine lost the digits.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from gradtape.config import override
from gradtape.engine.tiers import OneByOne
from gradtape.graph.dtypes import as_dtype, finfo
from gradtape.graph.program import Program
from gradtape.study.accuracy_graph import Graph, Text
from gradtape.study.accuracy_truth import Truth, apply, overflows, rounds_to_zero

FINE = 4.0
"""Errors up to this, in half units of the last place, are what rounding alone does."""

SHARE = 8.0
"""An operation that makes the error of its worst operand this many times larger is the one that lost the digits."""


@dataclass(frozen=True)
class Loss:
    """Where digits are lost: the operation as text, its primitive, the user's file and line if known, a sentence."""

    expression: str
    operation: str
    place: str
    x: float
    sentence: str


def find_loss(graph: Graph, output: int, x: float, truth: Truth) -> Loss | None:
    """The operation at which the output number `output` loses its digits at x; None if no rounding can be blamed."""
    return _Walk(graph, graph.program.outputs[output], x, truth).loss()


class _Walk:
    def __init__(self, graph: Graph, output: int, x: float, truth: Truth):
        self.graph, self.output, self.x, self.truth = graph, output, x, truth
        self.mp, self.dtype = truth.mp, truth.dtype
        self.texts = graph.texts()
        self.exact, self.precision = truth.settled(x, [output])
        self.rounded = self._run()
        self.eps = self.mp.ldexp(1, -int(finfo(self.dtype).nmant) - 1)

    def _run(self) -> dict[int, Any]:
        """Every value as the engine computes it."""
        program = self.graph.program
        leaves = list(self.graph.leaves)
        if self.graph.variable:
            leaves[-1 - self.graph.variable] = self.x
        everything = Program(program.leaves, program.steps, tuple(range(len(program.steps))))
        with override(tier="single"):
            results = OneByOne(everything).run(leaves)
        known: dict[int, Any] = dict(enumerate(results))
        for i, (value, (kind, _)) in enumerate(zip(leaves, program.leaves, strict=True)):
            known[-1 - i] = as_dtype(kind).nearest(value)
        return known

    def error(self, number: int) -> Any:
        """How far a value is from the exact one, in half units of its last place; 0 also for the right infinity."""
        found, exact = self.rounded[number], self.exact[number]
        if isinstance(exact, bool):
            return 0.0 if found == exact else math.inf
        if not self.mp.isfinite(exact):
            return 0.0
        if not math.isfinite(found):
            return math.inf
        if not exact:
            return 0.0 if not found else math.inf
        with self.mp.workprec(self.precision):
            return abs(self.mp.mpf(found) - exact) / abs(exact) / self.eps

    def loss(self) -> Loss | None:
        program = self.graph.program
        number = self.output
        error = self.error(number)
        if number < 0 or error <= FINE:
            return None
        while True:
            _, _, inputs = program.steps[number]
            errors = {i: self.error(i) for i in inputs}
            source = next((i for i in inputs if errors[i] == math.inf), None)
            if source is None:
                source = self.worst_operand(number)
            if (
                source is None
                or source < 0
                or errors[source] <= FINE
                or (error != math.inf and errors[source] * SHARE < error)
            ):
                return self.told(number, errors)
            number, error = source, errors[source]

    def worst_operand(self, number: int) -> int | None:
        """The operand whose error alone moves the operation's value most; None if the operation itself is off most."""
        name, params, inputs = self.graph.program.steps[number]
        mp, exact = self.mp, self.exact[number]
        if isinstance(exact, bool):
            return max(inputs, key=self.error)
        moved: dict[int, Any] = {}
        with mp.workprec(self.precision):
            right = [self.exact[i] for i in inputs]
            for i in inputs:
                operands = [self.read(j) if j == i else v for j, v in zip(inputs, right, strict=True)]
                value, _ = apply(mp, name, operands, params)
                moved[i] = abs(value - exact) if mp.isfinite(value) else mp.inf
            value, _ = apply(mp, name, [self.read(j) for j in inputs], params)
            own = abs(self.read(number) - value) if mp.isfinite(value) and mp.isfinite(self.read(number)) else mp.zero
        if not inputs or not max(moved.values()) >= own:
            return None
        return max(moved, key=lambda i: moved[i])

    def read(self, number: int) -> Any:
        found = self.rounded[number]
        return found if isinstance(found, bool) else self.mp.mpf(found)

    # -- in words ---------------------------------------------------------------------------------------------

    def told(self, number: int, errors: dict[int, Any]) -> Loss:
        name, _, inputs = self.graph.program.steps[number]
        text = self.texts[number].written
        found, exact = self.rounded[number], self.exact[number]
        at = f"at {self.graph.name} = {self.x:.9g}"
        place = self.graph.places.get(text, "")
        where = f" ({place})" if place else ""
        advice = hint(name, [self.texts[i] for i in inputs]) or self.used(number)
        use = f"; use {advice}" if advice else ""
        mp = self.mp
        if not isinstance(exact, bool) and overflows(mp, exact, self.dtype) and not math.isfinite(found):
            largest = float(finfo(self.dtype).max)
            said = (
                f"{text} overflows {at}{where}: it is {self.size(exact)}, and {self.dtype.name} ends at {largest:.2g}"
            )
        elif not isinstance(exact, bool) and not found and exact and rounds_to_zero(mp, exact, self.dtype):
            said = f"{text} underflows to 0 {at}{where}: it is {self.size(exact)}"
        elif name in ("add", "subtract") and self.digits(number) >= 1:
            left, right = (self.texts[i].written for i in inputs)
            what = f"{right} is subtracted from {left}" if name == "subtract" else f"{left} and {right} are added"
            digits = self.digits(number)
            agree = f"agree to {digits} digit{'s' * (digits != 1)}" + (" but for the sign" if name == "add" else "")
            said = f"The digits are lost where {what}{where}, {at}: the operands {agree}"
        else:
            said = self.magnified(number, errors, at, where)
        return Loss(text, name, place, self.x, said + use)

    def size(self, number: Any) -> str:
        """A number of any size in three digits."""
        if abs(self.mp.mag(number)) > 30_000:
            return "beyond 1e9000" if abs(number) > 1 else "below 1e-9000"
        return self.mp.nstr(number, 3)

    def digits(self, number: int) -> int:
        """How many leading decimal digits the operands of an addition have in common, those of the type at most."""
        most = math.floor((finfo(self.dtype).nmant + 1) * math.log10(2))
        total, operands = self.exact[number], [self.exact[i] for i in self.graph.program.steps[number][2]]
        largest = max(map(abs, operands))
        if not total or not self.mp.isfinite(largest):
            return most
        return min(most, int(self.mp.floor(self.mp.log10(largest / abs(total)))))

    def magnified(self, number: int, errors: dict[int, Any], at: str, where: str) -> str:
        text = self.texts[number].written
        source = self.worst_operand(number)
        own = float(self.error(number))
        if source is None:
            return f"{text}{where} itself is off by {own / 2:.3g} ulp {at}"
        if own < SHARE * max(float(errors[source]), 1.0):
            return f"No single operation loses the digits {at}: small errors add up, the last of them in {text}{where}"
        lost = "all digits" if own >= float(1 / self.eps) else f"{max(1, round(math.log10(own)))} digits"
        rounding = f"it magnifies the rounding of {self.texts[source].written} so much that {lost} are gone"
        return f"The digits are lost in {text}{where}, {at}: {rounding}"

    def used(self, number: int) -> str:
        """Advice that only who uses an operation's value makes clear, as 1 + exp(-x) does."""
        for name, _, inputs in self.graph.program.steps:
            if number in inputs:
                advice = hint(name, [self.texts[i] for i in inputs])
                if advice:
                    return advice
        return ""


HINTS: list[tuple[str, str, str]] = [
    # the operation, a pattern for its operands (joined with ", "), and what to use instead
    ("subtract", r"exp\((.+)\), 1", r"expm1(\1)"),
    ("add", r"exp\((.+)\), -1", r"expm1(\1)"),
    ("add", r"-1, exp\((.+)\)", r"expm1(\1)"),
    ("subtract", r"1, exp\((.+)\)", r"-expm1(\1)"),
    ("log", r"1 \+ exp\((.+)\)", r"softplus(\1)"),
    ("log", r"exp\((.+)\) \+ 1", r"softplus(\1)"),
    ("log", r"1 \+ (.+)", r"log1p(\1)"),
    ("log", r"(.+) \+ 1", r"log1p(\1)"),
    ("log", r"1 - (.+)", r"log1p(-(\1))"),
    ("log", r"sigmoid\((.+)\)", r"-softplus(-(\1))"),
    ("subtract", r"1, cos\((.+)\)", r"2*sin((\1)/2)**2"),
    ("subtract", r"1, sigmoid\((.+)\)", r"sigmoid(-(\1))"),
    ("subtract", r"1, tanh\((.+)\)\*\*2", r"1/cosh(\1)**2"),
    ("subtract", r"sqrt\((.+)\), sqrt\((.+)\)", r"(a - b)/(sqrt(a) + sqrt(b)) for sqrt(a) - sqrt(b)"),
    ("sqrt", r".+\*\*2 \+ .+\*\*2", "hypot"),
    ("add", r"1, exp\(-(.+)\)|exp\(-(.+)\), 1", "sigmoid, which is 1/(1 + exp(-x)) without overflow"),
    ("add", r"1, exp\((.+)\)|exp\((.+)\), 1", "sigmoid or softplus, which have no overflow"),
]
"""What people write by hand, and the function that does it without the loss."""


def hint(name: str, operands: list[Text]) -> str:
    """What to use instead of an operation, or nothing.

    >>> hint("subtract", [Text("exp(2*x)"), Text("1")])
    'expm1(2*x)'
    """
    whole = ", ".join(operand.written for operand in operands)
    for operation, pattern, advice in HINTS:
        found = re.fullmatch(pattern, whole) if operation == name else None
        if found:
            return found.expand(advice)
    return ""
