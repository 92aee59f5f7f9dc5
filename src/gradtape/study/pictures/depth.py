"""How the gradient grows or vanishes on its way back through many layers with the same activation.

Two ways, which must agree. The layers are z = W·f(z'), with W of independent normal numbers of variance gain²/width.

In theory (of infinitely wide layers: Schoenholz, Gilmer, Ganguli, Sohl-Dickstein, *Deep information propagation*, 2017)
all z of a layer are normal with variance q, and from layer to layer

    q  ←  gain² · E[f(√q·z)²]           the next layer's variance
    χ  =  gain² · E[f′(√q·z)²]          by which the mean square of the gradient is multiplied on its way back

with z standard normal. So after k layers the gradient's root mean square is √(χ₁·…·χₖ) of what it was.

In practice: a random network, and its gradients by the tape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import gradtape
from gradtape.errors import ArgumentError
from gradtape.study.pictures.compare import name_of, subjects
from gradtape.study.pictures.style import MARKERS, Style, caption, dress, heading, key, place, style_of
from gradtape.study.subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LAYERS = 1000

REACH, POINTS = 9.0, 18_000
"""Expectations are sums over so many points within so many standard deviations; beyond is less than 1e-18 of them.
An even number, so that none is 0, where many activations have a kink."""

SMALLEST = 1e-30
"""What is less than this is drawn no more: it has vanished."""


@dataclass(frozen=True)
class Decay:
    """Sizes of the gradient relative to that at the last layer, after 0, 1, 2, … layers on its way back.

    expected    in theory, of infinitely wide layers
    measured    in a random network, by the tape; None if it was not run
    """

    name: str
    expected: np.ndarray
    measured: np.ndarray | None = None


def depth(
    functions: Sequence[Any] = ("sigmoid", "tanh", "relu", "gelu"),
    *,
    layers: int = 100,
    gain: float = 1.0,
    width: int = 256,
    batch: int = 32,
    seed: int = 0,
    measure: bool = True,
    figure: Figure | None = None,
    axes: Axes | None = None,
    style: str | Style = "light",
    progress: Callable[[int], Any] = lambda done: None,
) -> Figure:
    """Draw how large the gradient still is after each of many layers with the same activation; returns the figure.

    functions   the activations: names, text, or Python functions; 1 to 36
    layers      how many, 1 to 1000
    gain        weights are normal with variance gain²/width; √2 is what He et al. (2015) recommend for relu
    width       of a layer of the random network
    batch       inputs of the network, standard normal
    seed        of its random numbers
    measure     run the random network, beside the theory
    figure      what to draw on; or the `axes`
    style       light, grey, dark, paper, or a `Style`
    progress    is called with the number of functions done

    Lines are the theory, dots are measured. Raises ArgumentError for what cannot be computed.

    >>> figure = depth(["tanh", "relu"], layers=20, width=64, batch=8)
    >>> [line.get_label() for line in figure.axes[0].get_lines()][::2]
    ['tanh(x)', 'relu(x)']
    """
    look = style_of(style)
    found = []
    for n, activation in enumerate(subjects(functions)):
        found.append(decay(activation, layers, gain, (width, batch) if measure else None, seed))
        progress(n + 1)
    figure, axes = place(look, figure, axes)
    axes.set_yscale("log")
    after = np.arange(layers + 1)
    for n, one in enumerate(found):
        axes.plot(after, _seen(one.expected), label=one.name, zorder=3, **look.look(n, 2.0))
        if one.measured is not None:
            every = slice(None, None, max(1, layers // 20))
            dots: dict[str, Any] = {"color": look.colour(n), "marker": MARKERS[n % len(MARKERS)], "linestyle": "none"}
            dots |= {"markersize": 4.5 * look.weight, "fillstyle": "none"}
            axes.plot(after[every], _seen(one.measured)[every], label=f"_{one.name} measured", zorder=4, **dots)
    axes.set_xlim(0, layers)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, SMALLEST), high)
    dress(axes, look, "layers behind it", "size of the gradient")
    heading(axes, look, "The gradient on its way back through the layers")
    key(axes, look)
    words = (
        f"Lines: root of the product of gain²·E[f′(z)²] over the layers, z normal as it arrives there, gain {gain:g}."
    )
    if measure:
        words += f" Marks: measured by the tape in one random network, {width} wide, {batch} normal inputs."
    caption(axes, look, words)
    return figure


def decay(
    shown: Subject, layers: int, gain: float = 1.0, network: tuple[int, int] | None = None, seed: int = 0
) -> Decay:
    """The sizes of the gradient for one activation; `network` is the width and the number of inputs of a random one."""
    if isinstance(layers, bool) or not isinstance(layers, int) or not 1 <= layers <= MOST_LAYERS:
        raise ArgumentError(f"a network has 1 to {MOST_LAYERS} layers here, not {layers!r}")
    if not (np.isfinite(gain) and gain > 0):
        raise ArgumentError(f"the gain of weights is a positive number, such as 1, not {gain!r}")
    factors = expected_factors(shown, layers, gain)
    back = np.concatenate([[1.0], np.sqrt(np.cumprod(factors[::-1]))])
    measured = run(shown, layers, gain, *network, seed) if network else None
    return Decay(name_of(shown), back, measured)


def expected_factors(shown: Subject, layers: int, gain: float) -> np.ndarray:
    """χ of each layer: by what the mean square of the gradient is multiplied in theory.

    >>> from gradtape.study.subject import subject
    >>> expected_factors(subject("relu"), 3, 2**0.5).round(6).tolist()
    [1.0, 1.0, 1.0]
    """
    z = np.linspace(-REACH, REACH, POINTS)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    q, factors = 1.0, []
    for _ in range(layers):
        f, slope = shown.values(np.sqrt(q) * z, 1)
        if not (np.isfinite(f) & np.isfinite(slope)).all():
            raise ArgumentError(f"{name_of(shown)} is not finite for all numbers, so it is no activation")
        with np.errstate(over="ignore"):
            factors.append(gain**2 * float(weight @ slope**2))
            q = gain**2 * float(weight @ f**2)
        if not np.isfinite(q):
            raise ArgumentError(f"with a gain of {gain:g}, {name_of(shown)} grows beyond float64; use less")
    return np.array(factors)


def run(shown: Subject, layers: int, gain: float, width: int, batch: int, seed: int) -> np.ndarray:
    """The root mean square of the gradient after 0, 1, … layers of a random network, relative to the first."""
    if not (1 <= width <= 4096 and 1 <= batch <= 4096):
        raise ArgumentError(f"a random network is 1 to 4096 wide, with as many inputs, not {width} and {batch}")
    random = np.random.default_rng(seed)
    z = gradtape.constant(random.standard_normal((batch, width)))
    passed = [z]
    with gradtape.GradientTape() as tape:
        tape.watch(z)
        for _ in range(layers):
            weights = gain / np.sqrt(width) * random.standard_normal((width, width))
            z = gradtape.matmul(shown.function(z), gradtape.constant(weights))
            passed.append(z)
        loss = gradtape.reduce_sum(z * gradtape.constant(random.standard_normal((batch, width))))
    sizes = [float(np.sqrt(np.mean(np.square(g.numpy())))) for g in tape.gradient(loss, passed)]
    return np.array(sizes[::-1]) / sizes[-1]


def _seen(sizes: np.ndarray) -> np.ndarray:
    return np.where(sizes > 0, sizes, np.nan)
