"""A graph on an interval: bounds of a function and of its derivatives at all x in it at once.

Each operation is its `exact` of the table with intervals in place of numbers. The graphs of the derivatives are those
that tapes record, with hand-written formulas replaced as `gradtape.rewrite` does: the same that everything else runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any

from gradtape.graph.node import TABLE, Primitive
from gradtape.study.accuracy_graph import Graph
from gradtape.study.accuracy_truth import meant
from gradtape.study.certify.context import Context
from gradtape.study.certify.forks import Either, reading, state, ways, writing
from gradtape.study.certify.interval import Interval
from gradtape.study.certify.reals import BITS, NotEnclosed, Outside, fraction, number, precision
from gradtape.study.certify.tail import Reach, Tail


@dataclass(frozen=True)
class Bounds:
    """What a graph gives on an interval.

    values      for each output its bounds, or why there are none
    corner      None if the function is analytic inside, else how often it surely is continuously differentiable there:
                0 is continuous, -1 may jump
    """

    values: tuple[Any, ...]
    corner: int | None

    def known(self, k: int) -> Interval | None:
        """The bounds of output k, if there are some."""
        value = self.values[k]
        return value.span if isinstance(value, Tail) else value if isinstance(value, Interval) else None

    def sign(self, k: int) -> int | None:
        """1, -1, 0 if output k has this sign everywhere, None if that is not known."""
        value = self.values[k]
        return None if isinstance(value, NotEnclosed) else value.sign

    @property
    def outside(self) -> bool:
        """Whether the function surely is not defined anywhere here."""
        return isinstance(self.values[0], Outside)


class Reader:
    """The outputs of a graph, f, f', …, on intervals."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.program = graph.program
        self.orders = len(self.program.outputs)
        self.numbers = [_leaf(value) for value in graph.leaves]
        self.own = self._reached(self.program.outputs[0])
        self.on = lru_cache(20_000)(self._on)

    def _reached(self, output: int) -> set[int]:
        """The operations that the function itself is made of."""
        found, waiting = set(), [output]
        while waiting:
            number = waiting.pop()
            if number >= 0 and number not in found:
                found.add(number)
                waiting += self.program.steps[number][2]
        return found

    @cached_property
    def honest(self) -> bool:
        """Whether the recorded derivatives are those of the function. They are not if something that changes smoothly
        was declared a constant, as by stop_gradient."""
        return not any(_stops(TABLE[self.program.steps[number][0]]) and self._varies(number) for number in self.own)

    def _varies(self, number: int) -> bool:
        waiting = [number]
        while waiting:
            at = waiting.pop()
            if at == self.graph.variable:
                return True
            if at >= 0:
                waiting += self.program.steps[at][2]
        return False

    def box(self, low: Any, high: Any, without_low: bool = True, without_high: bool = True) -> Bounds:
        """Between two exact numbers, by default without them."""
        return self.on(low, high, without_low, without_high)

    def point(self, x: Any) -> Bounds:
        return self.on(x, x, False, False)

    def _on(self, low: Any, high: Any, without_low: bool, without_high: bool) -> Bounds:
        with precision(BITS):
            return self._run(Context(), Interval(low, high, without_low, without_high))

    def close_to(self, x: Any, side: int, bits: int) -> Bounds:
        """At the number that is 2^-bits away on one side, at the precision of the caller."""
        near = x + side * number(Fraction(1, 1 << bits))
        return self._run(Context(), Interval(near.lower(), near.upper()))

    def limits(self, x: Any, side: int) -> Bounds | None:
        """The limits at a number from one side, exactly where formulas are exact: what is chosen between there is
        chosen as on that side. None if that cannot be told."""
        near = number(max(Fraction(1), abs(fraction(x))) / (1 << 100))
        with precision(2 * BITS):
            low, high = (x, (x + near).upper()) if side > 0 else ((x - near).lower(), x)
            reach = Reach(Interval(low, high, True, True), 0)
            with writing() as answers:
                around = self._run(Context(reach), reach.variable())
            if any(a is None for a in answers) or around.corner is not None or around.known(0) is None:
                return None
            with reading(answers):
                try:
                    found = self._run(Context(), Interval(x, x))
                except StopIteration:
                    return None
        with precision(BITS):
            values = tuple(v.rounded() if isinstance(v, Interval) else v for v in found.values)
        return Bounds(values, found.corner)

    def tail(self, low: Any, high: Any, side: int) -> Bounds:
        """For |x| between two exact numbers, 1 or more, or None for ∞; without them."""
        with precision(BITS):
            reach = Reach(Interval(low, high, True, True), side)
            return self._run(Context(reach), reach.variable())

    def on_reach(self, reach: Reach) -> Bounds:
        """The same on a reach that the caller computes further with."""
        return self._run(Context(reach), reach.variable())

    def factored(self, low: Any, high: Any) -> Bounds:
        """The same as `box`, with exponentials as factors: slower, but of sums that have one in common the sign is
        found on wide intervals."""
        with precision(BITS):
            reach = Reach(Interval(low, high, True, True), 0)
            return self._run(Context(reach), reach.variable())

    def _run(self, context: Context, x: Any) -> Bounds:
        known: dict[int, Any] = {
            -1 - i: context.mpf(value) if isinstance(value, (int, Fraction)) and not isinstance(value, bool) else value
            for i, value in enumerate(self.numbers)
        }
        if self.graph.variable:
            known[self.graph.variable] = x
        corner: int | None = None
        for step, (name, params, inputs) in enumerate(self.program.steps):
            primitive = TABLE[name]
            known[step] = _apply(primitive, context, [known[i] for i in inputs], params)
            if step in self.own and (state.forked or state.singular):
                smooth = smoothness(primitive, params) if state.forked else None
                smooth = 0 if state.singular and smooth is None else smooth
                if smooth is not None:
                    corner = smooth if corner is None else min(corner, smooth)
        values = tuple(_number(context, known[i]) for i in self.program.outputs)
        return Bounds(values, corner)


def _leaf(value: Any) -> Any:
    """A constant of the user's code as the number that it stands for."""
    if isinstance(value, (bool, int)):
        return value
    return meant(value) if value is not None and isfinite(value) else NotEnclosed("a constant that is not finite")


def _number(context: Context, value: Any) -> Any:
    if isinstance(value, Either):
        return Interval.of(0).hull(Interval.of(1))
    return context.mpf(int(value)) if isinstance(value, bool) else value


def _apply(primitive: Primitive, context: Context, operands: list[Any], params: tuple) -> Any:
    """The value of an operation, or why there is none."""
    state.forked = state.singular = False
    failed = [operand for operand in operands if isinstance(operand, NotEnclosed)]
    if failed and primitive.kind != "selection":
        return failed[0]
    assert primitive.exact is not None
    exact: Callable[..., Any] = primitive.exact

    def formula() -> Any:
        copies = {id(o): o.copy() if isinstance(o, (Interval, Tail)) else o for o in operands}
        arguments = [copies[id(o)] for o in operands]
        value = primitive.bounds(context, *arguments, *params) if primitive.bounds is not None else None
        if value is None:
            value = exact(context, *arguments, *params)
        if isinstance(value, NotEnclosed):
            raise value
        return value if isinstance(value, (bool, Either, Interval, Tail)) else context.mpf(value)

    try:
        results = ways(formula)
    except NotEnclosed as failure:
        return failure
    except (TypeError, AttributeError, ZeroDivisionError):  # a failed operand, or a function that intervals lack
        return NotEnclosed(f"no bounds are known for {primitive.name}")
    first = results[0]
    if isinstance(first, (bool, Either)):
        return first if all(isinstance(r, bool) and r is first for r in results) else Either()
    for other in results[1:]:
        first = first.hull(other)
    return first


def smoothness(primitive: Primitive, params: tuple) -> int | None:
    """How often a primitive is continuously differentiable at its corners; None: it has no corners."""
    declared = primitive.smoothness
    return declared(*params) if callable(declared) else declared


def _stops(primitive: Primitive) -> bool:
    """Whether it is continuous, but declared to have no derivative."""
    rule = primitive.rule
    return primitive.kind == "selection" and isinstance(rule, (list, tuple)) and any(r is None for r in rule[-1:])
