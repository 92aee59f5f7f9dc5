"""A loop as one operation: what `while_loop` becomes in a traced function.

Its parameters are the Programs of its condition and its body. The inputs are the loop variables, and behind them what
condition and body read besides.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.engine.tiers import runner
from gradtape.errors import ControlFlowError
from gradtape.graph import notation
from gradtape.graph.dtypes import DType
from gradtape.graph.node import Buffer, Node, Primitive, held
from gradtape.graph.program import Program, types_of_outputs
from gradtape.graph.shapes import Shape, size
from gradtape.graph.trace import Trace, computation
from gradtape.ops.series import Whole

Part = tuple[Program, tuple[int, ...]]
"""The condition or the body of a loop, and which inputs of the loop its leaves are."""


def part(inside: Trace, results: list[Node], inputs: dict[Node, int]) -> Part:
    """The Program of `results`. Nodes from outside that it uses are added to the inputs."""
    numbers = [inside[node] for node in results]
    made = computation(inside.prefix, numbers, len(numbers))
    return made.program, tuple([inputs.setdefault(inside.at[i], len(inputs)) for i in made.leaves])


def _infer(inputs: tuple[Node, ...], params: tuple) -> tuple[Shape, DType]:
    return inputs[params[-1]].shape, inputs[params[-1]].dtype


def _no_rule(*_: Any) -> Any:
    raise ControlFlowError(
        "reverse mode does not go through a while_loop inside a traced function, as it would have to keep every step; "
        "take the gradient outside of gradtape.function, or use a Python `for` with a fixed number of steps"
    )


def _run(*arguments: Any) -> list[np.ndarray]:
    """All loop variables after the loop."""
    *arrays, condition, body, maximum = arguments
    values = [held(np.asarray(array, order="C")) for array in arrays]
    (test, test_inputs), (step, step_inputs) = condition, body
    holds, advance = runner(test, "fused"), runner(step, "fused")
    number, done = len(step.outputs), 0
    while maximum is None or done < maximum:
        (truth,) = holds.run([values[i] for i in test_inputs])
        if not (truth.array.item() if type(truth) is Buffer else truth):
            break
        values[:number] = advance.run([values[i] for i in step_inputs])
        done += 1
    return [
        value.array if type(value) is Buffer else np.asarray(value, array.dtype)
        for value, array in zip(values[:number], arrays, strict=False)
    ]


def _written(*arguments: Any) -> list[Any]:
    """The same with functions of arrays in place of Programs."""
    *start, (holds, seen), (advance, read), maximum = arguments
    values, done = list(start), 0
    while (maximum is None or done < maximum) and holds(*[values[i] for i in seen])[0]:
        found = advance(*[values[i] for i in read])
        values[: len(found)] = found
        done += 1
    return values


def _admits(inputs: tuple[Node, ...], params: tuple) -> bool:
    """Whether the Programs fit the inputs and each other."""
    if len(params) != 4:
        return False
    (test, seen), (step, read), maximum, index = params
    kinds = [(x.dtype.name, x.shape) for x in inputs]
    for program, places in ((test, seen), (step, read)):
        if not isinstance(program, Program) or any(type(i) is not int or not 0 <= i < len(kinds) for i in places):
            return False
        if program.leaves != tuple([kinds[i] for i in places]):
            return False
    truth, results = types_of_outputs(test), types_of_outputs(step)
    return (
        [dtype for dtype, _ in truth] == ["bool"]
        and size(truth[0][1]) == 1
        and results == kinds[: len(results)]
        and (maximum is None or (type(maximum) is int and maximum >= 0))
        and type(index) is int
        and 0 <= index < len(results)
    )


def _tangent(*given: Any) -> Node | None:
    from gradtape.staging.loop_derivatives import tangent  # which is not needed before

    return tangent(*given)


def _coefficients(*given: Any) -> list[list[Node | None]]:
    from gradtape.staging.loop_derivatives import coefficients

    return coefficients(*given)


WHILE = Primitive(
    "while_loop",
    "implicit",
    infer=_infer,
    rule=_no_rule,
    forward=_tangent,
    series=Whole(_coefficients),
    reference=_run,
    numpy=_written,
    admits=_admits,
    notation=notation.named("while_loop", "condition", "body"),
    parameters=("condition", "body", "maximum", "index"),
    several=True,
    halves=True,
)
