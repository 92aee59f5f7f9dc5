"""Program → plan: which operations run together in one pass over memory, and what has to be stored between passes.

A plan is a list of steps over numbered slots. A step is a kernel (elementwise operations and the reductions that end
them, over one iteration space) or a call of a primitive's NumPy function (matrix products, reshaping, joining).

Every operation has a level: elementwise operations stand at the level of their inputs and are computed inside whatever
kernel needs them; the result of a reduction exists one level later. Kernels of a level are grouped by iteration space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from gradtape.graph.node import READ, Node, Op
from gradtape.graph.program import Program, rebuild
from gradtape.graph.shapes import Shape

SHORT = 32
"""An inner loop below this length is not worth it: operands that broadcast are expanded to make it longer."""


@dataclass(frozen=True)
class KernelSpec:
    """What a kernel's code depends on: everything but lengths and addresses.

    outer      number of loops around the inner ones
    reduces    "" for none, "inner" if the innermost axis is reduced, "outer" if the one before it is
    operands   (element type, access): access is "scalar", "row" (constant in the inner loop) or "step"
    body       (primitive, params, references): a reference below 0 is operand -1 - r, else a line of the body
    outputs    (reference, element type, reduction or ""); a reduction is stored once per reduced axis
    """

    outer: int
    reduces: str
    operands: tuple[tuple[str, str], ...]
    body: tuple[tuple[str, tuple, tuple[int, ...]], ...]
    outputs: tuple[tuple[int, str, str], ...]

    @property
    def is_scalar(self) -> bool:
        """Everything is one number: no loops, no memory."""
        return self.outer == -1


@dataclass
class KernelStep:
    """A kernel on given slots.

    lengths    of the outer loops, then of the reduced axis (1 if none before the innermost), then of the innermost
    inputs     slots of the operands
    expanded   for an operand that must be repeated in memory first: its full shape; else None
    strides    for each operand that is an array: elements to the next index of each loop, the innermost left out
    outputs    slots of the results
    shapes     shapes of the results
    """

    spec: KernelSpec
    lengths: tuple[int, ...]
    inputs: list[int]
    expanded: Sequence[Shape | None]
    strides: Sequence[tuple[int, ...]]
    outputs: list[int]
    shapes: list[Shape]


@dataclass
class CallStep:
    """A primitive's NumPy function on given slots."""

    op: Op
    inputs: list[int]
    output: int


@dataclass
class Plan:
    """Steps in order, the number of slots (the leaves come first), and the slots of the outputs."""

    steps: list[KernelStep | CallStep]
    slots: int
    outputs: list[int]


def plan(program: Program) -> Plan:
    """How to compute the outputs of a Program."""
    return _Planner(program).plan()


class _Planner:
    def __init__(self, program: Program):
        self.program = program
        self.leaves, self.nodes = rebuild(program)
        self.slot: dict[Node, int] = {leaf: i for i, leaf in enumerate(self.leaves)}
        self.level: dict[Node, int] = dict.fromkeys(self.leaves, 0)

    def plan(self) -> Plan:
        wanted = [self._node(number) for number in self.program.outputs]
        self._set_levels()
        stored = self._stored(wanted)
        steps: list[KernelStep | CallStep] = []
        for level in range(max(self.level.values(), default=0) + 1):
            here = [node for node in self.nodes if self.level[node] == level]
            for node in here:
                if is_call(node):
                    assert node.op is not None
                    steps.append(CallStep(node.op, [self.slot[x] for x in node.op[1]], self._store(node)))
            steps += self._kernels([node for node in here if node in stored and not is_call(node)])
        return Plan(steps, len(self.slot), [self.slot[node] for node in wanted])

    def _node(self, number: int) -> Node:
        return self.nodes[number] if number >= 0 else self.leaves[-1 - number]

    def _store(self, node: Node) -> int:
        return self.slot.setdefault(node, len(self.slot))

    def _set_levels(self) -> None:
        heavy: set[Node] = set()
        level = self.level
        for node in self.nodes:
            assert node.op is not None
            primitive, inputs, _ = node.op
            if is_call(node):
                level[node] = max((level[x] + (is_map(x) or is_reduction(x)) for x in inputs), default=0)
                continue
            level[node] = max((level[x] + is_reduction(x) for x in inputs), default=0)
            for x in inputs:
                if is_map(x) and x in heavy and _repeats(x.shape, node.shape):
                    level[node] = max(level[node], level[x] + 1)
            if primitive.costly or any(x in heavy and level[x] == level[node] for x in inputs):
                heavy.add(node)

    def _stored(self, wanted: Sequence[Node]) -> set[Node]:
        """The operations whose result must exist in memory: outputs, and what a later step reads."""
        stored = {node for node in wanted if node.op is not None}
        for node in self.nodes:
            assert node.op is not None
            if is_reduction(node):
                stored.add(node)
            for x in node.op[1]:
                if is_map(x) and (is_call(node) or (self.level[x] < self.level[node] and x.shape != ())):
                    stored.add(x)
        return stored

    def _kernels(self, results: Sequence[Node]) -> list[KernelStep]:
        """Group results of one level that have the same iteration space."""
        groups: dict[tuple, list[Node]] = {}
        for node in results:
            if is_reduction(node):
                assert node.op is not None
                shape, axes = node.op[1][0].shape, node.op[2][0]
                # an axis of length one may be named or not: the loops are the same
                groups.setdefault((shape, tuple(a for a in axes if shape[a] != 1) or axes), []).append(node)
        for node in results:
            if not is_reduction(node):
                key = next((k for k in groups if k[0] == node.shape and k[1]), (node.shape, ()))
                groups.setdefault(key, []).append(node)
        steps = [self._kernel(shape, axes, nodes) for (shape, axes), nodes in groups.items()]
        for nodes in groups.values():
            for node in nodes:
                self._store(node)
        for step, nodes in zip(steps, groups.values(), strict=True):
            step.outputs = [self.slot[node] for node in nodes]
        return steps

    def _kernel(self, shape: Shape, axes: tuple[int, ...], results: Sequence[Node]) -> KernelStep:
        operands: list[Node] = []
        body: list[tuple[str, tuple, tuple[int, ...]]] = []
        number: dict[Node, int] = {}
        here = self.level[results[0]]
        ends = [_end(node) for node in results]
        stack = list(reversed(ends))
        while stack:  # inputs before the operations that read them
            node = stack[-1]
            if node in number:
                stack.pop()
                continue
            if not is_map(node) or (node in self.slot and self.level[node] < here):
                operands.append(node)
                number[stack.pop()] = -len(operands)
                continue
            assert node.op is not None
            missing = [x for x in node.op[1] if x not in number]
            if missing:
                stack += reversed(missing)
                continue
            stack.pop()
            refs = tuple(number[x] for x in node.op[1])
            if node.op[0].lowering is READ:
                number[node] = refs[0]
            else:
                number[node] = len(body)
                body.append((node.op[0].name, node.op[2], refs))
        outputs = tuple(
            (number[end], node.dtype.name, node.op[0].reduction or "" if node.op else "")
            for node, end in zip(results, ends, strict=True)
        )
        inputs = [self.slot[x] for x in operands]
        shapes = [node.shape for node in results]
        if shape == ():
            spec = KernelSpec(-1, "", tuple((x.dtype.name, "scalar") for x in operands), tuple(body), outputs)
            return KernelStep(spec, (), inputs, [None] * len(inputs), [()] * len(inputs), [], shapes)
        space = Space(shape, axes, [x.shape for x in operands])
        spec = KernelSpec(
            len(space.lengths) - 2,
            space.reduces,
            tuple((x.dtype.name, access) for x, access in zip(operands, space.access, strict=True)),
            tuple(body),
            outputs,
        )
        return KernelStep(spec, space.lengths, inputs, space.expanded, space.strides, [], shapes)


def is_call(node: Node) -> bool:
    return node.op is not None and node.op[0].lowering is None and node.op[0].reduction is None


def is_reduction(node: Node) -> bool:
    return node.op is not None and node.op[0].reduction is not None


def is_map(node: Node) -> bool:
    return node.op is not None and node.op[0].lowering is not None


def _end(node: Node) -> Node:
    """The last elementwise value on the way to a kernel's result: what a reduction reduces, or the result itself."""
    return node.op[1][0] if node.op is not None and node.op[0].reduction is not None else node


def _repeats(small: Shape, large: Shape) -> bool:
    """Whether computing `small` inside a loop over `large` repeats work in the innermost loop."""
    return small != () and prod(small) < prod(large) and small[-1] != 1


class Space:
    """The loops of a kernel: axes merged as far as all operands allow.

    Three groups of axes keep their order: those before the reduced ones, the reduced ones, those after. The last
    two groups become one loop each; an operand that does not allow this is expanded in memory. The order of a
    reduction so depends on the reduced shape alone, never on what was fused with it.
    """

    def __init__(self, shape: Shape, axes: tuple[int, ...], operands: Sequence[Shape]):
        rank = len(shape)
        first, last = (axes[0], axes[-1] + 1) if axes else (rank, rank)
        before, reduced, after = range(first), range(first, last), range(last, rank)
        self.expanded: list[Shape | None] = [None] * len(operands)
        patterns = [_strides(operand, shape) for operand in operands]
        still = [1] + [0] * len(operands)  # a loop of length one
        if axes:
            for group in (reduced, after):
                for i, pattern in enumerate(patterns):
                    if len(_merge(shape, group, [pattern])) > 1:
                        patterns[i], self.expanded[i] = _strides(shape, shape), shape
            outer = _merge(shape, before, patterns)
            inner = [_whole(shape, reduced, patterns), _whole(shape, after, patterns)]
            self.reduces = "outer"
            if inner[1][0] == 1:  # nothing after the reduced axes: they are the innermost loop
                inner = [still, inner[0]]
                self.reduces = "inner"
        else:
            loops = _merge(shape, range(rank), patterns)
            if len(loops) > 1 and loops[-1][0] < SHORT:
                for i, operand in enumerate(operands):
                    if prod(operand) > 1 and operand != shape:
                        patterns[i], self.expanded[i] = _strides(shape, shape), shape
                loops = _merge(shape, range(rank), patterns)
            outer, inner = loops[:-1], [still, loops[-1]]
            self.reduces = ""
        loops = [loop for loop in outer if loop[0] != 1] + inner
        innermost = loops[-1]
        self.lengths = tuple(loop[0] for loop in loops)
        self.access = []
        self.strides: list[tuple[int, ...]] = []
        for i, pattern in enumerate(patterns):
            steps = tuple(loop[1 + i] for loop in loops[:-1])
            if not any(pattern):
                self.access.append("scalar")
                self.strides.append(())
            else:
                self.access.append("step" if innermost[1 + i] else "row")
                self.strides.append(steps)


def _strides(operand: Shape, shape: Shape) -> tuple[int, ...]:
    """Elements between neighbours along each axis of `shape`, for an operand that broadcasts to it."""
    padded = (1,) * (len(shape) - len(operand)) + operand
    strides, step = [], 1
    for n in reversed(padded):
        strides.append(step if n != 1 else 0)
        step *= n
    return tuple(reversed(strides))


def _merge(shape: Shape, group: range, patterns: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Loops [length, stride of each operand…] over the axes of `group`, neighbours merged where all operands allow."""
    loops: list[list[int]] = []
    for axis in group:
        if shape[axis] == 1:
            continue
        loop = [shape[axis], *[pattern[axis] for pattern in patterns]]
        if loops and all(outer == inner * shape[axis] for outer, inner in zip(loops[-1][1:], loop[1:], strict=True)):
            loops[-1] = [loops[-1][0] * loop[0], *loop[1:]]
        else:
            loops.append(loop)
    return loops or [[1] + [0] * len(patterns)]


def _whole(shape: Shape, group: range, patterns: Sequence[tuple[int, ...]]) -> list[int]:
    """One loop over all axes of a group, each operand merged by itself."""
    length = prod(shape[axis] for axis in group)
    return [length, *[_merge(shape, group, [pattern])[-1][1] for pattern in patterns]]
