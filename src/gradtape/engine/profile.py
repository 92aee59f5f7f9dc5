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
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gradtape.config import override, settings

if TYPE_CHECKING:  # profile is imported with gradtape, kernels are not
    from gradtape.engine.describe import Work
    from gradtape.engine.executable import Executable
    from gradtape.engine.kernel import Kernel

COPY = 1 << 24
"""Numbers of float32 that are copied to measure the bandwidth of a copy: more than caches hold."""

REPEATS = 9
"""How many copies are made; the fastest counts."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one kernel or library call.

    label           its operations, in a few words
    kind            "kernel" or "call" (of a NumPy function)
    tier            "single" for a kernel of one operation, else "fused"; "pieces" if it is part of a Program that
                    takes too long to compile as a whole
    calls           how many times it ran
    seconds         how long that took in all, without compiling
    bytes           how many bytes of arrays it moved in all
    operations      how many operations of the table it did in all
    code            where a kernel's code came from: "compiled", "disk", or "memory" if it was there before; a call
                    has none: ""
    code_seconds    how long it took to get it
    threads         how many threads a kernel might use; None: as many as there are processors
    """

    label: str
    kind: str
    tier: str
    calls: int
    seconds: float
    bytes: int
    operations: int
    code: str
    code_seconds: float
    threads: int | None

    @property
    def seconds_per_call(self) -> float:
        """The mean time of a call."""
        return self.seconds / self.calls

    @property
    def gigabytes_per_second(self) -> float:
        """Bytes moved by time, in 10^9 per second."""
        return self.bytes / self.seconds / 1e9 if self.seconds else 0.0

    @property
    def operations_per_second(self) -> float:
        """Operations of the table by time."""
        return self.operations / self.seconds if self.seconds else 0.0

    @property
    def share(self) -> float:
        """Bytes per second as a share of what a large copy moves with as many threads: near one is as fast as memory
        is, above one is in a cache. The copy is measured when this is first asked for, once per process."""
        return self.gigabytes_per_second * 1e9 / copy_bandwidth(self.threads)


class Profile:
    """What ran in a block: `kernels`, or a table when it is printed. See `profile`."""

    def __init__(self) -> None:
        self._threads = settings().threads
        self._lock = threading.Lock()
        self._open = True
        self._tallies: dict[tuple[Executable, str], list[_Tally]] = {}
        self._fresh: set[Kernel] = set()  # made in the block; those of a tally are taken out
        self._compiling = 0.0
        self._kept: tuple[Measured, ...] = ()

    @property
    def kernels(self) -> tuple[Measured, ...]:
        """The kernels and library calls, in the order in which they first ran."""
        with self._lock:
            if not self._open:
                return self._kept
            return tuple([tally.measured(self._threads) for tallies in self._tallies.values() for tally in tallies])

    @property
    def seconds(self) -> float:
        """The time of all kernels and calls, without compiling."""
        return sum(kernel.seconds for kernel in self.kernels)

    def __str__(self) -> str:
        return _table(self.kernels)

    __repr__ = __str__

    def _made(self, kernel: Kernel) -> None:
        with self._lock:
            self._compiling += kernel.seconds
            self._fresh.add(kernel)

    def _ran(self, key: tuple[Executable, str], timings: list[_Timing]) -> None:
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
                tally.add(timing, self._fresh)

    def _close(self) -> None:
        kept = self.kernels
        with self._lock:  # code and Programs are let go
            self._open = False
            self._kept = kept
            self._tallies, self._fresh = {}, set()


class _Timing(NamedTuple):
    """Of one step: how long it ran, without the time for kernels that it had to get meanwhile, and that time."""

    seconds: float
    compiling: float


class _Tally:
    """What one step of an Executable did so far."""

    def __init__(self, work: Work, tier: str, kernel: Kernel | None):
        self.work = work
        self.tier = tier
        self.kernel = kernel
        self.calls = 0
        self.seconds = self.code_seconds = 0.0
        self.code = "memory" if kernel else ""

    def add(self, timing: _Timing, fresh: set[Kernel]) -> None:
        self.calls += 1
        self.seconds += timing.seconds
        self.code_seconds += timing.compiling
        if self.kernel in fresh:
            fresh.remove(self.kernel)
            self.code = self.kernel.source
            self.code_seconds += self.kernel.seconds

    def measured(self, threads: int | None) -> Measured:
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
    >>> x = tf.ones(1000)
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
    outermost = profiles[0]
    timings = []
    for step in executable.steps:
        compiled = outermost._compiling
        start = time.perf_counter()
        step.run(slots)
        seconds = time.perf_counter() - start
        compiling = outermost._compiling - compiled  # kernels that combine partial results are made on first use
        timings.append(_Timing(max(0.0, seconds - compiling), compiling))
    tier = "pieces" if _piecewise.get() else "fused" if len(executable.program.steps) > 1 else "single"
    for one in profiles:
        one._ran((executable, tier), timings)


@cache
def copy_bandwidth(threads: int | None) -> float:
    """Bytes per second, read and written, of a large copy by a kernel of gradtape with this many threads."""
    from gradtape.engine.buffers import empty
    from gradtape.engine.kernel import bound
    from gradtape.engine.plan import KernelStep, plan
    from gradtape.graph.dtypes import float32
    from gradtape.graph.node import Buffer
    from gradtape.graph.program import Program

    made = plan(Program((("float32", (COPY,)),), (("identity", (), (-1,)),), (0,)))
    (step,) = made.steps
    assert isinstance(step, KernelStep)
    array = empty((COPY,), float32.dtype, 4 * COPY)
    array.fill(1)
    slots: list[Any] = [Buffer(array), None]
    times = []
    with override(threads=threads):
        kernel = bound(step)
        for _ in range(REPEATS):
            start = time.perf_counter()
            kernel.run(slots)
            times.append(time.perf_counter() - start)
    return 2 * array.nbytes / min(times)


HEADS = ("kernel", "tier", "calls", "total", "per call", "moved", "GB/s", "of copy", "Gop/s", "code")


def _table(kernels: tuple[Measured, ...]) -> str:
    if not kernels:
        return "nothing was computed"
    rows = [HEADS]
    for one in sorted(kernels, key=lambda one: -one.seconds):
        rows.append(
            (
                one.label if one.kind == "kernel" else f"{one.label} (NumPy)",
                one.tier,
                str(one.calls),
                duration(one.seconds),
                duration(one.seconds_per_call),
                amount(one.bytes),
                f"{one.gigabytes_per_second:.3g}",
                f"{one.share:.0%}",
                f"{one.operations_per_second / 1e9:.3g}",
                {"": "–", "memory": "in memory", "disk": "from disk"}.get(one.code, one.code)
                + (f" in {duration(one.code_seconds)}" if one.code_seconds else ""),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    left = (0, 1, len(HEADS) - 1)
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    total, moved = sum(one.seconds for one in kernels), sum(one.bytes for one in kernels)
    compiling = sum(one.code_seconds for one in kernels)
    bandwidth = copy_bandwidth(kernels[0].threads)
    return "\n".join(
        [
            lines[0],
            "  ".join("-" * width for width in widths),
            *lines[1:],
            f"in all {duration(total)} and {amount(moved)}; {duration(compiling)} to get code; "
            f"a large copy moves {bandwidth / 1e9:.3g} GB/s",
        ]
    )


def duration(seconds: float) -> str:
    """A time as people write it.

    >>> duration(0.0123), duration(4.5e-6), duration(0)
    ('12.3 ms', '4.5 µs', '0 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{_three(seconds / size)} {unit}"
    return "0 s"


def amount(number: float, unit: str = "B") -> str:
    """An amount with a decimal prefix: B for bytes.

    >>> amount(12_000), amount(999), amount(2.5e9)
    ('12 kB', '999 B', '2.5 GB')
    """
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{_three(number / size)} {prefix}{unit}"
    return f"{_three(number)} {unit}"


def _three(number: float) -> str:
    """A number below 1000 with three digits, without zeros that say nothing."""
    return f"{number:.3g}" if number < 999.5 else f"{number:.0f}"
