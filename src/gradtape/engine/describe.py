"""Plan → what each of its steps is and costs, for those who look: `engine.show` and `engine.profile`. Computes nothing.

What is counted:

bytes        of arrays, each operand and each result once per pass. Single numbers stand in the arguments of a kernel
             and count nothing, as do views, and the partial results of long reductions (below four percent).
operations   operations of the table, once per element that they are computed for; literals are not computed. What is
             the same for all elements of a loop is computed outside it. A reduction is one operation per element.
elementary   how many of these are elementary functions (sin, sigmoid, …), each of them tens of instructions.

A library call has operations if it is a matrix product: two for each number that is multiplied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy

from gradtape.engine.steps import CallStep, KernelSpec, KernelStep, Plan
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.node import TABLE
from gradtape.graph.program import Program, Signature, title, written
from gradtape.graph.shapes import size

REDUCTIONS = {"add": "sum", "mul": "product", "max": "maximum", "min": "minimum", "and": "all", "or": "any"}
"""What a reduction is called, by how it combines two values."""

SHORT = 40
"""Letters of a label."""


@dataclass(frozen=True)
class Value:
    """An operand or result: the slot that it is in, its type and shape, and how many bytes of it are read or written.
    `way` says how it is read if not from its begin, one element after the other."""

    slot: int
    signature: Signature
    bytes: int
    way: str = ""


@dataclass(frozen=True)
class Work:
    """A step of a plan.

    label        what it does, in a few words; of a call NumPy's function, or the operation if that is no single one
    loops        lengths of a kernel's loops, outermost first, those of length one left out
    reads        operands
    writes       results
    copied       bytes that are moved to lay operands out anew, before the kernel runs
    """

    step: KernelStep | CallStep
    label: str
    loops: tuple[int, ...]
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]
    copied: int
    operations: int
    elementary: int

    @property
    def spec(self) -> KernelSpec | None:
        """The kernel; None for a library call."""
        return self.step.spec if isinstance(self.step, KernelStep) else None

    @property
    def read(self) -> int:
        """Bytes that are read."""
        return sum(value.bytes for value in self.reads)

    @property
    def written(self) -> int:
        """Bytes that are written."""
        return sum(value.bytes for value in self.writes)

    @property
    def bytes(self) -> int:
        """Bytes that are moved."""
        return self.read + self.written + self.copied

    def operands(self, names: Mapping[int, str]) -> list[str]:
        """What operands are called. One that is read in several ways has as many names: a0, a0.1, a0.2, …"""
        if self.spec is None:
            return [names[value.slot] for value in self.reads]
        ways: Counter[int] = Counter()
        found: list[str] = []
        for value in self.reads:
            way = ways[value.slot]
            ways[value.slot] += 1
            found.append(f"{names[value.slot]}.{way}" if way else names[value.slot])
        return found

    def lines(self, names: Mapping[int, str]) -> list[str]:
        """The operations as they are written, one per line, where `names` says how slots are called."""
        known = self.operands(names)
        results = [names[value.slot] for value in self.writes]
        if isinstance(self.step, CallStep):
            primitive, _, params = self.step.op
            params = params[:-1] if primitive.several else params
            return [f"{', '.join(results)} = {written(primitive.name, params, known)}"]
        spec = self.step.spec
        wanted = {ref: name for name, (ref, _, reduction) in zip(results, spec.outputs, strict=True) if not reduction}
        made: list[str] = []
        lines = []
        for number, (name, params, refs) in enumerate(spec.body):
            text = written(name, params, [made[r] if r >= 0 else known[-1 - r] for r in refs])
            if name == "literal":
                made.append(text)
            else:
                made.append(wanted.get(number) or f"t{number}")
                lines.append(f"{made[-1]} = {text}")
        for result, (ref, _, reduction) in zip(results, spec.outputs, strict=True):
            value = made[ref] if ref >= 0 else known[-1 - ref]
            if reduction:
                lines.append(f"{result} = {REDUCTIONS[reduction]}({value})")
            elif value != result:
                lines.append(f"{result} = {value}")
        return lines


def works(program: Program, plan: Plan) -> list[Work]:
    """What the steps of a Program's plan are. A call with several results is one."""
    slots = dict(enumerate(program.leaves))
    found: list[Work] = []
    calls: dict[tuple, int] = {}
    for step in plan.steps:
        if isinstance(step, KernelStep):
            found.append(_kernel(step, slots))
            continue
        work = _call(step, slots)
        primitive, _, params = step.op
        if primitive.several:
            key = (primitive, tuple(step.inputs), params[:-1])
            if key in calls:
                first = found[calls[key]]
                found[calls[key]] = replace(first, writes=first.writes + work.writes)
                continue
            calls[key] = len(found)
        found.append(work)
    return found


def _kernel(step: KernelStep, slots: dict[int, Signature]) -> Work:
    spec = step.spec
    reads, copied = [], 0
    for i, (slot, (dtype, access)) in enumerate(zip(step.inputs, spec.operands, strict=True)):
        if access == "scalar":
            reads.append(Value(slot, slots[slot], 0))
            continue
        inner = step.lists[i] or ((step.lengths[-1], step.strides[i][-1]),)
        walked = [*zip(step.lengths[:-1], step.strides[i][:-1], strict=True), *inner]
        read = prod(length for length, stride in walked if stride) * as_dtype(dtype).size
        way = [f"from element {step.offsets[i]}"] if step.offsets[i] else []
        reads.append(Value(slot, slots[slot], read, ", ".join([*way, *[access] * (access in ("strided", "listed"))])))
        if step.copied[i] is not None:
            copied += read + min(read, _bytes(slots[slot]))
    writes = []
    for slot, shape, (_, dtype, _) in zip(step.outputs, step.shapes, spec.outputs, strict=True):
        slots[slot] = (dtype, shape)
        writes.append(Value(slot, slots[slot], _bytes(slots[slot])))
    operations, elementary = _operations(spec, step.lengths)
    loops = tuple(length for length in step.lengths if length != 1)
    return Work(step, _label(spec), loops, tuple(reads), tuple(writes), copied, operations, elementary)


def _operations(spec: KernelSpec, lengths: tuple[int, ...]) -> tuple[int, int]:
    """How many operations a kernel does, and how many of them are elementary functions."""
    times = {"scalar": 1, "row": prod(lengths[:-1])}
    done = [times.get(access, prod(lengths)) for _, access in spec.operands]
    here: list[int] = []
    total = elementary = 0
    for name, _, refs in spec.body:
        here.append(max([here[r] if r >= 0 else done[-1 - r] for r in refs], default=0))
        total += here[-1]
        if isinstance(TABLE[name].lowering, str):
            elementary += here[-1]
    return total + sum(prod(lengths) for _, _, reduction in spec.outputs if reduction), elementary


def _label(spec: KernelSpec) -> str:
    counts = Counter(title(name, params, len(refs)) for name, params, refs in spec.body if name != "literal")
    names = [name if n == 1 else f"{name} ×{n}" for name, n in counts.items()]
    counts = Counter(REDUCTIONS[reduction] for _, _, reduction in spec.outputs if reduction)
    ends = [name if n == 1 else f"{name} ×{n}" for name, n in counts.items()]
    if not names and not ends:
        return "fill" if all(access == "scalar" for _, access in spec.operands) else "copy"
    return _short(" → ".join([", ".join(part) for part in (names, ends) if part]))


def _short(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def _call(step: CallStep, slots: dict[int, Signature]) -> Work:
    primitive, inputs, params = step.op
    shape, dtype = primitive.infer(inputs, params)
    slots[step.output] = (dtype.name, shape)
    moves = primitive.view is None
    reads = [Value(slot, slots[slot], moves * _bytes(slots[slot])) for slot in step.inputs]
    result = Value(step.output, slots[step.output], moves * _bytes(slots[step.output]))
    operations = 0
    if primitive.library == "matmul":
        operations = 2 * size(shape) * inputs[0].shape[-2 if params[0] else -1]
    name = getattr(primitive.reference, "__name__", "")
    label = (
        f"numpy.{name}"
        if getattr(numpy, name, None) is primitive.reference
        else title(primitive.name, params, len(inputs))
    )
    return Work(step, label, (), tuple(reads), (result,), 0, operations, 0)


def _bytes(signature: Signature) -> int:
    dtype, shape = signature
    return size(shape) * as_dtype(dtype).size if shape else 0
