"""Moving pictures, as GIF by Pillow: a tangent that goes along a curve while it draws the derivative, and a descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.study.pictures import sampling
from gradtape.study.pictures.curve import columns, draw, evaluation
from gradtape.study.pictures.descent import around, draw_ways, losses, path
from gradtape.study.pictures.plane import Range2, check_ranges, plane
from gradtape.study.pictures.style import Style, canvas, dress, heading, key, place, style_of, zero_lines
from gradtape.study.subject import check_dtype, check_range, subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FRAMES = 1000
COLOURS = 64
"""In a frame: enough for a few curves with smooth edges, in a small file."""

DPI = 100.0

SAME = 8
"""Colours no further from the paper's than this, of 255, are the paper's."""

REST = 1500
"""Milliseconds for which the last frame stays."""


def animate_tangent(
    f: Any,
    file: str | PathLike[str],
    *,
    range: Sequence[float] = (-5, 5),
    frames: int = 80,
    seconds: float = 6.0,
    dtype: Any = "float32",
    title: str | None = None,
    style: str | Style = "light",
    progress: Callable[[int], Any] = lambda done: None,
) -> None:
    """Write a GIF in which a tangent goes along a function of one variable, and its slope draws the derivative.

    f           a Python function, an `Expression`, or text: "sin(x)**2"
    file        where to write it
    range       the two ends of the x axis
    frames      how many pictures, 2 to 1000
    seconds     how long it takes, after which it starts again
    dtype       float16, bfloat16, float32 or float64
    style       light, grey, dark, paper, or a `Style`
    progress    is called with the number of pictures done

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.
    """
    shown, kind, look = subject(f), check_dtype(dtype), style_of(style)
    low, high = check_range(range, kind)
    at = np.linspace(low, high, _frames(frames))
    values, slopes = evaluation(shown, 1)(at.astype(kind))
    figure, axes = place(look, None, None)
    figure.dpi = DPI
    picture = sampling.sample(evaluation(shown, 1), low, high, kind, columns=columns(axes))
    draw(axes, look, picture, [shown.label(0), shown.label(1)])
    slope_line = axes.get_lines()[1]
    whole = np.asarray(slope_line.get_xydata())
    (tangent,) = axes.plot([], [], label="tangent", zorder=5, **look.look(2, 1.8))
    (dots,) = axes.plot([], [], "o", color=look.ink, markersize=7 * look.weight, zorder=6, label="_point")
    dress(axes, look, shown.variable, f"{shown.label(0)}, {shown.label(1)}")
    zero_lines(axes, look)
    heading(axes, look, shown.title(1) if title is None else title)
    key(axes, look)

    def pictures() -> Iterator[Figure]:
        for n, (x, y, slope) in enumerate(zip(at, values, slopes, strict=True)):
            before = whole[: int(np.searchsorted(whole[:, 0], x, side="right"))]
            slope_line.set_data(*before.T)
            if np.isfinite(y) and np.isfinite(slope):
                ends = np.array([low, high])
                tangent.set_data(ends, y + slope * (ends - x))
                dots.set_data([x, x], [y, slope])
                axes.set_xlabel(f"{shown.variable} = {x:.2f}, slope {slope:.3g}")
            else:
                tangent.set_data([], [])
                dots.set_data([], [])
                axes.set_xlabel(f"{shown.variable} = {x:.2f}, no slope")
            yield figure
            progress(n + 1)

    _write(figure, look, pictures(), file, seconds / frames)


def animate_descent(
    f: Any,
    start: Sequence[float],
    file: str | PathLike[str],
    *,
    optimizer: Any = "sgd",
    rate: float = 0.1,
    steps: int = 50,
    range: Range2 | None = None,
    seconds: float = 6.0,
    title: str | None = None,
    style: str | Style = "light",
    progress: Callable[[int], Any] = lambda done: None,
) -> None:
    """Write a GIF in which gradient descent goes its way over the contours of a function of two variables.

    file        where to write it
    steps       how many, 1 to 1000; each is a picture
    seconds     how long it takes, after which it starts again
    progress    is called with the number of pictures done

    The other arguments, and what is raised, are those of `descent`.
    """
    shown, look = plane(f), style_of(style)
    many = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
    _frames(steps + 1)
    paths = [path(shown, start, one, rate, steps) for one in many]
    across, up = check_ranges(range) if range is not None else around(paths)
    figure = canvas(look, None, (1.4, 1.0))
    figure.dpi = DPI
    above, course = figure.subplots(1, 2, width_ratios=(1.25, 1))
    ways = draw_ways(above, look, shown, paths, across, up)
    heading(above, look, shown.title if title is None else title)
    losses(course, look, paths, shown.name)
    curves = course.get_lines()
    course.set_xlim(course.get_xlim())
    course.set_ylim(course.get_ylim())
    handles, labels = above.get_legend_handles_labels()
    options: dict[str, Any] = {"frameon": False, "fontsize": look.font, "labelcolor": look.ink, "handlelength": 3}
    figure.legend(handles, labels, loc="outside lower center", ncols=6, **options)

    def pictures() -> Iterator[Figure]:
        for n in np.arange(max(len(one.points) for one in paths)):
            for one, way, curve in zip(paths, ways, curves, strict=True):
                for line in way:
                    line.set_data(*one.points[: n + 1].T)
                curve.set_data(np.arange(len(one.losses))[: n + 1], one.losses[: n + 1])
            yield figure
            progress(int(n) + 1)

    _write(figure, look, pictures(), file, seconds / (steps + 1))


def _frames(frames: Any) -> int:
    if isinstance(frames, bool) or not isinstance(frames, int) or not 2 <= frames <= MOST_FRAMES:
        raise ArgumentError(f"a moving picture has 2 to {MOST_FRAMES:,} frames, not {frames!r}")
    return frames


def _write(figure: Figure, look: Style, frames: Iterator[Figure], file: str | PathLike[str], seconds: float) -> None:
    """The frames as a GIF that starts again and rests at its end. The figure as it stands has all shades in it."""
    from matplotlib.colors import to_rgb
    from PIL import Image

    palette = _image(figure).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    shades = np.array(palette.getpalette()).reshape(-1, 3)[:COLOURS]
    exact = np.array([to_rgb(colour) for colour in (look.paper, look.ink, *look.colours)])
    exact = np.round(255 * exact).astype(int)
    shades[np.abs(shades - exact[0]).max(axis=1) <= SAME] = exact[0]  # the paper, not the mean of shades next to it
    palette.putpalette(np.concatenate([shades, exact]).ravel().tolist())
    figure.set_layout_engine("none")  # nothing is to move but what moves
    # With the same colours throughout, only what changes is written of each frame.
    images = [_image(one).quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
    step = max(20, round(1000 * seconds))
    durations = [step] * (len(images) - 1) + [max(step, REST)]
    with open(file, "wb") as out:
        images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True)


def _image(figure: Figure) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba())).convert("RGB")
