"""The oracle: the same Program, interpreted with NumPy.

It knows nothing of plans, kernels and lowerings: each primitive runs as the NumPy function that the table names. What
NumPy rounds correctly (arithmetic, comparison, selection) must agree to the bit; elementary functions to a few ulps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.graph.dtypes import as_dtype
from gradtape.graph.node import TABLE
from gradtape.graph.program import Program


def interpret(program: Program, values: Sequence[Any]) -> list[np.ndarray]:
    """The outputs of a Program on given leaves, as arrays.

    >>> program = Program((("float32", (2,)),), (("square", (), (-1,)),), (0,))
    >>> interpret(program, [[1., 3.]])
    [array([1., 9.], dtype=float32)]
    """
    known: dict[int, np.ndarray] = {}
    for i, ((dtype, _), value) in enumerate(zip(program.leaves, values, strict=True)):
        known[-1 - i] = np.asarray(value, as_dtype(dtype).dtype)
    with np.errstate(all="ignore"):
        for number, (name, params, inputs) in enumerate(program.steps):
            primitive, arrays = TABLE[name], [known[i] for i in inputs]
            if primitive.several:
                known[number] = primitive.reference(*arrays, *params[:-1])[params[-1]]
            else:
                known[number] = np.asarray(primitive.reference(*arrays, *params))
    return [known[i] for i in program.outputs]
