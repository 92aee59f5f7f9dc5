"""The picture of a fit: how training went, and the data with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study.figures import COLOURS, GRID, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradtape.fitting.result import Fit

MOST_POINTS = 5000
"""Rows that are drawn: more make no other picture."""


def draw(fit: Fit, figure: Figure | None = None) -> Figure:
    """Three panels: the loss, the norm of its gradient, and the data against the model."""
    if figure is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 3.8), dpi=150)
    figure.set_layout_engine("constrained")
    figure.suptitle(fit.title(), color=INK, fontsize=11)
    loss, norm, data = figure.subplots(1, 3)
    steps = np.arange(fit.steps - len(fit.losses), fit.steps)
    _course(loss, steps, fit.losses, "loss", COLOURS[0], "solid")
    _course(norm, steps, fit.norms, "norm of the gradient", COLOURS[1], (0, (6, 2)))
    _data(data, fit)
    return figure


def _course(axes: Any, steps: np.ndarray, values: tuple[float, ...], name: str, colour: str, style: Any) -> None:
    numbers = np.asarray(values)
    positive = numbers > 0
    axes.plot(steps, np.where(positive, numbers, np.nan), color=colour, linestyle=style, linewidth=1.6, label=name)
    if positive.any():
        axes.set_yscale("log")
    axes.set_title(name, fontsize=10, color=INK)
    axes.set_xlabel("step")
    axes.grid(color=GRID, linewidth=0.6)


def _data(axes: Any, fit: Fit) -> None:
    """Over the only input the rows and the curve; else what was predicted against what is."""
    rows = np.random.default_rng(0).permutation(fit.rows)[:MOST_POINTS]
    target = fit.data.columns[fit.model.target][rows]
    dots: dict[str, Any] = {
        "s": 36 if len(rows) < 50 else 14 if len(rows) < 500 else 4,
        "color": COLOURS[0],
        "alpha": 0.7,
        "linewidths": 0,
        "label": "data",
    }
    if len(fit.model.inputs) == 1:
        (name,) = fit.model.inputs
        x = fit.data.columns[name]
        axes.scatter(x[rows], target, **dots)
        even = np.linspace(x.min(), x.max(), 400)
        curve = np.broadcast_to(fit.predict({name: even}), even.shape)
        axes.plot(even, curve, color=COLOURS[1], linewidth=1.8, label="model")
        axes.set_xlabel(fit.data.titles.get(name, name))
        axes.set_ylabel(fit.data.titles.get(fit.model.target, fit.model.target))
        axes.set_title("data and model", fontsize=10, color=INK)
    else:
        predicted = np.broadcast_to(fit.predict(fit.data.columns), (fit.rows,))[rows]
        axes.scatter(predicted, target, **dots)
        ends = [min(predicted.min(), target.min()), max(predicted.max(), target.max())]
        axes.plot(ends, ends, color=COLOURS[1], linewidth=1.4, linestyle=(0, (6, 2)), label="equal")
        axes.set_xlabel("predicted")
        axes.set_ylabel(fit.data.titles.get(fit.model.target, fit.model.target))
        axes.set_title("predicted and observed", fontsize=10, color=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.legend(fontsize=8, loc="best")
