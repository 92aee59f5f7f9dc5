"""What was measured already: one line of JSON per finished part, in one file per table, only ever added to.

A line holds for the code that it was measured with; what another kernel gave is not read. A line that was cut off by
an interruption is not read either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from sweeping.binary import fingerprint as binary_fingerprint
from sweeping.binary import names as binary_names
from sweeping.functions import catalogue, fingerprint
from sweeping.halves import HALVES
from sweeping.inputs import CHUNKS
from sweeping.measure import Tally
from sweeping.peers import TITLES, installed
from sweeping.rows import fingerprint as rows_fingerprint
from sweeping.rows import names as rows_names

FLOAT32, FLOAT64 = "float32", "float64"
BINARY = {"binary-float32": FLOAT32, "binary-float64": FLOAT64}
"""The tables of functions of two variables, by the type that they are about."""
BINARY_NAMES = dict(binary_names())
ROWS = {"rows-float32": FLOAT32, "rows-float64": FLOAT64}
"""The tables of functions of a row of numbers, by the type that they are about."""
ROWS_NAMES = dict(rows_names())
ZEROS = {"zeros-float32": FLOAT32, "zeros-float64": FLOAT64}
"""The tables of what is next to zeros, by the type that they are about."""
HIGH = {"high-float32": FLOAT32, "high-float64": FLOAT64}
"""The tables of orders above the third, by the type that they are about."""


@dataclass(frozen=True)
class Part:
    """A piece of work: a function and order, in one of the tables (a type, or the name of a peer), over some inputs."""

    table: str
    function: str
    order: int
    inputs: str
    """``chunk 17``, or ``sample 1000000``: about so many, or ``all 65536``."""

    @property
    def count(self) -> int:
        return int(self.inputs.split()[1])

    @property
    def is_chunk(self) -> bool:
        return self.inputs.startswith("chunk")


class State:
    """The finished parts in a folder."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder or user_cache_path("gradtape") / "sweep"
        self.done: dict[Part, Tally] = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    record = json.loads(line)
                    part, code = Part(*record["part"]), record["code"]
                    tally = Tally(**record["tally"])
                except (ValueError, KeyError, TypeError):
                    continue
                if code == _code(part):
                    self.done[part] = tally

    def add(self, part: Part, tally: Tally) -> None:
        self.done[part] = tally
        key = [part.table, part.function, part.order, part.inputs]
        record = {"part": key, "code": _code(part), "tally": tally.record()}
        with open(self.folder / f"{part.table}.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def missing(self, parts: Iterable[Part]) -> list[Part]:
        return [part for part in parts if part not in self.done]

    def row(self, table: str, function: str, order: int) -> tuple[Tally, bool] | None:
        """What is known of a function and order, and whether every input was looked at: all chunks if they are
        complete, else the largest sample, or None."""
        parts = [p for p in self.done if (p.table, p.function, p.order) == (table, function, order)]
        chunks = [p for p in parts if p.is_chunk]
        samples = sorted([p for p in parts if not p.is_chunk], key=lambda p: p.count)
        used = chunks if len(chunks) == CHUNKS else samples[-1:]
        if not used:
            return None
        return sum((self.done[p] for p in used), Tally()), len(chunks) == CHUNKS


def _code(part: Part) -> str:
    """Says what was measured: the kernels for the result and for the truth, and the version of a peer."""
    if part.table in BINARY:
        return binary_fingerprint(part.function, BINARY[part.table]) if part.function in BINARY_NAMES else "gone"
    if part.table in ROWS:
        return rows_fingerprint(part.function, ROWS[part.table]) if part.function in ROWS_NAMES else "gone"
    if part.function not in catalogue():
        return "gone"
    types = [(HIGH | ZEROS).get(part.table, FLOAT64)]
    if part.table == FLOAT32:
        types = [FLOAT32, FLOAT64]
    elif part.table in HALVES:
        types = [part.table, FLOAT32, FLOAT64]
    version = installed(part.table) if part.table in TITLES else None
    return fingerprint(part.function, part.order, tuple(types)) + (f" {version}" if version else "")
