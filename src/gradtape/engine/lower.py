"""Kernel specification → LLVM IR: single numbers here, loops over arrays in `engine.loops`."""

from __future__ import annotations

from gradtape.engine.frame import ENTRY, Frame, run_body
from gradtape.engine.loops import Loops
from gradtape.engine.machine import Value
from gradtape.engine.steps import KernelSpec


def lower(spec: KernelSpec) -> str:
    """The module's text. Its functions are ``void kernel(i64 start, i64 stop, ptr arguments)`` and, for all units,
    ``void whole(ptr arguments)``; what stands in the arguments, 8 bytes each, is said by `Arguments`."""
    return _scalar_kernel(spec) if spec.is_scalar else Loops(spec).text()


def _scalar_kernel(spec: KernelSpec) -> str:
    """All operands and results are single numbers, which stand in the arguments themselves."""
    frame = Frame(spec, 1, 1)
    m = frame.m
    operands = [
        frame.number(position, dtype, f"x{i}")
        for i, ((dtype, _), position) in enumerate(zip(spec.operands, frame.at.operands, strict=True))
    ]
    results = run_body(m, spec, operands)
    stores: list[str] = []
    wide: list[Value] = []
    for (_, dtype, _), position, result in zip(spec.outputs, frame.at.outputs, results, strict=True):
        wide.append(m.cast(result, "float64" if "float" in dtype else "int64"))
        name = f"%y{position}"
        stores.append(f"  {name} = getelementptr i64, ptr %arguments, i64 {position}")
        stores.append(f"  store {wide[-1].type} {wide[-1].text}, ptr {name}")
    m.mark_needed(wide)
    lines, _ = m.render(m.sections[ENTRY], "entry")
    return frame.module([*lines, *stores, "  ret void"])
