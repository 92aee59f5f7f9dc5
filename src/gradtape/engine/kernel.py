"""A kernel with its code, and how it is called on arrays: arguments, blocks for threads, partial results."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from math import prod
from typing import Any

import numpy as np

from gradtape.engine.cache import Cache
from gradtape.engine.elementary import TABLES
from gradtape.engine.lower import BLOCK, ROWS, Arguments, accumulator, lower
from gradtape.engine.plan import KernelSpec, KernelStep
from gradtape.graph.shapes import Shape

PARALLEL = 1 << 16
"""Elements below which one thread is enough."""

_Function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_Short = ctypes.PYFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)  # keeps the interpreter's lock


class Kernel:
    """Compiled code for a specification."""

    def __init__(self, spec: KernelSpec):
        from gradtape.engine.compile import Code

        self._code = Code(lower(spec))
        address = self._code.address("kernel")
        self.call = _Function(address)
        self.call_short = _Short(address)


_kernels: Cache[Kernel] = Cache(4096)


def kernel(spec: KernelSpec) -> Kernel:
    """The compiled kernel for a specification, from memory if it was compiled before."""
    return _kernels.find(spec, lambda: Kernel(spec))


def is_compiled(spec: KernelSpec) -> bool:
    return spec in _kernels


@cache
def _workers() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
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


class BoundKernel:
    """A kernel for arrays of given shapes."""

    def __init__(self, step: KernelStep):
        self.step = step
        self.spec = spec = step.spec
        self.at = at = Arguments(spec)
        template: list[Any] = [0] * at.size
        template[at.tables] = _tables
        codes = ["q"] * at.size
        for (dtype, access), position in zip(spec.operands, at.operands, strict=True):
            if access == "scalar" and dtype.startswith("float"):
                codes[position] = "d"
        self.rows, self.units_per_row, self.elements = 1, 1, 1
        if not spec.is_scalar:
            middle, inner = step.lengths[-2:]
            template[at.lengths : at.lengths + len(step.lengths)] = step.lengths
            self.rows = prod(step.lengths[:-2])
            self.elements = prod(step.lengths)
            blocked, block = (middle, ROWS) if spec.reduces == "outer" else (inner, BLOCK)
            self.units_per_row = max(1, -(-blocked // block))
            template[at.units_per_row] = self.units_per_row
            for position, strides in zip(at.operands, step.strides, strict=True):
                template[position + 1 : position + 1 + len(strides)] = strides
        self.template = template
        self.format = struct.Struct("=" + "".join(codes))
        self.kernel = kernel(spec)
        if spec.is_scalar:
            self._bind_scalars()

    # -- single numbers ---------------------------------------------------------------------------------------

    def _bind_scalars(self) -> None:
        codes = ["d" if dtype.startswith("float") else "q" for _, dtype, _ in self.spec.outputs]
        self.first_output = 8 * self.at.outputs[0]
        self.results = struct.Struct("=" + "".join(codes))
        self.truths = [i for i, (_, dtype, _) in enumerate(self.spec.outputs) if dtype == "bool"]
        self.head = 1 + len(self.spec.operands)

    def run_scalars(self, slots: list[Any]) -> None:
        step = self.step
        arguments = [_tables, 0, *[slots[i] for i in step.inputs], *([0] * len(step.outputs))]
        block = _block
        if len(arguments) > block.words:
            block.grow(2 * len(arguments))
        self.format.pack_into(block.memory, 0, *arguments)
        self.kernel.call_short(0, 1, block.address)
        results: Any = self.results.unpack_from(block.memory, self.first_output)
        if self.truths:
            results = [bool(v) if i in self.truths else v for i, v in enumerate(results)]
        for i, value in zip(step.outputs, results, strict=True):
            slots[i] = value

    # -- arrays -----------------------------------------------------------------------------------------------

    def run(self, slots: list[Any]) -> None:
        """Compute the outputs into their slots."""
        if self.spec.is_scalar:
            self.run_scalars(slots)
            return
        arguments = self.template.copy()
        keep = []  # arrays whose addresses are in use
        for i, slot in enumerate(self.step.inputs):
            value = slots[slot]
            position = self.at.operands[i]
            if self.spec.operands[i][1] == "scalar":
                arguments[position] = value.item() if isinstance(value, np.ndarray) else value
                continue
            expanded = self.step.expanded[i]
            if expanded is not None:
                value = np.broadcast_to(value, expanded)
            value = np.ascontiguousarray(value)
            keep.append(value)
            arguments[position] = address(value)
        outputs, partials = [], []
        for k, (_, dtype, reduction) in enumerate(self.spec.outputs):
            array = np.empty(self.step.shapes[k], dtype)
            outputs.append(array)
            arguments[self.at.outputs[k]] = address(array)
            if reduction and self.units_per_row > 1:
                partial = np.empty(self._partial_shape(), accumulator(dtype, reduction))
                partials.append((k, partial))
                arguments[self.at.outputs[k] + 1] = address(partial)
        self._call(arguments)
        for k, partial in partials:
            outputs[k] = self._combined(k, partial)
        for slot, array, shape in zip(self.step.outputs, outputs, self.step.shapes, strict=True):
            if shape == ():
                slots[slot] = array.item()
            else:
                array.flags.writeable = False
                slots[slot] = array

    def _call(self, arguments: list[Any]) -> None:
        block = _block
        if len(arguments) > block.words:
            block.grow(2 * len(arguments))
        self.format.pack_into(block.memory, 0, *arguments)
        units = self.rows * self.units_per_row
        if self.elements < PARALLEL:
            self.kernel.call_short(0, units, block.address)
            return
        parts = min(_workers(), units)
        bounds = [units * i // parts for i in range(parts + 1)]
        if parts == 1:
            self.kernel.call(0, units, block.address)
            return
        futures = [_pool().submit(self.kernel.call, bounds[i], bounds[i + 1], block.address) for i in range(1, parts)]
        self.kernel.call(bounds[0], bounds[1], block.address)
        for future in futures:
            future.result()

    def _partial_shape(self) -> Shape:
        inner = self.step.lengths[-1] if self.spec.reduces == "outer" else 1
        return (self.rows, self.units_per_row, inner)

    @cached_property
    def _combiners(self) -> list[BoundKernel]:
        """For each output, the kernel that reduces the partial results; like this one, without a body."""
        rows, units, inner = self._partial_shape()
        made = []
        for k, (_, dtype, reduction) in enumerate(self.spec.outputs):
            carried = accumulator(dtype, reduction)
            outputs = ((-1, dtype, reduction),)
            spec = KernelSpec(1, self.spec.reduces, ((carried, "step"),), (), outputs)
            if self.spec.reduces == "outer":
                lengths, strides = (rows, units, inner), (units * inner, inner)
            else:
                lengths, strides = (rows, 1, units), (units, 0)
            step = KernelStep(spec, lengths, [0], [None], [strides], [1], [self.step.shapes[k]])
            made.append(BoundKernel(step) if reduction else self)
        return made

    def _combined(self, k: int, partial: np.ndarray) -> np.ndarray:
        slots = [partial, None]
        self._combiners[k].run(slots)
        return np.asarray(slots[1], self.spec.outputs[k][1])


def address(array: np.ndarray) -> int:
    """Where an array's elements are."""
    return array.__array_interface__["data"][0]
