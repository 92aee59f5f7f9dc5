"""A kernel with its code, and how it is called on arrays: arguments, blocks for threads, partial results."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np

from gradtape.config import settings
from gradtape.engine import profile
from gradtape.engine.buffers import empty
from gradtape.engine.cache import Cache
from gradtape.engine.combine import accumulator
from gradtape.engine.elementary import TABLES
from gradtape.engine.frame import Arguments, LoopWords
from gradtape.engine.layout import Layout
from gradtape.engine.plan import KernelSpec, KernelStep, combining, copying
from gradtape.graph.node import Buffer

PARALLEL = 1 << 16
"""Elements below which one thread is enough."""

PARTS = 8
"""Into how many parts for each thread the work is cut."""

MOST_THREADS = 256
"""How many threads the pool has at most."""

_Function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_Short = ctypes.PYFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)  # keeps the interpreter's lock


class Kernel:
    """Code for a specification: whether it came from "disk" or was "compiled", and in how many seconds."""

    def __init__(self, spec: KernelSpec):
        from gradtape.engine.compile import code

        self._code = code(spec)
        self.source, self.seconds = self._code.source, self._code.seconds
        profile.made(self)
        address = self._code.address("kernel")
        self.call = _Function(address)
        self.call_short = _Short(address)


_kernels: Cache[Kernel] = Cache(4096)


def kernel(spec: KernelSpec) -> Kernel:
    """The compiled kernel for a specification, from memory if it was compiled before."""
    return _kernels.find(spec, lambda: Kernel(spec))


def is_ready(spec: KernelSpec) -> bool:
    """Whether the kernel for a specification is in memory."""
    return spec in _kernels


def _workers() -> int:
    """How many threads share a call, under the present settings."""
    return settings().threads or _processors()


@cache
def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@cache
def _pool() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(MOST_THREADS, "gradtape")  # started when they are needed


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)

_tables = TABLES.ctypes.data


class _Block(threading.local):
    """Memory for the arguments of a call, one per thread."""

    def __init__(self) -> None:
        self.grow(128)

    def grow(self, words: int) -> None:
        self.words = words
        self.memory = (ctypes.c_int64 * words)()
        self.address = ctypes.addressof(self.memory)


_block = _Block()


class ScalarKernel:
    """A kernel for single numbers, which stand in the arguments themselves."""

    def __init__(self, step: KernelStep):
        self.spec = spec = step.spec
        self.kernel = kernel(spec)
        self.outputs = step.outputs
        at = Arguments(spec)
        self.words = at.size
        self.format = struct.Struct("=qq" + "".join(_code(dtype) for dtype, _ in spec.operands))
        self.results = struct.Struct("=" + "".join(_code(dtype) for _, dtype, _ in spec.outputs))
        self.first_output = 8 * at.outputs[0]
        self.inputs = gather(step.inputs)
        self.truths = [i for i, (_, dtype, _) in enumerate(spec.outputs) if dtype == "bool"]

    def run(self, slots: list[Any]) -> None:
        """Compute the outputs into their slots."""
        block = _block
        if self.words > block.words:
            block.grow(2 * self.words)
        memory = block.memory
        self.format.pack_into(memory, 0, _tables, 0, *self.inputs(slots))
        self.kernel.call_short(0, 1, block.address)
        results: Any = self.results.unpack_from(memory, self.first_output)
        if self.truths:
            results = [bool(v) if i in self.truths else v for i, v in enumerate(results)]
        for i, value in zip(self.outputs, results, strict=True):
            slots[i] = value


def _code(dtype: str) -> str:
    """How a number of this element type is packed."""
    return "d" if dtype.startswith("float") else "q"


class ArrayKernel:
    """A kernel for arrays of given shapes."""

    def __init__(self, step: KernelStep):
        self.step = step
        self.spec = spec = step.spec
        self.kernel = kernel(spec)
        middle, inner = [max(1, -(-n // size)) for n, size in zip(step.lengths[-2:], step.sizes, strict=True)]
        outer = prod(step.lengths[:-2])
        self.elements, self.units = prod(step.lengths), outer * middle * inner
        words = LoopWords(spec)
        numbers = [*step.lengths, *step.sizes, middle, inner]
        for strides, (_, access) in zip(step.strides, spec.operands, strict=True):
            numbers += strides if access != "scalar" else ()
        for strides in step.steps:
            numbers += strides
        self._words = (ctypes.c_int64 * words.size)(*numbers)
        self._head = [_tables, ctypes.addressof(self._words)]
        at = Arguments(spec)
        codes = ["q"] * at.size
        for (dtype, access), position in zip(spec.operands, at.operands, strict=True):
            if access == "scalar":
                codes[position] = _code(dtype)
        self.format = struct.Struct("=" + "".join(codes))
        self.reads = []
        for (dtype, access), slot, offset, copied in zip(
            spec.operands, step.inputs, step.offsets, step.copied, strict=True
        ):
            made = copied and ArrayKernel(copying(dtype, copied))
            self.reads.append((slot, access == "scalar", offset * np.dtype(dtype).itemsize, made))
        self.writes = []
        for shape, (_, name, _) in zip(step.shapes, spec.outputs, strict=True):
            numpys: np.dtype = np.dtype(name)
            self.writes.append((shape, numpys, prod(shape) * numpys.itemsize))
        # The partial results of reductions: how many lines of how many numbers, and of which type
        blocks, columns = (middle, step.lengths[-1]) if spec.deep else (inner, 1)
        self.partial_shape = (outer, blocks, columns)
        self.partials: list[np.dtype | None] = [
            np.dtype(accumulator(name, reduction)) if reduction and blocks > 1 else None
            for _, name, reduction in spec.outputs
        ]

    def run(self, slots: list[Any]) -> None:
        """Compute the outputs into their slots."""
        arguments = self._head.copy()
        keep = []  # copies whose addresses are in use
        for slot, is_number, offset, made in self.reads:
            value = slots[slot]
            if is_number:
                arguments.append(value.array.item() if type(value) is Buffer else value)
                continue
            if made is not None:
                value = made.copy(value)
                keep.append(value)
            arguments.append((value.address or _find_address(value)) + offset)
        outputs, places = [], []
        for shape, dtype, size in self.writes:
            array = empty(shape, dtype, size)
            outputs.append(array)
            places.append(address(array))
        self.compute(arguments, places)
        for slot, array, place in zip(self.step.outputs, outputs, places, strict=True):
            slots[slot] = array.item() if array.shape == () else Buffer(array, place)

    def compute(self, arguments: list[Any], places: Sequence[int]) -> None:
        """Call the kernel on its operands, and write the results to the given addresses."""
        partials = []
        for k, (place, (_, _, reduction), dtype) in enumerate(
            zip(places, self.spec.outputs, self.partials, strict=True)
        ):
            arguments.append(place)
            if dtype is not None:
                partial = np.empty(self.partial_shape, dtype)
                partials.append((k, partial))
                arguments.append(address(partial))
            elif reduction:
                arguments.append(0)
        self._call(arguments)
        for k, partial in partials:
            combiner = self._combiners[k]
            combiner.compute([*combiner._head, address(partial)], [places[k]])

    def copy(self, value: Buffer) -> Buffer:
        """The result of a kernel with one operand."""
        slots = [value, None]
        self.step.outputs = [1]
        self.run(slots)
        return slots[1]  # type: ignore[return-value]

    def _call(self, arguments: list[Any]) -> None:
        units = self.units
        if units == 0:
            return
        if self.elements < PARALLEL:
            block = _block
            if len(arguments) > block.words:
                block.grow(2 * len(arguments))
            self.format.pack_into(block.memory, 0, *arguments)
            self.kernel.call_short(0, units, block.address)
            return
        memory = (ctypes.c_int64 * len(arguments))()  # of this call: others may run in this thread while it lasts
        self.format.pack_into(memory, 0, *arguments)
        _share_out(self.kernel, units, ctypes.addressof(memory))

    @cached_property
    def _combiners(self) -> dict[int, ArrayKernel]:
        """The kernel that reduces the partial results, for each output that has them."""
        lines, blocks, columns = self.partial_shape
        made = {}
        for k, (_, dtype, reduction) in enumerate(self.spec.outputs):
            if reduction:
                made[k] = ArrayKernel(combining(self.spec.deep, (lines, blocks, columns), dtype, reduction))
        return made


def _share_out(kernel: Kernel, units: int, place: int) -> None:
    """Call a kernel on all its units, in as many threads as there are processors.

    Each thread takes a part whenever it is done with one, so none waits for another that begins late.
    """
    workers = min(_workers(), units)
    number = min(units, PARTS * workers)
    parts = deque((units * i // number, units * (i + 1) // number) for i in range(number))

    def work() -> None:
        while parts:
            try:
                start, stop = parts.popleft()
            except IndexError:  # another thread was faster
                return
            kernel.call(start, stop, place)

    futures = [_pool().submit(work) for _ in range(workers - 1)]
    try:
        work()
    finally:
        parts.clear()
        _wait([future for future in futures if not future.cancel()])


def bound(step: KernelStep) -> ScalarKernel | ArrayKernel:
    """The kernel of a step, ready for its shapes."""
    return ScalarKernel(step) if step.spec.is_scalar else ArrayKernel(step)


def gather(places: Sequence[int]) -> Callable[[list[Any]], Sequence[Any]]:
    """A fast function that takes the values at `places` out of a list."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda slots: [slots[i] for i in places]


def _wait(futures: list[Any]) -> None:
    """Wait for calls that write into memory which must not be freed before; an interrupt comes after that."""
    interrupted: BaseException | None = None
    while not all(future.done() for future in futures):
        try:
            for future in futures:
                future.exception()
        except BaseException as interrupt:
            interrupted = interrupt
    if interrupted is not None:
        raise interrupted
    for future in futures:
        future.result()


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


def address(array: np.ndarray) -> int:
    """Where the elements of a fresh, writeable array are."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array.data)) if array.size else 0
