"""The picture of a fit: how training went, and the data with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.study.pictures.style import STYLES, canvas, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradtape.fitting.result import Fit

LOOK = STYLES["light"]

MOST_POINTS = 5000
"""Rows that are drawn: more make no other picture."""


def draw(fit: Fit, figure: Figure | None = None) -> Figure:
    """Three panels: the loss, the norm of its gradient, and the data against the model."""
    figure = canvas(LOOK, figure, (1.4, 0.76))
    figure.suptitle(fit.title(), color=LOOK.ink, fontsize=11, parse_math=False)
    loss, norm, data = figure.subplots(1, 3)
    steps = np.arange(fit.steps - len(fit.losses), fit.steps)
    _course(loss, steps, fit.losses, "loss", LOOK.colour(0), "solid")
    _course(norm, steps, fit.norms, "norm of the gradient", LOOK.colour(1), LOOK.line(1))
    _data(data, fit)
    return figure


def _course(axes: Any, steps: np.ndarray, values: tuple[float, ...], name: str, colour: str, style: Any) -> None:
    numbers = np.asarray(values)
    positive = numbers > 0
    axes.plot(steps, np.where(positive, numbers, np.nan), color=colour, linestyle=style, linewidth=1.6, label=name)
    if positive.any():
        axes.set_yscale("log")
    axes.set_title(name, fontsize=10, color=LOOK.ink)
    dress(axes, LOOK, "step")


def _data(axes: Any, fit: Fit) -> None:
    """Over the only input the rows and the curve; else what was predicted against what is."""
    rows = np.random.default_rng(0).permutation(fit.rows)[:MOST_POINTS]
    target = fit.data.columns[fit.model.target][rows]
    dots: dict[str, Any] = {
        "s": 36 if len(rows) < 50 else 14 if len(rows) < 500 else 4,
        "color": LOOK.colour(0),
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
        axes.plot(even, curve, color=LOOK.colour(1), linewidth=1.8, label="model")
        dress(axes, LOOK, fit.data.titles.get(name, name), fit.data.titles.get(fit.model.target, fit.model.target))
        axes.set_title("data and model", fontsize=10, color=LOOK.ink)
    else:
        predicted = np.broadcast_to(fit.predict(fit.data.columns), (fit.rows,))[rows]
        axes.scatter(predicted, target, **dots)
        ends = [min(predicted.min(), target.min()), max(predicted.max(), target.max())]
        axes.plot(ends, ends, color=LOOK.colour(1), linewidth=1.4, linestyle=LOOK.line(1), label="equal")
        dress(axes, LOOK, "predicted", fit.data.titles.get(fit.model.target, fit.model.target))
        axes.set_title("predicted and observed", fontsize=10, color=LOOK.ink)
    axes.legend(fontsize=8, loc="best")
