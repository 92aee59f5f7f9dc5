"""What all kernels have in common: how arguments are passed and read, and the body that the table's lowerings write."""

from __future__ import annotations

from gradtape.engine.machine import HALVES, TYPES, Machine, Value
from gradtape.engine.steps import KernelSpec
from gradtape.graph.node import TABLE

SIZES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "bool": 1, "float16": 2, "bfloat16": 2}
MEMORY = {**TYPES, "bool": "i8", **dict.fromkeys(HALVES, "i16")}

ENTRY = 0
"""The section of a kernel that is entered once."""


def apply_primitive(m: Machine, name: str, params: tuple, values: list[Value]) -> Value:
    """The lowering of a primitive on values."""
    primitive = TABLE[name]
    if isinstance(primitive.lowering, str):
        return m.call(primitive.lowering, *values, **dict(zip(primitive.parameters, params, strict=True)))
    return primitive.lowering(m, *values, *params)


def run_body(m: Machine, spec: KernelSpec, operands: list[Value]) -> list[Value]:
    """The values of a kernel's outputs, given its operands."""
    values: list[Value] = []
    for name, params, refs in spec.body:
        inputs = [values[r] if r >= 0 else operands[-1 - r] for r in refs]
        values.append(apply_primitive(m, name, params, inputs))
    return [values[ref] if ref >= 0 else operands[-1 - ref] for ref, _, _ in spec.outputs]


class Arguments:
    """Where a kernel finds what belongs to one call, in units of 8 bytes.

    tables, the address of the loops (see `LoopWords`; 0 if there are none), the number of units, then for each operand
    its number (scalar) or its address, then for each output its address and, for a reduction, the address of the
    partial results (used if the reduced axis has more than one block).
    """

    tables, loops, units = 0, 1, 2

    def __init__(self, spec: KernelSpec):
        first = 3
        self.operands = range(first, first + len(spec.operands))
        position = self.operands.stop
        self.outputs: list[int] = []
        for _, _, reduction in spec.outputs:
            self.outputs.append(position)
            position += 2 if reduction else 1
        self.size = position


class LoopWords:
    """Where a kernel over arrays finds what is the same in all calls, in units of 8 bytes.

    lengths of the loops (outer…, middle, inner), sizes of the blocks of the last two, how many blocks they have; then
    for each operand in memory, and then for each output, elements to the next index of each loop and, if it is listed,
    the address of the list: for each element of a block of the inner loop its place.
    """

    def __init__(self, spec: KernelSpec):
        loops = spec.outer + 2
        self.lengths, self.sizes, self.blocks = 0, loops, loops + 2
        position = loops + 4
        self.operands: list[int] = []
        for _, access in spec.operands:
            self.operands.append(position)
            position += 0 if access == "scalar" else loops + (access == "listed")
        self.outputs: list[int] = []
        for access in spec.stores:
            self.outputs.append(position)
            position += loops + (access == "listed")
        self.size = position


class Frame:
    """What scalar and looping kernels have in common: reading arguments, writing text."""

    def __init__(self, spec: KernelSpec, lanes: int, depth: int):
        self.spec = spec
        self.at = Arguments(spec)
        self.m = Machine(lanes, depth)
        self.entry: list[str] = []  # lines that come before everything else
        table = self.argument(self.at.tables, "ptr", "tables")
        self.m.tables = Value(self.m, "ptr", table, ENTRY)

    def argument(self, position: int, type: str, name: str) -> str:
        self.entry.append(f"  %{name}.at = getelementptr i64, ptr %arguments, i64 {position}")
        self.entry.append(f"  %{name} = load {type}, ptr %{name}.at")
        return f"%{name}"

    def number(self, position: int, dtype: str, name: str) -> Value:
        """A number among the arguments, in every lane. Floats come as double, the others as i64."""
        floating = "float" in dtype
        text = self.argument(position, "double" if floating else "i64", name)
        if dtype in HALVES:
            return self.m.cast(self.splat(text, "double", ENTRY, self.entry), dtype)
        type = TYPES[dtype]
        if type not in ("double", "i64"):
            self.entry.append(
                f"  {text}.n = {'fptrunc' if floating else 'trunc'} {'double' if floating else 'i64'} {text} to {type}"
            )
            text += ".n"
        return self.splat(text, type, ENTRY, self.entry)

    def splat(self, text: str, type: str, depth: int, lines: list[str]) -> Value:
        m = self.m
        if m.lanes == 1:
            return Value(m, type, text, depth)
        vector = m.vector(type)
        lines.append(f"  {text}.0 = insertelement {vector} poison, {type} {text}, i64 0")
        lines.append(
            f"  {text}.v = shufflevector {vector} {text}.0, {vector} poison, <{m.lanes} x i32> zeroinitializer"
        )
        return Value(m, type, f"{text}.v", depth)

    def module(self, body: list[str]) -> str:
        return "\n".join(
            [
                *sorted(self.m.declarations),
                "define void @kernel(i64 %start, i64 %stop, ptr noalias %arguments) {",
                "entry:",
                *self.entry,
                *body,
                "}",
                "define void @whole(ptr noalias %arguments) {",
                f"  %units.at = getelementptr i64, ptr %arguments, i64 {self.at.units}",
                "  %units = load i64, ptr %units.at",
                "  call void @kernel(i64 0, i64 %units, ptr %arguments)",
                "  ret void",
                "}",
                '!0 = !{!"branch_weights", i32 1, i32 2000}',
            ]
        )
