"""Gradient descent on a function of two variables: the ways of optimizers over its contours, and the loss on them.

The gradients are the tape's, the steps those of `gradtape.optimizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import gradtape
from gradtape import optimizers
from gradtape.errors import ArgumentError
from gradtape.study.pictures.field import Ends, contours
from gradtape.study.pictures.plane import Plane, Range2, check_ranges, plane
from gradtape.study.pictures.style import MARKERS, Style, canvas, dress, heading, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_STEPS = 10_000

MOST_DOTS = 101
"""Points of a way up to which each has a dot."""

OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "sgd": optimizers.SGD,
    "momentum": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "nesterov": lambda rate: optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "adagrad": optimizers.Adagrad,
    "rmsprop": optimizers.RMSprop,
    "adam": optimizers.Adam,
}


@dataclass(frozen=True)
class Path:
    """The way of an optimizer: its name, the points, of shape (steps + 1, 2), and the function there."""

    name: str
    points: np.ndarray
    losses: np.ndarray


def descent(
    f: Any,
    start: Sequence[float],
    *,
    optimizer: Any = "sgd",
    rate: float = 0.1,
    steps: int = 50,
    range: Range2 | None = None,
    title: str | None = None,
    name: str | None = None,
    figure: Figure | None = None,
    style: str | Style = "light",
    progress: Callable[[int], Any] = lambda done: None,
) -> Figure:
    """Draw the way of gradient descent over the contours of a function of two variables, and the loss at each step.

    f           text such as "x**2 + 10*y**2", an `Expression` of two variables, or a Python function of two Tensors
    start       the point to start from
    optimizer   sgd, momentum, nesterov, adagrad, rmsprop, adam, an Optimizer, or a list of these
    rate        the learning rate of those that are named
    steps       how many, 1 to 10,000
    range       of the axes: two numbers for both, or two pairs; else so that all ways are in sight
    progress    is called with the number of steps done

    Returns the Matplotlib figure. A way that leaves what float64 can hold ends there. Raises ExpressionError for text
    that cannot be read, ArgumentError for the rest.

    >>> figure = descent("x**2 + 10*y**2", (4, 1), optimizer=["sgd", "momentum"], rate=0.05, steps=20)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['sgd', 'momentum']
    """
    shown, look = plane(f, name), style_of(style)
    many = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
    if not many:
        raise ArgumentError("no optimizer was given; name at least one, such as 'sgd'")
    paths = paths_of(shown, start, many, rate, steps, progress)
    across, up = check_ranges(range) if range is not None else around(paths)
    figure = canvas(look, figure, (1.5, 1.0))
    above, course = figure.subplots(1, 2, width_ratios=(1.25, 1))
    draw_ways(above, look, shown, paths, across, up)
    heading(above, look, shown.title if title is None else title)
    losses(course, look, paths, shown.name)
    handles, labels = above.get_legend_handles_labels()
    options: dict[str, Any] = {"frameon": False, "fontsize": look.font, "labelcolor": look.ink, "handlelength": 3}
    figure.legend(handles, labels, loc="outside lower center", ncols=6, **options)
    return figure


def path(
    shown: Plane,
    start: Sequence[float],
    optimizer: Any = "sgd",
    rate: float = 0.1,
    steps: int = 50,
    progress: Callable[[int], Any] = lambda done: None,
) -> Path:
    """The way that an optimizer takes from a point."""
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise ArgumentError(f"a descent has 1 to {MOST_STEPS:,} steps, not {steps!r}")
    try:
        first = [float(v) for v in start]
    except (TypeError, ValueError):
        first = []
    if len(first) != 2 or not np.isfinite(first).all():
        raise ArgumentError(f"a descent starts from two numbers, such as (2, 1), not {start!r}")
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ArgumentError(f"an optimizer is one of {', '.join(OPTIMIZERS)}, not {optimizer!r}")
        if not (np.isfinite(rate) and rate > 0):
            raise ArgumentError(f"a learning rate is a positive number, such as 0.1, not {rate!r}")
        label, optimizer = optimizer, OPTIMIZERS[optimizer](rate)
    else:
        label = type(optimizer).__name__
    weights = [gradtape.Variable(v, dtype=gradtape.float64) for v in first]
    points, values = [first], []
    for n, _ in enumerate([None] * (steps + 1)):
        with gradtape.GradientTape() as tape:
            loss = shown.function(*weights)
        values.append(float(loss))
        if n == steps:
            break
        slopes = tape.gradient(loss, weights, unconnected_gradients="zero")
        optimizer.apply_gradients(zip(slopes, weights, strict=True))
        here = [float(w) for w in weights]
        if not np.isfinite(here).all() or not np.isfinite(values[-1]):
            break
        points.append(here)
        progress(n + 1)
    return Path(label, np.array(points[: len(values)]), np.array(values[: len(points)]))


def paths_of(
    shown: Plane,
    start: Sequence[float],
    many: Sequence[Any],
    rate: float,
    steps: int,
    progress: Callable[[int], Any] = lambda done: None,
) -> list[Path]:
    """The ways of several optimizers; `progress` is called with the steps that all have done together."""
    found: list[Path] = []
    for one in many:
        before = len(found) * steps
        found.append(path(shown, start, one, rate, steps, lambda done: progress(before + done)))  # noqa: B023
    return found


def around(paths: Sequence[Path]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges in which all ways are in sight; of one that runs away, the part that is about as low as its start."""
    near = np.concatenate([one.points[one.losses <= 1.5 * one.losses[0] - 0.5 * one.losses.min()] for one in paths])
    near = np.concatenate([near, [one.points[0] for one in paths]])
    low, high = near.min(axis=0), near.max(axis=0)
    longest = (high - low).max() or np.abs(near).max() or 1.0
    (ax, ay), (hx, hy) = (low + high) / 2, np.maximum((high - low) * 0.65, 0.45 * longest)
    return (ax - hx, ax + hx), (ay - hy, ay + hy)


def draw_ways(
    axes: Axes, look: Style, shown: Plane, paths: Sequence[Path], across: Ends, up: Ends
) -> list[tuple[Any, ...]]:
    """The contours and the ways, with a dot per step where they are few; returns the lines that make each way."""
    contours(axes, look, shown, across, up)
    dress(axes, look, *shown.variables)
    axes.grid(False)
    from matplotlib.patheffects import withStroke

    lines = []
    halo = [withStroke(linewidth=3.4 * look.weight, foreground=look.paper)]
    for n, one in enumerate(paths):
        below: dict[str, Any] = {"color": look.paper, "linewidth": 3.2 * look.weight, "zorder": 4.5}
        lines.append((*axes.plot(*one.points.T, label=f"_below {one.name}", **below),))
        dots: dict[str, Any] = {"marker": MARKERS[n % len(MARKERS)], "markersize": 3.5 * look.weight, "zorder": 5}
        shape = dots if len(one.points) <= MOST_DOTS else {"zorder": 5}
        lines[-1] += tuple(axes.plot(*one.points.T, label=one.name, **(look.look(n, 1.5) | shape)))
    first = paths[0].points[0]
    axes.plot(*first, marker="o", color=look.ink, markersize=8 * look.weight, zorder=6, label="_start")
    words: dict[str, Any] = {"color": look.ink, "fontsize": 0.9 * look.font, "path_effects": halo, "zorder": 7}
    axes.annotate("start", first, xytext=(0, -8), textcoords="offset points", ha="center", va="top", **words)
    return lines


def losses(axes: Axes, look: Style, paths: Sequence[Path], name: str) -> None:
    """The function at each step, on a logarithmic scale where it stays positive."""
    for n, one in enumerate(paths):
        axes.plot(np.arange(len(one.losses)), one.losses, label=one.name, **look.look(n, 1.8))
    if all((one.losses > 0).all() for one in paths) and any(np.ptp(one.losses) > 0 for one in paths):
        axes.set_yscale("log")
    dress(axes, look, "step", name)
    axes.set_title(f"{name} at each step", fontsize=1.15 * look.font, color=look.ink, pad=0.8 * look.font)


def regression(
    x: Sequence[float] = (1.0, 2.0, 3.0, 4.0),
    y: Sequence[float] = (2.0, 4.0, 6.0, 8.0),
    *,
    start: Sequence[float] = (0.5, 0.1),
    rate: float = 0.1,
    steps: int = 100,
    **options: Any,
) -> Figure:
    """Draw the loss surface of a linear regression y = w·x + b with the way of gradient descent on it.

    x, y      the data
    start     w and b to start from

    The other arguments are those of `descent`.

    >>> figure = regression()
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('w', 'b')
    """
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if across.ndim != 1 or across.shape != up.shape or not across.size:
        raise ArgumentError(f"a regression needs as many x as y, but shapes {across.shape} and {up.shape} were given")
    points, targets = (gradtape.constant(values) for values in (across, up))

    def loss(w: Any, b: Any) -> Any:
        w, b = (gradtape.expand_dims(value, -1) for value in (w, b))
        return gradtape.reduce_mean(gradtape.square(w * points + b - targets), axis=-1)

    surface = Plane(loss, "loss", ("w", "b"), "mean of (w·x + b - y)²")
    return descent(surface, start, rate=rate, steps=steps, **options)
