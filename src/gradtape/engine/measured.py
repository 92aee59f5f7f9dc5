"""What `engine.profile` measured: records, and the table of them; and how fast memory is, to compare with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from gradtape.config import override
from gradtape.engine.units import amount, duration

COPY = 1 << 24
"""Numbers of float32 that are copied to measure the bandwidth of a copy: more than caches hold."""

REPEATS = 9
"""How many copies are made; the fastest counts."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one kernel or library call.

    label           its operations, in a few words, or the function of NumPy
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


@cache
def copy_bandwidth(threads: int | None) -> float:
    """Bytes per second, read and written, of a large copy by a kernel of gradtape with this many threads."""
    from gradtape.engine.buffers import empty
    from gradtape.engine.kernel import bound
    from gradtape.engine.plan import plan
    from gradtape.engine.steps import KernelStep
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


def table(kernels: tuple[Measured, ...]) -> str:
    if not kernels:
        return "nothing was computed"
    rows = [HEADS]
    for one in sorted(kernels, key=lambda one: -one.seconds):
        rows.append(
            (
                one.label,
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
