"""The formulas by which optimisers change a variable, each declared once; every spelling of an optimiser uses them.

A formula takes the variable w, the gradient g, what is kept from step to step (the slots) and the numbers of the
method, and returns the new variable, followed by the new slots. Numbers are scalars; what is made of them alone is
computed in float64 and rounded once to the type of the variable.

    rate      the learning rate                     step    1 in the first step, 2 in the second, …
    x_rest    1 - x                                 x_log   log x

Some methods exist in two forms that differ in where the small number epsilon stands, or in whether the learning rate is
part of what is kept. The choices of a formula say which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradtape.graph.dtypes import DType, float64
from gradtape.graph.node import Node
from gradtape.ops.arithmetic import floormod, maximum, minimum
from gradtape.ops.clipping import norm_of_all, shortened, shortened_together
from gradtape.ops.declare import convert
from gradtape.ops.exponential import expm1
from gradtape.ops.normalised import euclidean
from gradtape.ops.powers import sqrt, square
from gradtape.ops.selection import equal, where

Slots = Sequence[Node]


class Numbers:
    """The numbers of a method by name, in the type of a variable; `wide` has them in float64."""

    def __init__(self, known: Mapping[str, Node], dtype: DType):
        self._known = known
        self._dtype = dtype

    def __getattr__(self, name: str) -> Any:
        return convert(self._known[name], self._dtype)

    @property
    def wide(self) -> Numbers:
        return Numbers(self._known, float64)

    def narrow(self, number: Node) -> Node:
        """A number that was computed in float64, in the type of the variable."""
        return convert(number, self._dtype)


def sgd(w: Node, g: Node, slots: Slots, n: Numbers, nesterov: bool) -> list[Node]:
    """Gradient descent; with a slot by a velocity, which has the learning rate in it: v ← momentum·v - rate·g,
    w ← w + v. Nesterov's form looks one step ahead: w ← w + momentum·v - rate·g."""
    if not slots:
        return [w - n.rate * g]
    velocity = n.momentum * slots[0] - n.rate * g
    return [w + (n.momentum * velocity - n.rate * g if nesterov else velocity), velocity]


def heavy_ball(w: Node, g: Node, slots: Slots, n: Numbers, nesterov: bool, damped: bool) -> list[Node]:
    """Gradient descent with a sum of gradients: b ← momentum·b + g, w ← w - rate·b; Nesterov's form takes
    g + momentum·b. If it is damped, g counts (1 - dampening) from the second step on."""
    added = g
    if damped:
        added = where(equal(n.wide.step, 1), g, n.dampening_rest * g)
    total = n.momentum * slots[0] + added
    return [w - n.rate * (g + n.momentum * total if nesterov else total), total]


def adam(w: Node, g: Node, slots: Slots, n: Numbers, amsgrad: bool, corrected: bool) -> list[Node]:
    """Adam (Kingma and Ba, 2015): the mean m and the mean square v of gradients, as if they had always been there:
    w ← w - rate·√(1-β₂ᵗ)/(1-β₁ᵗ)·m / (√v + ε). `amsgrad` takes the largest v so far. ε is what is added to √v, or if it
    is `corrected` to √v/√(1-β₂ᵗ)."""
    wide = n.wide
    mean, squares = slots[:2]
    mean = mean + n.beta_1_rest * (g - mean)
    squares = squares + n.beta_2_rest * (square(g) - squares)
    spread = [maximum(slots[2], squares)] if amsgrad else []
    first, second = -expm1(wide.step * wide.beta_1_log), sqrt(-expm1(wide.step * wide.beta_2_log))
    epsilon = n.narrow(wide.epsilon * second) if corrected else n.epsilon
    moved = n.narrow(wide.rate * second / first) * mean
    return [w - moved / (sqrt(spread[0] if amsgrad else squares) + epsilon), mean, squares, *spread]


def rmsprop(
    w: Node, g: Node, slots: Slots, n: Numbers, momentum: bool, centered: bool, inside: bool, scaled: bool
) -> list[Node]:
    """The gradient over the root of its mean square v (Tieleman and Hinton, 2012), or if it is `centered` of its
    variance. ε stands `inside` the root or behind it; the momentum has the learning rate in it if it is `scaled`."""
    squares = n.rho * slots[0] + n.rho_rest * square(g)
    variance, kept = squares, [squares]
    if momentum:
        kept.append(slots[1])
    if centered:
        mean = n.rho * slots[-1] + n.rho_rest * g
        variance = maximum(squares - square(mean), 0)  # what rounding makes of a variance of 0 may be negative
        kept.append(mean)
    root = sqrt(variance + n.epsilon) if inside else sqrt(variance) + n.epsilon
    if not momentum:
        return [w - n.rate * g / root, *kept]
    kept[1] = n.momentum * slots[1] + (n.rate * g / root if scaled else g / root)
    return [w - (kept[1] if scaled else n.rate * kept[1]), *kept]


def adagrad(w: Node, g: Node, slots: Slots, n: Numbers, inside: bool, slower: bool) -> list[Node]:
    """The gradient over the root of the sum of its squares (Duchi and others, 2011). ε as in `rmsprop`. The learning
    rate may become `slower`: rate / (1 + slowing·(step - 1))."""
    total, rate = slots[0] + square(g), n.rate
    if slower:
        rate = n.narrow(n.wide.rate / (1 + n.wide.slowing * (n.wide.step - 1)))
    return [w - rate * g / (sqrt(total + n.epsilon) if inside else sqrt(total) + n.epsilon), total]


@dataclass(frozen=True)
class Update:
    """A formula and what happens before and after it. All of it is static: it decides which operations there are.

    choices     of the formula
    clip        "norm", "global" or "value": gradients longer than the number `clip` are made shorter
    decay       "weight": rate·decay·w is taken off w; "gradient": decay·w is added to the gradient
    spared      places of the variables that do not decay
    unscaled    whether gradients are divided by the number `scale`
    opposite    whether the target grows
    gathered    whether gradients are summed in the last slot, and applied, divided by the number `gather`, once in as
                many steps
    averaged    whether the slot before that has a moving average of the variable
    replaced    whether once in `replace` steps the variable becomes that average
    """

    formula: Callable[..., list[Node]]
    choices: tuple[bool, ...] = ()
    clip: str = ""
    decay: str = ""
    spared: frozenset[int] = frozenset()
    unscaled: bool = False
    opposite: bool = False
    gathered: bool = False
    averaged: bool = False
    replaced: bool = False

    def __call__(
        self, ws: Sequence[Node], gs: Sequence[Node], slots: Sequence[Slots], known: Mapping[str, Node]
    ) -> list[Node]:
        """The new value of each variable, followed by its new slots. Among the numbers `call` counts calls from 1,
        where `step` counts those in which variables change."""
        numbers = [Numbers(known, w.dtype) for w in ws]
        gs = [convert(g, w.dtype) for w, g in zip(ws, gs, strict=True)]
        if self.opposite:
            gs = [-g for g in gs]
        if self.unscaled:
            gs = [g / n.scale for g, n in zip(gs, numbers, strict=True)]
        now = None
        if self.gathered:
            gs = [g + kept[-1] for g, kept in zip(gs, slots, strict=True)]
            totals = gs
            now = equal(floormod(known["call"], known["gather"]), 0)
            gs = [g / n.gather for g, n in zip(gs, numbers, strict=True)]
        gs = self._clipped(gs, numbers)
        results: list[Node] = []
        for i, (w, g, kept, n) in enumerate(zip(ws, gs, slots, numbers, strict=True)):
            own = kept[: len(kept) - self.gathered - self.averaged]
            start = w
            if self.decay and i not in self.spared:
                if self.decay == "weight":
                    start = w - n.narrow(n.wide.rate * n.wide.decay) * w
                else:
                    g = g + n.decay * w  # noqa: PLW2901
            made = self.formula(start, g, own, n, *self.choices)
            if now is not None:
                made = [where(now, new, old) for new, old in zip(made, (w, *own), strict=True)]
            if self.averaged:
                average = kept[len(own)]
                average = where(equal(known["step"], 1), made[0], n.average * average + n.average_rest * made[0])
                if self.replaced:
                    made[0] = where(equal(floormod(known["step"], known["replace"]), 0), average, made[0])
                made.append(average)
            if now is not None:
                made.append(where(now, 0, totals[i]))
            results += made
        return results

    def _clipped(self, gs: Sequence[Node], numbers: Sequence[Numbers]) -> Sequence[Node]:
        if self.clip == "value":
            return [minimum(maximum(g, -n.clip), n.clip) for g, n in zip(gs, numbers, strict=True)]
        if self.clip == "norm":
            limit = numbers[0].wide.clip
            return [shortened(g, euclidean(g, tuple(range(len(g.shape)))), limit) for g in gs]
        if self.clip == "global":
            return shortened_together(gs, norm_of_all(gs), numbers[0].wide.clip)
        return gs
