"""Library calls that the engine runs in a way of its own: NumPy's matrix product, in parts that our threads share.

The BLAS behind NumPy divides a product among its own threads, so bits depend on how many there are, and these wait
actively, in the way of other threads. Here the parts follow from the shapes alone, each is computed by one thread, and
threads take one after the other. Bits so depend on nothing but the BLAS.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from gradtape.engine.buffers import empty
from gradtape.engine.products import Parts, call_of, is_read, libraries
from gradtape.engine.products import routine as find_routine
from gradtape.engine.threads import share_out, share_out_python, workers
from gradtape.graph.shapes import broadcast, size

PART = 1 << 18
"""How much a part costs at least. An element that is read or written counts two, eight multiplications count one; that
makes about an eighth of a nanosecond each."""

SHARED = 1 << 19
"""The same for products that are worth sharing out."""

SHORTEST = 128
"""Rows or columns of a part at least, as each part reads the whole of the other matrix."""

FEW = 4
"""Parts of rows or columns below which parts of the inner axis are better, if that is longer."""


def matmul(a: np.ndarray, b: np.ndarray, turn_a: bool = False, turn_b: bool = False) -> np.ndarray:
    """NumPy's matmul for two axes or more, of transposed matrices where that is said.

    The elements of `a` and of `b` must stand side by side in memory: the bits of a BLAS depend on how they stand.
    """
    a, b = _as_told(a, turn_a), _as_told(b, turn_b)
    (rows, depth), columns = a.shape[-2:], b.shape[-1]
    batch = broadcast(a.shape[:-2], b.shape[:-2])
    cost = 2 * (rows * depth + depth * columns + rows * columns) + rows * depth * columns // 8
    count = size(batch)
    result = empty((*batch, rows, columns), a.dtype, count * rows * columns * a.itemsize)
    with _one_thread_each():
        if a.dtype.kind != "f" or cost * count < SHARED or len(batch) > 1:
            return np.matmul(a, b, out=result)
        if batch:
            left, right = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
            _share(left, right, result, Parts(count))
            return result
        longest = max(rows, columns)
        if longest < FEW * SHORTEST and longest < depth:
            longest = depth
        length = max(SHORTEST, PART * longest // cost)
        length = -(-longest // -(-longest // length))  # parts of nearly the same length
        parts = -(-longest // length)
        if parts == 1:
            np.matmul(a, b, out=result)
        elif longest == rows:
            _share(a, b, result, Parts(parts, rows=length))
        elif longest == columns:
            _share(a, b, result, Parts(parts, columns=length))
        else:  # products of parts of the inner axis, added in order
            products = empty((parts, rows, columns), a.dtype, parts * rows * columns * a.itemsize)
            _share(a, b, products, Parts(parts, depth=length))
            result[...] = np.add.reduce(products, axis=0, dtype=np.float64)
        return result


def _as_told(array: np.ndarray, turn: bool) -> np.ndarray:
    """A matrix as NumPy and the BLAS see it, whatever strides the axes of length one have."""
    if 1 in array.shape:
        array = array.ravel().reshape(array.shape)
    return array.swapaxes(-1, -2) if turn else array


def _share(a: np.ndarray, b: np.ndarray, result: np.ndarray, parts: Parts) -> None:
    """Compute a product in parts."""
    number = min(workers(), parts.number)
    routine = find_routine(a.dtype.char)
    if routine is not None:
        a, b = (x if is_read(x) else np.ascontiguousarray(x) for x in (a, b))
        argument = call_of(routine, a, b, result, parts)
        share_out(routine.products, parts.number, ctypes.addressof(argument), number)
        return

    def call(start: int, stop: int) -> None:
        for part in range(start, stop):
            left, right, product = parts.of(part, a, b, result)
            np.matmul(left, right, out=product)

    share_out_python(call, parts.number, number)


class _Limit:
    """How many products are being computed, and how many threads the BLAS had before the first of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.active = 0
        self.before: list[int] = []


_limit = _Limit()


def _after_fork() -> None:
    global _limit
    if _limit.active:  # other threads of the parent were at it
        for library, number in zip(libraries(), _limit.before, strict=True):
            library.set_num_threads(number)
    _limit = _Limit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Meanwhile each call of the BLAS is computed by the thread that calls."""
    limit, found = _limit, libraries()
    with limit.lock:
        limit.active += 1
        if limit.active == 1:
            limit.before = [library.get_num_threads() for library in found]
            for library in found:
                library.set_num_threads(1)
    try:
        yield
    finally:
        with limit.lock:
            limit.active -= 1
            if not limit.active:
                for library, number in zip(found, limit.before, strict=True):
                    library.set_num_threads(number)


ROUTINES: dict[str, Callable[..., np.ndarray]] = {"matmul": matmul}
"""What runs the primitives that name a `library` routine."""
