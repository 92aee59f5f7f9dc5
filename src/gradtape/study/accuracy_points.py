"""Where the accuracy of a function is measured: floating-point numbers of all sizes, and evenly spaced ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import finfo
from gradtape.study.subject import check_range

FEWEST, MOST = 10, 200_000
"""How many points may be asked for. Each takes mpmath a fraction of a millisecond, or many when digits cancel."""

REGIONS = 8
"""Parts into which an interval is divided for the table."""


def check_domain(domain: Any, dtype: np.dtype) -> tuple[float, float] | None:
    """The two ends of the interval, or None for the whole line, for which (-inf, inf) stands too."""
    if domain is None:
        return None
    ends = list(domain) if isinstance(domain, Sequence) and not isinstance(domain, str) else []
    if [str(end).strip() for end in ends] == ["-inf", "inf"]:
        return None
    return check_range(domain, dtype)


def check_count(points: Any) -> int:
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or not FEWEST <= points <= MOST:
        raise ArgumentError(f"the accuracy is measured at {FEWEST} to {MOST:,} points, not {points!r}")
    return int(points)


def sample(domain: tuple[float, float] | None, count: int, dtype: np.dtype) -> np.ndarray:
    """About `count` different numbers in ascending order, the same at every call.

    Half of them are spread evenly (over [-100, 100] on the whole line), half over all exponents of the format, down to
    subnormal numbers where the domain has 0 in it; besides the ends of the domain and 0.
    """
    info = finfo(dtype)
    low, high = domain or (-float(info.max), float(info.max))
    rng = np.random.default_rng(20)
    near = (max(low, -100.0), min(high, 100.0)) if domain is None else (low, high)
    part = (np.arange(count // 2) + rng.uniform(0, 1, count // 2)) / max(count // 2, 1)
    even = near[0] * (1 - part) + near[1] * part
    sided = []
    ends = [(max(low, 0.0), high, 1), (max(-high, 0.0), -low, -1)]
    ends = [(a, b, side) for a, b, side in ends if b > a]
    for a, b, side in ends:
        number = (count - count // 2) // len(ends)
        smallest = float(info.smallest_subnormal)
        first, last = math.log2(max(a, smallest)), math.log2(b)
        exponents = first + (last - first) * (np.arange(number) + rng.uniform(0, 1, number)) / max(number, 1)
        with np.errstate(over="ignore"):
            sided.append(side * np.clip(np.exp2(np.minimum(exponents, 1023.99)), a, b))
    x = np.concatenate([even, *sided, [low, high], [0.0] if low < 0 < high else []]).astype(dtype)
    x = x[np.isfinite(x) & (x >= low) & (x <= high)]
    return np.unique(x) + dtype.type(0)  # no -0


def around(x: np.ndarray, domain: tuple[float, float] | None, dtype: np.dtype) -> np.ndarray:
    """Numbers close to those of x, for a second look: 1 to some ten thousand steps of the format away."""
    steps = np.array([s * 5**k for k in range(7) for s in (-1, 1)])
    info = finfo(dtype)
    low, high = domain or (-float(info.max), float(info.max))
    with np.errstate(over="ignore"):
        spacing = np.spacing(np.abs(x))
        close = (x[:, None] + spacing[:, None] * steps.astype(dtype)).ravel().astype(dtype)
    close = close[np.isfinite(close) & (close >= low) & (close <= high)]
    return np.setdiff1d(close, x) + dtype.type(0)


def regions(domain: tuple[float, float] | None) -> list[tuple[str, float, float]]:
    """The parts of the domain, for the table: name, lower end, upper end (which is not in it). On the whole line by
    size, else even.

    >>> [name for name, _, _ in regions(None)][:3]
    ['x < -100', '-100 to -1', '-1 to -1e-05']
    """
    if domain is None:
        bounds = [-math.inf, -100.0, -1.0, -1e-5, 0.0, 1e-5, 1.0, 100.0, math.inf]
    else:
        low, high = domain
        bounds = [low + (high - low) * (i / REGIONS) for i in range(REGIONS)] + [high]
    found = []
    for a, b in pairwise(bounds):
        name = f"x < {b:g}" if a == -math.inf else f"x >= {a:g}" if b == math.inf else f"{a:.4g} to {b:.4g}"
        found.append((name, a, math.inf if b == bounds[-1] else b))
    return found
