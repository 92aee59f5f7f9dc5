"""Time the same work in gradtape and in its peers, side by side in one run. See README.md."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

HERE = Path(__file__).parent
SYSTEMS = {"gradtape": "gradtape", "torch": "torch", "numpy": "numpy"}  # name: module that must be installed
CASES = [
    ("gradient of x^4, scalar", "power", 0),
    ("second derivative of x^3, scalar", "second", 0),
    ("linear regression gradient, 4 points", "regression", 4),
    ("sigmoid and gradient", "sigmoid", 1_000),
    ("sigmoid and gradient", "sigmoid", 10_000_000),
    ("sin^2 and 3 derivatives", "sine", 1_000),
    ("sin^2 and 3 derivatives", "sine", 10_000_000),
]


class Worker:
    """A system in a process of its own, asked by JSON lines."""

    def __init__(self, system: str):
        self.system = system
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), system],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(HERE)},
        )

    def ask(self, **question: Any) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.system} ended")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def agree(results: dict[str, list[list[float]]]) -> None:
    """Raise if two systems computed different things. Compared are samples of each output, to float32 accuracy."""
    first = results["gradtape"]
    for system, outputs in results.items():
        for ours, theirs in zip(first, outputs, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                if abs(a - b) > 1e-5 + 1e-4 * abs(a):
                    raise SystemExit(f"{system} computes {b}, gradtape {a}: not the same work")


def measure(title: str, case: str, size: int, systems: list[str], rounds: int) -> dict[str, Any]:
    workers = [Worker(system) for system in systems]
    try:
        able = [w for w in workers if w.ask(case=case, size=size, do="prepare")["able"]]
        agree({w.system: w.ask(do="results")["results"] for w in able})
        times: dict[str, list[float]] = {w.system: [] for w in able}
        for _ in range(rounds):
            for worker in able:
                times[worker.system].append(worker.ask(do="time")["seconds"])
    finally:
        for worker in workers:
            worker.close()
    return {"title": title, "case": case, "size": size, "seconds": times}


def report(rows: list[dict[str, Any]], systems: list[str]) -> Table:
    table = Table(title=f"medians of interleaved rounds, {platform.processor() or platform.machine()}")
    table.add_column("work")
    table.add_column("points", justify="right")
    for system in systems:
        table.add_column(system, justify="right")
    for row in rows:
        ours = median(row["seconds"]["gradtape"])
        cells = []
        for system in systems:
            seconds = row["seconds"].get(system)
            if not seconds:
                cells.append("–")
                continue
            low, _, high = quantiles(seconds, n=4)
            text = f"{shown(median(seconds))} [dim]({shown(low)}–{shown(high)})[/dim]"
            cells.append(text if system == "gradtape" else f"{text} = {median(seconds) / ours:.2f}×")
        table.add_row(row["title"], f"{row['size']:,}" if row["size"] else "1", *cells)
    return table


def shown(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name or title contains this")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the raw times here")
    given = parser.parse_args()
    systems = [name for name, module in SYSTEMS.items() if importlib.util.find_spec(module)]
    chosen = [c for c in CASES if given.only in c[0] or given.only in c[1]]
    rows = [
        measure(*case, systems, given.rounds)
        for case in track(chosen, "measuring", console=Console(stderr=True), transient=True)
    ]
    Console(width=150).print(report(rows, systems))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
