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


def trace(target: Node, others: Sequence[Node] = ()) -> tuple[Program, list[Node], list[Node]]:
    """The Program that computes `target` and those of `others` that share a leaf or an operation with it.

    Returns the Program, the leaves that it runs on, and the nodes that its outputs are, `target` first.
    The same operation on the same values becomes one step. The walk keeps its own stack: graphs may be of any depth.
    """
    leaves: list[Node] = []
    signature: list[Signature] = []
    steps: dict[Step, int] = {}
    numbers: dict[Node, int] = {}
    _number(target, numbers, numbers, leaves, signature, steps)
    outputs = [target]
    for node in others:
        if node not in numbers:
            leaves_before, steps_before = len(leaves), len(steps)
            new: dict[Node, int] = {}
            if not _number(node, numbers, new, leaves, signature, steps):
                del leaves[leaves_before:], signature[leaves_before:]
                while len(steps) > steps_before:
                    steps.popitem()
                continue
            numbers.update(new)
        outputs.append(node)
    wanted = tuple([numbers[node] for node in outputs])
    return Program(tuple(signature), tuple(steps), wanted), leaves, outputs


def _number(
    root: Node,
    numbers: dict[Node, int],
    new: dict[Node, int],
    leaves: list[Node],
    signature: list[Signature],
    steps: dict[Step, int],
) -> bool:
    """Number what `root` rests on, in `new`; whether any of it, literals aside, had a number before, in `numbers`.

    Nodes get their numbers in the order in which a walk from the root, first input first, is done with them.
    """
    shared = False
    stack = [root]
    while stack:
        node = stack[-1]
        if node in new:
            stack.pop()
            continue
        op = node.op
        if node in numbers:
            stack.pop()
            new[node] = numbers[node]
            shared = shared or op is None or bool(op[1])
            continue
        if op is None:
            stack.pop()
            leaves.append(node)
            new[node] = -len(leaves)
            signature.append((node.dtype.name, node.shape))
            continue
        primitive, inputs, params = op
        if len(inputs) == 2:  # written out, as this is what every computation waits for
            x, y = inputs
            if x not in new or y not in new:
                stack.append(y)
                stack.append(x)
                continue
            refs: tuple[int, ...] = (new[x], new[y])
        else:
            missing = [x for x in inputs if x not in new]
            if missing:
                stack += missing[::-1]
                continue
            refs = tuple([new[x] for x in inputs])
        stack.pop()
        step = (primitive.name, params, refs)
        new[node] = steps.setdefault(step, len(steps))
    return shared


def rebuild(program: Program) -> tuple[list[Node], list[Node]]:
    """Nodes for a Program: one for each leaf (without a value) and one for each step."""
    leaves = [Node(None, None, shape, as_dtype(dtype)) for dtype, shape in program.leaves]
    made: list[Node] = []
    for name, params, numbers in program.steps:
        inputs = tuple(made[i] if i >= 0 else leaves[-1 - i] for i in numbers)
        shape, dtype = TABLE[name].infer(inputs, params)
        made.append(Node((TABLE[name], inputs, params), None, shape, dtype))
    return leaves, made
