"""The steps of a plan: kernels, with what their code and a call of it depend on, and calls of NumPy's functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradtape.engine.combine import BLOCK, ROWS, accumulator
from gradtape.engine.layout import Layout
from gradtape.engine.space import COLUMNS, Parts, Space
from gradtape.graph.node import Op
from gradtape.graph.shapes import Shape

COSTLY = 16
"""How many operations an elementary function counts for."""


@dataclass(frozen=True)
class KernelSpec:
    """What a kernel's code depends on: everything but lengths and addresses.

    outer      number of loops around the middle and inner ones; -1 if everything is one number
    reduces    which loop is reduced: "inner", "middle", or "" for none
    operands   (element type, access): access is "scalar" (a number), "row" (constant in the inner loop), "step" (its
               elements stand side by side there), "strided", or "listed" (they stand where a list says)
    body       (primitive, params, references): a reference below 0 is operand -1 - r, else a line of the body
    outputs    (reference, element type, reduction or ""); a reduction is stored once per reduced axis
    stores     access of each output: "step", "strided" or "listed"
    deep       whether the middle loop is there
    """

    outer: int
    reduces: str
    operands: tuple[tuple[str, str], ...]
    body: tuple[tuple[str, tuple, tuple[int, ...]], ...]
    outputs: tuple[tuple[int, str, str], ...]
    stores: tuple[str, ...] = ()
    deep: bool = False

    @property
    def is_scalar(self) -> bool:
        """Everything is one number: no loops, no memory."""
        return self.outer == -1


@dataclass
class KernelStep:
    """A kernel on given slots.

    lengths    of the outer loops, the middle one (1 if there is none) and the inner one
    sizes      elements of the middle and the inner loop in a block
    inputs     slots of the operands
    offsets    for each operand: elements before the first that is read
    strides    for each operand: elements to the next index of each loop
    copied     for an operand that the loops cannot follow, the layout that is to be copied first; else None
    outputs    slots of the results
    shapes     shapes of the results
    steps      for each result: elements to the next index of each loop
    lists      for each operand, then for each result: None, or of what loops the inner one was joined, if that reads
               it at places from a list; the stride of the inner loop is then that to the next block
    """

    spec: KernelSpec
    lengths: tuple[int, ...]
    sizes: tuple[int, int]
    inputs: list[int]
    offsets: list[int]
    strides: Sequence[tuple[int, ...]]
    copied: Sequence[Layout | None]
    outputs: list[int]
    shapes: list[Shape]
    steps: Sequence[tuple[int, ...]]
    lists: Sequence[Parts | None]


@dataclass
class CallStep:
    """A primitive's NumPy function on given slots; `view` if the result is a part of the input's memory that is asked
    for as such."""

    op: Op
    inputs: list[int]
    output: int
    view: bool = False


@dataclass
class Plan:
    """Steps in order, the number of slots (the leaves come first), and the slots of the outputs."""

    steps: list[KernelStep | CallStep]
    slots: int
    outputs: list[int]


def loop_step(
    shape: Shape,
    axes: tuple[int, ...],
    inputs: list[int],
    types: Sequence[str],
    single: Sequence[bool],
    reads: Sequence[Layout],
    body: tuple[tuple[str, tuple, tuple[int, ...]], ...],
    outputs: tuple[tuple[int, str, str], ...],
    shapes: list[Shape],
) -> KernelStep:
    """A kernel over the index space `shape`, reduced over `axes`, that reads operands of given element types and
    layouts; `single` says which are one number."""
    space = Space(shape, axes, reads, not all(reduction for _, _, reduction in outputs))
    *reads_at, mapped_at, _ = space.lists
    accesses = [
        "scalar" if one else _access(strides[-1], at)
        for one, strides, at in zip(single, space.strides, reads_at, strict=True)
    ]
    steps = [space.kept if reduction else space.mapped for _, _, reduction in outputs]
    stores_at = [None if reduction else mapped_at for _, _, reduction in outputs]
    spec = KernelSpec(
        len(space.lengths) - 2,
        space.reduces,
        tuple(zip(types, accesses, strict=True)),
        body,
        outputs,
        tuple(_access(step[-1] or 1, at) for step, at in zip(steps, stores_at, strict=True)),
        space.deep,
    )
    offsets = [0 if copied else read.offset for read, copied in zip(reads, space.copied, strict=True)]
    return KernelStep(
        spec,
        space.lengths,
        space.sizes,
        inputs,
        offsets,
        space.strides,
        space.copied,
        [],
        shapes,
        steps,
        [*reads_at, *stores_at],
    )


def _access(stride: int, at: Parts | None) -> str:
    """How the inner loop walks through an array."""
    if at is not None:
        return "listed"
    return "row" if not stride else "step" if stride == 1 else "strided"


def copying(dtype: str, layout: Layout) -> KernelStep:
    """The kernel that copies a layout, so that its elements stand side by side."""
    step = loop_step(layout.shape, (), [0], [dtype], [False], [layout], (), ((-1, dtype, ""),), [layout.shape])
    step.outputs = [1]
    return step


def combining(deep: bool, shape: Shape, dtype: str, reduction: str) -> KernelStep:
    """The kernel that reduces partial results, lines × blocks × columns, over the blocks: in the way they were made."""
    lines, blocks, columns = shape
    carried = accumulator(dtype, reduction)
    spec = KernelSpec(
        1, "middle" if deep else "inner", ((carried, "step"),), (), ((-1, dtype, reduction),), ("step",), deep
    )
    if deep:
        lengths, sizes = (lines, blocks, columns), (ROWS, COLUMNS)
        strides, steps = (blocks * columns, columns, 1), (columns, 0, 1)
    else:
        lengths, sizes = (lines, 1, blocks), (1, BLOCK)
        strides, steps = (blocks, 0, 1), (1, 0, 0)
    return KernelStep(spec, lengths, sizes, [0], [0], [strides], [None], [1], [(lines, columns)], [steps], [None] * 2)
