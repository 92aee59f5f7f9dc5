"""One work, measured in all systems that can do it: prepared, results compared, timed in turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cases import Work
from interleave import Effort, interleaved
from processes import Failed, Process

RELATIVE, OF_LARGEST = 1e-4, 3e-5
"""Results are equal if they differ by less than this part of themselves, or this part of the largest of their array.

The second is for elements that are small because large ones cancel: their rounding error is one of the large ones. The
longest sums here have n = 10⁴ terms that cancel; in float32 their error is some √n · 2⁻²⁴ = 6e-6 of the terms, which
are sums with such an error themselves, and two systems differ by the errors of both."""


def measure(work: Work, processes: list[Process], effort: Effort, tell: Callable[[str], None]) -> dict[str, Any]:
    """The times of each system, and for the others the reason why they are left out."""
    left_out: dict[str, str] = {}

    def asked(process: Process, do: str, **question: Any) -> dict[str, Any] | None:
        try:
            return process.ask(do, **question)
        except Failed as failure:
            left_out[process.system.name] = str(failure)
            return None

    results: dict[str, list[dict[str, Any]]] = {}
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


def disagreements(results: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """The systems whose results are not those of most systems, with the first difference."""
    found: dict[str, str] = {}
    if not results:
        return found
    sizes = {name: [output["size"] for output in outputs] for name, outputs in results.items()}
    usual = max(sizes.values(), key=list(sizes.values()).count)
    names = [name for name in results if sizes[name] == usual]
    found.update({name: "computes results of other sizes" for name in results if name not in names})
    for number in range(len(usual)):
        outputs = [results[name][number] for name in names]
        values = np.array([output["elements"] for output in outputs])
        middle = (len(names) - 1) // 2
        expected, largest = np.sort(values, axis=0)[middle], sorted(output["largest"] for output in outputs)[middle]
        allowed = np.maximum(RELATIVE * abs(expected), OF_LARGEST * largest)
        for name, row in zip(names, values, strict=True):
            wrong = np.flatnonzero(~(abs(row - expected) <= allowed))
            if wrong.size:
                given, right = row[wrong[0]], expected[wrong[0]]
                found.setdefault(name, f"computes {given:.7g} where most systems compute {right:.7g}")
    return found
