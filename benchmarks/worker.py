"""One system's process: prepares a case, returns samples of its results, times it. Speaks JSON lines."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHORTEST = 0.02
"""Seconds that one timing lasts at least: calls are repeated until it does."""


def samples(outputs: Any) -> list[list[float]]:
    """A few elements of each output."""
    found = []
    for output in outputs:
        flat = np.ravel(np.asarray(output, np.float64))
        found.append([float(v) for v in flat[:: max(1, flat.size // 20)]])
    return found


def main() -> None:
    cases = importlib.import_module(f"systems.{sys.argv[1]}_system").CASES
    work: Callable[[], Any] | None = None
    repeats = 1
    for line in sys.stdin:
        question = json.loads(line)
        answer: dict[str, Any] = {}
        if question["do"] == "prepare":
            make = cases.get(question["case"])
            answer["able"] = make is not None
            if make is not None:
                work = make(question["size"])
                for _ in range(3):  # what is compiled on first or second use is compiled now
                    work()
                start = time.perf_counter()
                work()
                repeats = max(1, round(SHORTEST / (time.perf_counter() - start)))
        elif question["do"] == "results":
            assert work is not None
            answer["results"] = samples(work())
        else:
            assert work is not None
            start = time.perf_counter()
            for _ in range(repeats):
                work()
            answer["seconds"] = (time.perf_counter() - start) / repeats
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
