"""What was measured already: one line of JSON for each row, in one file per table, sorted.

The files belong to the repository, so the page can be written anywhere, and what was measured once is measured again
only when its kernels have changed: a line holds for the code that it was measured with, and is not read for another.
Only the chunks of rows that are not complete yet are kept apart, in the user's cache directory; a line that was cut
off by an interruption is not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from sweeping.binary import fingerprint as binary_fingerprint
from sweeping.binary import names as binary_names
from sweeping.functions import catalogue, exists, fingerprint
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
MEASURED = Path(__file__).parent / "measured"
ALL = f"all {1 << 32}"

Key = tuple[str, str, int]
"""A row: its table, function and order."""


@dataclass(frozen=True)
class Part:
    """A piece of work: a function and order, in one of the tables (a type, or the name of a peer), over some inputs."""

    table: str
    function: str
    order: int
    inputs: str
    """``chunk 17``, or ``sample 1000000``: about so many, or ``all 65536``."""

    @property
    def key(self) -> Key:
        return self.table, self.function, self.order

    @property
    def count(self) -> int:
        return int(self.inputs.split()[1])

    @property
    def is_chunk(self) -> bool:
        return self.inputs.startswith("chunk")

    @property
    def is_all(self) -> bool:
        return self.inputs == ALL


@dataclass(frozen=True)
class Row:
    """What is known of a function and order in a table: the tally of a part, and the code that it holds for."""

    part: Part
    code: str
    tally: Tally


class State:
    """The finished rows in a folder, by default that of the repository; and the chunks of unfinished ones."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder or MEASURED
        self.running = (folder / "chunks" if folder else user_cache_path("gradtape") / "sweep") / f"{FLOAT32}.jsonl"
        self.rows: dict[Key, Row] = {}
        self.complete: dict[tuple[str, int], Row] = {}
        self.chunks: dict[Key, dict[Part, Tally]] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            for row in _read(path):
                self._take(row)
        for row in _read(self.running):
            if not self._is_complete(row.part.key):
                self.chunks.setdefault(row.part.key, {})[row.part] = row.tally
        for key in list(self.chunks):
            self._join(key)

    def add(self, part: Part, tally: Tally) -> None:
        """Keep the tally of a part. Once all chunks of a row are there, they become one line."""
        row = Row(part, _code(part), tally)
        if not part.is_chunk:
            self._keep(row)
            return
        self.chunks.setdefault(part.key, {})[part] = tally
        self.running.parent.mkdir(parents=True, exist_ok=True)
        with open(self.running, "a", encoding="utf-8") as file:
            file.write(_line(row))
        self._join(part.key)

    def missing(self, parts: Iterable[Part]) -> list[Part]:
        """Those parts of which neither they themselves nor as many inputs are known; of chunks that have the same
        kernels the first."""
        seen = set()
        found = []
        for part in parts:
            same = (_kernels(part), part.inputs) if part.is_chunk else part
            if same not in seen and not self._has(part):
                found.append(part)
            seen.add(same)
        return found

    def row(self, table: str, function: str, order: int) -> Row | None:
        """What is known of a function and order: all inputs, or the largest sample, or None. The kernels of another
        function may be the same, as those of swish are silu's: what all inputs gave for one holds for both."""
        part = Part(table, function, order, ALL)
        return (self.complete.get(_kernels(part)) if table == FLOAT32 else None) or self.rows.get(part.key)

    def counts(self, tables: Iterable[str]) -> set[int]:
        """About how many inputs the rows of these tables have."""
        return {row.part.count for row in self.rows.values() if row.part.table in tables}

    def codes(self, table: str) -> list[str]:
        """What the rows of a table hold for: of a peer, its versions."""
        return sorted({row.code for row in self.rows.values() if row.part.table == table})

    def _has(self, part: Part) -> bool:
        if part.is_chunk:
            return self._is_complete(part.key) or part in self.chunks.get(part.key, ())
        row = self.row(*part.key)
        return row is not None and row.code == _code(part) and row.part.count >= part.count

    def _is_complete(self, key: Key) -> bool:
        row = self.row(*key)
        return row is not None and row.part.is_all

    def _join(self, key: Key) -> None:
        """Make one row of chunks that are complete."""
        chunks = self.chunks[key]
        if len(chunks) < CHUNKS:
            return
        ordered = sorted(chunks, key=lambda part: part.count)  # so that no place depends on which chunk came first
        whole = Part(*key, ALL)
        self._keep(Row(whole, _code(whole), sum((chunks[part] for part in ordered), Tally())))
        del self.chunks[key]
        left = (Row(part, _code(part), tally) for parts in self.chunks.values() for part, tally in parts.items())
        _write(self.running, left)

    def _take(self, row: Row) -> bool:
        """Whether this row is used: no larger one of the same code is there."""
        before = self.rows.get(row.part.key)
        if before is not None and before.code == row.code and before.part.count > row.part.count:
            return False
        self.rows[row.part.key] = row
        if row.part.is_all:
            self.complete[_kernels(row.part)] = row
        return True

    def _keep(self, row: Row) -> None:
        if self._take(row):
            table = row.part.table
            of_table = sorted((r for r in self.rows.values() if r.part.table == table), key=lambda r: r.part.key)
            _write(self.folder / f"{table}.jsonl", of_table)


def _kernels(part: Part) -> tuple[str, int]:
    """What a tally of all float32 inputs follows from: the kernels, and which error the contract counts."""
    return _code(part), min(part.order, 2)


def _line(row: Row) -> str:
    record = {"part": [*row.part.key, row.part.inputs], "code": row.code, "tally": row.tally.record()}
    return json.dumps(record) + "\n"


def _write(path: Path, rows: Iterable[Row]) -> None:
    """Write the file anew; whoever is interrupted leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text("".join(map(_line, rows)), encoding="utf-8")
    new.replace(path)


def _read(path: Path) -> Iterator[Row]:
    """The rows of a file that hold for the code as it is."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
            part, code, tally = Part(*record["part"]), record["code"], Tally(**record["tally"])
        except (ValueError, KeyError, TypeError):
            continue
        if code == _code(part) or (part.table in TITLES and _is_there(part)):
            yield Row(part, code, tally)


def _is_there(part: Part) -> bool:
    return part.function in catalogue() and exists(part.function, part.order)


def _code(part: Part) -> str:
    """Says what was measured: the kernels for the result and for the truth, or the version of a peer."""
    if part.table in TITLES:
        return installed(part.table) or "not installed"
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
    return fingerprint(part.function, part.order, tuple(types))
