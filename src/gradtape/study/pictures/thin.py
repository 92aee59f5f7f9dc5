"""Fewer points for the same picture."""

from __future__ import annotations

import numpy as np

FINE = 1.5e-4
"""How far a point that is left out may lie from the line, in heights of the window: a tenth of a pixel."""


def thinned(x: np.ndarray, y: np.ndarray, bottom: float, top: float) -> tuple[np.ndarray, np.ndarray]:
    """The points without which the line would look different in the window; gaps (NaN) stay where they are.

    Blocks of 2, 4, 8, … gaps between points are tried, the largest first: a block is one straight line if all points in
    it lie on that, as far as can be seen.

    >>> x = np.linspace(0, 2, 33)
    >>> thinned(x, np.abs(x - 1), 0, 1)[0].tolist()
    [0.0, 1.0, 2.0]
    """
    if len(x) < 3:
        return x, y
    levels = int(np.ceil(np.log2(len(x) - 1)))
    padding = 2**levels + 1 - len(x)
    wide, high = np.pad(x, (0, padding), mode="edge"), np.pad(y, (0, padding), mode="edge")
    keep = np.zeros(len(wide), bool)
    keep[[0, -1]] = True
    open_ = np.ones(1, bool)  # blocks that are not yet part of a straight line
    for level in range(levels, -1, -1):
        size = 2**level
        starts = np.flatnonzero(open_) * size
        keep[starts] = keep[starts + size] = True
        if level == 0:
            break
        straight = _straight(wide, high, starts, size, bottom, top)
        open_[starts[straight] // size] = False
        open_ = np.repeat(open_, 2)
    keep = keep[: len(x)]
    keep[-1] = True
    return x[keep], y[keep]


def _straight(x: np.ndarray, y: np.ndarray, starts: np.ndarray, size: int, bottom: float, top: float) -> np.ndarray:
    """For each block whether a straight line from its first point to its last shows the same."""
    at = starts[:, None] + np.arange(size + 1)
    bx, by = x[at], y[at]
    height = top / 2 - bottom / 2
    with np.errstate(all="ignore"):
        part = (bx - bx[:, :1]) / (bx[:, -1:] - bx[:, :1])
        line = by[:, :1] * (1 - part) + by[:, -1:] * part
        off = np.abs(np.clip(line, bottom, top) / 2 - np.clip(by, bottom, top) / 2) / height
    nothing = np.isnan(by).all(axis=1)
    vertical = bx[:, -1] == bx[:, 0]  # the padding, or the two ends of a break
    same = vertical & (by == by[:, :1]).all(axis=1)
    return nothing | same | (off <= FINE).all(axis=1)
