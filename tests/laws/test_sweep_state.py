"""What the sweep remembers: rows in the repository, chunks until their row is complete, and the page made of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from sweeping import page, peers, state
from sweeping.functions import ORDERS, catalogue, code, exists
from sweeping.inputs import CHUNKS
from sweeping.measure import Tally
from sweeping.state import FLOAT32, FLOAT64, Part, State

import gradtape as tf
from gradtape.config import settings

SAMPLE = Part(FLOAT32, "sigmoid", 1, "sample 1000")
LARGER = Part(FLOAT32, "sigmoid", 1, "sample 2000")
CHUNKED = [Part(FLOAT32, "sigmoid", 1, f"chunk {number}") for number in range(CHUNKS)]


def test_every_function_and_order_is_measured() -> None:
    """Fails for a kernel that is new or was changed: python tools/sweep.py, also with --double, measures what is
    missing."""
    known = State()
    for name in catalogue():
        for order in ORDERS:
            if exists(name, order):
                single, double = known.row(FLOAT32, name, order), known.row(FLOAT64, name, order)
                assert single is not None and single.part.is_all, f"{name}, order {order}, float32"
                assert double is not None and double.part.count >= 1_000_000, f"{name}, order {order}, float64"


def test_page_is_written_from_the_results_that_the_repository_holds() -> None:
    assert page.PATH.read_text(encoding="utf-8").splitlines() == "\n".join(page.lines(State())).splitlines()


def test_kernels_are_known_by_themselves_not_by_what_waits_before_them() -> None:
    """A derivative that is asked for when much is waiting may be computed in two parts; its fingerprint is of one."""
    kernels = {code("exp2", 3, "float16")}
    limit = settings().pending_limit
    for waiting in range(limit - 40, limit, 4):
        (tf.constant([1.0]) + 1.0).numpy()
        x = tf.constant([1.0])
        for _ in range(waiting):
            x = x + 1.0
        kernels.add(code.__wrapped__("exp2", 3, "float16"))
    assert len(kernels) == 1


def test_results_are_there_for_who_comes_later(tmp_path: Path) -> None:
    State(tmp_path).add(SAMPLE, Tally(1000, ulps=0.75, ulps_at=2.5))
    later = State(tmp_path)
    row = later.row(*SAMPLE.key)
    assert row is not None and row.tally == Tally(1000, ulps=0.75, ulps_at=2.5)
    assert later.missing([SAMPLE, LARGER, CHUNKED[0]]) == [LARGER, CHUNKED[0]]


def test_the_largest_sample_is_the_row(tmp_path: Path) -> None:
    known = State(tmp_path)
    for part in (LARGER, SAMPLE):
        known.add(part, Tally(part.count))
    assert [row.part for row in State(tmp_path).rows.values()] == [LARGER]


def test_chunks_become_one_row_when_all_are_there(tmp_path: Path) -> None:
    known = State(tmp_path)
    known.add(SAMPLE, Tally(1000))
    for part in reversed(CHUNKED[1:]):
        known.add(part, Tally(10, ulps=0.5 + part.count / 10_000))
    row = known.row(*SAMPLE.key)
    assert row is not None and not row.part.is_all and row.tally.inputs == 1000
    interrupted = State(tmp_path)
    assert interrupted.missing(CHUNKED) == CHUNKED[:1]
    interrupted.add(CHUNKED[0], Tally(10, wrong=1, wrong_at=3.0))
    for other in (interrupted, State(tmp_path)):
        row = other.row(*SAMPLE.key)
        assert row is not None and row.part.is_all
        assert row.tally == Tally(10 * CHUNKS, wrong=1, ulps=0.5 + (CHUNKS - 1) / 10_000, wrong_at=3.0)
        assert other.missing([*CHUNKED, SAMPLE, LARGER]) == [] and not other.chunks


def test_what_has_the_same_kernels_is_measured_once(tmp_path: Path) -> None:
    known = State(tmp_path)
    known.add(Part(FLOAT32, "silu", 2, state.ALL), Tally(7))
    same, sampled, other = (Part(FLOAT32, "swish", order, inputs) for order, inputs in CASES)
    assert known.missing([same, sampled, other]) == [other]
    assert known.missing([replace(other, function="silu"), other]) == [replace(other, function="silu")]
    row = State(tmp_path).row(*same.key)
    assert row is not None and row.tally.inputs == 7 and row.part.is_all


CASES = [(2, "chunk 5"), (2, "sample 1000"), (1, "chunk 5")]


def test_another_kernel_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    State(tmp_path).add(SAMPLE, Tally(1000))
    State(tmp_path).add(CHUNKED[0], Tally(10))
    monkeypatch.setattr(state, "fingerprint", lambda name, order, types: "another")
    changed = State(tmp_path)
    assert changed.missing([SAMPLE, CHUNKED[0]]) == [SAMPLE, CHUNKED[0]]


def test_rows_of_a_peer_stay_without_it_and_are_measured_again_for_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part("torch", "sigmoid", 1, "sample 1000")
    for version in ("2.13.0", None, "2.14.0"):
        monkeypatch.setattr(state, "installed", lambda peer, version=version: version)
        known = State(tmp_path)
        if version == "2.13.0":
            known.add(part, Tally(1000))
        assert known.codes("torch") == ["2.13.0"]
        assert known.missing([part]) == ([] if version == "2.13.0" else [part])
        assert any(f"{peers.TITLES['torch']} 2.13.0" in line for line in page.lines(known))


@pytest.mark.parametrize("broken", ['{"part": ["float32", "sig', "[]", '{"part": [], "code": "", "tally": {}}', ""])
def test_a_line_that_was_cut_off_is_not_read(tmp_path: Path, broken: str) -> None:
    known = State(tmp_path)
    known.add(SAMPLE, Tally(1000))
    known.add(CHUNKED[0], Tally(10))
    for file in (tmp_path / "float32.jsonl", known.running):
        file.write_text(broken + "\n" + file.read_text(encoding="utf-8") + broken, encoding="utf-8")
    assert State(tmp_path).missing([SAMPLE, *CHUNKED[:2]]) == [CHUNKED[1]]


def test_files_are_sorted_lines_of_json(tmp_path: Path) -> None:
    known = State(tmp_path)
    for name, order in [("tanh", 1), ("sigmoid", 2), ("sigmoid", 1)]:
        known.add(Part(FLOAT32, name, order, "sample 10"), Tally(10))
    records = [json.loads(line) for line in (tmp_path / "float32.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["part"][1:3] for record in records] == [["sigmoid", 1], ["sigmoid", 2], ["tanh", 1]]
