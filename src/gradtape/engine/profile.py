"""What ran, how long it took, and how near that is to the speed of memory.

An `Executable` asks `collecting` once per run whether somebody wants to know. Each of its steps is then timed by
itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from gradtape.config import settings

if TYPE_CHECKING:  # profile is imported with gradtape, kernels are not
    from gradtape.engine.describe import Work
    from gradtape.engine.executable import Executable
    from gradtape.engine.kernel import Kernel
    from gradtape.engine.measured import Measured


class Profile:
    """What ran in a block: `kernels`, or a table when it is printed. See `profile`."""

    def __init__(self) -> None:
        self._threads = settings().threads
        self._lock = threading.RLock()
        self._open = True
        self._tallies: dict[tuple[Executable, str], list[_Tally]] = {}
        self._fresh: set[Kernel] = set()  # kernels that were made in the block and did not run yet
        self._loading = 0.0  # the time for kernels that no tally has yet
        self._elsewhere = 0.0  # the time that a step which is running did not spend itself
        self._kept: tuple[Measured, ...] = ()

    @property
    def kernels(self) -> tuple[Measured, ...]:
        """The kernels and library calls, in the order in which they first were done."""
        with self._lock:
            if not self._open:
                return self._kept
            return tuple([tally.measured(self._threads) for tallies in [*self._tallies.values()] for tally in tallies])

    @property
    def seconds(self) -> float:
        """The time of all kernels and calls, without compiling."""
        return sum(kernel.seconds for kernel in self.kernels)

    def __str__(self) -> str:
        from gradtape.engine.measured import table

        return table(self.kernels)

    __repr__ = __str__

    def _made(self, kernel: Kernel) -> None:
        with self._lock:
            self._loading += kernel.seconds
            self._elsewhere += kernel.seconds
            self._fresh.add(kernel)

    def _ran(self, key: tuple[Executable, str], timings: list[tuple[float, float]]) -> None:
        with self._lock:
            if not self._open:  # the block ended in another task
                return
            tallies = self._tallies.get(key)
            if tallies is None:
                executable, tier = key
                tallies = self._tallies[key] = [
                    _Tally(work, tier, getattr(step, "kernel", None))
                    for work, step in zip(executable.works(), executable.steps, strict=True)
                ]
            for tally, timing in zip(tallies, timings, strict=True):
                tally.add(*timing)
                if tally.kernel in self._fresh:
                    self._fresh.remove(tally.kernel)
                    self._loading -= tally.kernel.seconds
                    tally.code = tally.kernel.source
                    tally.code_seconds += tally.kernel.seconds

    def _close(self) -> None:
        kept = self.kernels
        with self._lock:  # code and Programs are let go
            self._open = False
            self._kept = kept
            self._tallies, self._fresh = {}, set()


class _Tally:
    """What one step of an Executable did so far."""

    def __init__(self, work: Work, tier: str, kernel: Kernel | None):
        self.work = work
        self.tier = tier
        self.kernel = kernel
        self.calls = 0
        self.seconds = self.code_seconds = 0.0
        self.code = "memory" if kernel else ""

    def add(self, seconds: float, loading: float) -> None:
        """One more run: its time, and that for kernels which the step had to get meanwhile."""
        self.calls += 1
        self.seconds += seconds
        self.code_seconds += loading

    def measured(self, threads: int | None) -> Measured:
        from gradtape.engine.measured import Measured

        work = self.work
        kind = "kernel" if self.kernel else "call"
        moved, operations = self.calls * work.bytes, self.calls * work.operations
        return Measured(
            work.label,
            kind,
            self.tier,
            self.calls,
            self.seconds,
            moved,
            operations,
            self.code,
            self.code_seconds,
            threads,
        )


collecting: ContextVar[tuple[Profile, ...]] = ContextVar("gradtape.profile", default=())
"""The profiles that are open in this thread or task."""

_piecewise: ContextVar[bool] = ContextVar("gradtape.pieces", default=False)


@contextmanager
def profile() -> Iterator[Profile]:
    """Measure what runs in a block: time, bytes, speed and compiling of each kernel and library call.

    Gives a Profile. Printed, it is a table, what took most time first; ``profile.kernels`` is a tuple of `Measured`,
    for programs. What is pending is computed when somebody asks for it: ask within the block.

    It holds for the thread (or asyncio task) that runs the block. Blocks may be nested: what runs in the inner one
    counts for the outer one as well. Steps are timed one by one, which takes about a microsecond each.

    >>> import gradtape as tf
    >>> x = tf.constant([0.5] * 1000)
    >>> with tf.profile() as measured:
    ...     for _ in range(3):
    ...         _ = tf.sin(x).numpy()
    >>> (sin,) = measured.kernels
    >>> sin.label, sin.calls, sin.bytes
    ('sin', 3, 24000)
    """
    here = Profile()
    token = collecting.set((*collecting.get(), here))
    try:
        yield here
    finally:
        collecting.reset(token)
        here._close()


@contextmanager
def in_pieces() -> Iterator[None]:
    """Say that what runs in this block is a part of something larger."""
    token = _piecewise.set(True)
    try:
        yield
    finally:
        _piecewise.reset(token)


def made(kernel: Kernel) -> None:
    """Tell open profiles of a kernel that was compiled or loaded."""
    for one in collecting.get():
        one._made(kernel)


def run(executable: Executable, slots: list[Any], profiles: tuple[Profile, ...]) -> None:
    """Run the steps of an Executable, and tell open profiles how long each took."""
    clock = profiles[0]
    timings = []
    for step in executable.steps:
        elsewhere, loading = clock._elsewhere, clock._loading
        start = time.perf_counter()
        step.run(slots)
        seconds = time.perf_counter() - start
        # A step may get kernels when it first needs them, and loops run other Programs, which have their own entries.
        loading = clock._loading - loading
        timings.append((max(0.0, seconds - (clock._elsewhere - elsewhere)), max(0.0, loading)))
        clock._loading -= loading
        clock._elsewhere = elsewhere + seconds
    tier = "pieces" if _piecewise.get() else "fused" if len(executable.program.steps) > 1 else "single"
    for one in profiles:
        one._ran((executable, tier), timings)
