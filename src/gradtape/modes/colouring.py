"""Colours: which columns or rows of a sparse matrix can be computed in one pass.

Columns without a common row have one colour, as their sum shows each of them. So do rows without a common column. A
few dense rows would give each column a colour of its own, so they may be computed as rows and the rest as columns.
In a symmetric matrix an element may be read on either side of the diagonal (a star colouring).

Each line takes the first colour that is free, those with most neighbours first (Gebremedhin, Manne and Pothen, *What
color is your Jacobian? Graph coloring for computing derivatives*, SIAM Review 47, 2005).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNCOLOURED = -1
"""The colour of a line that is not computed."""

SPLITS = 8
"""So many ways to divide a matrix into rows and columns are looked at."""


class Colouring(NamedTuple):
    """Which columns are computed together forward, and which rows in reverse; UNCOLOURED are not at all.

    columns, rows   a colour for each
    """

    columns: np.ndarray
    rows: np.ndarray

    @property
    def forward(self) -> int:
        """The number of forward passes."""
        return int(self.columns.max(initial=UNCOLOURED)) + 1

    @property
    def reverse(self) -> int:
        """The number of reverse passes."""
        return int(self.rows.max(initial=UNCOLOURED)) + 1

    @property
    def passes(self) -> int:
        return self.forward + self.reverse


def coloured(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Colouring:
    """Few colours for the elements at (rows, columns): all by columns, all by rows, or the fullest rows by rows."""
    full = np.bincount(rows, minlength=shape[0])
    best: Colouring | None = None
    for limit in _limits(full, rows, columns, shape):
        as_row = full > limit
        inside = as_row[rows]
        if best is not None and _at_least(rows, columns, inside, shape) >= best.passes:
            continue
        found = Colouring(
            _greedy(columns[~inside], rows[~inside], shape[1], shape[0]),
            _greedy(rows[inside], columns[inside], shape[0], shape[1]),
        )
        if best is None or found.passes < best.passes:
            best = found
    assert best is not None
    return best


def _limits(full: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> list[int]:
    """How full a row may be to be computed by columns: the most promising numbers first."""
    sizes = np.unique(full)
    if len(sizes) > SPLITS:
        sizes = sizes[np.unique(np.linspace(0, len(sizes) - 1, SPLITS).astype(int))]
    limits = [-1, *sizes.tolist()]
    return sorted(limits, key=lambda limit: (_at_least(rows, columns, (full > limit)[rows], shape), -limit))


def _at_least(rows: np.ndarray, columns: np.ndarray, inside: np.ndarray, shape: tuple[int, int]) -> int:
    """So many passes are needed: columns of one row have different colours, and rows of one column."""
    forward = np.bincount(rows[~inside], minlength=1).max(initial=0)
    reverse = np.bincount(columns[inside], minlength=1).max(initial=0)
    return int(forward + reverse)


def _greedy(lines: np.ndarray, crossing: np.ndarray, number: int, crossings: int) -> np.ndarray:
    """Colours for lines such that those with a common crossing line differ. Sets of colours are whole numbers."""
    order = np.argsort(lines, kind="stable")
    start = np.searchsorted(lines[order], np.arange(number + 1)).tolist()
    meets = crossing[order].tolist()
    weight = np.bincount(crossing, minlength=crossings)
    neighbours = np.bincount(lines, weights=weight[crossing], minlength=number)
    taken = [0] * crossings
    colours = np.full(number, UNCOLOURED)
    for line in np.argsort(-neighbours, kind="stable").tolist():
        mine = meets[start[line] : start[line + 1]]
        if mine:
            used = 0
            for one in mine:
                used |= taken[one]
            colour = _first_free(used)
            colours[line] = colour
            for one in mine:
                taken[one] |= 1 << colour
    return colours


def _first_free(used: int) -> int:
    return (~used & (used + 1)).bit_length() - 1


def star(rows: np.ndarray, columns: np.ndarray, number: int) -> Colouring:
    """Few colours for the columns of a symmetric matrix such that each element can be read on one side of the diagonal.

    A colouring without regard to symmetry has that property as well, and is taken if it has fewer colours. Two lines
    that both meet a third may have one colour if that of the third is lower (Powell and Toint, *On the estimation of
    sparse Hessian matrices*, SIAM Journal on Numerical Analysis 16, 1979).
    """
    off = rows != columns
    order = np.argsort(rows[off], kind="stable")
    start = np.searchsorted(rows[off][order], np.arange(number + 1)).tolist()
    meets = columns[off][order].tolist()
    neighbours = np.bincount(rows[off], minlength=number)
    seen = [0] * number  # the colours of a line's neighbours
    colours = [UNCOLOURED] * number
    met = np.zeros(number, bool)
    met[rows] = True
    for line in np.argsort(-neighbours, kind="stable").tolist():
        if not met[line]:
            continue
        mine = meets[start[line] : start[line + 1]]
        used = 0
        for one in mine:
            colour = colours[one]
            used |= seen[one] if colour == UNCOLOURED else seen[one] & ((1 << colour) - 1) | 1 << colour
        colour = colours[line] = _first_free(used)
        for one in mine:
            seen[one] |= 1 << colour
    best = np.array(colours, dtype=np.int64)
    if np.bincount(rows, minlength=1).max(initial=0) <= best.max(initial=UNCOLOURED):  # else it needs as many
        best = min(best, _greedy(columns, rows, number, number), key=lambda one: one.max(initial=UNCOLOURED))
    return Colouring(best, np.full(number, UNCOLOURED))
