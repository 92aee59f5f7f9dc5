"""Kernels over arrays: the loops around the body, written as LLVM IR.

    for unit in start..stop:              one index of the outer loops, a block of the middle and one of the inner loop
        for r in block of the middle:     (only in deep kernels)
            for i in block of the inner, LANES at a time:
                load operands; body; store results, or combine them into accumulators
        store what was accumulated

A unit is what threads share out. The last, incomplete step of a row loads and stores under a mask. If the inner axis is
reduced, the accumulators are the lanes that `engine.combine` speaks of; if the middle one is, there is one for
each element of the inner block.
"""

from __future__ import annotations

from gradtape.engine.access import Access, Way, load, store
from gradtape.engine.accumulate import Accumulator, columns_end, columns_start, live
from gradtape.engine.combine import WIDTH
from gradtape.engine.frame import ENTRY, MEMORY, Frame, LoopWords, run_body
from gradtape.engine.halves import from_memory, to_memory
from gradtape.engine.machine import HALVES, LANES, TYPES, Value
from gradtape.engine.steps import KernelSpec
from gradtape.graph.node import TABLE

UNIT = 1
"""The section of a loop nest after ENTRY; in deep kernels one per row follows; the last one is per step."""

LIGHT = 8
"""Operations up to which a body leaves registers free, so that a step may be as wide as all accumulators."""


def lanes_of(spec: KernelSpec) -> int:
    """How many elements a step handles. This changes no bits: the order of a reduction is defined without it."""
    light = len(spec.body) <= LIGHT and not any(TABLE[name].costly for name, _, _ in spec.body)
    return WIDTH if light and spec.reduces == "inner" else LANES


class Loops(Frame):
    def __init__(self, spec: KernelSpec):
        super().__init__(spec, lanes_of(spec), 4 if spec.deep else 3)
        self.lanes = self.m.lanes
        self.row, self.step = (2, 3) if spec.deep else (UNIT, 2)
        self.words = LoopWords(spec)
        self.loops = self.argument(self.at.loops, "ptr", "loops")
        self.unit_lines: list[str] = []  # addresses at the start of a unit
        self.row_lines: list[str] = []  # addresses and numbers at the start of a row
        self.loads = Access()
        self.stores = Access()
        self.accumulators: list[Accumulator] = []

    def word(self, position: int, name: str) -> str:
        """One of the numbers that are the same in all calls."""
        self.entry.append(f"  %{name}.at = getelementptr i64, ptr {self.loops}, i64 {position}")
        self.entry.append(f"  %{name} = load i64, ptr %{name}.at")
        return f"%{name}"

    # -- operands and results ---------------------------------------------------------------------------------

    def follow(self, name: str, pointer: str, memory: str, words: int, rows: bool, access: str = "") -> str:
        """The address of an array at the present unit, or its present row; if it is listed, at the present block."""
        unit, outer, offset = self.unit_lines, self.spec.outer, "0"
        for loop in range(outer):
            stride = self.word(words + loop, f"{name}.stride{loop}")
            unit.append(f"  %{name}.o{loop} = mul i64 %index{loop}, {stride}")
            unit.append(f"  %{name}.s{loop} = add i64 {offset}, %{name}.o{loop}")
            offset = f"%{name}.s{loop}"
        if access == "listed":
            stride = self.word(words + outer + 1, f"{name}.strideb")
            unit.append(f"  %{name}.ob = mul i64 %inner.block, {stride}")
            unit.append(f"  %{name}.sb = add i64 {offset}, %{name}.ob")
            offset = f"%{name}.sb"
        unit.append(f"  %{name}.unit = getelementptr {memory}, ptr {pointer}, i64 {offset}")
        if not rows:
            return f"%{name}.unit"
        stride = self.word(words + outer, f"{name}.strider")
        self.row_lines.append(f"  %{name}.ro = mul i64 %r, {stride}")
        self.row_lines.append(f"  %{name}.row = getelementptr {memory}, ptr %{name}.unit, i64 %{name}.ro")
        return f"%{name}.row"

    def way(self, name: str, words: int, access: str) -> Way:
        """How the inner loop walks through an array."""
        if access == "listed":
            address = self.word(words + self.spec.outer + 2, f"{name}.address")
            self.entry.append(f"  %{name}.list = inttoptr i64 {address} to ptr")
            return Way(list=f"%{name}.list")
        if access != "strided":
            return Way()
        stride = self.word(words + self.spec.outer + 1, f"{name}.stride")
        spread = self.splat(stride, "i64", ENTRY, self.entry)
        numbers = ", ".join(f"i64 {lane}" for lane in range(self.lanes))
        self.entry.append(f"  {stride}.lanes = mul <{self.lanes} x i64> {spread.text}, <{numbers}>")
        return Way(stride)

    def operand(self, i: int) -> Value:
        dtype, access = self.spec.operands[i]
        position = self.at.operands[i]
        if access == "scalar":
            return self.number(position, dtype, f"x{i}")
        memory, words = MEMORY[dtype], self.words.operands[i]
        row = self.follow(f"x{i}", self.argument(position, "ptr", f"x{i}"), memory, words, self.spec.deep, access)
        if access == "row":
            lines = self.row_lines if self.spec.deep else self.unit_lines
            lines.append(f"  %x{i}.value = load {memory}, ptr {row}")
            text = f"%x{i}.value"
            if dtype == "bool":
                lines.append(f"  {text}.b = icmp ne i8 {text}, 0")
                text += ".b"
            if dtype in HALVES:
                return from_memory(self.m, self.splat(text, "i16", self.row, lines), dtype)
            return self.splat(text, TYPES[dtype], self.row, lines)
        text = load(self.m, self.loads, f"%x{i}", dtype, row, "%i", self.way(f"x{i}", words, access))
        if dtype in HALVES:
            return from_memory(self.m, Value(self.m, "i16", text, self.step), dtype)
        return Value(self.m, TYPES[dtype], text, self.step)

    def result(self, k: int, value: Value) -> Value:
        """Store the results of a step: what of it stands in memory."""
        dtype, words = self.spec.outputs[k][1], self.words.outputs[k]
        if dtype in HALVES:
            value = to_memory(self.m, value, dtype)
        pointer = self.argument(self.at.outputs[k], "ptr", f"y{k}")
        access = self.spec.stores[k]
        row = self.follow(f"y{k}", pointer, MEMORY[dtype], words, self.spec.deep, access)
        store(self.m, self.stores, f"%y{k}", value.text, dtype, row, "%i", self.way(f"y{k}", words, access))
        return value

    def accumulate(self, k: int, value: Value) -> None:
        """Combine the values of a step with what was accumulated."""
        _, dtype, reduction = self.spec.outputs[k]
        pointer = self.argument(self.at.outputs[k], "ptr", f"y{k}")
        self.argument(self.at.outputs[k] + 1, "ptr", f"y{k}.partial")
        self.follow(f"y{k}", pointer, MEMORY[dtype], self.words.outputs[k], False)
        a = Accumulator(k, dtype, reduction, self.m, self.spec.deep)
        self.entry += a.reserve()
        a.step(value, self.step, self.loads, self.stores)
        self.accumulators.append(a)

    # -- the nest ---------------------------------------------------------------------------------------------

    def text(self) -> str:
        spec, m, words = self.spec, self.m, self.words
        for loop in range(spec.outer):
            self.word(words.lengths + loop, f"length{loop}")
        self.word(words.lengths + spec.outer, "middle")
        self.word(words.lengths + spec.outer + 1, "inner")
        self.word(words.sizes, "middle.size")
        self.word(words.sizes + 1, "inner.size")
        self.word(words.blocks, "middle.blocks")
        self.word(words.blocks + 1, "inner.blocks")
        self.entry.append(f"  %several = icmp sgt i64 {'%middle.blocks' if spec.deep else '%inner.blocks'}, 1")
        operands = [self.operand(i) for i in range(len(spec.operands))]
        roots = []
        for k, value in enumerate(run_body(m, spec, operands)):
            if spec.outputs[k][2]:
                self.accumulate(k, value)
                roots.append(self.accumulators[-1].after)
            else:
                roots.append(self.result(k, value))
        m.mark_needed(roots)
        entry, _ = m.render(m.sections[ENTRY], "entry")
        nest = self._deep() if spec.deep else self._flat()
        return self.module(
            [
                *entry,
                "  %none = icmp sge i64 %start, %stop",
                "  br i1 %none, label %return, label %first",
                "first:",
                *self._first_unit(),
                "  br label %unit",
                "unit:",
                *self._unit(),
                *nest,
                "unit.done:",
                *self._next_unit(),
                "  br i1 %units.left, label %unit, label %return",
                "return:",
                "  ret void",
            ]
        )

    def _counters(self) -> list[tuple[str, str]]:
        """What counts units, fastest first: (name, length)."""
        counters = [("inner.block", "%inner.blocks")]
        if self.spec.deep:
            counters.append(("middle.block", "%middle.blocks"))
        return counters + [(f"index{loop}", f"%length{loop}") for loop in reversed(range(self.spec.outer))]

    def _first_unit(self) -> list[str]:
        lines, rest = [], "%start"
        for name, length in self._counters():
            lines.append(f"  %{name}.first = srem i64 {rest}, {length}")
            lines.append(f"  %{name}.rest = sdiv i64 {rest}, {length}")
            rest = f"%{name}.rest"
        return lines

    def _unit(self) -> list[str]:
        """The head of the loop over units: which blocks a unit is."""
        names = [name for name, _ in self._counters()]
        lines = [
            "  %u = phi i64 [ %start, %first ], [ %u.next, %unit.done ]",
            *[f"  %{name} = phi i64 [ %{name}.first, %first ], [ %{name}.next, %unit.done ]" for name in names],
            "  %line = phi i64 [ %inner.block.rest, %first ], [ %line.next, %unit.done ]",
        ]
        for first, last, loop in [("i0", "i1", "inner")] + ([("r0", "r1", "middle")] if self.spec.deep else []):
            lines += [
                f"  %{first} = mul i64 %{loop}.block, %{loop}.size",
                f"  %{last}.full = add i64 %{first}, %{loop}.size",
                f"  %{last}.over = icmp sgt i64 %{last}.full, %{loop}",
                f"  %{last} = select i1 %{last}.over, i64 %{loop}, i64 %{last}.full",
            ]
        section, _ = self.m.render(self.m.sections[UNIT], "unit")
        return [*lines, "  %columns.none = icmp sge i64 %i0, %i1", *self.unit_lines, *section]

    def _next_unit(self) -> list[str]:
        lines, carry = ["  %u.next = add i64 %u, 1", "  %units.left = icmp slt i64 %u.next, %stop"], "1"
        for name, length in self._counters():
            lines += [
                f"  %{name}.more = add i64 %{name}, {carry}",
                f"  %{name}.wraps = icmp eq i64 %{name}.more, {length}",
                f"  %{name}.next = select i1 %{name}.wraps, i64 0, i64 %{name}.more",
                f"  %{name}.carry = zext i1 %{name}.wraps to i64",
            ]
            carry = f"%{name}.carry"
        return [*lines, "  %line.next = add i64 %line, %inner.block.carry"]

    def _steps(self, before: str, after: str) -> list[str]:
        """The inner loop, entered from the block `before` and left to the block `after`."""
        m = self.m
        body, _ = m.render(m.sections[self.step], "body")
        return [
            "step:",
            f"  %i = phi i64 [ %i0, %{before} ], [ %i.next, %next ]",
            *[line for a in self.accumulators for line in a.register(a.name, before)],
            "  %left = sub i64 %i1, %i",
            f"  %full = icmp sge i64 %left, {self.lanes}",
            *self.loads.before,
            "  br i1 %full, label %whole, label %tail",
            "whole:",
            *self.loads.whole,
            "  br label %body",
            "tail:",
            *live(self.lanes, "%left", "%tail.live"),
            *[line.replace("%mask", "%tail.live") for line in self.loads.tail],
            "  br label %body",
            "body:",
            f"  %live = phi <{self.lanes} x i1> [ {m.const('i1', True).text}, %whole ], [ %tail.live, %tail ]",
            *self.loads.joined,
            *self.loads.after,
            *body,
            *self.stores.stored("results", "%full", "%live", "next"),
            "next:",
            f"  %i.next = add i64 %i, {self.lanes}",
            "  %more = icmp slt i64 %i.next, %i1",
            f"  br i1 %more, label %step, label %{after}",
        ]

    def _flat(self) -> list[str]:
        return [
            *[line for a in self.accumulators for line in a.row_start()],
            "  br label %unit.ready",
            "unit.ready:",
            "  br i1 %columns.none, label %row.done, label %step",
            *self._steps("unit.ready", "row.done"),
            "row.done:",
            *[line for a in self.accumulators for line in a.register(f"{a.name}.end", "unit.ready")],
            *[line for a in self.accumulators for line in a.row_end()],
            "  br label %unit.done",
        ]

    def _deep(self) -> list[str]:
        section, _ = self.m.render(self.m.sections[self.row], "row")
        start, end = ["  br label %unit.ready"], ["  br label %unit.done"]
        if self.accumulators:
            start = columns_start(self.accumulators, self.lanes)
            ways = [self.way(f"y{a.k}", self.words.outputs[a.k], self.spec.stores[a.k]) for a in self.accumulators]
            end = columns_end(self.accumulators, ways, self.lanes)
        return [
            *start,
            "unit.ready:",
            "  %rows.none = icmp sge i64 %r0, %r1",
            "  br i1 %rows.none, label %rows.done, label %row",
            "row:",
            "  %r = phi i64 [ %r0, %unit.ready ], [ %r.next, %row.done ]",
            *self.row_lines,
            *section,
            "  br label %row.ready",
            "row.ready:",
            "  br i1 %columns.none, label %row.done, label %step",
            *self._steps("row.ready", "row.done"),
            "row.done:",
            "  %r.next = add i64 %r, 1",
            "  %rows.left = icmp slt i64 %r.next, %r1",
            "  br i1 %rows.left, label %row, label %rows.done",
            "rows.done:",
            *end,
        ]
