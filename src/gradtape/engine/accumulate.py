"""The accumulators of a kernel's reductions, written as LLVM IR: how they are held, stepped, and stored in the end.

A reduction of the middle loop has one accumulator for each element of a block of the inner loop, in memory. A reduction
of the inner loop has WIDTH of them, which are combined as a tree in the end. If a step is as wide they stay in
registers; else they are in memory as well, and each step takes the next few.
"""

from __future__ import annotations

from gradtape.engine.access import Access, Way, store
from gradtape.engine.combine import COMBINE, WIDTH, accumulator
from gradtape.engine.frame import MEMORY
from gradtape.engine.halves import to_memory
from gradtape.engine.machine import HALVES, TYPES, Machine, Value
from gradtape.engine.space import COLUMNS


class Accumulator:
    """One reduction: output `k` of a kernel.

    dtype      element type of the result, and `type` that of the accumulators in the machine
    before     what was accumulated so far, and `after` the same with the present step
    """

    before: Value
    after: Value

    def __init__(self, k: int, dtype: str, reduction: str, m: Machine, deep: bool):
        self.k, self.name = k, f"%acc{k}"
        self.dtype, self.carried = dtype, accumulator(dtype, reduction)
        self.combine = COMBINE[reduction]
        self.type, self.memory = TYPES[self.carried], MEMORY[self.carried]
        self.m = m
        self.deep = deep
        self.in_registers = not deep and m.lanes == WIDTH

    def start(self, lanes: int) -> str:
        """What the accumulators hold at first."""
        return Machine(lanes).const(self.type, self.combine.start(self.type)).text

    def filled(self, lanes: int) -> str:
        """The same in memory."""
        vector = f"<{lanes} x {self.memory}>"
        return f"{vector} {self.start(lanes).replace('i1 true', 'i8 1').replace('i1 false', 'i8 0')}"

    def from_memory(self, name: str, place: str, lanes: int, align: int) -> list[str]:
        """Load accumulators as the value `name`."""
        vector = f"<{lanes} x {self.memory}>"
        if self.type != "i1":
            return [f"  {name} = load {vector}, ptr {place}, align {align}"]
        return [
            f"  {name}.bytes = load {vector}, ptr {place}, align {align}",
            f"  {name} = icmp ne {vector} {name}.bytes, zeroinitializer",
        ]

    def reserve(self) -> list[str]:
        """Memory for the accumulators."""
        if self.in_registers:
            return []
        return [f"  {self.name}.all = alloca [{COLUMNS if self.deep else WIDTH} x {self.memory}], align 64"]

    def step(self, value: Value, depth: int, loads: Access, stores: Access) -> None:
        """Combine the values of a step with what was accumulated."""
        m, name = self.m, self.name
        if not self.in_registers:
            place = "sub i64 %i, %i0" if self.deep else f"and i64 %i, {WIDTH - 1}"
            loads.after += [
                f"  {name}.place = {place}",
                f"  {name}.here = getelementptr {self.memory}, ptr {name}.all, i64 {name}.place",
                *self.from_memory(name, f"{name}.here", m.lanes, 8),
            ]
        self.before = Value(m, self.type, name, depth)
        self.after = self.combine.function(m, self.before, m.cast(value, self.carried))
        if not self.deep:  # lanes beyond the end do not count
            self.after = m.select(Value(m, "i1", "%live", depth), self.after, self.before)
        if not self.in_registers:
            vector, text = f"<{m.lanes} x {self.memory}>", self.after.text
            if self.type == "i1":
                stores.before.append(f"  {name}.byte = zext <{m.lanes} x i1> {text} to {vector}")
                text = f"{name}.byte"
            stores.before.append(f"  store {vector} {text}, ptr {name}.here, align 8")

    # -- a row ------------------------------------------------------------------------------------------------

    def row_start(self) -> list[str]:
        if self.in_registers:
            return []
        return [f"  store {self.filled(WIDTH)}, ptr {self.name}.all, align 64"]

    def register(self, name: str, before: str) -> list[str]:
        """The accumulators where the inner loop is entered or left: from the block `before` or the end of a step."""
        if not self.in_registers:
            return []
        vector = self.m.vector(self.type)
        return [f"  {name} = phi {vector} [ {self.start(WIDTH)}, %{before} ], [ {self.after.text}, %next ]"]

    def row_end(self) -> list[str]:
        """Store the one number that a row, or a block of it, was reduced to."""
        name, k, dtype = self.name, self.k, self.dtype
        end = f"{name}.end"
        lines = [] if self.in_registers else self.from_memory(end, f"{name}.all", WIDTH, 64)
        tree, text = self._across(end)
        lines += tree
        final, partial = text, text
        if dtype == "bool":
            lines.append(f"  {name}.truth = zext i1 {text} to i8")
            final = partial = f"{name}.truth"
        elif self.carried != dtype:
            rounding, final = self.rounded(text, 1)
            lines += rounding
        return [
            *lines,
            f"  br i1 %several, label %partial{k}, label %final{k}",
            f"final{k}:",
            f"  store {MEMORY[dtype]} {final}, ptr %y{k}.unit",
            f"  br label %stored{k}",
            f"partial{k}:",
            f"  %y{k}.slot = getelementptr {self.memory}, ptr %y{k}.partial, i64 %u",
            f"  store {self.memory} {partial}, ptr %y{k}.slot",
            f"  br label %stored{k}",
            f"stored{k}:",
        ]

    def _across(self, text: str) -> tuple[list[str], str]:
        """The accumulators of a row combined as a tree, halves with halves: the lines, and the result's name."""
        lines: list[str] = []
        width = WIDTH
        while width > 1:
            half = width // 2
            m = Machine(half)
            halves = []
            for side, first in (("low", 0), ("high", half)):
                name, vector = f"{self.name}.{side}{half}", f"<{width} x {self.type}>"
                if half == 1:
                    lines.append(f"  {name} = extractelement {vector} {text}, i64 {first}")
                else:
                    mask = ", ".join(f"i32 {first + lane}" for lane in range(half))
                    lines.append(f"  {name} = shufflevector {vector} {text}, {vector} poison, <{half} x i32> <{mask}>")
                halves.append(Value(m, self.type, name, 0))
            combining, text = self._written(self.combine.function(m, *halves), f"h{half}")
            lines += combining
            width = half
        return lines, text

    def rounded(self, text: str, lanes: int) -> tuple[list[str], str]:
        """What was accumulated, rounded to the element type of the result: the lines, and what is stored."""
        m = Machine(lanes)
        value = m.cast(Value(m, self.type, text, 0), self.dtype)
        return self._written(to_memory(m, value, self.dtype) if self.dtype in HALVES else value, "rounded")

    def _written(self, value: Value, part: str) -> tuple[list[str], str]:
        """The instructions of a machine of its own, and what its value is called among ours."""
        m, ours = value.machine, f"{self.name}.{part}."  # each machine counts its values from one
        m.mark_needed([value])
        self.m.declarations |= m.declarations
        return [line.replace("%v", ours) for line in m.render(m.sections[0], "")[0]], value.text.replace("%v", ours)


# -- columns --------------------------------------------------------------------------------------------------


def columns_start(accumulators: list[Accumulator], lanes: int) -> list[str]:
    """Fill the accumulators of a block of columns, from the block `unit.start` to `unit.ready`."""
    lines = []
    for a in accumulators:
        lines.append(f"  {a.name}.first = getelementptr {a.memory}, ptr {a.name}.all, i64 %f.place")
        lines.append(f"  store {a.filled(lanes)}, ptr {a.name}.first, align 8")
    return [
        "  br label %unit.start",
        "unit.start:",
        "  br i1 %columns.none, label %unit.ready, label %fill",
        "fill:",
        "  %f = phi i64 [ %i0, %unit.start ], [ %f.next, %fill ]",
        "  %f.place = sub i64 %f, %i0",
        *lines,
        f"  %f.next = add i64 %f, {lanes}",
        "  %f.more = icmp slt i64 %f.next, %i1",
        "  br i1 %f.more, label %fill, label %unit.ready",
    ]


def columns_end(accumulators: list[Accumulator], ways: list[Way], lanes: int) -> list[str]:
    """Store the numbers that the columns of a block were reduced to, and go to `unit.done`."""
    final, partial, lines = Access(), Access(), []
    for a, way in zip(accumulators, ways, strict=True):
        name, end = a.name, f"{a.name}.end"
        lines.append(f"  {name}.from = getelementptr {a.memory}, ptr {name}.all, i64 %j.place")
        lines += a.from_memory(end, f"{name}.from", lanes, 8)
        rounded = end
        if a.carried != a.dtype:
            rounding, rounded = a.rounded(end, lanes)
            final.before += rounding
        store(a.m, final, f"%y{a.k}.final", rounded, a.dtype, f"%y{a.k}.unit", "%j", way)
        store(a.m, partial, f"%y{a.k}.part", end, a.carried, f"%y{a.k}.partial", "%j.dense", Way())
    return [
        "  br i1 %columns.none, label %unit.done, label %columns",
        "columns:",
        "  %j = phi i64 [ %i0, %rows.done ], [ %j.next, %columns.stored ]",
        "  %j.place = sub i64 %j, %i0",
        "  %j.left = sub i64 %i1, %j",
        f"  %j.full = icmp sge i64 %j.left, {lanes}",
        "  %j.line = mul i64 %line, %inner",
        "  %j.dense = add i64 %j.line, %j",
        *live(lanes, "%j.left", "%j.live"),
        *lines,
        "  br i1 %several, label %partial, label %final",
        "final:",
        *final.stored("final", "%j.full", "%j.live", "columns.stored"),
        "partial:",
        *partial.stored("partial", "%j.full", "%j.live", "columns.stored"),
        "columns.stored:",
        f"  %j.next = add i64 %j, {lanes}",
        "  %j.more = icmp slt i64 %j.next, %i1",
        "  br i1 %j.more, label %columns, label %unit.done",
    ]


def live(lanes: int, left: str, name: str) -> list[str]:
    """The mask of a step of which only `left` elements are there."""
    vector = f"<{lanes} x i64>"
    numbers = ", ".join(f"i64 {lane}" for lane in range(lanes))
    return [
        f"  {name}.0 = insertelement {vector} poison, i64 {left}, i64 0",
        f"  {name}.v = shufflevector {vector} {name}.0, {vector} poison, <{lanes} x i32> zeroinitializer",
        f"  {name} = icmp sgt {vector} {name}.v, <{numbers}>",
    ]
