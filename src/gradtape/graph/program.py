"""Program: a pending graph in canonical order, as a small value.

Leaves are numbered -1, -2, …; operations 0, 1, … in an order in which inputs come first. Equal computations on
leaves of the same shapes and types give equal Programs, in this process and in others, so a Program can be
the key of a cache, be hashed, pickled and sent.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        """One line per leaf and operation, with the type and shape of each result.

        >>> print(Program((("float32", (3,)),), (("sin", (), (-1,)), ("multiply", (), (0, 0))), (1,)))
        a0: float32[3]
        v0: float32[3] = sin(a0)
        v1: float32[3] = multiply(v0, v0)
        return v1
        """
        names = self.names()
        lines = [f"a{i}: {typed(*signature)}" for i, signature in enumerate(self.leaves)]
        known = all(name in TABLE for name, _, _ in self.steps)
        made = rebuild(self)[1] if known else []
        for number, (name, params, inputs) in enumerate(self.steps):
            if name != "literal":
                of = f": {typed(made[number].dtype.name, made[number].shape)}" if known else ""
                lines.append(f"{names[number]}{of} = {written(name, params, [names[i] for i in inputs])}")
        return "\n".join([*lines, "return " + ", ".join(names[i] for i in self.outputs)])

    def names(self) -> dict[int, str]:
        """How each leaf and operation is called where the Program is printed: a0, a1, … and v0, v1, …; literals
        are called what they are."""
        names = {-1 - i: f"a{i}" for i in range(len(self.leaves))}
        operations = 0
        for number, (name, params, _) in enumerate(self.steps):
            if name == "literal":
                names[number] = written(name, params, [])
            else:
                names[number] = f"v{operations}"
                operations += 1
        return names


def typed(dtype: str, shape: Shape) -> str:
    """How an element type and a shape are written.

    >>> typed("float32", (3, 4)), typed("int64", ())
    ('float32[3, 4]', 'int64[]')
    """
    return f"{dtype}{list(shape)}"


def written(name: str, params: tuple, arguments: Sequence[str]) -> str:
    """How an operation on arguments is written; a literal is its number.

    >>> written("integer_pow", (3,), ["a0"]), written("literal", ("0x1p-1", "float32"), [])
    ('integer_pow(a0, n=3)', '0.5')
    """
    if name == "literal":
        number, dtype = params
        return str(as_dtype(dtype).as_numpy_dtype(float.fromhex(number) if isinstance(number, str) else number))
    given = dict(zip(TABLE[name].parameters, params, strict=False)) if name in TABLE else {}
    return f"{name}({', '.join([*arguments, *[f'{k}={_plain(v)}' for k, v in given.items() if v is not False]])})"


def _plain(value: object) -> str:
    """How a parameter is written; a Program that is one is not written out."""
    if isinstance(value, Program):
        return f"<{len(value.steps)} operation{'s' * (len(value.steps) != 1)}>"
    if type(value) is tuple:
        return f"({', '.join(map(_plain, value))}{',' * (len(value) == 1)})"
    return repr(value)


def rebuild(program: Program) -> tuple[list[Node], list[Node]]:
    """Nodes for a Program: one for each leaf (without a value) and one for each step."""
    leaves = [Node(None, None, shape, as_dtype(dtype)) for dtype, shape in program.leaves]
    made: list[Node] = []
    for name, params, numbers in program.steps:
        inputs = tuple(made[i] if i >= 0 else leaves[-1 - i] for i in numbers)
        shape, dtype = TABLE[name].infer(inputs, params)
        made.append(Node((TABLE[name], inputs, params), None, shape, dtype))
    return leaves, made


def types_of_outputs(program: Program) -> list[Signature]:
    """Element type's name and shape of each output."""
    leaves, made = rebuild(program)
    nodes = [made[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]
    return [(node.dtype.name, node.shape) for node in nodes]


def without_unread(program: Program) -> Program:
    """The Program without operations that no output depends on."""
    read: set[int] = set()
    pending = [i for i in program.outputs if i >= 0]
    while pending:
        number = pending.pop()
        if number not in read:
            read.add(number)
            pending += [i for i in program.steps[number][2] if i >= 0]
    place: dict[int, int] = {}
    kept: list[Step] = []
    for number, (name, params, inputs) in enumerate(program.steps):
        if number in read:
            place[number] = len(kept)
            kept.append((name, params, tuple([place.get(i, i) for i in inputs])))
    return Program(program.leaves, tuple(kept), tuple([place.get(i, i) for i in program.outputs]))
