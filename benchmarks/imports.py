"""Time ``import gradtape`` next to ``import numpy``: fresh processes, interleaved, medians."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median

CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Byte code is kept between runs, as it is after an installation by pip."""


def seconds(module: str) -> float:
    command = [sys.executable, "-c", CODE.format(module)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return float(output.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=["numpy", "gradtape"])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    times: dict[str, list[float]] = {module: [] for module in given.modules}
    for module in given.modules:
        seconds(module)
    for _ in range(given.rounds):
        for module in given.modules:
            times[module].append(seconds(module))
    base = median(times[given.modules[0]])
    for module, found in times.items():
        print(f"import {module}: {median(found) * 1e3:.0f} ms, {median(found) / base:.2f} × {given.modules[0]}")


if __name__ == "__main__":
    main()
