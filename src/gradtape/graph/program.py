"""Program: a pending graph in canonical order, as a small value.

Leaves are numbered -1, -2, …; operations 0, 1, … in an order in which inputs come first. Equal computations on
leaves of the same shapes and types give equal Programs, in this process and in others, so a Program can be
the key of a cache, be hashed, pickled and sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradtape.graph import notation
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.node import TABLE, Node
from gradtape.graph.notation import ATOM, SIGN, Text, call, derivative_of, named
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
        v1: float32[3] = v0*v0
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


def text_of(name: str, params: tuple, inputs: Sequence[Text]) -> Text:
    """How people write an operation on inputs; a literal is its number."""
    if name == "literal":
        number, dtype = params
        value = as_dtype(dtype).as_numpy_dtype(float.fromhex(number) if isinstance(number, str) else number)
        return Text(str(value), SIGN if str(value).startswith("-") else ATOM)
    primitive = TABLE.get(name)
    if primitive is None:
        return call(name, inputs)
    if primitive.notation is not None:
        return primitive.notation(inputs, *params)
    if primitive.parameters == ("order",):
        return derivative_of(name)(inputs, *params)
    return named(name, *primitive.parameters)(inputs, *params)


def written(name: str, params: tuple, arguments: Sequence[str]) -> str:
    """How an operation on arguments, which are names or numbers, is written.

    >>> written("integer_pow", (3,), ["a0"]), written("literal", ("0x1p-1", "float32"), [])
    ('a0**3', '0.5')
    >>> written("sigmoid", (2,), ["v1"]), written("cast", ("float64",), ["a0"])
    ("sigmoid''(v1)", "cast(a0, dtype='float64')")
    """
    return text_of(name, params, [Text(a, SIGN if a.startswith("-") else ATOM) for a in arguments]).written


def title(name: str, params: tuple, inputs: int) -> str:
    """What an operation is called where its inputs are not named.

    >>> title("sigmoid", (1,), 1), title("multiply", (), 2), title("cast", ("float64",), 1)
    ("sigmoid'", 'x*y', 'cast')
    """
    letters = "xyz" if inputs <= len("xyz") else [f"x{i}" for i in range(inputs)]
    return notation.title(text_of(name, params, [Text(letter) for letter in letters[:inputs]]))


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
