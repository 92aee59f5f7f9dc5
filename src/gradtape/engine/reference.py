"""The oracle: the same Program, interpreted with NumPy.

It knows nothing of plans, kernels and lowerings: each primitive runs as the NumPy function that the table names. What
NumPy rounds correctly (arithmetic, comparison, selection) must agree to the bit; elementary functions to a few ulps.
Half types are computed in float32, reductions of them in float64, and rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.graph.dtypes import as_dtype, converted
from gradtape.graph.node import TABLE, Node
from gradtape.graph.program import Program, rebuild


def interpret(program: Program, values: Sequence[Any]) -> list[np.ndarray]:
    """The outputs of a Program on given leaves, as arrays.

    >>> program = Program((("float32", (2,)),), (("square", (), (-1,)),), (0,))
    >>> interpret(program, [[1., 3.]])
    [array([1., 9.], dtype=float32)]
    """
    known: dict[int, np.ndarray] = {}
    for i, ((dtype, _), value) in enumerate(zip(program.leaves, values, strict=True)):
        known[-1 - i] = converted(np.asarray(value), as_dtype(dtype))
    with np.errstate(all="ignore"):
        for number, ((name, params, inputs), node) in enumerate(zip(program.steps, rebuild(program)[1], strict=True)):
            primitive, arrays = TABLE[name], _widened(node, [known[i] for i in inputs])
            if primitive.several:
                known[number] = primitive.reference(*arrays, *params[:-1])[params[-1]]
            else:
                known[number] = np.asarray(primitive.reference(*arrays, *params))
            if node.dtype.is_half:
                known[number] = converted(known[number], node.dtype)
    return [known[i] for i in program.outputs]


def _widened(node: Node, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The operands of a node, halves among them as a wider type."""
    assert node.op is not None
    primitive, inputs, _ = node.op
    if primitive.halves and primitive.lowering is None:
        return arrays
    wide = np.float64 if primitive.reduction is not None else np.float32
    return [array.astype(wide) if x.dtype.is_half else array for x, array in zip(inputs, arrays, strict=True)]
