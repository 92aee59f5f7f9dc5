"""Curves of a function and its derivatives, sampled where they need it, so that a picture shows what they do.

All curves are computed together, at many points in each of a few calls:

1. a look at tens of points per pixel, spread so unevenly that no period hides between them;
2. which part of the y axis is worth seeing (`window`);
3. where a curve bends by more than a fraction of a pixel between samples: more points there;
4. where it oscillates faster than pixels can show: its least and greatest value per column of pixels, from many more
   points, which are drawn as a band instead of a line;
5. where a step is left between two samples: the break itself, to the last float (`breaks`);
6. of all those points the ones that a picture needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from gradtape.study.pictures import window
from gradtape.study.pictures.breaks import STEP, Break, Evaluate, find, joined
from gradtape.study.pictures.thin import thinned
from gradtape.study.subject import round_points

LOOK = 32_768
"""Points of the first look, if not said otherwise: in a picture 1000 pixels wide, 32 in each column."""

BEND = 4e-4
"""Deviation from the straight line between neighbours, in heights of the window, from which more points are taken: a
quarter of a pixel."""

ROUNDS, INSERTED, MOST_CELLS = 4, 8, 4096
"""How often, and into how many gaps between samples, how many points are inserted."""

MOST_BREAKS = 512
"""Steps that are looked into."""

TURNS, REACH = 6, 4
"""Going up and down so often within a column of pixels and this many on either side is an oscillation that cannot be
drawn as a line."""

IN_COLUMN = 8
"""Points of the first look that it takes in each column to see an oscillation."""

BAND_POINTS = 256
"""Points in each column of a band."""

GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Curve:
    """What is to be drawn of a function, or of one of its derivatives.

    x, y       a line, float64; NaN where it is interrupted
    bands      arrays of rows x, least, greatest: where it oscillates too fast for a line
    breaks     where it is not continuous, from left to right
    """

    x: np.ndarray
    y: np.ndarray
    bands: tuple[np.ndarray, ...] = ()
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True)
class Picture:
    """The curves of a function and its derivatives, and the window through which they are seen."""

    curves: tuple[Curve, ...]
    low: float
    high: float
    bottom: float
    top: float


@dataclass
class _Samples:
    """Points in ascending order, and the curves there."""

    evaluate: Evaluate
    x: np.ndarray
    y: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.y = self.evaluate(self.x)

    def add(self, x: np.ndarray) -> None:
        x = np.setdiff1d(x, self.x)
        if len(x):
            both = np.concatenate([self.x, x])
            order = np.argsort(both, kind="stable")
            self.x = both[order]
            self.y = np.concatenate([self.y, self.evaluate(x)], axis=1)[:, order]


def sample(
    evaluate: Evaluate,
    low: float,
    high: float,
    dtype: np.dtype,
    points: int = LOOK,
    columns: int = 1000,
    ylim: Sequence[float] | None = None,
) -> Picture:
    """Sample the curves that ``evaluate(x)`` computes at points of a type, between low and high.

    points     of the first look
    columns    of pixels, which decide what oscillates too fast
    ylim       the window's lower and upper end; else what is worth seeing
    """
    samples = _Samples(evaluate, first_look(low, high, points, dtype))
    poles = window.poles(samples.x, samples.y, evaluate)
    bottom, top = ylim if ylim is not None else window.limits(list(samples.y), poles)
    seen = _View(low, high, bottom, top, max(1, min(columns, len(samples.x) // IN_COLUMN)))
    crowded = seen.crowded(samples.x, samples.y)
    _refine(samples, seen, crowded)
    found = _breaks(samples, seen, crowded)
    curves = [_curve(samples, n, seen, crowded[n], breaks, dtype) for n, breaks in enumerate(found)]
    return Picture(tuple(curves), low, high, bottom, top)


def first_look(low: float, high: float, points: int, dtype: np.dtype) -> np.ndarray:
    """Both ends, the round numbers between them, and points with one in each of equal parts, at uneven places."""
    inner = np.arange(points - 2)
    part = (inner + (inner * GOLDEN) % 1) / max(points - 2, 1)
    x = np.concatenate([[low], low * (1 - part) + high * part, [high]]).astype(dtype)
    return np.unique(np.concatenate([x, round_points(low, high, dtype, 120)]))


@dataclass(frozen=True)
class _View:
    """The window, and where things lie in it."""

    low: float
    high: float
    bottom: float
    top: float
    columns: int

    def up(self, y: np.ndarray) -> np.ndarray:
        """Heights as parts of the window; beyond it cut off, so that nothing out of sight is looked at closely."""
        height = self.top / 2 - self.bottom / 2
        with np.errstate(all="ignore"):
            return np.where(np.isnan(y), np.nan, np.clip((y / 2 - self.bottom / 2) / height, -0.5, 1.5))

    def column(self, x: np.ndarray) -> np.ndarray:
        part = (x.astype(np.float64) - self.low) / (self.high - self.low)
        return np.clip((part * self.columns).astype(np.intp), 0, self.columns - 1)

    def edges(self) -> np.ndarray:
        part = np.arange(self.columns + 1) / self.columns
        return self.low * (1 - part) + self.high * part

    def crowded(self, x: np.ndarray, curves: np.ndarray) -> np.ndarray:
        """For each curve and column whether it turns too often there for a line.

        The way up and down along the curve, divided by the height that it covers, is how often it goes through that.
        """
        column = self.column(x)
        starts = np.searchsorted(column, np.arange(self.columns))
        full = np.flatnonzero(np.diff(np.append(starts, len(x))) > 0)
        found = np.zeros((len(curves), self.columns), bool)
        around = np.ones(2 * REACH + 1)
        for n, y in enumerate(curves):
            up = self.up(y)
            step = np.nan_to_num(np.abs(np.diff(up, prepend=up[0])))
            inside, into = np.zeros(self.columns), np.zeros(self.columns)
            least, greatest = np.full(self.columns, np.inf), np.full(self.columns, -np.inf)
            inside[full] = np.add.reduceat(step, starts[full]) - step[starts[full]]
            into[full] = step[starts[full]]  # from an earlier column: not part of the way if that is not looked at
            least[full] = np.fmin.reduceat(np.where(np.isnan(up), np.inf, up), starts[full])
            greatest[full] = np.fmax.reduceat(np.where(np.isnan(up), -np.inf, up), starts[full])
            way = np.convolve(inside, around, "same") + np.convolve(into, around, "same") - _shifted(into)
            height = _greatest(greatest, REACH) + _greatest(-least, REACH)
            found[n] = (height > STEP) & (way > TURNS * height)
            found[n] = _closed(found[n])
        return found


def _shifted(values: np.ndarray) -> np.ndarray:
    """The value of the first column around each."""
    return np.pad(values, (REACH, 0))[: len(values)]


def _greatest(values: np.ndarray, reach: int) -> np.ndarray:
    """Of each value and so many on either side of it."""
    padded = np.pad(values, reach, constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)


def _closed(found: np.ndarray) -> np.ndarray:
    """Without gaps that are narrower than what was looked at."""
    at = np.flatnonzero(found)
    for a, b in pairwise(at):
        if b - a <= 2 * REACH + 1:
            found[a:b] = True
    return found


def _refine(samples: _Samples, seen: _View, crowded: np.ndarray) -> None:
    """Insert points where a curve bends, and where it begins or ends, outside of the columns that get a band."""
    parts = np.arange(1, INSERTED + 1) / (INSERTED + 1)
    for _ in range(ROUNDS):
        x = samples.x
        worth = np.zeros(len(x) - 1)
        column = seen.column(x[:-1])
        for y, dense in zip(samples.y, crowded, strict=True):
            bend = _bends(x, seen.up(y))
            worth = np.maximum(worth, np.where(dense[column], 0, np.maximum(bend[1:], bend[:-1])))
        chosen = np.flatnonzero(worth > BEND)
        if not len(chosen):
            return
        if len(chosen) > MOST_CELLS:
            chosen = chosen[np.argsort(worth[chosen])[-MOST_CELLS:]]
        a, b = (x[chosen + i].astype(np.float64)[:, None] for i in (0, 1))
        samples.add(np.unique((a * (1 - parts) + b * parts).ravel().astype(x.dtype)))


def _bends(x: np.ndarray, up: np.ndarray) -> np.ndarray:
    """How far each sample lies from the line between its neighbours."""
    bend = np.zeros(len(x))
    wide = x.astype(np.float64)
    part = (wide[1:-1] - wide[:-2]) / (wide[2:] - wide[:-2])
    bend[1:-1] = np.abs(up[1:-1] - up[:-2] * (1 - part) - up[2:] * part)
    return np.nan_to_num(bend, nan=0.0)


def _breaks(samples: _Samples, seen: _View, crowded: np.ndarray) -> list[list[Break]]:
    """The breaks of each curve."""
    x, column = samples.x, seen.column(samples.x[:-1])
    curves, cells, sizes = [], [], []
    for n, (y, dense) in enumerate(zip(samples.y, crowded, strict=True)):
        finite = np.isfinite(y)
        step = np.abs(np.diff(seen.up(y)))
        step[finite[1:] != finite[:-1]] = 2
        step[dense[column] | np.isnan(step)] = 0
        chosen = np.flatnonzero(step > STEP)
        curves.append(np.full(len(chosen), n))
        cells.append(chosen)
        sizes.append(step[chosen])
    which, at, size = np.concatenate(curves), np.concatenate(cells), np.concatenate(sizes)
    if len(at) > MOST_BREAKS:
        largest = np.sort(np.argsort(size)[-MOST_BREAKS:])
        which, at = which[largest], at[largest]
    found = []
    for n in range(len(samples.y)):
        mine = at[which == n]
        one = find(
            samples.evaluate, np.full(len(mine), n), x[mine], x[mine + 1], seen.high - seen.low, seen.top - seen.bottom
        )
        once = {(b.kind, b.x, np.isnan(b.left)): b for b in one}.values()
        found.append(joined(list(once), seen.high - seen.low, seen.top - seen.bottom))
    return found


def _curve(
    samples: _Samples, n: int, seen: _View, dense: np.ndarray, breaks: Sequence[Break], dtype: np.dtype
) -> Curve:
    """Curve n, put together from its samples, breaks and bands."""
    stays = ~dense[seen.column(samples.x)]
    x, y = _interrupted(samples.x[stays].astype(np.float64), samples.y[n][stays], breaks)
    bands = _bands(samples.evaluate, seen, n, dense, dtype) if dense.any() else ()
    for band in bands:
        after = int(np.searchsorted(x, band[0, 0], side="right"))
        x, y = np.insert(x, after, band[0, 0]), np.insert(y, after, np.nan)
    return Curve(*thinned(x, y, seen.bottom, seen.top), bands, tuple(breaks))


def _interrupted(x: np.ndarray, y: np.ndarray, breaks: Sequence[Break]) -> tuple[np.ndarray, np.ndarray]:
    """The line with the two ends of each break in it, and NaN between them."""
    alone = [b.x for b in breaks if b.kind == "jump" and b.value not in (b.left, b.right)]
    stays = ~np.isin(x, alone)
    ends = [
        end
        for b in breaks
        for end in ((min(b.after, b.x), b.left), (min(b.after, b.x), np.nan), (max(b.after, b.x), b.right))
    ]
    at, values = np.array(ends).reshape(-1, 2).T
    at, values = np.concatenate([x[stays], at]), np.concatenate([y[stays], values])
    order = np.argsort(at, kind="stable")
    return at[order], np.where(np.isfinite(values), values, np.nan)[order]


def _bands(evaluate: Evaluate, seen: _View, n: int, dense: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    """Where a curve is a band: for each run of columns that it fills, x with the least and the greatest value there."""
    chosen = np.flatnonzero(dense)
    edges = seen.edges()
    part = (np.arange(BAND_POINTS) + (np.arange(BAND_POINTS) * GOLDEN) % 1) / BAND_POINTS
    x = edges[chosen][:, None] * (1 - part) + edges[chosen + 1][:, None] * part
    y = evaluate(x.ravel().astype(dtype))[n].reshape(x.shape)
    known = np.isfinite(y)
    least = np.where(known, y, np.inf).min(axis=1)
    greatest = np.where(known, y, -np.inf).max(axis=1)
    middle = (edges[chosen] + edges[chosen + 1]) / 2
    bands = []
    for run in np.split(np.arange(len(chosen)), np.flatnonzero(np.diff(chosen) > 1) + 1):
        # A column may see only a part of an oscillation; it and its neighbours see all.
        lower, upper = _greatest(-least[run], 1), _greatest(greatest[run], 1)
        rows = np.stack([middle[run], -lower, upper], axis=1)
        first, last = rows[0].copy(), rows[-1].copy()
        first[0], last[0] = edges[chosen[run[0]]], edges[chosen[run[-1]] + 1]
        rows = np.concatenate([first[None], rows, last[None]])
        rows[~np.isfinite(rows).all(axis=1), 1:] = np.nan
        bands.append(rows)
    return tuple(bands)
