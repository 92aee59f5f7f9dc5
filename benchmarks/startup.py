"""What a library costs before it computes: import, first call, memory, place on the disk. In fresh processes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from interleave import Effort, interleaved
from processes import HERE, Failed, ended, environment
from rivals import System

Tell = Callable[[str], None]


@cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def distribution(library: str) -> importlib.metadata.Distribution:
    """The distribution that a module comes from: `tensorflow` may be of ``tensorflow_cpu``."""
    return importlib.metadata.distribution(_distributions().get(library, [library])[0])


def once(*arguments: str, folder: str | None = None, patience: float = 300) -> dict[str, Any]:
    """The answer of once.py in a fresh process. folder: where all compilers keep what they keep on the disk."""
    caches = {}
    if folder is not None:
        caches = {
            "GRADTAPE_CACHE_DIR": f"{folder}/gradtape",
            "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torch",
            "TRITON_CACHE_DIR": f"{folder}/triton",
            "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    command = [sys.executable, str(HERE / "once.py"), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(caches), timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as expired:
        raise Failed(f"took longer than {patience:.0f} s") from expired
    lines = done.stdout.splitlines()
    if not lines:
        raise Failed(ended(done.returncode))
    answer = json.loads(lines[-1])
    if "left_out" in answer:
        raise Failed(answer["left_out"])
    return answer


def _row(key: str, title: str, askers: dict[str, Callable[[], float]], effort: Effort, tell: Tell) -> dict[str, Any]:
    """Timings in fresh processes: one of each, which says what it costs, and then as many as the effort allows."""
    left_out: dict[str, str] = {}
    first: dict[str, float] = {}
    costs: dict[str, float] = {}

    def turn(name: str) -> float | None:
        tell(f"{title}: {name}")
        try:
            return askers[name]()
        except Failed as failure:
            left_out[name] = str(failure)
            return None

    for name in askers:
        start = time.perf_counter()
        seconds = turn(name)
        if seconds is not None:
            first[name], costs[name] = seconds, time.perf_counter() - start
    later = interleaved({name: partial(turn, name) for name in costs}, costs, effort)
    times = {name: [first[name], *found] for name, found in later.items()}
    return {"key": key, "title": title, "seconds": times, "left_out": left_out}


def imports(libraries: list[str], effort: Effort, tell: Tell) -> dict[str, Any]:
    def seconds(library: str) -> float:
        return once("import", library)["seconds"]

    return _row("import", "import", {name: partial(seconds, name) for name in libraries}, effort, tell)


FIRST_CALLS = {
    "first": ("first call in a fresh process", ""),
    "compile": ("compiling, the compiler being loaded", "sigmoid"),
}
"""How the first call of sin² with three derivatives is timed: what it is called, and the case that is run before."""


def first_calls(which: str, systems: list[System], effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """First calls with nothing on the disk, and in a second process that finds the files of the first."""
    title, before = FIRST_CALLS[which]
    from_disk: dict[str, list[float]] = {system.name: [] for system in systems}

    def cold(system: System) -> float:
        arguments = ("first", system.module, system.mode, before)
        with tempfile.TemporaryDirectory() as folder:
            seconds = once(*arguments, folder=folder)["seconds"]
            from_disk[system.name].append(once(*arguments, folder=folder)["seconds"])
        return seconds

    row = _row(which, title, {system.name: partial(cold, system) for system in systems}, effort, tell)
    times = {name: found for name, found in from_disk.items() if name in row["seconds"]}
    return [
        {**row, "key": f"{which}-cold", "title": f"{title}, nothing on the disk"},
        {**row, "key": f"{which}-disk", "title": f"{title}, second process", "seconds": times},
    ]


def memories(systems: list[System], tell: Tell) -> dict[str, Any]:
    """Peak memory of sigmoid and gradient at 10⁷ points, relative to input and outputs."""
    ratios, left_out = {}, {}
    for system in systems:
        tell(f"memory: {system.name}")
        try:
            ratios[system.name] = once("memory", system.module, system.mode)["ratio"]
        except Failed as failure:
            left_out[system.name] = str(failure)
    return {"key": "memory", "title": "peak memory", "ratio": ratios, "left_out": left_out}


def sizes(libraries: list[str]) -> dict[str, Any]:
    """Bytes on the disk of each library with all that it requires."""
    return {"key": "size", "title": "installed size", "bytes": {name: installed_size(name) for name in libraries}}


def installed_size(library: str) -> int:
    """Bytes of the files of a distribution and, recursively, of what it requires. Byte code is not counted."""
    names, waiting = set(), [distribution(library).name]
    total = 0
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in names:
            continue
        names.add(name)
        try:
            part = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # required elsewhere only, for another system or version of Python
        total += sum(_bytes(part, file) for file in part.files or [])
        for line in part.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return total + (_source_size(library) if _is_editable(library) else 0)


def _bytes(part: importlib.metadata.Distribution, file: importlib.metadata.PackagePath) -> int:
    path = Path(str(part.locate_file(file)))
    return 0 if path.suffix == ".pyc" or not path.is_file() else path.stat().st_size


def _is_editable(library: str) -> bool:
    text = distribution(library).read_text("direct_url.json")
    return text is not None and json.loads(text).get("dir_info", {}).get("editable", False)


def _source_size(library: str) -> int:
    """Bytes of the sources, which an editable installation leaves where they are."""
    spec = importlib.util.find_spec(library)
    assert spec is not None and spec.origin is not None
    files = Path(spec.origin).parent.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
