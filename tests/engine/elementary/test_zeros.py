"""Derivatives next to their zeros, in ulps of the result: no part of an ulp of x is allowed for."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

from gradtape.engine.elementary.coefficients import ZEROS
from gradtape.graph.node import TABLE

from . import oracle
from .harness import DTYPES, evaluate

DISTANCES = np.array([sign * 1.1 * 2.0**-k for k in range(2, 56) for sign in (1, -1)])


def points(zero: float, dtype: np.dtype) -> np.ndarray:
    """The four neighbours of a zero on each side, and numbers in all distances, also where the series ends."""
    near = dtype.type(zero) + np.arange(-4, 5).astype(dtype) * np.spacing(dtype.type(zero))
    return np.unique(np.concatenate([near, (zero + DISTANCES).astype(dtype)]))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
@pytest.mark.parametrize(("name", "order"), ZEROS)
def test_results_next_to_zeros_have_all_digits(name: str, order: int, dtype: np.dtype) -> None:
    exact = next(p.exact for p in TABLE.values() if p.lowering == name)
    assert exact is not None
    for row in ZEROS[name, order]:
        x = points(row.zero[0], dtype)
        with mp.workprec(300):
            z = sum((mpf(part) for part in row.zero), mpf(0))
            assert abs(exact(mp, z, order)) < abs(exact(mp, z, order + 1) * z) * mpf(2) ** -150
            for at, result in zip(x.tolist(), evaluate(name, x, order=order).tolist(), strict=True):
                assert oracle.ulps(result, exact(mp, mpf(at), order), dtype) <= 0.57, at
