"""One work, measured in all systems that can do it: prepared, results compared, timed in turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cases import Work
from interleave import Effort, interleaved
from processes import Failed, Process

RELATIVE, OF_LARGEST = 1e-4, 1e-5
"""Results are equal if they differ by less than this part of themselves, or this part of the largest of their array.

The second is for elements that are small because large ones cancel: their rounding error is one of the large ones."""


def measure(work: Work, processes: list[Process], effort: Effort, tell: Callable[[str], None]) -> dict[str, Any]:
    """The times of each system, and for the others the reason why they are left out."""
    left_out: dict[str, str] = {}

    def asked(process: Process, do: str, **question: Any) -> dict[str, Any] | None:
        try:
            return process.ask(do, **question)
        except Failed as failure:
            left_out[process.system.name] = str(failure)
            return None

    results: dict[str, list[list[float]]] = {}
    costs: dict[str, float] = {}
    for process in processes:
        name = process.system.name
        tell(f"{work.title}: {name}")
        size = {"size": work.size, "tenth": work.tenth if work.heavy else None}
        if answer := asked(process, "prepare", case=work.case, **size):
            results[name], costs[name] = answer["results"], answer["seconds"]
    left_out |= disagreements({name: found for name, found in results.items() if found})

    tell(f"{work.title}: timing")

    def turn(process: Process) -> Callable[[], float | None]:
        return lambda: (asked(process, "time") or {}).get("seconds")

    able = {p.system.name: p for p in processes if p.system.name in costs and p.system.name not in left_out}
    times = interleaved({name: turn(process) for name, process in able.items()}, costs, effort)
    for process in processes:
        if process.system.name in costs:
            asked(process, "drop")
    return {"key": work.key, "title": work.title, "seconds": times, "left_out": left_out}


def disagreements(results: dict[str, list[list[float]]]) -> dict[str, str]:
    """The systems whose results are not those of most systems, with the first difference."""
    found: dict[str, str] = {}
    if not results:
        return found
    shapes = [[len(output) for output in outputs] for outputs in results.values()]
    usual = max(shapes, key=shapes.count)
    same = {name: outputs for name, outputs in results.items() if [len(output) for output in outputs] == usual}
    found.update(dict.fromkeys(results.keys() - same.keys(), "computes results of other shapes"))
    for number in range(len(usual)):
        values = np.array([outputs[number] for outputs in same.values()])
        expected = np.sort(values, axis=0)[(len(values) - 1) // 2]
        allowed = np.maximum(RELATIVE * abs(expected), OF_LARGEST * np.max(abs(expected), initial=0))
        for name, row in zip(same, values, strict=True):
            wrong = np.flatnonzero(~(abs(row - expected) <= allowed))
            if wrong.size:
                given, right = row[wrong[0]], expected[wrong[0]]
                found.setdefault(name, f"computes {given:.7g} where most systems compute {right:.7g}")
    return found
