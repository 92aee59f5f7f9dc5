"""Carries out parts, in processes, with a bar that says how much time is left."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gradtape import config
from sweeping import binary, halves, inputs, oracle, peers, rows, zeros
from sweeping.functions import HIGH_FUNCTIONS, HIGH_ORDERS, catalogue, constants, exists, values
from sweeping.measure import Tally, measure
from sweeping.state import BINARY, FLOAT32, FLOAT64, HIGH, ROWS, ZEROS, Part, State

SERIES = {FLOAT64: FLOAT64} | HIGH
"""The tables whose true values come from power series, by the type that they are about."""
BLOCK = 1 << 18
"""So many numbers are computed at once: small enough for the processor's cache."""


def float32_inputs(name: str, order: int, count: int) -> np.ndarray:
    """The stratified sample for one function and order, with the thresholds of its kernels and of its results."""
    function = catalogue()[name]

    def evaluate(x: np.ndarray) -> np.ndarray:
        result = values(function, order, x)
        assert result is not None
        return result

    found = inputs.thresholds(evaluate, "float32")
    compared = constants(name, order, "float32")
    special = np.concatenate([found.astype(np.float64), compared, -compared])
    return inputs.sample("float32", count, special)


def truth(name: str, order: int, x: np.ndarray) -> np.ndarray:
    """The float64 kernel's result at float32 numbers; zeros for a derivative that is zero by structure."""
    with np.errstate(invalid="ignore"):  # signalling NaNs
        found = values(catalogue()[name], order, x.astype(np.float64))
    return np.zeros(len(x)) if found is None else found


def measured(name: str, order: int, x: np.ndarray, evaluate: Callable[[np.ndarray], np.ndarray]) -> Tally:
    """The float32 results of `evaluate` against the float64 kernel, block by block."""

    def slope(at: np.ndarray) -> np.ndarray:
        if not len(at):
            return at
        room = 1 << max(int(len(at) - 1).bit_length(), 10)  # few shapes, few kernels
        return truth(name, order + 1, np.resize(at, room))[: len(at)]

    total = Tally()
    for first in range(0, len(x), BLOCK):
        block = x[first : first + BLOCK]
        total += measure(block, evaluate(block), truth(name, order, block), order, slope)
    return total


def jobs(parts: Iterable[Part]) -> list[list[Part]]:
    """Which parts are carried out together: the orders of a function whose true values come from one power series."""
    found: dict[Part, list[Part]] = {}
    for part in parts:
        found.setdefault(replace(part, order=0) if part.table in SERIES else part, []).append(part)
    return list(found.values())


def carry_out(job: Sequence[Part]) -> dict[Part, Tally]:
    """The tallies of the parts of a job."""
    first = job[0]
    if first.table not in SERIES:
        return {part: _one(part) for part in job}
    tallies = oracle.measured(first.function, [part.order for part in job], first.count, SERIES[first.table])
    return {part: tallies[part.order] for part in job}


def _one(part: Part) -> Tally:
    """The tally of one part. Of the tables only the numbers differ that are held against the truth."""
    name, order = part.function, part.order
    if part.table in halves.HALVES:
        return halves.measured(name, order, part.table)
    if part.table in BINARY:
        return binary.measured(name, part.count, BINARY[part.table])
    if part.table in ROWS:
        return rows.measured(name, part.count, ROWS[part.table])
    if part.table in ZEROS:
        return zeros.measured(name, order, part.count, ZEROS[part.table])
    x = inputs.chunk(part.count) if part.is_chunk else float32_inputs(name, order, part.count)
    if part.table == FLOAT32:
        return measured(name, order, x, lambda block: np.asarray(values(catalogue()[name], order, block)))
    return measured(name, order, x, peers.evaluator(part.table, catalogue()[name], order))


def sample_parts(table: str, names: Iterable[str], orders: Sequence[int], count: int) -> Iterator[Part]:
    for name in names:
        for order in orders:
            if exists(name, order):
                yield Part(table, name, order, f"sample {count}")


def half_parts(names: Sequence[str], orders: Sequence[int]) -> Iterator[Part]:
    for name in names:
        for order in orders:
            if exists(name, order):
                for table in halves.HALVES:
                    yield Part(table, name, order, f"all {halves.INPUTS}")


def high_parts(names: Iterable[str], count: int) -> Iterator[Part]:
    chosen = [name for name in HIGH_FUNCTIONS if name in set(names)]
    for table in HIGH:
        yield from sample_parts(table, chosen, HIGH_ORDERS, count)


def binary_parts(count: int) -> Iterator[Part]:
    for table in BINARY:
        for name, order in binary.names():
            yield Part(table, name, order, f"sample {count}")


def zero_parts(names: Iterable[str], count: int) -> Iterator[Part]:
    chosen = set(names)
    for table in ZEROS:
        for name, order in zeros.names():
            if name in chosen:
                yield Part(table, name, order, f"sample {count}")


def row_parts(count: int) -> Iterator[Part]:
    for table in ROWS:
        for name, order in rows.names():
            yield Part(table, name, order, f"sample {count}")


def chunk_parts(names: Iterable[str], orders: Sequence[int]) -> Iterator[Part]:
    for name in names:
        for order in orders:
            if exists(name, order):
                for number in range(inputs.CHUNKS):
                    yield Part(FLOAT32, name, order, f"chunk {number}")


def run(parts: Sequence[Part], state: State, processes: int, limit: float | None = None) -> bool:
    """Carry out what is missing of the parts; whether all is done when it ends, after `limit` seconds at most."""
    missing = state.missing(parts)
    if not missing:
        return True
    start = time.monotonic()
    work = jobs(missing)
    pool = get_context("spawn").Pool(min(processes, len(work)), _prepare)
    try:
        with _bar(len(parts), len(parts) - len(missing)) as advance:
            for job, tallies in pool.imap_unordered(_carried_out, work):
                for part in job:
                    if part in tallies:
                        state.add(part, tallies[part])
                    advance(part)
                if limit is not None and time.monotonic() - start > limit:
                    return not state.missing(parts)
    finally:
        pool.terminate()
        pool.join()
    return True


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    config.update(threads=1)


def _carried_out(job: list[Part]) -> tuple[list[Part], dict[Part, Tally]]:
    try:
        return job, carry_out(job)
    except peers.NotThere:
        return job, {}


@contextmanager
def _bar(total: int, done: int) -> Iterator[Callable[[Part], None]]:
    """A progress bar; where no terminal is, a line every half minute."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), "left:", TimeRemainingColumn(compact=True))
    with Progress(TextColumn("{task.description}"), *columns, disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task("", total=total, completed=done)
        start = last = time.monotonic()
        now_done = done

        def advance(part: Part) -> None:
            nonlocal last, now_done
            now_done += 1
            text = f"{part.table}: {part.function}, order {part.order}"
            progress.update(task, advance=1, description=text)
            if progress.disable and time.monotonic() - last > 30:
                last = time.monotonic()
                left = (last - start) / (now_done - done) * (total - now_done)
                print(f"{text}  {now_done} of {total} parts, {left / 60:.0f} minutes left", flush=True)

        yield advance
