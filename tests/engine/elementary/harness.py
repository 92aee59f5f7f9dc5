"""Runs one elementary function over arrays, in a kernel that is a loop and nothing else."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np

from gradtape.engine import elementary
from gradtape.engine.compile import Code, emit
from gradtape.engine.machine import LANES, Machine, Value

DTYPES = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}

Writer = Callable[..., Value]


def program(writer: Writer, type: str, lanes: int, arity: int) -> str:
    """The IR of ``void kernel(x0, ..., out, count, tables)``; count is a multiple of `lanes`."""
    m = Machine(lanes, depth=2)
    m.tables = Value(m, "ptr", "%tables", 0)
    vector, size = m.vector(type), DTYPES[type].itemsize
    loads, inputs = [], []
    for i in range(arity):
        loads.append(f"  %p{i} = getelementptr {type}, ptr %x{i}, i64 %i")
        loads.append(f"  %in{i} = load {vector}, ptr %p{i}, align {size}")
        inputs.append(Value(m, type, f"%in{i}", 1))
    result = writer(m, *inputs)
    assert result.type == type
    m.mark_needed([result])
    before, _ = m.render(m.sections[0], "entry")
    body, end = m.render(m.sections[1], "loop")
    arguments = ", ".join([f"ptr %x{i}" for i in range(arity)] + ["ptr %out", "i64 %count", "ptr %tables"])
    return "\n".join(
        [
            *sorted(m.declarations),
            f"define void @kernel({arguments}) {{",
            "entry:",
            *before,
            "  br label %loop",
            "loop:",
            f"  %i = phi i64 [ 0, %entry ], [ %next, %{end} ]",
            *loads,
            *body,
            f"  %to = getelementptr {type}, ptr %out, i64 %i",
            f"  store {vector} {result.text}, ptr %to, align {size}",
            f"  %next = add i64 %i, {lanes}",
            "  %more = icmp slt i64 %next, %count",
            f"  br i1 %more, label %{'loop'}, label %done",
            "done:",
            "  ret void",
            "}",
            '!0 = !{!"branch_weights", i32 1, i32 1000}',
        ]
    )


@cache
def compiled(name: str, type: str, lanes: int, arity: int, parameters: tuple[tuple[str, int], ...]) -> Callable:
    function = elementary.FUNCTIONS[name]
    code = Code(emit(program(lambda m, *x: function(m, *x, **dict(parameters)), type, lanes, arity)))
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 1), ctypes.c_int64, ctypes.c_void_p)
    call = signature(code.address("kernel"))

    def run(*arrays: np.ndarray) -> np.ndarray:
        assert code is not None  # keeps the machine code alive
        count = len(arrays[0])
        padded = [np.resize(a, -(-count // LANES) * LANES) for a in arrays]
        out = np.empty_like(padded[0])
        call(*[a.ctypes.data for a in padded], out.ctypes.data, len(out), elementary.TABLES.ctypes.data)
        return out[:count]

    return run


def evaluate(name: str, *arrays: np.ndarray, lanes: int = LANES, **parameters: int) -> np.ndarray:
    """The function of float32 or float64 arrays of one length."""
    type = {dtype: name for name, dtype in DTYPES.items()}[arrays[0].dtype]
    contiguous = [np.ascontiguousarray(a) for a in arrays]
    return compiled(name, type, lanes, len(arrays), tuple(sorted(parameters.items())))(*contiguous)
