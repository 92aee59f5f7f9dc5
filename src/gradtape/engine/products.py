"""Parts of a matrix product as machine code: calls of the BLAS that NumPy brought along, without the interpreter.

A thread that calls NumPy needs the interpreter's lock for a moment, and two of them wait for each other longer than a
part takes. So the address of ``cblas_sgemm`` is looked up in the library that is loaded anyway, and called by a
few lines of LLVM IR. Where it is not found (another BLAS), NumPy is called.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, NamedTuple

import numpy as np

_NAMES = [("scipy_", "64_", 64), ("", "64_", 64), ("scipy_", "", 32), ("", "", 32)]
"""What comes before and after the names of functions in OpenBLAS, and how wide their integers are then."""

_LETTERS = {"f": "s", "d": "d"}
"""How its functions begin, by NumPy's letter for the element type."""

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112

WORDS = ("function", "side.a", "side.b", "m", "n", "k", "a", "lda", "b", "ldb", "c", "ldc", "da", "db", "dc")
LAST = ("parts", "last.m", "last.n", "last.k")
"""What `products` finds in its argument, 8 bytes each: the call of the BLAS for a part; bytes from one part to the
next; and how many parts there are and how long the last one is."""


def source(type: str, bits: int) -> str:
    """``void products(i64 start, i64 stop, ptr argument)``: the parts from start to stop."""
    loads = "\n".join(
        f"  %{name}.at = getelementptr i64, ptr %argument, i64 {i}\n  %{name} = load i64, ptr %{name}.at"
        for i, name in enumerate((*WORDS, *LAST))
    )
    number = f"i{bits}"

    def narrow(name: str, to: str) -> str:
        return f"  %{name}.x = trunc i64 %{name} to {to}" if to != "i64" else f"  %{name}.x = add i64 %{name}, 0"

    converted = "\n".join(
        [narrow(name, "i32") for name in ("side.a", "side.b")]
        + [narrow(name, number) for name in ("lda", "ldb", "ldc", "m.here", "n.here", "k.here")]
    )
    moved = "\n".join(
        f"  %{x}.skip = mul i64 %part, %d{x}\n  %{x}.sum = add i64 %{x}, %{x}.skip\n"
        f"  %{x}.x = inttoptr i64 %{x}.sum to ptr"
        for x in "abc"
    )
    return f"""
define void @products(i64 %start, i64 %stop, ptr %argument) {{
begin:
{loads}
  %call = inttoptr i64 %function to ptr
  %none = icmp sge i64 %start, %stop
  br i1 %none, label %done, label %next
next:
  %part = phi i64 [ %start, %begin ], [ %after, %next ]
  %after = add i64 %part, 1
  %last = icmp eq i64 %after, %parts
  %m.here = select i1 %last, i64 %last.m, i64 %m
  %n.here = select i1 %last, i64 %last.n, i64 %n
  %k.here = select i1 %last, i64 %last.k, i64 %k
{converted}
{moved}
  call void %call(i32 {ROW_MAJOR}, i32 %side.a.x, i32 %side.b.x,
    {number} %m.here.x, {number} %n.here.x, {number} %k.here.x, {type} 1.0, ptr %a.x, {number} %lda.x,
    ptr %b.x, {number} %ldb.x, {type} 0.0, ptr %c.x, {number} %ldc.x)
  %more = icmp slt i64 %after, %stop
  br i1 %more, label %next, label %done
done:
  ret void
}}
"""


@cache
def libraries() -> list[Any]:
    """The BLAS libraries of this process whose threads can be set."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


class _Routine(NamedTuple):
    blas: int
    products: int
    code: Any
    """Keeps the machine code."""


@cache
def routine(letter: str) -> _Routine | None:
    """The addresses of the BLAS's function and of `products`, for NumPy's letter of an element type; None if they are
    not found."""
    from gradtape.engine.compile import library

    if letter not in _LETTERS:
        return None
    found = libraries()
    if len(found) != 1 or found[0].internal_api != "openblas":  # which one is NumPy's?
        return None
    for prefix, suffix, bits in _NAMES:
        function = getattr(found[0].dynlib, f"{prefix}cblas_{_LETTERS[letter]}gemm{suffix}", None)
        address = ctypes.cast(function, ctypes.c_void_p).value if function is not None else None
        if address:
            code = library(source("float" if letter == "f" else "double", bits))
            return _Routine(address, code.address("products"), code)
    return None


class Parts(NamedTuple):
    """Into how many parts a product is cut, and how much of which axis each is; if of none, each is one of a batch."""

    number: int
    rows: int = 0
    columns: int = 0
    depth: int = 0

    def of(self, part: int, a: np.ndarray, b: np.ndarray, result: np.ndarray) -> tuple[np.ndarray, ...]:
        """What is multiplied in a part, and where the product goes."""
        if not max(self[1:]):
            return a[part], b[part], result[part]
        rows, columns, depth = [slice(part * n, (part + 1) * n) if n else slice(None) for n in self[1:]]
        return a[rows, depth], b[depth, columns], result[part] if self.depth else result[rows, columns]


def call_of(routine: _Routine, a: np.ndarray, b: np.ndarray, result: np.ndarray, parts: Parts) -> Any:
    """The argument of `products`, for `result` = `a` times `b`. `is_read` must hold for all of them."""
    (m, k), n = a.shape[-2:], b.shape[-1]
    number, rows, columns, depth = parts
    if not max(rows, columns, depth):
        steps = [x.strides[0] for x in (a, b, result)]
    else:
        down, across = result.strides[-2:]
        steps = [
            rows * a.strides[0] + depth * a.strides[1],
            columns * b.strides[1] + depth * b.strides[0],
            rows * down + columns * across + (result.strides[0] if depth else 0),
        ]
    before = number - 1
    words = [routine.blas, _read(a)[0], _read(b)[0], rows or m, columns or n, depth or k]
    for array in (a, b, result):
        words += [array.__array_interface__["data"][0], _read(array)[1]]
    words += [*steps, number, m - before * rows, n - before * columns, k - before * depth]
    return (ctypes.c_int64 * len(words))(*words)


def is_read(array: np.ndarray) -> bool:
    """Whether the BLAS can read matrices, the last two axes, as they stand."""
    return _read(array)[1] > 0


def _read(array: np.ndarray) -> tuple[int, int]:
    """How the BLAS is told of a matrix: whether it stands there transposed, and elements from one line to the next;
    0 if elements stand side by side along neither axis."""
    (rows, columns), (down, across), size = array.shape[-2:], array.strides[-2:], array.itemsize
    if across == size or columns == 1:
        step = down // size if rows != 1 else columns
        if step >= columns and down % size == 0:
            return PLAIN, step
    if down == size or rows == 1:
        step = across // size if columns != 1 else rows
        if step >= rows and across % size == 0:
            return TRANSPOSED, step
    return PLAIN, 0
