"""Loads and stores of the elements of a step: side by side in memory or not, all of them or under a mask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gradtape.engine.frame import MEMORY, SIZES
from gradtape.engine.machine import HALVES, Machine

_WIDTHS = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "bool": "i8"}
_WIDTHS |= dict.fromkeys(HALVES, "i16")


@dataclass
class Access:
    """The lines of IR that load what a step reads, or store what it computed.

    before   for every step; addresses
    whole    for a step of which all elements are there
    tail     for the last step of a row, under %mask
    joined   the values of either kind of step as one
    after    for every step; conversions
    """

    before: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    def stored(self, label: str, full: str, mask: str, next: str) -> list[str]:
        """The lines of a step that stores, up to the branch to `next`."""
        if not self.whole:
            return [*self.before, f"  br label %{next}"]
        return [
            *self.before,
            f"  br i1 {full}, label %{label}.whole, label %{label}.tail",
            f"{label}.whole:",
            *self.whole,
            f"  br label %{next}",
            f"{label}.tail:",
            *[line.replace("%mask", mask) for line in self.tail],
            f"  br label %{next}",
        ]


class Way(NamedTuple):
    """How the elements of a step follow each other in memory.

    Side by side; `stride` apart, of which `{stride}.lanes` are the multiples; or at places from a `list` (its
    address), which begins anew where a block of the inner loop does.
    """

    stride: str = ""
    list: str = ""


def _here(lines: list[str], name: str, memory: str, row: str, index: str, way: Way) -> None:
    """The address of a step's first element, `{name}.here`, or that of its place if places are listed; `row` is where
    index 0 stands, or the block if places are listed.

    Where the others are a stride apart, it is frozen: LLVM would else see that each of their addresses moves on evenly
    from step to step, and keep as many pointers as there are lanes, more than fit into registers, for each operand.
    """
    if way.list:
        lines.append(f"  {name}.past = sub i64 {index}, %i0")
        lines.append(f"  {name}.here = getelementptr i64, ptr {way.list}, i64 {name}.past")
    elif way.stride:
        lines.append(f"  {name}.skip = mul i64 {index}, {way.stride}")
        lines.append(f"  {name}.moves = getelementptr {memory}, ptr {row}, i64 {name}.skip")
        lines.append(f"  {name}.here = freeze ptr {name}.moves")
    else:
        lines.append(f"  {name}.here = getelementptr {memory}, ptr {row}, i64 {index}")


def _one_by_one(lines: list[str], name: str, lanes: int, memory: str, row: str, way: Way) -> list[str]:
    """The addresses of all elements of a step that are not side by side. An address that is a number of its own can be
    that of a load; the elements of a vector of addresses would have to be taken out of it first."""
    if way.list:
        for lane in range(lanes):
            lines.append(f"  {name}.place{lane}.at = getelementptr i64, ptr {name}.here, i64 {lane}")
            lines.append(f"  {name}.place{lane} = load i64, ptr {name}.place{lane}.at")
            lines.append(f"  {name}.at{lane} = getelementptr {memory}, ptr {row}, i64 {name}.place{lane}")
        return [f"{name}.at{lane}" for lane in range(lanes)]
    found = [f"{name}.here"]
    for lane in range(1, lanes):
        lines.append(f"  {name}.at{lane} = getelementptr {memory}, ptr {found[-1]}, i64 {way.stride}")
        found.append(f"{name}.at{lane}")
    return found


def _together(lines: list[str], name: str, lanes: int, memory: str, row: str, way: Way) -> str:
    """The addresses of all elements of a step as one operand, of which those that a mask leaves out are not used."""
    if way == Way():
        return f"ptr {name}.here"
    start, steps = f"{name}.here", f"{way.stride}.lanes"
    if way.list:
        start, steps = row, f"{name}.places"
        lines.append(f"  {steps} = load <{lanes} x i64>, ptr {name}.here, align 8")
    lines.append(f"  {name}.each = getelementptr {memory}, ptr {start}, <{lanes} x i64> {steps}")
    return f"<{lanes} x ptr> {name}.each"


def load(m: Machine, access: Access, name: str, dtype: str, row: str, index: str, way: Way) -> str:
    """Load the elements from `index` of a row: the value's name."""
    n, memory, size = m.lanes, MEMORY[dtype], SIZES[dtype]
    vector, mask = f"<{n} x {memory}>", f"<{n} x i1>"
    apart = way != Way()
    _here(access.before, name, memory, row, index, way)
    if apart:
        so_far = "poison"
        for lane, address in enumerate(_one_by_one(access.whole, name, n, memory, row, way)):
            result = f"{name}.whole" if lane == n - 1 else f"{name}.first{lane + 1}"
            access.whole.append(f"  {name}.one{lane} = load {memory}, ptr {address}, align {size}")
            access.whole.append(f"  {result} = insertelement {vector} {so_far}, {memory} {name}.one{lane}, i64 {lane}")
            so_far = result
    else:
        access.whole.append(f"  {name}.whole = load {vector}, ptr {name}.here, align {size}")
    addresses = _together(access.tail, name, n, memory, row, way)
    kind, pointers = ("gather", f"<{n} x ptr>") if apart else ("load", "ptr")
    symbol = f"llvm.masked.{kind}.v{n}{_WIDTHS[dtype]}.{f'v{n}p0' if apart else 'p0'}"
    m.declarations.add(f"declare {vector} @{symbol}({pointers}, i32, {mask}, {vector})")
    masked = f"call {vector} @{symbol}({addresses}, i32 {size}, {mask} %mask, {vector} zeroinitializer)"
    access.tail.append(f"  {name}.tail = {masked}")
    access.joined.append(f"  {name}.now = phi {vector} [ {name}.whole, %whole ], [ {name}.tail, %tail ]")
    if dtype != "bool":
        return f"{name}.now"
    access.after.append(f"  {name}.truth = icmp ne {vector} {name}.now, zeroinitializer")
    return f"{name}.truth"


def store(m: Machine, access: Access, name: str, text: str, dtype: str, row: str, index: str, way: Way) -> None:
    """Store a vector into the elements from `index` of a row."""
    n, memory, size = m.lanes, MEMORY[dtype], SIZES[dtype]
    vector, mask = f"<{n} x {memory}>", f"<{n} x i1>"
    if dtype == "bool":
        access.before.append(f"  {name}.byte = zext {mask} {text} to {vector}")
        text = f"{name}.byte"
    apart = way != Way()
    _here(access.before, name, memory, row, index, way)
    if apart:
        for lane, address in enumerate(_one_by_one(access.whole, name, n, memory, row, way)):
            access.whole.append(f"  {name}.one{lane} = extractelement {vector} {text}, i64 {lane}")
            access.whole.append(f"  store {memory} {name}.one{lane}, ptr {address}, align {size}")
    else:
        access.whole.append(f"  store {vector} {text}, ptr {name}.here, align {size}")
    addresses = _together(access.tail, name, n, memory, row, way)
    kind, pointers = ("scatter", f"<{n} x ptr>") if apart else ("store", "ptr")
    symbol = f"llvm.masked.{kind}.v{n}{_WIDTHS[dtype]}.{f'v{n}p0' if apart else 'p0'}"
    m.declarations.add(f"declare void @{symbol}({vector}, {pointers}, i32, {mask})")
    access.tail.append(f"  call void @{symbol}({vector} {text}, {addresses}, i32 {size}, {mask} %mask)")
