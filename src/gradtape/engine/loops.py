"""Kernels over arrays: the loops around the body, written as LLVM IR.

    for unit in start..stop:                a row of the outer loops, and a block of the innermost axis
        for i in block, step LANES:         (if the axis before the innermost is reduced: for each i, over that axis)
            load operands; body; store results, or combine them into the lanes of an accumulator
        store the block's accumulators

A unit is what threads share out. The last, incomplete step of a block copies its operands to the stack and runs the
same body.
"""

from __future__ import annotations

from gradtape.engine.combine import BLOCK, COMBINE, ROWS, Combine, accumulator
from gradtape.engine.frame import ENTRY, MEMORY, SIZES, Frame, run_body
from gradtape.engine.machine import LANES, TYPES, Machine, Value
from gradtape.engine.plan import KernelSpec

UNIT, STEP, DEEP = 1, 2, 3
"""The sections of a loop nest after ENTRY: per unit, per step, per step of a reduced axis before the innermost."""


UNIT_END = [
    "unit.done:",
    "  %u.next = add i64 %u, 1",
    "  %units.left = icmp slt i64 %u.next, %stop",
    "  br i1 %units.left, label %unit, label %return",
    "return:",
    "  ret void",
]


class Loops(Frame):
    def __init__(self, spec: KernelSpec):
        self.deep = spec.reduces == "outer"
        super().__init__(spec, LANES, 4 if self.deep else 3)
        self.inner = DEEP if self.deep else STEP  # the section in which operands are loaded
        self.unit: list[str] = []  # lines at the start of a unit, before its hoisted instructions
        self.direct: list[str] = []  # addresses of a step's operands
        self.tail: list[str] = []  # what an incomplete step copies in
        self.ready: list[str] = []  # loads of a step
        self.stores: list[str] = []
        self.finish: list[str] = []  # what an incomplete step copies out

    # -- operands ---------------------------------------------------------------------------------------------

    def operand(self, i: int) -> Value:
        dtype, access = self.spec.operands[i]
        position = self.at.operands[i]
        if access == "scalar":
            return self.number(position, dtype, f"x{i}")
        pointer = self.argument(position, "ptr", f"x{i}")
        memory, outer = MEMORY[dtype], self.spec.outer
        offset = "0"
        for loop in range(outer):
            stride = self.argument(position + 1 + loop, "i64", f"x{i}.stride{loop}")
            self.unit.append(f"  %x{i}.o{loop} = mul i64 %index{loop}, {stride}")
            self.unit.append(f"  %x{i}.s{loop} = add i64 {offset}, %x{i}.o{loop}")
            offset = f"%x{i}.s{loop}"
        self.unit.append(f"  %x{i}.row = getelementptr {memory}, ptr {pointer}, i64 {offset}")
        row = f"%x{i}.row"
        if self.deep:
            stride = self.argument(position + 1 + outer, "i64", f"x{i}.strider")
            self.direct.append(f"  %x{i}.ro = mul i64 %r, {stride}")
            self.direct.append(f"  %x{i}.r = getelementptr {memory}, ptr {row}, i64 %x{i}.ro")
            row = f"%x{i}.r"
        if access == "row":
            lines, depth = (self.direct, self.inner) if self.deep else (self.unit, UNIT)
            lines.append(f"  %x{i}.value = load {memory}, ptr {row}")
            text = f"%x{i}.value"
            if dtype == "bool":
                lines.append(f"  {text}.b = icmp ne i8 {text}, 0")
                text += ".b"
            return self.splat(text, TYPES[dtype], depth, lines)
        size = SIZES[dtype]
        self.entry.append(f"  %x{i}.copy = alloca <{LANES} x {memory}>")
        self.entry.append(f"  store <{LANES} x {memory}> zeroinitializer, ptr %x{i}.copy")
        self.direct.append(f"  %x{i}.direct = getelementptr {memory}, ptr {row}, i64 %i")
        self.tail.append(f"  %x{i}.bytes = mul i64 %left, {size}")
        self.tail.append(
            f"  call void @llvm.memcpy.p0.p0.i64(ptr %x{i}.copy, ptr %x{i}.direct, i64 %x{i}.bytes, i1 false)"
        )
        self.ready.insert(0, f"  %x{i}.from = phi ptr [ %x{i}.direct, %step ], [ %x{i}.copy, %tail ]")
        self.ready.append(f"  %x{i}.now = load <{LANES} x {memory}>, ptr %x{i}.from, align {size}")
        text = f"%x{i}.now"
        if dtype == "bool":
            self.ready.append(f"  {text}.b = icmp ne <{LANES} x i8> {text}, zeroinitializer")
            text += ".b"
        return Value(self.m, TYPES[dtype], text, self.inner)

    # -- results ----------------------------------------------------------------------------------------------

    def store(self, k: int, value: Value, dtype: str, pointer: str, offset: str, lines: list[str]) -> None:
        """Store a vector at pointer + offset; an incomplete one goes through the stack."""
        memory, size = MEMORY[dtype], SIZES[dtype]
        text = value.text
        self.entry.append(f"  %y{k}.copy = alloca <{LANES} x {memory}>")
        if dtype == "bool":
            lines.append(f"  %y{k}.byte = zext <{LANES} x i1> {text} to <{LANES} x i8>")
            text = f"%y{k}.byte"
        lines.append(f"  %y{k}.direct = getelementptr {memory}, ptr {pointer}, i64 {offset}")
        lines.append(f"  %y{k}.to = select i1 %full, ptr %y{k}.direct, ptr %y{k}.copy")
        lines.append(f"  store <{LANES} x {memory}> {text}, ptr %y{k}.to, align {size}")
        self.finish.append(f"  %y{k}.bytes = mul i64 %left, {size}")
        self.finish.append(
            f"  call void @llvm.memcpy.p0.p0.i64(ptr %y{k}.direct, ptr %y{k}.copy, i64 %y{k}.bytes, i1 false)"
        )

    def elementwise_output(self, k: int, value: Value) -> None:
        dtype = self.spec.outputs[k][1]
        pointer = self.argument(self.at.outputs[k], "ptr", f"y{k}")
        self.unit.append(f"  %y{k}.row0 = mul i64 %row, %middle")
        if self.deep:
            self.direct.append(f"  %y{k}.row1 = add i64 %y{k}.row0, %r")
            row, lines = f"%y{k}.row1", self.direct
        else:
            row, lines = f"%y{k}.row0", self.unit
        lines.append(f"  %y{k}.row = mul i64 {row}, %inner")
        self.stores.append(f"  %y{k}.offset = add i64 %y{k}.row, %i")
        self.store(k, value, dtype, pointer, f"%y{k}.offset", self.stores)

    def text(self) -> str:
        spec, m, at = self.spec, self.m, self.at
        outer = spec.outer
        for loop in range(outer):
            self.argument(at.lengths + loop, "i64", f"length{loop}")
        self.argument(at.lengths + outer, "i64", "middle")
        self.argument(at.lengths + outer + 1, "i64", "inner")
        self.argument(at.units_per_row, "i64", "units")
        operands = [self.operand(i) for i in range(len(spec.operands))]
        results = run_body(m, spec, operands)
        reductions: list[tuple[int, Value, Combine, str]] = []
        for k, ((_, dtype, reduction), value) in enumerate(zip(spec.outputs, results, strict=True)):
            if reduction:
                carried = accumulator(dtype, reduction)
                reductions.append((k, m.cast(value, carried), COMBINE[reduction], carried))
            else:
                self.elementwise_output(k, value)
        before = {k: Value(m, v.type, f"%acc{k}", self.inner) for k, v, _, _ in reductions}
        after: dict[int, Value] = {}
        for k, value, combine, _ in reductions:
            counted = value
            if not self.deep:  # lanes beyond the end do not count
                live = Value(m, "i1", "%live", self.inner)
                counted = m.select(live, value, m.const(value.type, combine.start(value.type)))
            after[k] = combine.function(m, before[k], counted)
        roots = [v for v, o in zip(results, spec.outputs, strict=True) if not o[2]]
        m.mark_needed([*roots, *after.values()])
        if self.deep:
            return self.module(self._deep_loops(reductions, after))
        return self.module(self._loops(reductions, after))

    def _unit_start(self, block: int, length: str) -> list[str]:
        """The head of the loop over units: which row and block a unit is."""
        lines = [
            "  %none = icmp sge i64 %start, %stop",
            "  br i1 %none, label %return, label %unit",
            "unit:",
            "  %u = phi i64 [ %start, %entry.end ], [ %u.next, %unit.done ]",
            "  %row = sdiv i64 %u, %units",
            "  %row.units = mul i64 %row, %units",
            "  %block = sub i64 %u, %row.units",
            f"  %begin = mul i64 %block, {block}",
            f"  %end.full = add i64 %begin, {block}",
            f"  %end.over = icmp sgt i64 %end.full, {length}",
            f"  %end = select i1 %end.over, i64 {length}, i64 %end.full",
        ]
        rest = "%row"
        for loop in reversed(range(self.spec.outer)):
            lines.append(f"  %rest{loop} = sdiv i64 {rest}, %length{loop}")
            lines.append(f"  %whole{loop} = mul i64 %rest{loop}, %length{loop}")
            lines.append(f"  %index{loop} = sub i64 {rest}, %whole{loop}")
            rest = f"%rest{loop}"
        return lines

    def _entry_section(self) -> list[str]:
        lines, _ = self.m.render(self.m.sections[ENTRY], "entry")
        return [*lines, "  br label %entry.end", "entry.end:"]

    def _step(self, left: str) -> list[str]:
        """From the addresses of a step's operands to its body; an incomplete step copies them first."""
        return [
            *self.direct,
            f"  %left = sub i64 {left}, %i",
            f"  %full = icmp sge i64 %left, {LANES}",
            "  br i1 %full, label %body, label %tail",
            "tail:",
            *self.tail,
            "  br label %body",
            "body:",
            *self.ready,
        ]

    def _loops(self, reductions: list, after: dict[int, Value]) -> list[str]:
        m = self.m
        unit_lines, unit_end = m.render(m.sections[UNIT], "unit")
        body, _ = m.render(m.sections[STEP], "body")
        starts = {k: m.const(v.type, c.start(v.type)) for k, v, c, _ in reductions}
        accumulators = [
            f"  %acc{k} = phi {m.vector(v.type)} [ {starts[k].text}, %{unit_end} ], [ {after[k].text}, %next ]"
            for k, v, _, _ in reductions
        ]
        live: list[str] = []
        if reductions:
            self.ready.append(f"  %left.0 = insertelement <{LANES} x i64> poison, i64 %left, i64 0")
            self.ready.append(
                f"  %left.v = shufflevector <{LANES} x i64> %left.0, <{LANES} x i64> poison, "
                f"<{LANES} x i32> zeroinitializer"
            )
            lanes = ", ".join(f"i64 {lane}" for lane in range(LANES))
            self.ready.append(f"  %live = icmp sgt <{LANES} x i64> %left.v, <{lanes}>")
        lines = [
            *self._entry_section(),
            *self._unit_start(BLOCK, "%inner"),
            *self.unit,
            *unit_lines,
            "  %empty = icmp sge i64 %begin, %end",
            "  br i1 %empty, label %block.done, label %step",
            "step:",
            f"  %i = phi i64 [ %begin, %{unit_end} ], [ %i.next, %next ]",
            *accumulators,
            *self._step("%end"),
            *live,
            *body,
            *self.stores,
            "  br i1 %full, label %next, label %finish",
            "finish:",
            *self.finish,
            "  br label %next",
            "next:",
            f"  %i.next = add i64 %i, {LANES}",
            "  %more = icmp slt i64 %i.next, %end",
            "  br i1 %more, label %step, label %block.done",
            "block.done:",
        ]
        for k, v, _, _ in reductions:
            lines.append(
                f"  %acc{k}.end = phi {m.vector(v.type)} [ {starts[k].text}, %{unit_end} ], [ {after[k].text}, %next ]"
            )
        for k, v, combine, carried in reductions:
            tree, total = self._across_lanes(k, v.type, combine)
            lines += [*tree, *self._store_number(k, total, carried)]
        return [
            *lines,
            "  br label %unit.done",
            *UNIT_END,
        ]

    def _across_lanes(self, k: int, type: str, combine: Combine) -> tuple[list[str], str]:
        """The lanes of an accumulator combined as a tree, halves with halves: the lines, and the result's name."""
        m = Machine(1)
        vector = f"<{LANES} x {type}>"
        lines = [f"  %acc{k}.lane{j} = extractelement {vector} %acc{k}.end, i64 {j}" for j in range(LANES)]
        values = [Value(m, type, f"%acc{k}.lane{j}", 0) for j in range(LANES)]
        while len(values) > 1:
            half = len(values) // 2
            values = [combine.function(m, values[j], values[j + half]) for j in range(half)]
        m.mark_needed(values)
        text, _ = m.render(m.sections[0], "")
        self.m.declarations |= m.declarations
        lines += [line.replace("%v", f"%acc{k}.v") for line in text]
        return lines, values[0].text.replace("%v", f"%acc{k}.v")

    def _store_number(self, k: int, text: str, carried: str) -> list[str]:
        """Store one reduced number: the result, or a partial result if a row has several units."""
        dtype = self.spec.outputs[k][1]
        self.argument(self.at.outputs[k], "ptr", f"y{k}")
        self.argument(self.at.outputs[k] + 1, "ptr", f"y{k}.partial")
        self.entry.append(f"  %y{k}.one = icmp eq i64 %units, 1")
        lines = [f"  br i1 %y{k}.one, label %final{k}, label %partial{k}", f"final{k}:"]
        result, memory = text, MEMORY[dtype]
        if carried != dtype:
            lines.append(f"  %y{k}.rounded = fptrunc double {text} to float")
            result = f"%y{k}.rounded"
        elif dtype == "bool":
            lines.append(f"  %y{k}.byte = zext i1 {text} to i8")
            result = f"%y{k}.byte"
        lines += [
            f"  %y{k}.final = getelementptr {memory}, ptr %y{k}, i64 %row",
            f"  store {memory} {result}, ptr %y{k}.final",
            f"  br label %stored{k}",
            f"partial{k}:",
        ]
        if dtype == "bool":
            lines.append(f"  %y{k}.byte2 = zext i1 {text} to i8")
            text = f"%y{k}.byte2"
        return [
            *lines,
            f"  %y{k}.slot = getelementptr {MEMORY[carried]}, ptr %y{k}.partial, i64 %u",
            f"  store {MEMORY[carried]} {text}, ptr %y{k}.slot",
            f"  br label %stored{k}",
            f"stored{k}:",
        ]

    def _deep_loops(self, reductions: list, after: dict[int, Value]) -> list[str]:
        """The reduced axis is the one before the innermost: for each step along the innermost, loop over it."""
        m = self.m
        unit_lines, unit_end = m.render(m.sections[UNIT], "unit")
        step_lines, step_end = m.render(m.sections[STEP], "column")
        body, _ = m.render(m.sections[DEEP], "body")
        starts = {k: m.const(v.type, c.start(v.type)) for k, v, c, _ in reductions}
        edges = (f"%{step_end}", "%next")
        finish, self.finish = self.finish, []
        lines = [
            *self._entry_section(),
            *self._unit_start(ROWS, "%middle"),
            *self.unit,
            *unit_lines,
            "  %no.columns = icmp sge i64 0, %inner",
            "  br i1 %no.columns, label %unit.done, label %column",
            "column:",
            f"  %i = phi i64 [ 0, %{unit_end} ], [ %i.next, %column.done ]",
            *step_lines,
            "  %empty = icmp sge i64 %begin, %end",
            "  br i1 %empty, label %rows.done, label %step",
            "step:",
            f"  %r = phi i64 [ %begin, {edges[0]} ], [ %r.next, %next ]",
            *[
                f"  %acc{k} = phi {m.vector(v.type)} [ {starts[k].text}, {edges[0]} ], [ {after[k].text}, {edges[1]} ]"
                for k, v, _, _ in reductions
            ],
            *self._step("%inner"),
            *body,
            *self.stores,
            "  br i1 %full, label %next, label %finish",
            "finish:",
            *finish,
            "  br label %next",
            "next:",
            "  %r.next = add i64 %r, 1",
            "  %more = icmp slt i64 %r.next, %end",
            "  br i1 %more, label %step, label %rows.done",
            "rows.done:",
        ]
        for k, v, _, _ in reductions:
            lines.append(
                f"  %acc{k}.end = phi {m.vector(v.type)} [ {starts[k].text}, {edges[0]} ], "
                f"[ {after[k].text}, {edges[1]} ]"
            )
        lines += [
            "  %columns.left = sub i64 %inner, %i",
            f"  %columns.full = icmp sge i64 %columns.left, {LANES}",
        ]
        for k, v, _, carried in reductions:
            lines += self._store_columns(k, Value(m, v.type, f"%acc{k}.end", STEP), carried)
        return [
            *lines,
            "  br label %column.done",
            "column.done:",
            f"  %i.next = add i64 %i, {LANES}",
            "  %columns.more = icmp slt i64 %i.next, %inner",
            "  br i1 %columns.more, label %column, label %unit.done",
            *UNIT_END,
        ]

    def _store_columns(self, k: int, value: Value, carried: str) -> list[str]:
        """Store a vector of reduced numbers: results, or partial results if a row has several units."""
        dtype = self.spec.outputs[k][1]
        self.argument(self.at.outputs[k], "ptr", f"y{k}")
        self.argument(self.at.outputs[k] + 1, "ptr", f"y{k}.partial")
        self.entry.append(f"  %y{k}.one = icmp eq i64 %units, 1")
        lines = [f"  br i1 %y{k}.one, label %final{k}, label %partial{k}"]
        for name, held, pointer, at in (
            ("final", dtype, f"%y{k}", "%row"),
            ("partial", carried, f"%y{k}.partial", "%u"),
        ):
            p, memory, text = f"%y{k}.{name}", MEMORY[held], value.text
            self.entry.append(f"  {p}.copy = alloca <{LANES} x {memory}>")
            lines += [f"{name}{k}:", f"  {p}.base = mul i64 {at}, %inner", f"  {p}.offset = add i64 {p}.base, %i"]
            if held != carried:
                lines.append(f"  {p}.rounded = fptrunc <{LANES} x double> {text} to <{LANES} x float>")
                text = f"{p}.rounded"
            elif held == "bool":
                lines.append(f"  {p}.byte = zext <{LANES} x i1> {text} to <{LANES} x i8>")
                text = f"{p}.byte"
            lines += [
                f"  {p}.direct = getelementptr {memory}, ptr {pointer}, i64 {p}.offset",
                f"  {p}.to = select i1 %columns.full, ptr {p}.direct, ptr {p}.copy",
                f"  store <{LANES} x {memory}> {text}, ptr {p}.to, align {SIZES[held]}",
                f"  br i1 %columns.full, label %stored{k}, label %{name}{k}.tail",
                f"{name}{k}.tail:",
                f"  {p}.bytes = mul i64 %columns.left, {SIZES[held]}",
                f"  call void @llvm.memcpy.p0.p0.i64(ptr {p}.direct, ptr {p}.copy, i64 {p}.bytes, i1 false)",
                f"  br label %stored{k}",
            ]
        return [*lines, f"stored{k}:"]
