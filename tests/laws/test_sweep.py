"""The contract on exactness in float32, at a sample with all exponents and thresholds, by the code of the sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from sweeping import halves, inputs, measure, work
from sweeping.functions import CONTRACT, ORDERS, catalogue, exists, values, values_by_transforms

SAMPLE = 1_000_000
"""About so many inputs per function and order."""

PAIRS = [(name, order) for name in catalogue() for order in ORDERS if exists(name, order)]


@pytest.mark.parametrize(("name", "order"), PAIRS)
def test_contract(name: str, order: int) -> None:
    x = work.float32_inputs(name, order, SAMPLE)
    tally = work.measured(name, order, x, lambda block: np.asarray(values(catalogue()[name], order, block)))
    assert not tally.over and tally.counted <= CONTRACT[order], tally


@pytest.mark.parametrize(("name", "order"), [pair for pair in PAIRS if pair[1]])
def test_function_transforms_give_the_same_bits(name: str, order: int) -> None:
    x = inputs.sample("float32", 20_000, np.array([]))
    expected = values(catalogue()[name], order, x)
    assert expected is not None
    for way, found in values_by_transforms(catalogue()[name], order, x).items():
        nan = np.isnan(expected)  # which of the many NaNs an operation gives is left open by IEEE 754
        np.testing.assert_array_equal(np.isnan(found), nan, err_msg=way)
        np.testing.assert_array_equal(found[~nan].view(np.uint32), expected[~nan].view(np.uint32), err_msg=way)


def test_sample_has_all_exponents_and_signs() -> None:
    x = inputs.sample("float32", 10_000, np.array([3.25]))
    assert set(x.view(np.uint32) >> 23) == set(range(512))
    assert inputs.neighbours(np.array([3.25], np.float32)).size == 2 * inputs.AROUND + 1
    assert np.isin(inputs.neighbours(np.array([3.25, 1.0, -0.0], np.float32)), x).all()


def test_chunks_are_all_bit_patterns() -> None:
    ends = [inputs.chunk(number).view(np.uint32)[[0, -1]].tolist() for number in range(0, inputs.CHUNKS, 341)]
    assert ends[0][0] == 0 and ends[-1][1] == 2**32 - 1
    assert all(last - first == 2**inputs.CHUNK_BITS - 1 for first, last in ends)


def test_thresholds_are_found() -> None:
    def step(x: np.ndarray) -> np.ndarray:
        return np.where(x > np.float32(17.3), np.float32(np.inf), np.float32(1))

    assert np.float32(17.3) in inputs.thresholds(step, "float32")


def measured_at(result: list[float], truth: list[float], order: int, slope: float = 0.0) -> measure.Tally:
    x = np.ones(len(result), np.float32)
    return measure.measure(x, np.array(result, np.float32), np.array(truth), order, lambda at: np.full(len(at), slope))


def test_errors_are_counted_in_ulps_of_the_truth() -> None:
    tally = measured_at([1.0, 1.0 + 2**-22], [1.0, 1.0], 0)
    assert (tally.inputs, tally.inexact, tally.over, tally.ulps) == (2, 1, 1, 2.0)


def test_mixed_error_allows_for_half_an_ulp_of_the_argument() -> None:
    tally = measured_at([2**-22], [2**-25], 2, slope=6.0)  # ulp(1)/2 is 2^-24
    assert tally.over == 0 and tally.ulps > 1e6 and 0.5 < tally.counted < 0.6


@pytest.mark.parametrize(
    ("result", "truth"),
    [(0.0, 1e-45), (1e-45, 1e-60), (np.inf, 3.4028235e38), (3.4028235e38, 1e39), (np.nan, 1.0), (1.0, np.nan)],
)
def test_broken_results_are_over_every_contract(result: float, truth: float) -> None:
    tally = measured_at([result], [truth], 3, slope=1e30)
    assert (tally.over, tally.wrong) == (1, 1)


def test_rounding_of_the_truth_itself_is_no_error() -> None:
    tie = 1 + 2**-24
    assert measured_at([1.0, 1 + 2**-23], [tie, tie], 0).inexact == 0


@pytest.mark.parametrize("dtype", halves.HALVES)
def test_halves_that_are_not_float32s_rounded_are_counted(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = halves.measured("sigmoid", 1, dtype)
    assert (tally.inputs, tally.over, tally.wrong) == (65536, 0, 0) and 0.49 < tally.ulps < 0.501

    def off_by_one(*given: Any) -> np.ndarray:
        found = np.array(values(*given))
        if found.dtype.itemsize == 2:
            found.view(np.uint16)[:7] ^= 1
        return found

    monkeypatch.setattr(halves, "values", off_by_one)
    assert halves.measured("sigmoid", 1, dtype).over == 7
