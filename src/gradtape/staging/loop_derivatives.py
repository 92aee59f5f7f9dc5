"""Derivatives of a loop in a traced function: loops in which tangents or coefficients are further variables.

x ◄─ body(x)                            the loop
x, ẋ ◄─ body(x), body'(x)·ẋ             its tangent
x₀, x₁, … ◄─ body(x₀ + x₁t + …)         its coefficients
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradtape.graph.dtypes import DType, as_dtype, float64
from gradtape.graph.node import Node, Op, Recording, recordings
from gradtape.graph.program import types_of_outputs
from gradtape.graph.trace import again, apply, thread
from gradtape.modes.forward import push_forward
from gradtape.modes.power_series import ONE, Coefficient
from gradtape.modes.sketch import Sketch
from gradtape.modes.taylor import expand
from gradtape.ops.declare import convert
from gradtape.ops.shaping import broadcasted, full
from gradtape.rewrite.recorded import recorded
from gradtape.staging.loop import WHILE, Part, part

Further = tuple[Node, Node, Node]
"""A variable that is added to a loop: its placeholder in the body, what the body makes of it, what it begins with."""


def _stepped(body: Part, places: Sequence[Node]) -> tuple[list[Node], dict[Node, Op | None]]:
    """What the body makes of placeholders for all inputs, and how, stabilised."""
    step, read = body
    recording = Recording(accessed=False)
    for place in places:
        if place.dtype.is_floating:
            recording.watch(place)
    token = recordings.set((*recordings.get(), recording))
    try:
        results = again(step, [places[i] for i in read])
    finally:
        recordings.reset(token)
    return results, recorded(recording.made, {}).made


def _longer(
    loop: tuple,
    inputs: Sequence[Node],
    places: Sequence[Node],
    results: Sequence[Node],
    further: Sequence[Further],
    read: Sequence[tuple[Node, Node]],
) -> tuple[tuple[Node, ...], tuple]:
    """The operands and parameters of a loop with further variables, and further inputs that are only `read`:
    placeholders and what they stand for."""
    (test, seen), _, maximum = loop
    number, more = len(results), len(further)
    known = [*places[:number], *[one[0] for one in further], *places[number:], *[one[0] for one in read]]
    numbered = {place: i for i, place in enumerate(known)}
    body = part(thread.trace, [*results, *[one[1] for one in further]], numbered)
    operands = [*inputs[:number], *[one[2] for one in further], *inputs[number:], *[one[1] for one in read]]
    operands += list(numbered)[len(known) :]
    condition = test, tuple([i if i < number else i + more for i in seen])
    return tuple(operands), (condition, body, maximum)


def _zeros(x: Node, dtype: DType | None = None) -> Node:
    return full(x.shape, 0, dtype or x.dtype)


def tangent(tangents: Sequence[Node | None], y: Node, inputs: tuple[Node, ...], *params: Any) -> Node | None:
    """The tangent of a loop variable: that of the loop in which tangents are further variables."""
    loop, index = params[:-1], params[-1]
    number = len(loop[1][0].outputs)
    moving = [i for i, x in enumerate(inputs) if x.dtype.is_floating]
    variables = [i for i in moving if i < number]
    if index not in variables:
        return None
    given = {i: tangents[i] or _zeros(inputs[i]) for i in moving}
    with Sketch("the tangent of a while_loop", "it changes from step to step") as sketch:
        places = [sketch.placeholder(x.shape, x.dtype) for x in inputs]
        along = {i: sketch.placeholder(inputs[i].shape, inputs[i].dtype) for i in moving}
        results, made = _stepped(loop[1], places)
        found = push_forward(made, {places[i]: along[i] for i in moving}, results)
        further = [(along[i], found.get(results[i]) or _zeros(results[i]), given[i]) for i in variables]
        read = [(along[i], given[i]) for i in moving if i >= number]
        operands, longer = _longer(loop, inputs, places, results, further, read)
    return apply(WHILE, operands, (*longer, number + variables.index(index)))


def coefficients(
    inputs: Sequence[Node], given: Sequence[Sequence[Node | None]], order: int, wide: bool, loop: tuple
) -> list[list[Node | None]]:
    """The coefficients of all loop variables: those of a loop in which they are further variables. How often it runs is
    decided by the variables themselves, which are computed as without coefficients."""
    condition, body, _ = loop
    number = len(body[0].outputs)
    types = dict(enumerate(types_of_outputs(body[0])))
    types.update({i: kind for program, places in (condition, body) for i, kind in zip(places, program.leaves)})  # noqa: B905
    inputs = [convert(x, as_dtype(types[i][0])) for i, x in enumerate(inputs)]
    moving = {i for i, series in enumerate(given) if any(series[1:])}
    while True:
        begin = {i: [one or _zeros(inputs[i], float64 if wide else None) for one in given[i]] for i in sorted(moving)}
        with Sketch("the coefficients of a while_loop", "they change from step to step") as sketch:
            places = [sketch.placeholder(x.shape, x.dtype) for x in inputs]
            terms = {i: [sketch.placeholder(one.shape, one.dtype) for one in begin[i]] for i in begin}
            results, made = _stepped(body, places)
            seeds = {places[i]: [Coefficient(ONE, one) for one in terms[i][1:]] for i in begin}
            starts = {places[i]: terms[i][0] for i in begin}
            found = expand(made, seeds, results, order, wide, starts)
            changed = {i for i in range(number) if any(found[i][1:])}
            if changed <= moving:
                further: list[Further] = []
                for i in [i for i in begin if i < number]:
                    new = [_in_full(one, begin[i][0]) for one in found[i]]
                    further += zip(terms[i], new, begin[i], strict=True)
                read = [pair for i in begin if i >= number for pair in zip(terms[i], begin[i], strict=True)]
                operands, longer = _longer(loop, inputs, places, results, further, read)
                break
        moving |= changed
    values = [apply(WHILE, operands, (*longer, i)) for i in range(number + len(further))]
    later = iter(values[number:])
    return [
        [next(later) for _ in range(order + 1)] if i in begin else [_as(values[i], wide), *[None] * order]
        for i in range(number)
    ]


def _in_full(one: Coefficient | None, like: Node) -> Node:
    """A coefficient as a node like another one."""
    return _zeros(like) if one is None else broadcasted(one.plain(like.dtype), like.shape)


def _as(value: Node, wide: bool) -> Node:
    return convert(value, float64) if wide and value.dtype.is_floating else value
