"""Memory for large results, used again when nobody holds it any more.

A fresh array costs more in page faults than the kernel that fills it, whether of 400 kB or of 40 MB. So memory of
large results is not given back to the system at once: when the last view of it dies, it waits for the next result of
its size.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections import OrderedDict, deque

import numpy as np

from gradtape.graph.shapes import Shape

LARGE = 1 << 17
"""Bytes from which memory is kept; smaller arrays come from NumPy: the C library keeps small memory itself."""

HUGE = 1 << 21
"""Bytes from which large pages are asked for."""


def _kept() -> int:
    """An eighth of the machine's memory, from 512 MB to 2 GB."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        memory = 0
    return min(max(memory // 8, 1 << 29), 1 << 31)


KEPT = _kept()
"""Bytes of memory that may wait at most."""

GRAIN = 1 << 16
"""Sizes are rounded up to this many bytes."""


class _Store:
    """Memory that waits, oldest first.

    A lease may end anywhere, also while this thread holds the lock, as garbage is collected at any time. So what comes
    back only lands in `returned`, and is sorted in by whoever has the lock.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.returned: deque[tuple[mmap.mmap, int]] = deque()
        self.waiting: OrderedDict[int, mmap.mmap] = OrderedDict()  # by address
        self.of_size: dict[int, list[int]] = {}  # addresses of what waits
        self.bytes = 0

    def take(self, size: int) -> tuple[mmap.mmap, int]:
        with self.lock:
            self._sort_in()
            addresses = self.of_size.get(size)
            if addresses:
                address = addresses.pop()  # the latest, which is likely to be in the processor's cache
                self.bytes -= size
                return self.waiting.pop(address), address
        memory = _fresh(size)
        return memory, np.frombuffer(memory, np.uint8).__array_interface__["data"][0]

    def give(self, memory: mmap.mmap, address: int) -> None:
        self.returned.append((memory, address))
        if self.lock.acquire(blocking=False):
            try:
                self._sort_in()
            finally:
                self.lock.release()

    def _sort_in(self) -> None:
        while self.returned:
            memory, address = self.returned.popleft()
            self.waiting[address] = memory
            self.of_size.setdefault(len(memory), []).append(address)
            self.bytes += len(memory)
        while KEPT is not None and self.bytes > KEPT and self.waiting:  # None while the interpreter ends
            address, oldest = self.waiting.popitem(last=False)
            self.of_size[len(oldest)].remove(address)
            self.bytes -= len(oldest)


def _fresh(size: int) -> mmap.mmap:
    """Memory of this process alone: after a fork, parent and child must not write into each other's results."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            memory.madvise(mmap.MADV_HUGEPAGE)
        except OSError:  # a system without huge pages
            pass
    return memory


_store = _Store()


def _after_fork() -> None:
    _store.lock = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Lease:
    """Holds memory while an array uses it; the array keeps its lease alive, and views keep the array alive."""

    __slots__ = ("__array_interface__", "_address", "_give", "_memory")

    def __init__(self, shape: Shape, dtype: np.dtype, size: int):
        self._memory, self._address = _store.take(size)
        self._give = _store.give
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,  # of bfloat16 only its size
            "data": (self._address, False),
            "version": 3,
        }

    def __del__(self) -> None:
        self._give(self._memory, self._address)


def empty(shape: Shape, dtype: np.dtype, bytes: int) -> np.ndarray:
    """A writeable array without defined contents, of `bytes` bytes."""
    if bytes < LARGE:
        return np.empty(shape, dtype)
    return np.asarray(_Lease(shape, dtype, -(-bytes // GRAIN) * GRAIN)).view(dtype)
