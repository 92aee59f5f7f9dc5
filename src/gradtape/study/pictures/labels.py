"""Words beside points, placed so that they cover neither each other nor the curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradtape.study.pictures.style import Style, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox


DISTANCES = (9.0, 18.0, 30.0, 44.0)
"""From the point to its words, in points; tried one after the other."""

MARGIN = 6.0
"""Pixels by which a label stays inside the axes: the layout still moves a little."""


@dataclass(frozen=True)
class Label:
    """Words for a point of the axes; y is NaN for what has no height, as a pole. `below` is tried first, or above."""

    x: float
    y: float
    words: str
    below: bool = False


def place_labels(axes: Axes, look: Style, labels: Sequence[Label]) -> None:
    """Write each label where it covers least: above, below or beside its point, at several distances; a fine
    line leads to it from far away."""
    if not labels:
        return
    figure_of(axes).draw_without_rendering()
    frame = axes.get_window_extent()
    occupied = _ink(axes)
    taken: list[tuple[float, float, float, float]] = []
    for label in sorted(labels, key=lambda one: one.x):
        bottom, top = axes.get_ylim()
        y = label.y if np.isfinite(label.y) else bottom + 0.06 * (top - bottom)
        text = axes.annotate(
            label.words,
            (label.x, y),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=0.8 * look.font,
            color=look.ink,
            zorder=8,
            arrowprops={"arrowstyle": "-", "color": look.quiet, "linewidth": 0.7 * look.weight, "shrinkB": 4},
            bbox={"facecolor": look.paper, "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
        )
        text.set_in_layout(False)
        best, cost = (0.0, 0.0), np.inf
        for distance in DISTANCES:
            for across, up in _around(label.below):
                _put(text, (across * distance, up * distance))
                covered = _covered(_box(text), occupied, taken, frame) + distance / 20
                if covered < cost:
                    best, cost = (across * distance, up * distance), covered
            if cost < distance / 10:
                break
        _put(text, best)
        if text.arrow_patch is not None:
            text.arrow_patch.set_visible(max(map(abs, best)) > DISTANCES[0])
        box = _box(text)
        taken.append((box.x0, box.x1, box.y0, box.y1))


def _put(text: Annotation, offset: tuple[float, float]) -> None:
    """Move words to an offset from their point, on the side of it that this is."""
    text.set_position(offset)
    text.set_horizontalalignment("left" if offset[0] > 0 else "right" if offset[0] < 0 else "center")
    text.set_verticalalignment("bottom" if offset[1] > 0 else "top" if offset[1] < 0 else "center")


def _box(text: Annotation) -> Bbox:
    """What the words cover, without the line to their point."""
    from matplotlib.text import Text

    text.get_window_extent()  # moves them to where they were put
    return Text.get_window_extent(text)


def _around(below: bool) -> list[tuple[int, int]]:
    up = -1 if below else 1
    return [(0, up), (1, up), (-1, up), (1, 0), (-1, 0), (0, -up), (1, -up), (-1, -up)]


def _ink(axes: Axes) -> np.ndarray:
    """Points of all curves and marks in pixels, a few pixels apart along each line."""
    found = []
    for line in axes.get_lines():
        if line.get_label() in ("_zero", "_pole", "_saturated"):
            continue
        points = axes.transData.transform(np.asarray(line.get_xydata(), np.float64))
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) > 1 and line.get_linestyle() != "None":
            with np.errstate(over="ignore", invalid="ignore"):
                steps = np.hypot(*np.diff(np.clip(points, -1e5, 1e5), axis=0).T)
            along = np.concatenate([[0], np.cumsum(steps)])
            every = np.linspace(0, along[-1], int(min(along[-1] / 4, 20_000)) + 2)
            points = np.stack([np.interp(every, along, np.clip(points[:, i], -1e5, 1e5)) for i in (0, 1)], axis=1)
        found.append(points)
    return np.concatenate(found) if found else np.empty((0, 2))


def _covered(box: Bbox, occupied: np.ndarray, taken: Sequence[tuple[float, ...]], frame: Bbox) -> float:
    """How much a box covers: points of curves, other labels, and what lies outside of the axes."""
    x, y = occupied.T
    curves = int(((x > box.x0 - 2) & (x < box.x1 + 2) & (y > box.y0 - 2) & (y < box.y1 + 2)).sum())
    others = sum(box.x0 < b and a < box.x1 and box.y0 < d and c < box.y1 for a, b, c, d in taken)
    inner = frame.padded(-MARGIN)
    outside = box.x0 < inner.x0 or box.x1 > inner.x1 or box.y0 < inner.y0 or box.y1 > inner.y1
    return curves + 100.0 * others + 200.0 * outside
