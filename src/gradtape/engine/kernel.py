"""A kernel with its code, and how it is called on arrays: arguments, blocks for threads, partial results."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np

from gradtape.engine.buffers import empty
from gradtape.engine.cache import Cache
from gradtape.engine.combine import BLOCK, ROWS, accumulator
from gradtape.engine.elementary import TABLES
from gradtape.engine.frame import Arguments
from gradtape.engine.plan import KernelSpec, KernelStep
from gradtape.graph.node import Buffer
from gradtape.graph.shapes import Shape

PARALLEL = 1 << 16
"""Elements below which one thread is enough."""

_Function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_Short = ctypes.PYFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)  # keeps the interpreter's lock


class Kernel:
    """Code for a specification: whether it came from "disk" or was "compiled", and in how many seconds."""

    def __init__(self, spec: KernelSpec):
        from gradtape.engine.compile import code

        self._code = code(spec)
        self.source, self.seconds = self._code.source, self._code.seconds
        address = self._code.address("kernel")
        self.call = _Function(address)
        self.call_short = _Short(address)


_kernels: Cache[Kernel] = Cache(4096)


def kernel(spec: KernelSpec) -> Kernel:
    """The compiled kernel for a specification, from memory if it was compiled before."""
    return _kernels.find(spec, lambda: Kernel(spec))


@cache
def _workers() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@cache
def _pool() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_workers(), "gradtape")


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
        at = Arguments(spec)
        codes = ["q"] * at.size
        for (dtype, access), position in zip(spec.operands, at.operands, strict=True):
            if access == "scalar":
                codes[position] = _code(dtype)
        self.format = struct.Struct("=" + "".join(codes))
        middle, inner = step.lengths[-2:]
        self.rows, self.elements = prod(step.lengths[:-2]), prod(step.lengths)
        blocked, block = (middle, ROWS) if spec.reduces == "outer" else (inner, BLOCK)
        self.units_per_row = max(1, -(-blocked // block))
        self.template: list[Any] = [0] * at.size
        self.template[at.tables] = _tables
        self.template[at.lengths : at.lengths + len(step.lengths)] = step.lengths
        self.template[at.units_per_row] = self.units_per_row
        for position, strides in zip(at.operands, step.strides, strict=True):
            self.template[position + 1 : position + 1 + len(strides)] = strides
        accesses = [access for _, access in spec.operands]
        self.reads = list(zip(step.inputs, at.operands, accesses, step.expanded, strict=True))
        self.writes = []
        for position, shape, (_, name, reduction) in zip(at.outputs, step.shapes, spec.outputs, strict=True):
            numpys: np.dtype = np.dtype(name)
            partial = accumulator(name, reduction) if reduction and self.units_per_row > 1 else None
            self.writes.append((position, shape, numpys, prod(shape) * numpys.itemsize, partial))

    def run(self, slots: list[Any]) -> None:
        """Compute the outputs into their slots."""
        arguments = self.template.copy()
        keep = []  # copies whose addresses are in use
        for slot, position, access, expanded in self.reads:
            value = slots[slot]
            if access == "scalar":
                arguments[position] = value.array.item() if type(value) is Buffer else value
                continue
            if expanded is not None or not value.array.flags.c_contiguous:
                array = value.array if expanded is None else np.broadcast_to(value.array, expanded)
                value = Buffer(np.ascontiguousarray(array))
                keep.append(value)
            arguments[position] = value.address or _find_address(value)
        outputs, partials = [], []
        for k, (position, shape, dtype, size, carried) in enumerate(self.writes):
            array = empty(shape, dtype, size)
            place = arguments[position] = address(array)
            outputs.append((array, place))
            if carried is not None:
                partial = np.empty(self._partial_shape(), carried)
                arguments[position + 1] = address(partial)
                partials.append((k, partial))
        self._call(arguments)
        for k, partial in partials:
            self._combine(k, Buffer(partial), outputs[k][0])
        for slot, (array, place) in zip(self.step.outputs, outputs, strict=True):
            slots[slot] = array.item() if array.shape == () else Buffer(array, place)

    def _call(self, arguments: list[Any]) -> None:
        units = self.rows * self.units_per_row
        if self.elements < PARALLEL:
            block = _block
            if len(arguments) > block.words:
                block.grow(2 * len(arguments))
            self.format.pack_into(block.memory, 0, *arguments)
            self.kernel.call_short(0, units, block.address)
            return
        memory = (ctypes.c_int64 * len(arguments))()  # of this call: others may run in this thread while it lasts
        self.format.pack_into(memory, 0, *arguments)
        place = ctypes.addressof(memory)
        parts = max(1, min(_workers(), units))
        bounds = [units * i // parts for i in range(parts + 1)]
        futures = [_pool().submit(self.kernel.call, bounds[i], bounds[i + 1], place) for i in range(1, parts)]
        try:
            self.kernel.call(bounds[0], bounds[1], place)
            for future in futures:
                future.result()
        finally:
            _wait(futures)

    def _partial_shape(self) -> Shape:
        inner = self.step.lengths[-1] if self.spec.reduces == "outer" else 1
        return (self.rows, self.units_per_row, inner)

    def _combine(self, k: int, partial: Buffer, result: np.ndarray) -> None:
        """Reduce partial results in the same way, without a body, into `result`."""
        slots: list[Any] = [partial, None]
        self._combiners[k].run(slots)
        result[...] = slots[1].array if type(slots[1]) is Buffer else slots[1]

    @cached_property
    def _combiners(self) -> dict[int, ArrayKernel]:
        """The kernel that reduces the partial results, for each output that has them."""
        rows, units, inner = self._partial_shape()
        made = {}
        for k, (_, dtype, reduction) in enumerate(self.spec.outputs):
            if reduction:
                operands = ((accumulator(dtype, reduction), "step"),)
                spec = KernelSpec(1, self.spec.reduces, operands, (), ((-1, dtype, reduction),))
                outer = self.spec.reduces == "outer"
                lengths = (rows, units, inner) if outer else (rows, 1, units)
                strides = (units * inner, inner) if outer else (units, 0)
                made[k] = ArrayKernel(KernelStep(spec, lengths, [0], [None], [strides], [1], [self.step.shapes[k]]))
        return made


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


def _find_address(buffer: Buffer) -> int:
    buffer.address = buffer.array.__array_interface__["data"][0]
    return buffer.address


def address(array: np.ndarray) -> int:
    """Where the elements of a fresh, writeable array are."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array.data)) if array.size else 0
