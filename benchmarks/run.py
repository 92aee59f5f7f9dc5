"""Time the same work in gradtape and in its peers, side by side in one run. See README.md."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import startup
from about import about
from cases import WORKS
from interleave import Effort
from measure import measure
from page import page
from plot import plot
from processes import HERE, Failed, Process
from results import Results
from rivals import BEFORE, SYSTEMS, System, installed
from summary import show

DOCS = HERE.parent / "docs"
FULL = Effort(rounds=15, fewest=3, seconds=2.5)
QUICK = Effort(rounds=3, fewest=1, seconds=0.3)
FULL_STARTUP = Effort(rounds=10, fewest=1, seconds=10)
QUICK_STARTUP = Effort(rounds=0, fewest=0, seconds=0)

STARTUP = ("import", "first", "compile", "memory", "size")


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
    processes: list[Process] = []
    absent: dict[str, str] = {}
    for system in systems:
        if not installed(system.library):
            absent[system.name] = f"{system.library} is not installed"
            continue
        processes.append(Process(system, patience, errors))
        processes[-1].start()
    for process in [*processes]:
        try:
            process.ready()
        except Failed as failure:
            absent[process.system.name] = str(failure)
            processes.remove(process)
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

        chosen = chosen_systems(given.systems)
        if given.against:
            chosen += [system._replace(source=str(given.against.resolve() / "src")) for system in BEFORE]
        processes, absent = start(chosen, errors, given.patience)
        rows = []
        try:
            for work in works:
                rows.append(measure(work, processes, QUICK if given.quick else FULL, tell))
                done(work.title)
        finally:
            for process in processes:
                process.close()
        systems = [process.system for process in processes if process.system.kind not in ("copy", "before")]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="works whose title or key contains this, as sigmoid or mixture-1000")
    parser.add_argument("--systems", default="", help="names of systems, separated by commas")
    parser.add_argument("--against", type=Path, help="another checkout of gradtape, to be measured too")
    parser.add_argument("--quick", action="store_true", help="a smoke run: fewer sizes, few rounds")
    parser.add_argument("--patience", type=float, default=120, help="seconds until a system is given up for a work")
    parser.add_argument("--json", type=Path, help="where the raw times are written")
    parser.add_argument("--report", type=Path, help="measure nothing; make page and plot of these raw times again")
    given = parser.parse_args()
    console = Console(soft_wrap=True)
    console = console if console.is_terminal else Console(width=180)
    folder, times = DOCS, HERE / "results.json"
    if given.report is None:
        scratch = Path(tempfile.mkdtemp(prefix="gradtape-benchmarks-"))
        if given.quick or given.only or given.systems or given.against:
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
