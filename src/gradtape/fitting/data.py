"""Columns of numbers from a CSV file, and what can be wrong with them, said with the line.

Python's csv module reads; here is only which columns are wanted, what counts as missing, and the errors.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from gradtape.errors import ArgumentError, DataError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "."))
"""What a cell without a number says, whatever the case."""

CHUNK = 20_000
"""Rows that are read at a time."""

SHOWN = 5
"""Lines that an error names."""


@dataclass(frozen=True)
class Data:
    """Columns of equal length, as float64, by the names that a model has for them.

    lines       where each row stands in the file, counted from 1
    dropped     how many rows were left out because a number was missing
    titles      what the columns are called in the file, by name
    """

    columns: dict[str, np.ndarray]
    lines: np.ndarray
    dropped: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)


def identifier(title: str) -> str:
    """How a model names a column.

    >>> identifier("width"), identifier(" body mass (g)"), identifier("2nd")
    ('width', 'body_mass_g', '_2nd')
    """
    name = re.sub(r"\W+", "_", title.strip()).strip("_")
    return name if not name or name[0].isalpha() else f"_{name}"


def read(
    source: str | Path,
    choose: Callable[[dict[str, str]], Sequence[str]],
    *,
    missing: str = "error",
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    progress: Callable[[int], Any] = lambda done: None,
) -> Data:
    """Read some columns of a CSV file whose first line names them.

    source      a path, or "-" for standard input
    choose      given the names of all columns (with their titles in the file), returns those that are wanted
    missing     what to do with a row in which a wanted number is missing: "error", or "drop" to leave it out
    delimiter   what stands between cells: one character, or comma, semicolon, tab, bar; None: seen from the first line
    decimal     "." or ",": how a number separates its fraction
    encoding    of the text; a byte order mark is always understood
    progress    is told how many bytes have been read

    Raises DataError for a file that cannot be read or has something else than numbers where they are wanted, with the
    line; ArgumentError for options out of range.
    """
    if missing not in ("error", "drop"):
        raise ArgumentError(f"missing numbers are an 'error', or their rows are 'drop'ped; {missing!r} was given")
    if decimal not in (".", ","):
        raise ArgumentError(f"a decimal separator is '.' or ',', not {decimal!r}")
    with _opened(source, encoding) as (text, raw):
        first = _decoded(text.readline, encoding)
        if not first.strip():
            raise DataError(f"{_called(source)} is empty; its first line must name the columns")
        separator = _separator(first, delimiter)
        rows = csv.reader(_chained(first, text), delimiter=separator)
        titles = _decoded(lambda: next(rows), encoding)
        names = _named(titles, source)
        wanted = list(choose(names))
        places = [list(names).index(name) for name in wanted]
        parts: list[list[np.ndarray]] = [[] for _ in wanted]
        lines: list[np.ndarray] = []
        dropped = 0
        while True:
            chunk, at = _chunk(rows, len(titles), encoding)
            if not chunk:
                break
            cells = [[row[place] for row in chunk] for place in places]
            numbers, keep = _numbers(cells, wanted, at, missing, decimal, separator)
            for part, column in zip(parts, numbers, strict=True):
                part.append(column[keep])
            lines.append(at[keep])
            dropped += len(at) - int(keep.sum())
            progress(raw.tell() if raw.seekable() else 0)
    columns = {name: np.concatenate([*part, np.empty(0)]) for name, part in zip(wanted, parts, strict=True)}
    where = np.concatenate([*lines, np.empty(0, np.int64)])
    if not len(where):
        rest = f" after {dropped} with missing numbers were dropped" if dropped else ", only the names of columns"
        raise DataError(f"{_called(source)} has no rows{rest}")
    return Data(columns, where, dropped, {name: names[name] for name in wanted})


def _called(source: str | Path) -> str:
    return "standard input" if str(source) == "-" else str(source)


@contextmanager
def _opened(source: str | Path, encoding: str) -> Iterator[tuple[IO[str], IO[bytes]]]:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ArgumentError(f"there is no encoding {encoding!r}; usual ones are utf-8, latin-1, cp1252, gbk") from None
    try:
        raw = sys.stdin.buffer if str(source) == "-" else Path(source).open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise DataError(f"cannot read {source}: {(error.strerror or str(error)).lower()}") from None
    with raw:
        start = raw.peek(4)[:4] if hasattr(raw, "peek") else b""
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        elif start.startswith(codecs.BOM_UTF8):
            encoding = "utf-8-sig"
        yield io.TextIOWrapper(raw, encoding=encoding, newline=""), raw


def _decoded(read: Callable[[], Any], encoding: str) -> Any:
    """What `read` returns; DataError for text that is not of the encoding, or no CSV."""
    try:
        return read()
    except UnicodeDecodeError as error:
        found = error.object[error.start : error.start + 1]
        raise DataError(
            f"the file is not {encoding}: the byte {found!r} cannot stand there; name another encoding, such as "
            "latin-1 or gbk, or save the file as UTF-8"
        ) from None
    except csv.Error as error:
        raise DataError(f"this is no CSV file: {error}") from None
    except OSError as error:
        raise DataError(f"the file cannot be read: {(error.strerror or str(error)).lower()}") from None


def _chained(first: str, rest: IO[str]) -> Iterator[str]:
    yield first
    yield from rest


def _separator(first: str, delimiter: str | None) -> str:
    if delimiter is not None:
        separator = DELIMITERS.get(delimiter, delimiter)
        if len(separator) != 1 or separator in '\r\n"':
            raise ArgumentError(f"a delimiter is one character, or one of {', '.join(DELIMITERS)}, not {delimiter!r}")
        return separator
    return max(DELIMITERS.values(), key=first.count) if any(d in first for d in DELIMITERS.values()) else ","


def _named(titles: Sequence[str], source: str | Path) -> dict[str, str]:
    """The names of the columns with their titles, in order."""
    names: dict[str, str] = {}
    for i, title in enumerate(titles):
        name = identifier(title) or f"column_{i + 1}"
        if name in names:
            raise DataError(f"{_called(source)} has two columns named {title.strip()!r}; rename one")
        names[name] = title.strip()
    if all(_is_number(title) for title in titles):
        raise DataError(
            f"the first line of {_called(source)} has numbers ({', '.join(titles[:4])}); it must name the columns"
        )
    return names


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _chunk(rows: Any, width: int, encoding: str) -> tuple[list[list[str]], np.ndarray]:
    """The next rows that are not blank, and their lines."""
    chunk: list[list[str]] = []
    lines: list[int] = []

    def fill() -> None:
        for row in islice(rows, CHUNK):
            if row:
                chunk.append(row)
                lines.append(rows.line_num)

    while not chunk:
        before = rows.line_num
        _decoded(fill, encoding)
        if rows.line_num == before:
            break
    if any(len(row) != width for row in chunk):
        i = next(i for i, row in enumerate(chunk) if len(row) != width)
        raise DataError(
            f"line {lines[i]} has {len(chunk[i])} cells, but the first line has {width}: "
            f"{_short(', '.join(chunk[i]))!r}"
        )
    return chunk, np.asarray(lines, np.int64)


def _numbers(
    cells: Sequence[list[str]], names: Sequence[str], lines: np.ndarray, missing: str, decimal: str, separator: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """The cells as numbers, and which rows have all of them. DataError for text, and for what is missing."""
    found, keep = [], np.ones(len(lines), bool)
    for typed, name in zip(cells, names, strict=True):
        column = typed if decimal == "." else [cell.replace(decimal, ".") for cell in typed]
        try:
            numbers = np.fromiter(map(float, column), np.float64, len(column))
        except ValueError:
            numbers = _one_by_one(column, name, lines, decimal, separator)
        finite = np.isfinite(numbers)
        if not finite.all():
            if missing == "error":
                where = lines[~finite]
                shown = ", ".join(map(str, where[:SHOWN])) + (", …" if len(where) > SHOWN else "")
                what = "is no finite number" if len(where) == 1 else f"are {len(where)} cells without a finite number"
                raise DataError(
                    f"in the column {name} there {what}, at line{'s' * (len(where) > 1)} {shown}; "
                    "complete them, or leave such rows out with --missing drop"
                )
            keep &= finite
        found.append(numbers)
    return found, keep


def _one_by_one(column: list[str], name: str, lines: np.ndarray, decimal: str, separator: str) -> np.ndarray:
    """The numbers of a column with NaN for what is missing; DataError for text."""
    numbers = np.empty(len(column))
    for i, cell in enumerate(column):
        try:
            numbers[i] = float(cell)
        except ValueError:
            if cell.strip().lower() not in MISSING:
                hint = ""
                if decimal == "." and re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell):
                    hint = "; if that is a decimal comma, say --decimal ,"
                raise DataError(
                    f"line {lines[i]}: {_short(cell)!r} in the column {name} is not a number{hint}"
                ) from None
            numbers[i] = np.nan
    return numbers


def _short(text: str, longest: int = 40) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
