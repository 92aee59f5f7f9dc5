"""Memory for large results, used again when nobody holds it any more.

A fresh array of 40 MB costs more in page faults than the kernel that fills it. So memory of large results is not
given back to the system at once: when the last view of it dies, it waits for the next result of its size.
"""

from __future__ import annotations

import mmap
import threading
from collections import OrderedDict

import numpy as np

from gradtape.graph.shapes import Shape

LARGE = 1 << 20
"""Bytes from which memory is kept; smaller arrays come from NumPy, which keeps small memory itself."""

KEPT = 1 << 29
"""Bytes of memory that may wait at most."""

GRAIN = 1 << 16
"""Sizes are rounded up to this many bytes."""


class _Store:
    """Memory that waits, oldest first."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a lease may end while the lock is held: garbage is collected anywhere
        self.waiting: OrderedDict[int, tuple[mmap.mmap, int]] = OrderedDict()
        self.bytes = 0

    def take(self, size: int) -> tuple[mmap.mmap, int]:
        with self.lock:
            for key, (memory, address) in reversed(self.waiting.items()):
                if len(memory) == size:
                    del self.waiting[key]
                    self.bytes -= size
                    return memory, address
        memory = mmap.mmap(-1, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            try:
                memory.madvise(mmap.MADV_HUGEPAGE)
            except OSError:  # a system without huge pages
                pass
        return memory, np.frombuffer(memory, np.uint8).__array_interface__["data"][0]

    def give(self, memory: mmap.mmap, address: int) -> None:
        with self.lock:
            self.waiting[address] = memory, address
            self.bytes += len(memory)
            while self.bytes > KEPT and self.waiting:
                _, (oldest, _) = self.waiting.popitem(last=False)
                self.bytes -= len(oldest)


_store = _Store()


class _Lease:
    """Holds memory while an array uses it; the array keeps its lease alive, and views keep the array alive."""

    __slots__ = ("__array_interface__", "_address", "_give", "_memory")

    def __init__(self, shape: Shape, dtype: np.dtype, size: int):
        self._memory, self._address = _store.take(size)
        self._give = _store.give
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (self._address, False),
            "version": 3,
        }

    def __del__(self) -> None:
        self._give(self._memory, self._address)


def empty(shape: Shape, dtype: np.dtype, bytes: int) -> np.ndarray:
    """A writeable array without defined contents, of `bytes` bytes."""
    if bytes < LARGE:
        return np.empty(shape, dtype)
    return np.asarray(_Lease(shape, dtype, -(-bytes // GRAIN) * GRAIN))
