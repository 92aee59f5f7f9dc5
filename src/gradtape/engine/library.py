"""Library calls that the engine runs in a way of its own: NumPy's matrix product, in parts that our threads share.

The BLAS behind NumPy divides a product among its own threads, so bits depend on how many there are, and these wait
actively, in the way of other threads. Here the parts follow from the shapes alone, each is computed by one thread, and
threads take one after the other. Bits so depend on nothing but the BLAS.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from gradtape.engine.buffers import empty
from gradtape.engine.threads import share_out_python, workers
from gradtape.graph.shapes import Shape

PART = 1 << 18
"""How much a part costs at least. An element that is read or written counts two, eight multiplications count one; that
makes about an eighth of a nanosecond each."""

SHARED = 1 << 21
"""The same for products that are worth sharing out: waking another thread takes tens of microseconds."""

LEAST_ROWS = 128
"""Rows of a part at least, as each part reads the whole second matrix."""


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """NumPy's matmul for two axes or more."""
    (rows, depth), columns = a.shape[-2:], b.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    with _one_thread_each():
        cost = 2 * (rows * depth + depth * columns + rows * columns) + rows * depth * columns // 8
        count = int(np.prod(batch, dtype=np.int64))
        result = empty((*batch, rows, columns), a.dtype, count * rows * columns * a.itemsize)
        if a.dtype.kind != "f" or cost * count < SHARED:
            return np.matmul(a, b, out=result)
        if batch:
            return _by_batch(a, b, batch, result, max(1, PART // cost))
        per_row = 2 * (depth + columns) + depth * columns // 8
        size = max(LEAST_ROWS, PART // per_row)
        if rows > size:
            _share(lambda part: np.matmul(a[part], b, out=result[part]), rows, size)
            return result
        return _by_depth(a, b, result, max(LEAST_ROWS, PART // (2 * (rows + columns) + rows * columns // 8)))


def _by_batch(a: np.ndarray, b: np.ndarray, batch: Shape, result: np.ndarray, size: int) -> np.ndarray:
    left, right = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    _share(lambda part: np.matmul(left[part], right[part], out=result[part]), batch[0], size)
    return result


def _by_depth(a: np.ndarray, b: np.ndarray, result: np.ndarray, size: int) -> np.ndarray:
    """Few rows and columns: products of parts of the inner axis, added in order."""
    depth = a.shape[1]
    if depth <= size:
        return np.matmul(a, b, out=result)
    products = np.empty((-(-depth // size), a.shape[0], b.shape[1]), a.dtype)
    _share(lambda part: np.matmul(a[:, part], b[part], out=products[part.start // size]), depth, size)
    result[...] = np.add.reduce(products, axis=0, dtype=np.float64)
    return result


def _share(compute: Callable[[slice], Any], length: int, size: int) -> None:
    """Call `compute` on slices of `size` that cover `length`, from several threads."""

    def call(start: int, stop: int) -> None:
        for part in range(start, stop):
            compute(slice(part * size, min(length, (part + 1) * size)))

    parts = -(-length // size)
    share_out_python(call, parts, min(workers(), parts))


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
        for library, number in zip(_libraries(), _limit.before, strict=True):
            library.set_num_threads(number)
    _limit = _Limit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def _libraries() -> list[Any]:
    """The BLAS libraries of this process whose threads can be set."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Meanwhile each call of the BLAS is computed by the thread that calls."""
    limit, libraries = _limit, _libraries()
    with limit.lock:
        limit.active += 1
        if limit.active == 1:
            limit.before = [library.get_num_threads() for library in libraries]
            for library in libraries:
                library.set_num_threads(1)
    try:
        yield
    finally:
        with limit.lock:
            limit.active -= 1
            if not limit.active:
                for library, number in zip(libraries, limit.before, strict=True):
                    library.set_num_threads(number)


ROUTINES: dict[str, Callable[..., np.ndarray]] = {"matmul": matmul}
"""What runs the primitives that name a `library` routine."""
