"""The half types at all of their 65536 inputs: against float32 rounded once, which is their contract, and the truth."""

from __future__ import annotations

import numpy as np

from gradtape.graph.dtypes import as_dtype, converted
from sweeping.functions import catalogue, values
from sweeping.measure import Tally, broken, spacing

HALVES = ("float16", "bfloat16")
INPUTS = 1 << 16


def measured(name: str, order: int, dtype: str) -> Tally:
    """Results of a half type: how many are not the number nearest to the truth, how far they are from it, how many are
    NaN, 0 or infinite where that number is not; `over` counts those that are not float32's result, rounded once."""
    kind = as_dtype(dtype)
    x = np.arange(INPUTS, dtype=np.uint16).view(kind.dtype)
    function = catalogue()[name]
    with np.errstate(all="ignore"):
        result, single, truth = (values(function, order, x.astype(t)) for t in (kind.dtype, np.float32, np.float64))
        assert result is not None and single is not None and truth is not None
        over = ~_same(result, converted(single, kind))
        nearest = converted(truth, kind)
        places = np.flatnonzero(~_same(result, nearest) & (result != nearest))
        wrong = broken(*(a[places].astype(np.float32) for a in (result, nearest)))
        ulps = np.abs(result.astype(np.float64) - truth) / spacing(truth, kind.dtype)
        ulps[~np.isfinite(ulps)] = 0
        ulps[places[wrong]] = 0
    worst = int(np.argmax(ulps))
    return Tally(
        INPUTS,
        len(places),
        int(over.sum()),
        int(wrong.sum()),
        float(ulps[worst]),
        float(x[worst]) if ulps[worst] else None,
        wrong_at=float(x[places[np.argmax(wrong)]]) if wrong.any() else None,
    )


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where the bits agree; one NaN is as good as another."""
    return (a.view(np.uint16) == b.view(np.uint16)) | (np.isnan(a) & np.isnan(b))
