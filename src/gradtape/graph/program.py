"""Program: a pending graph in canonical order, as a small value.

Leaves are numbered -1, -2, …; operations 0, 1, … in an order in which inputs come first. Equal computations on
leaves of the same shapes and types give equal Programs, in this process and in others, so a Program can be
the key of a cache, be hashed, pickled and sent.
"""

from __future__ import annotations

from typing import NamedTuple

from gradtape.graph.dtypes import as_dtype
from gradtape.graph.node import TABLE, Node
from gradtape.graph.shapes import Shape

Signature = tuple[str, Shape]
"""Element type's name and shape of a leaf."""

Step = tuple[str, tuple, tuple[int, ...]]
"""Primitive's name, static parameters, numbers of the inputs."""


class Program(NamedTuple):
    """`leaves`: their signatures; `steps`: the operations; `outputs`: the numbers of the wanted values."""

    leaves: tuple[Signature, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        """One line per operation.

        >>> print(Program((("float32", (3,)),), (("sin", (), (-1,)), ("multiply", (), (0, 0))), (1,)))
        a0: float32[3]
        v0 = sin(a0)
        v1 = multiply(v0, v0)
        return v1
        """
        lines = [f"a{i}: {t}{list(shape)}" for i, (t, shape) in enumerate(self.leaves)]
        for number, (name, params, inputs) in enumerate(self.steps):
            given = dict(zip(TABLE[name].parameters, params, strict=True)) if name in TABLE else {}
            arguments = [label(i) for i in inputs] + [f"{k}={v!r}" for k, v in given.items()]
            lines.append(f"v{number} = {name}({', '.join(arguments)})")
        return "\n".join([*lines, "return " + ", ".join(map(label, self.outputs))])


def label(number: int) -> str:
    """How a leaf or operation is written."""
    return f"v{number}" if number >= 0 else f"a{-1 - number}"


def rebuild(program: Program) -> tuple[list[Node], list[Node]]:
    """Nodes for a Program: one for each leaf (without a value) and one for each step."""
    leaves = [Node(None, None, shape, as_dtype(dtype)) for dtype, shape in program.leaves]
    made: list[Node] = []
    for name, params, numbers in program.steps:
        inputs = tuple(made[i] if i >= 0 else leaves[-1 - i] for i in numbers)
        shape, dtype = TABLE[name].infer(inputs, params)
        made.append(Node((TABLE[name], inputs, params), None, shape, dtype))
    return leaves, made
