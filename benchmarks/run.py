"""Time the same work in gradtape and in its peers, side by side in one run. See README.md."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import memory
import startup
from bar import DEMANDS
from cases import WORKS
from interleave import Effort
from measure import measure
from page import page
from plot import plot
from processes import HERE, Failed, Process
from results import FUNCTION, OURS, Results, Row, shown
from rivals import LIBRARIES, SYSTEMS, System, installed

DOCS = HERE.parent / "docs"
FULL = Effort(rounds=15, fewest=3, seconds=2.5)
QUICK = Effort(rounds=3, fewest=2, seconds=0.3)
FULL_STARTUP = Effort(rounds=10, fewest=1, seconds=10)
QUICK_STARTUP = Effort(rounds=0, fewest=0, seconds=0)

STARTUP = ("import", "first", "compile", "memory", "size")
OTHER_PACKAGES = ("llvmlite", "jaxlib")


def about() -> dict[str, Any]:
    """What a reader has to know about a run."""
    versions = {"Python": platform.python_version()}
    for library in [*LIBRARIES, *OTHER_PACKAGES]:
        try:
            versions[library] = startup.distribution(library).version
        except importlib.metadata.PackageNotFoundError:
            pass
    available = memory.available()
    return {
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory": "" if available is None else f"{available / 2**30:.0f} GiB of memory free",
        "platform": platform.platform(terse=True),
        "versions": versions,
    }


def cpu() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def chosen_systems(names: str) -> list[System]:
    known = {system.name: system for system in SYSTEMS}
    if not names:
        return list(SYSTEMS)
    asked = [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in known:
            raise SystemExit(f"no system is called {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in asked]


def start(systems: list[System], errors: Path, patience: float) -> tuple[list[Process], dict[str, str]]:
    """Processes of the systems that are there, and why the others are not."""
    processes, absent = [], {}
    for system in systems:
        if not installed(system.library):
            absent[system.name] = f"{system.library} is not installed"
            continue
        process = Process(system, patience, errors)
        try:
            process.start()
        except Failed as failure:
            absent[system.name] = str(failure)
            continue
        processes.append(process)
    return processes, absent


def measure_all(given: argparse.Namespace, errors: Path) -> dict[str, Any]:
    works = [work for work in WORKS if given.only in work.key or given.only in work.title]
    works = [work for work in works if work.quick or not given.quick]
    steps = [what for what in STARTUP if given.only in what]
    columns = (TextColumn("{task.description:<60.60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=len(works) + len(steps))

        def tell(text: str) -> None:
            progress.update(task, description=text)

        def done(what: str) -> None:
            progress.advance(task)
            if not progress.console.is_terminal:  # no bar is drawn there
                progress.console.print(f"{progress.tasks[task].elapsed:.0f} s: {what}")

        processes, absent = start(chosen_systems(given.systems), errors, given.patience)
        rows = []
        try:
            for work in works:
                rows.append(measure(work, processes, QUICK if given.quick else FULL, tell))
                done(work.title)
        finally:
            for process in processes:
                process.close()
        systems = [process.system for process in processes if process.system.kind != "copy"]
        for step in steps:
            rows += _started(step, systems, given, tell)
            done(step)
    return {"about": about(), "absent": absent, "rows": rows}


def _started(
    step: str, systems: list[System], given: argparse.Namespace, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    effort = QUICK_STARTUP if given.quick else FULL_STARTUP
    libraries = list(dict.fromkeys(system.library for system in systems))
    if step == "import":
        return [startup.imports(libraries, effort, tell)]
    if step in ("first", "compile"):
        return startup.first_calls(step, [system for system in systems if system.compiles], effort, tell)
    if step == "memory":
        return [startup.memories(systems, tell)]
    return [startup.sizes(libraries)]


def summary(results: Results) -> Table:
    """A line for each work: gradtape, the best peers, and the ratios to them."""
    table = Table(box=None)
    for title in ("", OURS, FUNCTION, "best eager peer", "ratio", "best compiled peer", "ratio", "function's ratio"):
        table.add_column(title, justify="right" if title else "left")

    def cell(row: Row, name: str | None, title: str = "") -> str:
        return f"{title} {shown(row.median(name))}".strip() if name in row.values else "–"

    def ratio(row: Row, ours: str, other: str | None) -> str:
        value = row.ratio(ours, other)
        return "–" if value is None else f"{value:.2f}"

    for row in (row for row in results.rows.values() if row.unit == "seconds"):
        eager, compiled = row.best_eager, row.best_compiled
        table.add_row(
            row.title,
            cell(row, OURS),
            cell(row, FUNCTION),
            cell(row, eager, eager or ""),
            ratio(row, OURS, eager),
            cell(row, compiled, compiled or ""),
            ratio(row, OURS, compiled),
            ratio(row, FUNCTION, compiled),
        )
    return table


def show(results: Results, console: Console) -> None:
    console.print(summary(results))
    for demand in DEMANDS:
        value = demand.value(results)
        if value is not None:
            verdict = "[green]met    [/green]" if demand.met(value) else "[red]not met[/red]"
            limit = f"{'≥' if demand.at_least else '≤'} {demand.show(demand.limit)}"
            console.print(f"{verdict} {demand.show(value):>8} {limit:<9} {demand.work}: {demand.against}")
    for name, why in results.absent.items():
        console.print(f"{name}: {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="works whose title or key contains this, as sigmoid or mixture-1000")
    parser.add_argument("--systems", default="", help="names of systems, separated by commas")
    parser.add_argument("--quick", action="store_true", help="a smoke run: fewer sizes, few rounds")
    parser.add_argument("--patience", type=float, default=120, help="seconds until a system is given up for a work")
    parser.add_argument("--json", type=Path, help="where the raw times are written")
    parser.add_argument("--report", type=Path, help="measure nothing; make page and plot of these raw times again")
    given = parser.parse_args()
    console = Console(soft_wrap=True)
    folder, times = DOCS, HERE / "results.json"
    if given.report is None:
        scratch = Path(tempfile.mkdtemp(prefix="gradtape-benchmarks-"))
        if given.quick or given.only or given.systems:
            folder, times = scratch, scratch / "results.json"  # part of the works do not replace the page of all
        times = given.json or times
        raw = measure_all(given, scratch / "errors.txt")
        times.write_text(json.dumps(raw, indent=1, ensure_ascii=False), encoding="utf-8")
        console.print(f"raw times: {times}; what the systems printed: {scratch / 'errors.txt'}")
    else:
        raw = json.loads(given.report.read_text(encoding="utf-8"))
    results = Results(raw)
    show(results, console)
    plot(results, folder / "benchmarks.svg")
    (folder / "benchmarks.md").write_text(page(results, "benchmarks.svg"), encoding="utf-8")
    console.print(f"page: {folder / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
