"""The picture of an accuracy: the error in ulps over x, on a logarithmic scale, with contract and worst inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study.pictures.labels import Label, place_labels
from gradtape.study.pictures.style import MARKERS, Style, dress, heading, place, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradtape.study.accuracy_result import Accuracy

LOWEST = 1e-3
"""Ulps below which an error is drawn on the lower edge."""

LINEAR = 1e-6
"""Between minus and plus this the x axis of the whole line is linear."""


def draw(
    found: Accuracy, figure: Figure | None = None, axes: Axes | None = None, style: str | Style = "light"
) -> Figure:
    """Draw it on a figure, on axes, or on a new figure, and return the figure."""
    look = style_of(style)
    figure, axes = place(look, figure, axes)
    axes.set_yscale("log")
    if found.domain is None:
        _whole_line(axes, found.x)
    series = {"gradtape": found.errors, **found.peer_errors}
    finite = [float(e[np.isfinite(e)].max(initial=0)) for e in series.values()]
    highest = max(10.0, 3 * max(finite), 3 * (found.contract or 0))
    top = highest * 10
    for n, (name, errors) in reversed(list(enumerate(series.items()))):
        _cloud(axes, look, found.x, errors, n, name, highest, top)
    if found.contract is not None:
        label = f"contract: {found.contract:g} ulp"
        line: dict[str, Any] = {"color": look.ink, "linewidth": 1.4 * look.weight, "linestyle": (0, (6, 2))}
        axes.axhline(found.contract, label=label, zorder=5, **line)
    axes.set_ylim(LOWEST, top)
    if found.domain is not None:
        axes.set_xlim(*found.domain)
    dress(axes, look, "x", "error in ulp")
    heading(axes, look, found.title)
    labels_at = _rings(axes, look, found, _height_of_the_lost(0, highest, top))
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))  # the wrong results once
    order = [*series, *(label for label in named if label not in series)]
    options: dict[str, Any] = {"ncols": 4, "frameon": False, "fontsize": 0.9 * look.font, "labelcolor": look.ink}
    if len(figure.axes) == 1:
        figure.legend([named[label] for label in order], order, loc="outside lower center", **options)
    else:
        axes.legend([named[label] for label in order], order, loc="best", **options)
    place_labels(axes, look, labels_at)
    return figure


def _whole_line(axes: Axes, x: np.ndarray) -> None:
    """An x axis on which numbers of all sizes have a place, with a few round ticks that do not meet."""
    axes.set_xscale("symlog", linthresh=LINEAR)
    axes.set_xlim(float(x[0]), float(x[-1]))
    step = 12 if float(x[-1]) < 1e100 else 100
    ticks = [10.0**power for power in range(0, int(np.log10(float(x[-1]))) + 1, step)]
    axes.set_xticks([*(-tick for tick in reversed(ticks)), 0.0, *ticks])
    axes.minorticks_off()


def _cloud(
    axes: Axes, look: Style, x: np.ndarray, errors: np.ndarray, n: int, name: str, highest: float, top: float
) -> None:
    """The errors of one system; those without a finite size stand at the upper edge."""
    known = np.isfinite(errors)
    style: dict[str, Any] = {"color": look.colour(n), "marker": MARKERS[n % len(MARKERS)], "linestyle": "none"}
    style |= {"markersize": (2.6 if n == 0 else 3.2) * look.weight, "zorder": 4 - n / 10}
    style |= {"fillstyle": "full" if n == 0 else "none"}
    axes.plot(x[known], np.maximum(errors[known], LOWEST), alpha=0.75, label=name, **style)
    lost = np.isinf(errors)
    if lost.any():
        height = _height_of_the_lost(n, highest, top)
        style |= {"markersize": 5 * look.weight, "marker": "*"}
        axes.plot(x[lost], np.full(int(lost.sum()), height), label="wrongly NaN or infinite", **style)


def _height_of_the_lost(n: int, highest: float, top: float) -> float:
    """Where results that are wrongly NaN or infinite stand: above all errors, each system in a row of its own."""
    return highest * (top / highest) ** (0.35 + 0.15 * n)


def _rings(axes: Axes, look: Style, found: Accuracy, lost: float) -> list[Label]:
    """A ring around each of the worst inputs; returned are figures for the very worst."""
    if not found.worst:
        return []
    heights = [lost if np.isinf(w.error) else max(w.error, LOWEST) for w in found.worst]
    ring: dict[str, Any] = {"marker": "o", "markersize": 10 * look.weight, "linestyle": "none", "fillstyle": "none"}
    axes.plot([w.x for w in found.worst], heights, color=look.ink, label="worst inputs", zorder=6, **ring)
    first = found.worst[0]
    size = "NaN or infinite" if np.isinf(first.error) else f"{first.error:.3g} ulp"
    return [Label(first.x, heights[0], f"{size} at {first.x:.6g}")]
