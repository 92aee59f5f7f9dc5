"""One system's process: prepares a case, returns samples of its results, times it. Speaks JSON lines.

The questions are ``{"do": "prepare", "case": ..., "size": [...], "tenth": [...] or null}``, ``{"do": "time"}`` and
``{"do": "drop"}``. An answer has a field ``left_out`` with the reason if the system does not take part.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import memory
from systems import LeftOut

SHORTEST = 0.02
"""Seconds that one timing lasts at least: calls are repeated until it does."""

QUICKLY_WARM = 0.2
"""Work up to so many seconds is done once before a timing, as other processes have used the caches meanwhile."""

CALLS, ENOUGH = 3, 0.5
"""Calls before results are compared and times taken, as some compile on second use. For work whose second call takes
so many seconds two are enough; work that changes from call to call is faster than that."""

SAMPLES = 50
"""Elements of each result that are compared between systems."""

LONGEST = 2.0
"""Seconds that a call of heavy work may take."""

GB = 1e9


def samples(results: Any) -> list[dict[str, Any]]:
    """Elements of each result from positions that are the same in all systems, and the largest magnitude in it."""
    found = []
    for result in results:
        flat = np.ravel(np.asarray(result))
        positions = np.random.default_rng(0).integers(0, flat.size, SAMPLES)
        largest = max(float(flat.max()), -float(flat.min()))
        found.append({"size": flat.size, "largest": largest, "elements": flat[positions].astype(np.float64).tolist()})
    return found


def prepared(system: Any, case: str, size: list[int]) -> Callable[[], Any]:
    make = getattr(system, case, None)
    if make is None:
        raise LeftOut("has no such case")
    return make(*size)


def called(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and results of the last of the calls by which work becomes warm."""
    for number in range(CALLS):
        results = None  # its memory is free before the next
        start = time.perf_counter()
        results = work()
        seconds = time.perf_counter() - start
        if number > 0 and seconds > ENOUGH:
            break
    return seconds, results


class Worker:
    def __init__(self, system: Any):
        self.system = system
        self.work: Callable[[], Any] | None = None
        self.seconds = 0.0

    def prepare(self, case: str, size: list[int], tenth: list[int] | None) -> dict[str, Any]:
        self.drop()
        if tenth is not None:
            self._try(case, tenth)
        self.work = prepared(self.system, case, size)
        self.seconds, results = called(self.work)
        return {"results": samples(results), "seconds": self.seconds}

    def _try(self, case: str, tenth: list[int]) -> None:
        """Raise LeftOut if ten times the memory of a tenth of the work is more than there is, or its time too long."""
        before = memory.used()
        memory.forget_peak()
        work = prepared(self.system, case, tenth)
        seconds = called(work)[0]
        peak, available = memory.peak(), memory.available()
        del work
        gc.collect()
        if 10 * seconds > LONGEST:
            raise LeftOut(f"one call would take about {10 * seconds:.0f} s")
        if before is None or peak is None or available is None:
            raise LeftOut("how much memory is free is not known on this system")
        need = 10 * (peak - before)
        if need > 0.9 * available:
            raise LeftOut(f"needs about {need / GB:.0f} GB of memory, {available / GB:.0f} GB are free")

    def time(self) -> dict[str, Any]:
        assert self.work is not None
        if self.seconds <= QUICKLY_WARM:
            self.work()
        repeats = max(1, round(SHORTEST / self.seconds))
        start = time.perf_counter()
        for _ in range(repeats):
            self.work()
        return {"seconds": (time.perf_counter() - start) / repeats}

    def drop(self) -> dict[str, Any]:
        self.work = None
        gc.collect()
        return {}


def reason(error: BaseException) -> str:
    """One line about why something did not work."""
    if isinstance(error, LeftOut):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]


def main() -> None:
    memory.end_first()
    answers = os.fdopen(os.dup(1), "w")  # what libraries print on standard output is not an answer
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    module, mode = sys.argv[1:]
    try:
        worker = Worker(importlib.import_module(f"systems.{module}").System(mode))
        say({})
    except Exception as error:
        say({"left_out": reason(error)})
        return
    for line in sys.stdin:
        question = json.loads(line)
        try:
            say(getattr(worker, question.pop("do"))(**question))
        except Exception as error:
            worker.drop()
            say({"left_out": reason(error)})


if __name__ == "__main__":
    main()
