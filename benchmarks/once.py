"""What happens once in the life of a process, measured in a fresh one: ``once.py import|first|memory ...``.

Prints one JSON object.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from statistics import median
from typing import Any

POINTS = 1_000_000
"""Points of the work whose first call is timed: enough that every system compiles it at once."""

LARGE = 10_000_000
"""Points of the work whose memory is measured."""


def importing(library: str) -> dict[str, float]:
    start = time.perf_counter()
    importlib.import_module(library)
    return {"seconds": time.perf_counter() - start}


def first_call(module: str, mode: str, before: str) -> dict[str, float]:
    """Seconds that the first call of sin² with three derivatives takes more than later ones.

    before: a case that is run before, so that the compiler itself is loaded; or nothing.
    """
    system = importlib.import_module(f"systems.{module}").System(mode)
    if before:
        other = getattr(system, before)(POINTS)
        for _ in range(3):
            other()
        del other
    work = system.sine(POINTS)
    times = []
    for _ in range(8):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return {"seconds": max(times[0] - median(times[3:]), 0.0)}


def peak_memory(module: str, mode: str) -> dict[str, float]:
    """The most memory that the process holds more during sigmoid and gradient, as a multiple of input and outputs."""
    import memory

    system = importlib.import_module(f"systems.{module}").System(mode)
    small = system.sigmoid(100_000)  # what is loaded on first use, is loaded
    for _ in range(5):
        small()
    del small
    gc.collect()
    before = memory.used()
    work = system.sigmoid(LARGE)
    gc.collect()
    memory.forget_peak()
    for _ in range(5):
        work()
    peak = memory.peak()
    if before is None or peak is None:
        raise OSError("how much memory a process uses is not known on this system")
    return {"ratio": (peak - before) / (3 * 4 * LARGE), "bytes": peak - before}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")  # what libraries print on standard output is not an answer
    os.dup2(2, 1)
    what, *arguments = sys.argv[1:]
    answer: dict[str, Any]
    try:
        answer = {"import": importing, "first": first_call, "memory": peak_memory}[what](*arguments)
    except Exception as error:
        from worker import reason

        answer = {"left_out": reason(error)}
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
