"""The machine: values and instructions, written down as LLVM IR.

Lowerings and elementary functions are ordinary Python code on `Value`s (``r = x - k * LN2``); each
operation appends one LLVM instruction. Three properties are kept here so that nobody else has to care:

* **Lanes.** Every value is a vector of `lanes` elements (or a scalar when ``lanes == 1``). The operations
  are IEEE operations without fast-math, so a lane holds the same bits whatever the number of lanes.
* **Sharing.** The same operation on the same operands is the same value.
* **Sections.** A kernel is a nest of sections (entry, per row, per step). An instruction goes into the
  outermost section in which all its operands exist, so what does not change in a loop is computed outside it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

LANES = 8
"""Elements that one step of a kernel's inner loop handles, on every machine. LLVM splits or joins them into
whatever the host's registers hold; reductions are defined in terms of it, so it is part of what the bits are."""

FLOATS = ("float", "double")
HALVES = ("float16", "bfloat16")
TYPES = {"float32": "float", "float64": "double", "int32": "i32", "int64": "i64", "bool": "i1"}
TYPES |= dict.fromkeys(HALVES, "float")
"""The element type of values in a kernel, by the name of the tensor's element type."""
_BITS = {"float": "i32", "double": "i64"}


class Value:
    """One SSA value: a name or constant, its element type and the section that it lives in."""

    __slots__ = ("depth", "machine", "source", "text", "type")

    def __init__(self, machine: Machine, type: str, text: str, depth: int, source: Instruction | None = None):
        self.machine = machine
        self.type = type
        self.text = text
        self.depth = depth
        self.source = source

    def __repr__(self) -> str:
        return f"<{self.type} {self.text}>"

    # Arithmetic: on integers the integer instruction, on floats the IEEE one.
    def __add__(self, other: Operand) -> Value:
        return self.machine.arith("add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self.machine.arith("add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self.machine.arith("sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.machine.arith("sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.machine.arith("mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self.machine.arith("mul", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return self.machine.arith("div", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self.machine.arith("div", other, self)

    def __neg__(self) -> Value:
        if self.type in FLOATS:
            return self.machine.emit("fneg", self.type, [self])
        return self.machine.arith("sub", 0, self)

    # Bits of integers and of i1.
    def __and__(self, other: Operand) -> Value:
        return self.machine.arith("and", self, other)

    def __or__(self, other: Operand) -> Value:
        return self.machine.arith("or", self, other)

    def __xor__(self, other: Operand) -> Value:
        return self.machine.arith("xor", self, other)

    def __lshift__(self, other: Operand) -> Value:
        return self.machine.arith("shl", self, other)

    def __rshift__(self, other: Operand) -> Value:
        """Arithmetic (sign-keeping) shift to the right."""
        return self.machine.arith("ashr", self, other)

    # Ordered comparisons: False where an operand is NaN. `!=` and `==` are methods, see Machine.equal.
    def __lt__(self, other: Operand) -> Value:
        return self.machine.compare("lt", self, other)

    def __le__(self, other: Operand) -> Value:
        return self.machine.compare("le", self, other)

    def __gt__(self, other: Operand) -> Value:
        return self.machine.compare("gt", self, other)

    def __ge__(self, other: Operand) -> Value:
        return self.machine.compare("ge", self, other)


Operand = Value | float | int


class Instruction:
    """One line of IR; `branch` instead holds a region that is entered only when its condition is true."""

    __slots__ = ("branch", "needed", "operands", "result", "text")

    def __init__(self, text: str, operands: Sequence[Value], result: Value | None, branch: Branch | None = None):
        self.text = text
        self.operands = operands
        self.result = result
        self.branch = branch
        self.needed = False


class Branch:
    """``if any(condition): slow`` with one phi for each pair of (usual, slow) values."""

    def __init__(self, number: int, condition: Value, pairs: list[tuple[Value, Value, Value]], body: list[Instruction]):
        self.number = number
        self.condition = condition
        self.pairs = pairs
        self.body = body


class Machine:
    """Collects the instructions of one kernel in `sections`; section 0 is entered once, the last is the inner loop."""

    def __init__(self, lanes: int, depth: int = 1):
        self.lanes = lanes
        self.sections: list[list[Instruction]] = [[] for _ in range(depth)]
        self.declarations: set[str] = set()
        self.tables: Value | None = None  # address of the constant tables, set by whoever writes the kernel's frame
        self._shared: list[dict[tuple, Value]] = [{}]
        self._branches: list[dict[tuple, list[Value]]] = [{}]
        self._regions: list[tuple[int, list[Instruction]]] = []
        self._count = 0

    # -- writing instructions ---------------------------------------------------------------------------------

    def fresh(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def vector(self, type: str) -> str:
        """The IR spelling of a value of this element type."""
        return type if self.lanes == 1 or type == "ptr" else f"<{self.lanes} x {type}>"

    def const(self, type: str, number: float | int | bool) -> Value:
        """The same number in every lane. A float that the type cannot hold exactly is an error in the caller."""
        if type in FLOATS:
            text = constant_bits(float(number))
        elif type == "i1":
            text = "true" if number else "false"
        else:
            text = str(int(number))
        return Value(self, type, text if self.lanes == 1 else f"splat ({type} {text})", 0)

    def value(self, x: Operand, like: str) -> Value:
        return x if isinstance(x, Value) else self.const(like, x)

    def values(self, *operands: Operand) -> list[Value]:
        """The operands, numbers among them as constants of the type of the first that is a value."""
        like = next(v.type for v in operands if isinstance(v, Value))
        return [self.value(v, like) for v in operands]

    def emit(self, op: str, type: str, operands: Sequence[Value], text: str | None = None) -> Value:
        """Append ``op`` on operands of one type (or the whole right-hand side, `text`) and return its value."""
        key = (op, type, text, *[(v.text, v.type) for v in operands])
        for shared in reversed(self._shared):
            if key in shared:
                return shared[key]
        if text is None:
            text = f"{op} {self.vector(operands[0].type)} " + ", ".join(v.text for v in operands)
        return self.place(text, type, operands, max((v.depth for v in operands), default=0), key)

    def place(self, text: str, type: str, operands: Sequence[Value], depth: int, key: tuple | None = None) -> Value:
        """Append an instruction in the section `depth`, or in the open rare region when it depends on that one."""
        name = self.fresh()
        where, shared = self.sections[min(depth, len(self.sections) - 1)], self._shared[0]
        for level, (region_depth, region) in enumerate(self._regions):
            if depth >= region_depth:
                where, shared, depth = region, self._shared[level + 1], region_depth
        instruction = Instruction(f"{name} = {text}", operands, None)
        result = Value(self, type, name, depth, instruction)
        instruction.result = result
        where.append(instruction)
        if key is not None:
            shared[key] = result
        return result

    def rarely(
        self, condition: Value, slow: Callable[[], Sequence[Value]], usual: Sequence[Value], name: str = ""
    ) -> list[Value]:
        """`slow()` where `condition` holds in any lane, else `usual`: for work too dear to do always.

        The slow values must be right in every lane, not only where the condition holds. Calls with the same `name`
        (if not empty), condition and usual values are one branch, so these must determine what `slow` computes.
        """
        key = ("rarely", name, condition.text, *[v.text for v in usual])
        if name and key in self._branches[-1]:
            return self._branches[-1][key]
        if self.lanes > 1:
            symbol = f"llvm.vector.reduce.or.v{self.lanes}i1"
            self.declarations.add(f"declare i1 @{symbol}({self.vector('i1')})")
            call = f"call i1 @{symbol}({self.vector('i1')} {condition.text})"
            condition = self.emit(symbol, "any", [condition], call)
        depth = condition.depth
        self._count += 1
        number = self._count
        body: list[Instruction] = []
        self._regions.append((depth, body))
        self._shared.append({})
        self._branches.append({})
        values = slow()
        self._regions.pop()
        self._shared.pop()
        self._branches.pop()
        pairs = []
        for u, s in zip(usual, values, strict=True):
            pairs.append((Value(self, u.type, self.fresh(), depth), u, s))
        branch = Instruction("", [condition, *usual, *values], None, Branch(number, condition, pairs, body))
        for result, _, _ in pairs:
            result.source = branch
        (self._regions[-1][1] if self._regions else self.sections[depth]).append(branch)
        results = [result for result, _, _ in pairs]
        self._branches[-1][key] = results
        return results

    # -- operations -------------------------------------------------------------------------------------------

    def arith(self, op: str, a: Operand, b: Operand) -> Value:
        a, b = self.values(a, b)
        like = a.type
        if like in FLOATS:
            op = "f" + op
        elif op == "div":
            op = "sdiv"
        return self.emit(op, like, [a, b])

    def compare(self, relation: str, a: Value, b: Operand, unordered: bool = False) -> Value:
        """An i1: `relation` is lt, le, gt, ge, eq or ne; NaN compares false, or true when `unordered`."""
        b = self.value(b, a.type)
        if a.type in FLOATS:
            op = f"fcmp {'u' if unordered else 'o'}{relation}"
        elif a.type == "i1":
            op = f"icmp {relation if relation in ('eq', 'ne') else 'u' + relation}"
        else:
            op = f"icmp {relation if relation in ('eq', 'ne') else 's' + relation}"
        return self.emit(op, "i1", [a, b])

    def equal(self, a: Value, b: Operand) -> Value:
        return self.compare("eq", a, b)

    def is_nan(self, x: Value) -> Value:
        return self.emit("fcmp uno", "i1", [x, x])

    def select(self, condition: Value, a: Operand, b: Operand) -> Value:
        a, b = self.values(a, b)
        like = a.type
        text = (
            f"select {self.vector('i1')} {condition.text}, {self.vector(like)} {a.text}, {self.vector(like)} {b.text}"
        )
        return self.emit("select", like, [condition, a, b], text)

    def invert(self, condition: Value) -> Value:
        return self.emit("xor", "i1", [condition, self.const("i1", True)])

    def intrinsic(self, name: str, *operands: Value) -> Value:
        """A call of ``llvm.<name>`` on values of one type."""
        type = operands[0].type
        width = {"float": "f32", "double": "f64"}.get(type, type)
        symbol = f"llvm.{name}.{width}" if self.lanes == 1 else f"llvm.{name}.v{self.lanes}{width}"
        vector = self.vector(type)
        self.declarations.add(f"declare {vector} @{symbol}({', '.join([vector] * len(operands))})")
        arguments = ", ".join(f"{vector} {v.text}" for v in operands)
        return self.emit(symbol, type, list(operands), f"call {vector} @{symbol}({arguments})")

    def fma(self, a: Operand, b: Operand, c: Operand) -> Value:
        """a*b + c with one rounding."""
        return self.intrinsic("fma", *self.values(a, b, c))

    def sqrt(self, x: Value) -> Value:
        return self.intrinsic("sqrt", x)

    def abs(self, x: Value) -> Value:
        if x.type in FLOATS:
            return self.intrinsic("fabs", x)
        return self.select(x < 0, -x, x)

    def rint(self, x: Value) -> Value:
        """To the nearest integer, ties to even."""
        return self.intrinsic("rint", x)

    def floor(self, x: Value) -> Value:
        return self.intrinsic("floor", x)

    def ceil(self, x: Value) -> Value:
        return self.intrinsic("ceil", x)

    def copysign(self, magnitude: Value, sign: Value) -> Value:
        return self.intrinsic("copysign", magnitude, sign)

    def maximum(self, a: Value, b: Operand) -> Value:
        """The larger one; NaN if either is NaN."""
        b = self.value(b, a.type)
        if a.type not in FLOATS:
            return self.select(self.compare("gt", a, b), a, b)
        return self.select((a > b) | self.is_nan(a), a, b)

    def minimum(self, a: Value, b: Operand) -> Value:
        """The smaller one; NaN if either is NaN."""
        b = self.value(b, a.type)
        if a.type not in FLOATS:
            return self.select(self.compare("lt", a, b), a, b)
        return self.select((a < b) | self.is_nan(a), a, b)

    def bits(self, x: Value) -> Value:
        """The bit pattern of a float as an integer of the same width."""
        return self.convert("bitcast", x, _BITS[x.type])

    def from_bits(self, x: Value) -> Value:
        return self.convert("bitcast", x, {"i32": "float", "i64": "double"}[x.type])

    def convert(self, op: str, x: Value, type: str) -> Value:
        """An LLVM conversion: fpext, fptrunc, sitofp, fptosi, zext, sext, trunc, bitcast."""
        return self.emit(op, type, [x], f"{op} {self.vector(x.type)} {x.text} to {self.vector(type)}")

    def call(self, name: str, *values: Value, **params: int) -> Value:
        """An elementary function of values, with its static parameters."""
        from gradtape.engine.elementary import FUNCTIONS  # they are written on this machine

        return FUNCTIONS[name](self, *values, **params)

    def number(self, dtype: str, number: float | int | bool) -> Value:
        """A constant of the tensor element type `dtype`."""
        return self.const(TYPES[dtype], number)

    def cast(self, x: Value, dtype: str) -> Value:
        """`x` as the tensor element type `dtype`. Floats are cut towards zero to integers; what lies outside the
        integer's range becomes its nearest end, NaN becomes 0."""
        type = TYPES[dtype]
        if dtype in HALVES and x.type != "i1":
            from gradtape.engine.halves import nearest  # it is written on this machine

            return nearest(self, x, dtype)
        if type == x.type:
            return x
        if type == "i1":
            return self.compare("ne", x, 0, unordered=True)
        if x.type == "i1":
            return self.convert("uitofp" if type in FLOATS else "zext", x, type)
        if type in FLOATS:
            if x.type in FLOATS:
                return widen(x) if type == "double" else narrow(x)
            return self.convert("sitofp", x, type)
        if x.type in FLOATS:
            source = {"float": "f32", "double": "f64"}[x.type]
            lanes = "" if self.lanes == 1 else f"v{self.lanes}"
            symbol = f"llvm.fptosi.sat.{lanes}{type}.{lanes}{source}"
            self.declarations.add(f"declare {self.vector(type)} @{symbol}({self.vector(x.type)})")
            return self.emit(symbol, type, [x],
                             f"call {self.vector(type)} @{symbol}({self.vector(x.type)} {x.text})")  # fmt: skip
        return self.convert("trunc" if type == "i32" else "sext", x, type)

    def table(self, offset: int, index: Value) -> Value:
        """The doubles number ``offset + index`` of the constant tables (see elementary.tables); index is an i64.

        Use it inside `rarely`: not every machine has a gather.
        """
        assert self.tables is not None, "the kernel's frame sets the address of the tables"
        at = index + offset
        vector, pointers = self.vector("double"), "ptr" if self.lanes == 1 else f"<{self.lanes} x ptr>"
        text = f"getelementptr double, ptr {self.tables.text}, {self.vector('i64')} {at.text}"
        address = self.emit("address", pointers, [self.tables, at], text)
        if self.lanes == 1:
            return self.emit("load", "double", [address], f"load double, ptr {address.text}")
        symbol = f"llvm.masked.gather.v{self.lanes}f64.v{self.lanes}p0"
        self.declarations.add(f"declare {vector} @{symbol}({pointers}, i32, {self.vector('i1')}, {vector})")
        everywhere = f"{self.vector('i1')} {self.const('i1', True).text}"
        text = f"call {vector} @{symbol}({pointers} {address.text}, i32 8, {everywhere}, {vector} poison)"
        return self.emit(symbol, "double", [address], text)

    # -- reading the result -----------------------------------------------------------------------------------

    def mark_needed(self, roots: Sequence[Value]) -> None:
        """Mark what `roots` depend on; the rest is never written out."""
        pending = [v.source for v in roots if v.source is not None]
        while pending:
            instruction = pending.pop()
            instruction.needed = True
            for operand in instruction.operands:
                if operand.source is not None and not operand.source.needed:
                    pending.append(operand.source)

    def render(self, instructions: list[Instruction], label: str) -> tuple[list[str], str]:
        """The lines of a section that starts in block `label`, and the block that they end in."""
        lines: list[str] = []
        for instruction in instructions:
            if not instruction.needed:
                continue
            branch = instruction.branch
            if branch is None:
                lines.append("  " + instruction.text)
                continue
            slow, join = f"slow{branch.number}", f"join{branch.number}"
            lines.append(f"  br i1 {branch.condition.text}, label %{slow}, label %{join}, !prof !0")
            lines.append(f"{slow}:")
            body, end = self.render(branch.body, slow)
            lines += body
            lines.append(f"  br label %{join}")
            lines.append(f"{join}:")
            for result, usual, rare in branch.pairs:
                lines.append(
                    f"  {result.text} = phi {self.vector(result.type)} "
                    f"[ {usual.text}, %{label} ], [ {rare.text}, %{end} ]"
                )
            label = join
        return lines, label


def constant_bits(number: float) -> str:
    """A float as LLVM writes it exactly: the bits of the double in hexadecimal (also for type float)."""
    return "0x%016X" % struct.unpack("<Q", struct.pack("<d", number))[0]


def widen(x: Value) -> Value:
    """float → double (exact)."""
    return x.machine.convert("fpext", x, "double")


def narrow(x: Value) -> Value:
    """double → float (rounded to nearest)."""
    return x.machine.convert("fptrunc", x, "float")
