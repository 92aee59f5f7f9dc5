"""The instrument: how exact a function and its derivatives are, measured against the exact value of the same graph.

points    accuracy_points     where
graph     accuracy_graph      f, f', … as recorded by tapes, with names for people
truth     accuracy_truth      the graph with mpmath; the error in ulps
verdict   accuracy_verdict    at which operation the digits are lost
result    accuracy_result     the figures, as tables and sentences
peers     accuracy_peers      the same expression with TensorFlow, PyTorch and JAX
picture   pictures.error      the error over x
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradtape.config import settings
from gradtape.errors import ArgumentError
from gradtape.study import accuracy_peers as peer_systems
from gradtape.study.accuracy_graph import Graph, record
from gradtape.study.accuracy_points import around, check_count, check_domain, regions, sample
from gradtape.study.accuracy_result import WORTH_TELLING, Accuracy, Summary, Worst, sentences
from gradtape.study.accuracy_truth import Truth, overflows, rounded, rounds_to_zero, ulps, unit
from gradtape.study.accuracy_verdict import Loss, find_loss
from gradtape.study.derive import HIGHEST_NESTED, check_order, nested
from gradtape.study.subject import ASCII, Subject, check_dtype, subject

CONTRACT = (1.0, 2.0, 4.0, 4.0)
"""Ulps that gradtape promises for its functions: for the value and the first three derivatives."""

BESIDE = 1024
"""How many ulps of x away a zero of a first derivative may be for the mixed measure to count."""

LEVELS = (0.5, 0.9, 0.99, 0.999)
"""The quantiles that are shown."""

MOST_LOSSES = 3
"""Operations that are named as those at which digits are lost."""


def accuracy(
    f: Any,
    order: int = 1,
    dtype: Any = "float32",
    domain: Sequence[float] | None = (-10, 10),
    *,
    points: int = 2000,
    peers: bool = False,
    name: str | None = None,
    progress: Callable[[int], Any] = lambda done: None,
) -> Accuracy:
    """Measure how exact a function of one variable, or its derivative, comes out.

    f           a Python function that works element by element on a Tensor, an `Expression`, or text: "1/(1+exp(-x))"
    order       which derivative is measured; 0 is the function itself, 11 the highest
    dtype       float16, bfloat16, float32 or float64
    domain      the two ends of an interval, or None for the whole line
    points      how many numbers are tried, 10 to 200,000: one half spread evenly, one half over all exponents; around
                the worst of them more are
    peers       whether TensorFlow, PyTorch and JAX, where installed, compute the same (for text and Expressions)
    name        what the function is called; else its own name, or f
    progress    told, now and then, at how many points the exact value is known

    The graph that tapes record for the derivative is run twice: by the engine, and with mpmath at a precision that is
    raised until it changes nothing. The second is the exact value for the floating-point number x. A constant is taken
    as the decimal that was typed, if that has 15 digits or less, and otherwise as the number that Python or NumPy has
    stored: ``0.1*x`` means a tenth also in float32.

    The error of a result r with the exact value t is |r - t| / ulp(t). From the second derivative on, and for the first
    one if a simple zero of it is at most 1024 ulps of x away, it is |r - t| / (ulp(t) + |t'| ulp(x) / 2). The contract
    is that of gradtape's own functions: 1 ulp for the value, 2 for the first derivative, 4 for the second and third.

    Raises ExpressionError for text that cannot be read, ArgumentError or DTypeError for the rest.

    >>> accuracy("sigmoid(x)", order=2, points=200).met
    True
    >>> found = accuracy("exp(x) - cos(x)", order=0, domain=(-1, 1), points=200)
    >>> found.met, found.losses[0].expression
    (False, 'exp(x) - cos(x)')
    """
    check_order(order)
    if order >= HIGHEST_NESTED:
        raise ArgumentError(f"the accuracy is measured up to derivative {HIGHEST_NESTED - 1}, as it takes one more")
    shown, kind = subject(f, name), check_dtype(dtype)
    limits = check_domain(domain, kind)
    base = sample(limits, check_count(points), kind)
    graphs = [  # what is exact must not rest on rewrites; what loses digits is what was run
        record(shown.function, order + 1, kind.name, shown.variable, float(base[len(base) // 2]), stabilise)
        for stabilise in (False, settings().stabilise)
    ]
    measure = _Measure(shown, order, Truth(graphs[0], kind), progress)
    first = measure.at(base)
    x, rows = base, first
    closer = around(base[_separated(base, first.errors, 8)], limits, kind)
    closer = np.setdiff1d(closer, base)
    if closer.size:
        rows = first.joined(measure.at(closer))
        x = np.concatenate([base, closer])
    ascending = np.argsort(x, kind="stable")
    x, rows = x[ascending], rows.taken(ascending)
    valid = ~np.isnan(rows.errors)
    in_sample = first.errors[~np.isnan(first.errors)]
    quantiles = {level: _quantile(in_sample, level) for level in LEVELS}
    whole = _summary("gradtape", rows, valid)
    whole = Summary(whole.name, whole.points, whole.maximum, quantiles[0.5], whole.wrong)
    contract = CONTRACT[order] if order < len(CONTRACT) else None
    worst = tuple(measure.worst(x[i], rows, i) for i in _separated(x, rows.errors, 5))
    parts = [(label, valid & (x >= low) & (x < high)) for label, low, high in regions(limits)]
    suspects = [one.x for one in worst] + [_worst_of(x, rows.errors, part) for _, part in parts if part.any()]
    over = set(x[rows.errors > (contract or WORTH_TELLING)].tolist())
    losses = _losses(graphs[1], order, [s for s in suspects if s in over], kind)
    others, errors = _peers(shown, order, measure, x, rows) if peers else ((), {})
    title = f"accuracy of {shown.label(order, *ASCII)}" + (f" for {shown.title(0)}" if shown.formula else "")
    title += f", {kind.name}, " + (f"{limits[0]:g} to {limits[1]:g}" if limits else "the whole line")
    found = Accuracy(
        title=title,
        dtype=kind.name,
        order=order,
        domain=limits,
        x=x,
        computed=rows.computed,
        exact=rows.exact,
        errors=rows.errors,
        contract=contract,
        whole=whole,
        quantiles=quantiles,
        undefined=int((~valid).sum()),
        regions=tuple(_summary(label, rows, part) for label, part in parts if part.any()),
        worst=worst,
        losses=losses,
        peers=others,
        peer_errors=errors,
        verdict=(),
    )
    return replace(found, verdict=sentences(found, shown.label(order, *ASCII)))


# -- measuring ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """What was found at each point; the error is NaN where there is no exact finite value."""

    computed: np.ndarray
    truths: list[tuple[Any, Any]]  # t and t'
    exact: np.ndarray
    errors: np.ndarray
    wrong: np.ndarray  # "", "nan", "inf" or "zero"

    def joined(self, other: _Rows) -> _Rows:
        return _Rows(
            np.concatenate([self.computed, other.computed]),
            self.truths + other.truths,
            np.concatenate([self.exact, other.exact]),
            np.concatenate([self.errors, other.errors]),
            np.concatenate([self.wrong, other.wrong]),
        )

    def taken(self, at: np.ndarray) -> _Rows:
        return _Rows(self.computed[at], [self.truths[i] for i in at], self.exact[at], self.errors[at], self.wrong[at])


class _Measure:
    """Results and exact values of one derivative."""

    def __init__(self, shown: Subject, order: int, truth: Truth, progress: Callable[[int], Any]):
        self.shown, self.order, self.truth = shown, order, truth
        self.mp, self.dtype = truth.mp, truth.dtype
        self.progress = progress

    def at(self, x: np.ndarray) -> _Rows:
        computed = self.shown.values(x, self.order, nested)[self.order]  # what is measured is what tapes give
        truths = []
        for done, point in enumerate(x.tolist()):
            truths.append(self.exact(point))
            if done % 100 == 0:
                self.progress(done)
        return self.rows(x, computed, truths)

    def exact(self, x: float) -> tuple[Any, Any]:
        """The exact derivative and the next one; NaN where the function itself is undefined."""
        f, t, slope = self.truth.values(x, [0, self.order, self.order + 1])
        return (t, slope) if self.mp.isfinite(f) else (self.mp.nan, self.mp.nan)

    def rows(self, x: np.ndarray, computed: np.ndarray, truths: list[tuple[Any, Any]]) -> _Rows:
        errors, wrong, exact = np.full(len(x), np.nan), np.full(len(x), "", "U4"), np.full(len(x), np.nan)
        for i, (point, result, (t, slope)) in enumerate(zip(x.tolist(), computed.tolist(), truths, strict=True)):
            if self.mp.isfinite(t):
                errors[i] = self.error(point, result, t, slope)
                wrong[i] = self.wrong(result, t)
                exact[i] = rounded(self.mp, t, self.dtype)
        return _Rows(computed, truths, exact, errors, wrong)

    def error(self, x: float, result: float, t: Any, slope: Any) -> float:
        mp, dtype = self.mp, self.dtype
        with mp.workprec(200):
            plain = ulps(mp, result, t, dtype)
            bound = CONTRACT[min(self.order, len(CONTRACT) - 1)]
            if self.order == 0 or not mp.isfinite(slope) or not math.isfinite(plain):
                return plain
            if self.order == 1 and (plain <= bound or not self.beside_a_zero(x, t, slope)):
                return plain
            moved = abs(slope) * unit(mp, mp.mpf(x), dtype) / 2
            return plain / float(1 + moved / unit(mp, t, dtype))

    def beside_a_zero(self, x: float, t: Any, slope: Any) -> bool:
        """Whether a zero of the exact derivative is at most `BESIDE` ulps of x away: along its tangent, and the sign
        has changed twice as far away."""
        if rounds_to_zero(self.mp, t, self.dtype) or not slope:
            return bool(slope)
        away = t / slope
        if abs(away) > BESIDE * unit(self.mp, self.mp.mpf(x), self.dtype):
            return False
        (beyond,) = self.truth.values(x - 2 * away, [self.order])
        return bool(self.mp.isfinite(beyond) and beyond * t < 0)

    def wrong(self, result: float, t: Any) -> str:
        if math.isnan(result):
            return "nan"
        if math.isinf(result):
            right = overflows(self.mp, t, self.dtype) and (result > 0) == (t > 0)
            return "" if right else "inf"
        return "zero" if result == 0 and not rounds_to_zero(self.mp, t, self.dtype) else ""

    def worst(self, x: float, rows: _Rows, i: int) -> Worst:
        t, slope = rows.truths[i]
        condition = float(abs(float(x) * slope / t)) if t and self.mp.isfinite(slope) else math.inf
        return Worst(float(x), float(rows.computed[i]), float(rows.exact[i]), float(rows.errors[i]), condition)


def _separated(x: np.ndarray, errors: np.ndarray, count: int) -> list[int]:
    """The positions of the largest errors, no two of them at almost the same x."""
    chosen: list[int] = []
    for i in np.lexsort((np.abs(x), -np.nan_to_num(errors, nan=-1.0))).tolist():  # of equal ones the smallest x first
        if len(chosen) == count or not errors[i] > 0:
            break
        if all(abs(float(x[i]) - float(x[j])) > 1e-2 * abs(float(x[j])) for j in chosen):
            chosen.append(i)
    return chosen


def _quantile(errors: np.ndarray, level: float) -> float:
    return float(np.quantile(errors, level, method="higher")) if errors.size else 0.0


def _summary(name: str, rows: _Rows, at: np.ndarray, note: str = "") -> Summary:
    errors = rows.errors[at]
    wrong = {kind: int((rows.wrong[at] == kind).sum()) for kind in ("nan", "inf", "zero")}
    return Summary(name, len(errors), float(errors.max(initial=0)), _quantile(errors, 0.5), wrong, note)


def _worst_of(x: np.ndarray, errors: np.ndarray, at: np.ndarray) -> float:
    """Where among some points the error is largest."""
    return float(x[at][np.argmax(errors[at])])


def _losses(graph: Graph, order: int, suspects: Sequence[float], dtype: np.dtype) -> tuple[Loss, ...]:
    """Where the digits are lost at some inputs, each operation once."""
    truth = Truth(graph, dtype)
    found: dict[str, Loss] = {}
    for x in suspects:
        loss = find_loss(graph, order, x, truth) if len(found) < MOST_LOSSES else None
        if loss:
            found.setdefault(loss.expression, loss)
    return tuple(found.values())


def _peers(
    shown: Subject, order: int, measure: _Measure, x: np.ndarray, rows: _Rows
) -> tuple[tuple[Summary, ...], dict[str, np.ndarray]]:
    """What other systems make of the same points."""
    summaries, errors = [], {}
    for peer in peer_systems.results(shown.function, order, x):
        if peer.computed is None:
            summaries.append(Summary(peer.name, 0, math.nan, math.nan, {"nan": 0, "inf": 0, "zero": 0}, peer.note))
            continue
        theirs = measure.rows(x, peer.computed, rows.truths)
        summaries.append(_summary(peer.name, theirs, ~np.isnan(theirs.errors), peer.note))
        errors[peer.name] = theirs.errors
    return tuple(summaries), errors
