"""A kernel with its code, and how it is called on arrays: arguments, blocks for threads, partial results."""

from __future__ import annotations

import ctypes
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from ctypes import addressof, c_char
from functools import lru_cache, partial
from math import prod
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from gradtape.engine import profile
from gradtape.engine.buffers import LARGE, empty
from gradtape.engine.cache import Cache
from gradtape.engine.combine import accumulator
from gradtape.engine.donate import counts_references
from gradtape.engine.elementary import TABLES
from gradtape.engine.frame import SIZES, Arguments, LoopWords
from gradtape.engine.layout import Layout
from gradtape.engine.machine import LANES
from gradtape.engine.space import Parts
from gradtape.engine.steps import COSTLY, KernelSpec, KernelStep, combining, copying
from gradtape.engine.threads import helpers_wait, share_out, workers
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.node import TABLE, Buffer

SMALL = 1 << 13
"""Bytes of a result up to which its memory is kept for the next one."""

PARALLEL = 1 << 17
"""Work below which one thread is enough: elements, times one for reading and a quarter for each operation. That is
about 15 µs."""

WAKING = 1 << 19
"""Work that is worth waking a thread that sleeps."""

_Function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_Short = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)  # keeps the interpreter's lock


class Kernel:
    """Code for a specification: whether it came from "disk" or was "compiled", and in how many seconds."""

    def __init__(self, spec: KernelSpec):
        from gradtape.engine.compile import code

        self._code = code(spec)
        self.source, self.seconds = self._code.source, self._code.seconds
        profile.made(self)
        self.address = self._code.address("kernel")
        self.call = _Function(self.address)
        self.call_short = _Short(self._code.address("whole"))


_kernels: Cache[Kernel] = Cache(4096)


def kernel(spec: KernelSpec) -> Kernel:
    """The compiled kernel for a specification, from memory if it was compiled before."""
    return _kernels.find(spec, lambda: Kernel(spec))


def is_ready(spec: KernelSpec) -> bool:
    """Whether the kernel for a specification is in memory."""
    return spec in _kernels


_tables = TABLES.ctypes.data


class _Block(threading.local):
    """Memory for the arguments of a call, one per thread."""

    def __init__(self) -> None:
        self.grow(128)

    def grow(self, words: int) -> None:
        self.words = words
        self.memory = (ctypes.c_int64 * words)()
        self.address = ctypes.addressof(self.memory)
        self.pointer = ctypes.c_void_p(self.address)


_block = _Block()


class ScalarKernel:
    """A kernel for single numbers, which stand in the arguments themselves."""

    def __init__(self, step: KernelStep):
        self.spec = spec = step.spec
        self.kernel = kernel(spec)
        self.outputs = step.outputs
        at = Arguments(spec)
        self.words = at.size
        self.format = struct.Struct("=qqq" + "".join(_code(dtype) for dtype, _ in spec.operands))
        self.numbers = struct.Struct("=" + "".join(_code(dtype) for _, dtype, _ in spec.outputs))
        self.first_output = 8 * at.outputs[0]
        self.inputs = gather(step.inputs)
        self.truths = [i for i, (_, dtype, _) in enumerate(spec.outputs) if dtype == "bool"]

    def run(self, slots: list[Any]) -> None:
        """Compute the outputs into their slots."""
        for i, value in zip(self.outputs, self.results(slots), strict=True):
            slots[i] = value

    def results(self, slots: Sequence[Any]) -> Sequence[Any]:
        """The outputs, given slots that hold the inputs."""
        block = _block
        if self.words > block.words:
            block.grow(2 * self.words)
        memory = block.memory
        self.format.pack_into(memory, 0, _tables, 0, 1, *self.inputs(slots))
        self.kernel.call_short(block.pointer)
        results: Any = self.numbers.unpack_from(memory, self.first_output)
        if self.truths:
            results = [bool(v) if i in self.truths else v for i, v in enumerate(results)]
        return results


_PACKED = {"float16": "e6x", "float32": "f4x", "float64": "d", "int32": "i4x", "int64": "q", "bool": "?7x"}
"""How an element of an array is packed into 8 bytes; Python knows no bfloat16."""


def _code(dtype: str) -> str:
    """How a number of this element type is packed."""
    return "d" if "float" in dtype else "q"


class ArrayKernel:
    """A kernel for arrays of given shapes."""

    def __init__(self, step: KernelStep):
        self.step = step
        self.spec = spec = step.spec
        self.kernel = kernel(spec)
        middle, inner = [max(1, -(-n // size)) for n, size in zip(step.lengths[-2:], step.sizes, strict=True)]
        outer = prod(step.lengths[:-2])
        self.units = outer * middle * inner
        operations = sum(COSTLY if TABLE[name].costly else 1 for name, _, _ in spec.body)
        self._work = prod(step.lengths) * (1 + operations / 4)
        words = LoopWords(spec)
        numbers = [*step.lengths, *step.sizes, middle, inner]
        accesses = [*[access for _, access in spec.operands], *spec.stores]
        self._lists = [None if parts is None else _places(parts, step.sizes[1]) for parts in step.lists]
        for access, strides, places in zip(accesses, [*step.strides, *step.steps], self._lists, strict=True):
            if access != "scalar":
                numbers += strides
            if places is not None:
                numbers.append(places.ctypes.data)
        self._words = (ctypes.c_int64 * words.size)(*numbers)
        self._head = [_tables, ctypes.addressof(self._words), self.units]
        at = Arguments(spec)
        codes = ["q"] * at.size
        for (dtype, access), position in zip(spec.operands, at.operands, strict=True):
            if access == "scalar":
                codes[position] = _code(dtype)
        self.format = struct.Struct("=" + "".join(codes))
        self._reads = []
        for (dtype, access), slot, offset, layout in zip(
            spec.operands, step.inputs, step.offsets, step.copied, strict=True
        ):
            copies = ArrayKernel(copying(dtype, layout)) if layout else None
            in_place = access != "scalar" and not layout
            self._reads.append((slot, in_place, offset * SIZES[dtype], copies))
        self.outputs = step.outputs
        self._writes = []
        for shape, (_, name, _) in zip(step.shapes, spec.outputs, strict=True):
            numpys = as_dtype(name).dtype
            size = prod(shape) * numpys.itemsize
            make = np.empty if size < LARGE else partial(empty, bytes=size)
            spare: list[Buffer] | None = [] if shape and 0 < size <= SMALL and counts_references() else None
            self._writes.append((make, shape, numpys, spare))
        # The partial results of reductions: how many lines of how many numbers, and of which type
        blocks, columns = (middle, step.lengths[-1]) if spec.deep else (inner, 1)
        self._partial_shape = (outer, blocks, columns)
        self._several = blocks > 1
        self._alike = _find_alike(spec)
        self._combiners: dict[_Alike, ArrayKernel] = {}
        self._reduces = bool(self._alike)
        self._room = ctypes.c_int64 * len(spec.outputs)
        self._offsets = [8 * i for i in range(len(spec.outputs))]
        self._numbers: struct.Struct | None = None
        packed = all(dtype in _PACKED for _, dtype, _ in spec.outputs)
        if self._reduces and packed and all(shape == () for shape in step.shapes):
            self._numbers = struct.Struct("=" + "".join(_PACKED[dtype] for _, dtype, _ in spec.outputs))

    def run(self, slots: list[Any]) -> None:
        """Compute the outputs into their slots."""
        for i, value in zip(self.outputs, self.results(slots), strict=True):
            slots[i] = value

    def results(self, slots: Sequence[Any], over: Mapping[int, Buffer] | None = None) -> Sequence[Any]:
        """The outputs, given slots that hold the inputs; those in `over` are written where these stand. For small
        arrays this is what takes the time, so it is written out."""
        arguments = self._head.copy()
        keep = []  # copies whose addresses are in use
        for slot, in_place, offset, copies in self._reads:
            value = slots[slot]
            if in_place:
                arguments.append((value.address or _find_address(value)) + offset)
            elif copies is None:
                arguments.append(value.array.item() if type(value) is Buffer else value)
            else:
                keep.append(copies.copy(value))
                arguments.append(keep[-1].address)
        if self._numbers is not None:  # all results are single numbers, 8 bytes apart
            memory = self._room()
            first = addressof(memory)
            self._reduce(arguments, [first + at for at in self._offsets])
            return self._numbers.unpack_from(memory)
        results: list[Any] = []
        for make, shape, dtype, spare in self._writes:
            if over and len(results) in over:
                results.append(over[len(results)])
                continue
            if spare:
                try:
                    buffer = spare.pop()
                except IndexError:  # another thread was faster
                    buffer = None
                if buffer is not None and _count(buffer) == 2 and _count(buffer.array) == 2:  # nobody holds it
                    results.append(buffer)
                    continue
            array = make(shape, dtype)
            results.append(Buffer(array, _place(array)))
        places = [buffer.address for buffer in results]
        if self._reduces:
            self._reduce(arguments, places)
        else:
            arguments += places
            self._call(arguments)
        for i, (_, shape, _, spare) in enumerate(self._writes):
            if spare is not None and not over:
                spare.append(results[i])
            elif not shape:
                results[i] = results[i].array.item()
        return results

    def _call(self, arguments: list[Any]) -> None:
        if self._work < PARALLEL:
            block = _block
            if len(arguments) > block.words:
                block.grow(2 * len(arguments))
            self.format.pack_into(block.memory, 0, *arguments)
            self.kernel.call_short(block.pointer)
        elif self.units:
            memory = (ctypes.c_int64 * len(arguments))()  # of this call: others may run in this thread while it lasts
            self.format.pack_into(memory, 0, *arguments)
            number = min(workers(), self.units)
            if number > 1 and (self._work >= WAKING or helpers_wait()):
                share_out(self.kernel.address, self.units, addressof(memory), number)
            else:
                self.kernel.call(0, self.units, addressof(memory))

    def _reduce(self, arguments: list[Any], places: Sequence[int]) -> None:
        """Call the kernel, and reduce the partial results that it leaves if there are several blocks."""
        partial: dict[int, int] = {}
        held = []
        for alike in self._alike if self._several else ():
            held.append(np.empty((len(alike.outputs), *self._partial_shape), alike.carried))
            first, step = _place(held[-1]), held[-1][0].nbytes
            partial.update((k, first + step * i) for i, k in enumerate(alike.outputs))
        for k, (place, (_, _, reduction)) in enumerate(zip(places, self.spec.outputs, strict=True)):
            arguments.append(place)
            if reduction:
                arguments.append(partial.get(k, 0))
        self._call(arguments)
        for alike in self._alike if self._several else ():
            combiner, (first, *rest) = self._combiner(alike), alike.outputs
            if not rest:
                combiner._reduce([*combiner._head, partial[first]], (places[first],))
                continue
            lines, _, columns = self._partial_shape
            results = np.empty((len(alike.outputs), lines * columns), as_dtype(alike.dtype).dtype)
            at, step = _place(results), results[0].nbytes
            combiner._reduce([*combiner._head, partial[first]], (at,))
            for i, k in enumerate(alike.outputs):
                ctypes.memmove(places[k], at + step * i, step)

    def copy(self, value: Buffer) -> Buffer:
        """The result of a kernel with one operand, which is in slot 0, as its result is in slot 1."""
        slots: list[Any] = [value, None]
        self.run(slots)
        return slots[1]

    def _combiner(self, alike: _Alike) -> ArrayKernel:
        """What reduces the partial results of these outputs."""
        found = self._combiners.get(alike)
        if found is None:
            lines, *rest = self._partial_shape
            shape = (len(alike.outputs) * lines, *rest)
            found = self._combiners[alike] = ArrayKernel(combining(self.spec.deep, shape, alike.dtype, alike.reduction))
        return found


class _Alike(NamedTuple):
    """Reductions of a kernel that go in the same way: the outputs that they are, the element type of the result, and
    that in which they are carried out."""

    outputs: tuple[int, ...]
    dtype: str
    carried: str
    reduction: str


def _find_alike(spec: KernelSpec) -> list[_Alike]:
    found: dict[tuple[str, str], list[int]] = {}
    for k, (_, dtype, reduction) in enumerate(spec.outputs):
        if reduction:
            found.setdefault((dtype, reduction), []).append(k)
    return [_Alike(tuple(ks), dtype, accumulator(dtype, how), how) for (dtype, how), ks in found.items()]


@lru_cache(256)
def _places(parts: Parts, block: int) -> np.ndarray:
    """Where the elements of a block of a joined loop stand; what a last step reads beyond the block is 0."""
    places = np.zeros(1, np.int64)
    rows = block // max(1, prod(n for n, _ in parts[1:]))
    for n, stride in [(rows, parts[0][1]), *parts[1:]]:
        places = np.add.outer(places, np.arange(n) * stride).ravel()
    return np.append(places, np.zeros(LANES, np.int64))


_count = sys.getrefcount


def bound(step: KernelStep) -> ScalarKernel | ArrayKernel:
    """The kernel of a step, ready for its shapes."""
    return ScalarKernel(step) if step.spec.is_scalar else ArrayKernel(step)


def gather(places: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A fast function that takes the values at `places` out of a list."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda slots: [slots[i] for i in places]


def _place(array: Any) -> int:
    """Where the elements of a fresh, writeable array are."""
    if array.dtype.kind == "V":  # Python's buffers know no bfloat16
        array = array.view(np.int16)
    return addressof(c_char.from_buffer(array)) if array.size else 0


def dense(buffer: Buffer) -> np.ndarray:
    """The array of a Buffer, whose elements are brought to stand side by side if they do not."""
    if not buffer.array.flags.c_contiguous:
        _find_address(buffer)
    return buffer.array


def _find_address(buffer: Buffer) -> int:
    """Where a Buffer's elements stand side by side; they are brought there if they do not."""
    array = buffer.array
    if not array.flags.c_contiguous:
        strides = [step // array.itemsize if n != 1 else 0 for n, step in zip(array.shape, array.strides, strict=True)]
        layout = Layout(0, array.shape, tuple(strides))
        seen = Buffer(array, array.__array_interface__["data"][0])
        buffer.array = array = ArrayKernel(copying(array.dtype.name, layout)).copy(seen).array
    buffer.address = array.__array_interface__["data"][0]
    return buffer.address
