"""The picture of an accuracy: the error in ulps over x, on a logarithmic scale, with contract and worst inputs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study.figures import COLOURS, INK, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradtape.study.accuracy_result import Accuracy

LOWEST = 1e-3
"""Ulps below which an error is drawn on the lower edge."""

LINEAR = 1e-6
"""Between minus and plus this the x axis of the whole line is linear."""

MARKERS = ("o", "x", "^", "s")
"""Of gradtape and the peers, so that they stay distinct in grey print."""


def draw(found: Accuracy, figure: Figure | None = None) -> Figure:
    """Draw it on a figure, or on a new one, and return that."""
    if figure is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), dpi=150)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    axes.set_yscale("log")
    if found.domain is None:
        _whole_line(axes, found.x)
    series = {"gradtape": found.errors, **found.peer_errors}
    finite = [float(e[np.isfinite(e)].max(initial=0)) for e in series.values()]
    highest = max(10.0, 3 * max(finite), 3 * (found.contract or 0))
    top = highest * 10
    for n, (name, errors) in reversed(list(enumerate(series.items()))):
        _cloud(axes, found.x, errors, n, name, highest, top)
    if found.contract is not None:
        label = f"contract: {found.contract:g} ulp"
        axes.axhline(found.contract, color=INK, linewidth=1.4, linestyle=(0, (6, 2)), label=label, zorder=5)
    axes.set_ylim(LOWEST, top)
    if found.domain is not None:
        axes.set_xlim(*found.domain)
    _mark(axes, found, _height_of_the_lost(0, highest, top))
    dress(axes, "x", "error in ulp")
    named = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))  # the wrong results once
    order = [*series, *(label for label in named if label not in series)]
    handles = [named[label] for label in order]
    figure.legend(handles, order, loc="outside lower center", ncols=4, frameon=False, fontsize=10, labelcolor=INK)
    heading = textwrap.fill(found.title, 76, max_lines=3, placeholder=" …")
    axes.set_title(heading, fontsize=12, color=INK, pad=10, parse_math=False)
    return figure


def _whole_line(axes: Any, x: np.ndarray) -> None:
    """An x axis on which numbers of all sizes have a place, with a few round ticks that do not meet."""
    axes.set_xscale("symlog", linthresh=LINEAR)
    axes.set_xlim(float(x[0]), float(x[-1]))
    step = 12 if float(x[-1]) < 1e100 else 100
    ticks = [10.0**power for power in range(0, int(np.log10(float(x[-1]))) + 1, step)]
    axes.set_xticks([*(-tick for tick in reversed(ticks)), 0.0, *ticks])
    axes.minorticks_off()


def _cloud(axes: Any, x: np.ndarray, errors: np.ndarray, n: int, name: str, highest: float, top: float) -> None:
    """The errors of one system; those without a finite size stand at the upper edge."""
    colour, marker = COLOURS[n % len(COLOURS)], MARKERS[n % len(MARKERS)]
    known = np.isfinite(errors)
    style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none", "zorder": 4 - n / 10}
    style |= {"markersize": 2.6 if n == 0 else 3.2, "fillstyle": "full" if n == 0 else "none"}
    axes.plot(x[known], np.maximum(errors[known], LOWEST), alpha=0.75, label=name, **style)
    lost = np.isinf(errors)
    if lost.any():
        height = _height_of_the_lost(n, highest, top)
        style |= {"markersize": 5, "marker": "*"}
        axes.plot(x[lost], np.full(int(lost.sum()), height), label="wrongly NaN or infinite", **style)


def _height_of_the_lost(n: int, highest: float, top: float) -> float:
    """Where results that are wrongly NaN or infinite stand: above all errors, each system in a row of its own."""
    return highest * (top / highest) ** (0.35 + 0.15 * n)


def _mark(axes: Any, found: Accuracy, lost: float) -> None:
    """A ring around each of the worst inputs, and the very worst in figures."""
    if not found.worst:
        return
    heights = [lost if np.isinf(w.error) else max(w.error, LOWEST) for w in found.worst]
    ring: dict[str, Any] = {"marker": "o", "markersize": 10, "linestyle": "none", "fillstyle": "none", "zorder": 6}
    axes.plot([w.x for w in found.worst], heights, color=INK, label="worst inputs", **ring)
    first = found.worst[0]
    right = axes.transAxes.inverted().transform(axes.transData.transform((first.x, heights[0])))[0] > 0.5
    size = "NaN or infinite" if np.isinf(first.error) else f"{first.error:.3g} ulp"
    axes.annotate(
        f"{size} at {first.x:.6g}",
        (first.x, heights[0]),
        xytext=(-8, 8) if right else (8, 8),
        textcoords="offset points",
        ha="right" if right else "left",
        color=INK,
        fontsize=9,
        zorder=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
    )
