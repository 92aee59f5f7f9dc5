"""Functions beside each other with their derivatives: one small picture each, all with the same axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradtape.errors import ArgumentError
from gradtape.study.derive import check_order
from gradtape.study.pictures import sampling
from gradtape.study.pictures.curve import columns, draw, evaluation
from gradtape.study.pictures.style import Style, canvas, dress, narrow, style_of, zero_lines
from gradtape.study.subject import Subject, check_dtype, check_range, subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 36
"""Functions beside each other: six by six."""

LETTERS = 0.9
"""Size of letters and lines as a part of those in a picture by itself."""


def compare(
    functions: Sequence[Any],
    *,
    order: int = 1,
    range: Sequence[float] = (-5, 5),
    dtype: Any = "float32",
    title: str = "",
    figure: Figure | None = None,
    style: str | Style = "light",
    progress: Callable[[int], Any] = lambda done: None,
) -> Figure:
    """Draw functions of one variable with their derivatives, each in a panel of its own, and return the figure.

    functions   names such as "sigmoid", text such as "x*sigmoid(x)", or Python functions; 1 to 36
    order       up to which derivative, 0 to 30
    range       the two ends of the x axes
    dtype       float16, bfloat16, float32 or float64
    title       of the whole figure
    figure      what to draw on; else a new Figure
    style       light, grey, dark, paper, or a `Style`
    progress    is called with the number of functions done

    All panels have the same axes, so that heights and slopes can be compared by eye. Raises ExpressionError for text
    that cannot be read, ArgumentError or DTypeError for the rest.

    >>> figure = compare(["sigmoid", "tanh", "x*sigmoid(x)"])
    >>> [axes.get_title() for axes in figure.axes]
    ['sigmoid(x)', 'tanh(x)', 'x*sigmoid(x)']
    """
    shown = subjects(functions)
    check_order(order)
    kind, look = check_dtype(dtype), style_of(style)
    low, high = check_range(range, kind)
    down, across = shape(len(shown))
    figure = canvas(look, figure, (max(across / 2.4, 0.7), max(down / 1.9, 0.62)))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    pictures = []
    for one in shown:
        pictures.append(sampling.sample(evaluation(one, order), low, high, kind, columns=columns(panels[0])))
        progress(len(pictures))
    window = min(p.bottom for p in pictures), max(p.top for p in pictures)
    small = narrow(look, LETTERS)
    labels = [Subject(abs, "f").label(n) for n, _ in enumerate(pictures[0].curves)]
    for n, (one, picture, axes) in enumerate(zip(shown, pictures, panels, strict=False)):
        draw(axes, small, picture, labels)
        axes.set_ylim(*window)
        dress(axes, small, one.variable if n >= len(shown) - across else "")
        axes.tick_params(labelbottom=n >= len(shown) - across)
        zero_lines(axes, small)
        axes.set_title(name_of(one), fontsize=look.font, color=look.ink, parse_math=False, wrap=True)
    for axes in panels[len(shown) :]:
        axes.remove()
    handles = panels[0].get_legend_handles_labels()
    options: dict[str, Any] = {"frameon": False, "fontsize": look.font, "labelcolor": look.ink, "handlelength": 2.8}
    figure.legend(*handles, loc="outside lower center", ncols=min(order + 1, 6), **options)
    if title:
        figure.suptitle(title, fontsize=1.15 * look.font, color=look.ink, parse_math=False)
    return figure


def subjects(functions: Sequence[Any]) -> list[Subject]:
    """What was given, read; ArgumentError for none or too many."""
    if isinstance(functions, str) or callable(functions):
        functions = [functions]
    if not 1 <= len(functions) <= MOST:
        raise ArgumentError(f"1 to {MOST} functions can be compared, not {len(functions)}")
    return [subject(f) for f in functions]


def name_of(shown: Subject) -> str:
    """How a function is called beside others: by its formula or its name."""
    return shown.formula or shown.label(0)


def shape(count: int) -> tuple[int, int]:
    """Rows and columns of so many panels: wider than high, and full if that is possible.

    >>> [shape(n) for n in (1, 3, 4, 6, 7, 9)]
    [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3), (3, 3)]
    """
    across = count if count <= 3 else math.ceil(math.sqrt(count))
    return math.ceil(count / across), across
