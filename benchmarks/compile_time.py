"""How long the first call of a graph takes: planning, lowering, LLVM. Nothing is cached between rounds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

from systems.gradtape_system import CASES

from gradtape.engine import compile as compiler
from gradtape.engine import kernel, tiers
from gradtape.engine.cache import Cache


def first_call(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a call for which everything is compiled, and of the next one."""
    kernel._kernels, tiers._executables = Cache(1000), Cache(1000)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times[0], times[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    compiler.host()  # LLVM itself is loaded before anything is timed
    for name, size in [("power", 0), ("second", 0), ("regression", 4), ("sigmoid", 1000), ("sine", 1_000_000)]:
        rounds = [first_call(CASES[name](size)) for _ in range(given.rounds)]
        first, second = (median(column) for column in zip(*rounds, strict=True))
        print(f"{name:<11} {size or 1:>9,} points: first call {first * 1e3:6.1f} ms, second {second * 1e3:6.2f} ms")


if __name__ == "__main__":
    main()
