"""Trigonometric functions and their inverses. Arguments and results of inverses are in radians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.ops import admit
from gradtape.ops.closed_forms import angle, inverse, polynomial, sinc_terms, sine_ratio_bounds, tangent
from gradtape.ops.declare import elementwise
from gradtape.ops.powers import reciprocal, square
from gradtape.ops.series import Alike, Closed

Tensor = Any


@elementwise(partials=[lambda x: cos(x)], lowering="sin", reference=np.sin, exact=lambda mp, x: mp.sin(x))
def sin(x: TensorLike, name: str | None = None) -> Tensor:
    """The sine, elementwise, right for arguments of any size.

    >>> import gradtape as tf
    >>> tf.sin([0., 1e6]).numpy()
    array([ 0.       , -0.3499935], dtype=float32)
    """


@elementwise(partials=[lambda x: -sin(x)], lowering="cos", reference=np.cos, exact=lambda mp, x: mp.cos(x))
def cos(x: TensorLike, name: str | None = None) -> Tensor:
    """The cosine, elementwise, right for arguments of any size."""


@elementwise(
    notation=lambda inputs: notation.Text(f"1 - {notation.call('cos', inputs).written}", notation.SUM),
    partials=[lambda x: sin(x)],
    lowering="versine",
    reference=lambda x: 2 * np.square(np.sin(x / 2)),
    public=False,
    exact=lambda mp, x: 2 * mp.sin(x / 2) ** 2,
    formula=lambda sp, x: 1 - sp.cos(x),
)
def versine(x: TensorLike, name: str | None = None) -> Tensor:
    """1 - cos x, elementwise, exact also where cos x rounds to 1."""


def _sine_ratio_reference(x: Any, order: int) -> Any:
    """Where |x| < 2 the power series, else from x f⁽ᵏ⁾ + k f⁽ᵏ⁻¹⁾ = sin⁽ᵏ⁾(x)."""
    wide = x.astype(np.float64)
    series = np.polyval([float(c) for c in sinc_terms(order, 20)][::-1], wide * wide) * (wide if order % 2 else 1)
    far = np.where(np.abs(wide) < 2, 2, wide)
    waves = (np.sin(far), np.cos(far))
    value = waves[0] / far
    for k in range(1, order + 1):
        value = ((-1) ** (k // 2) * waves[k % 2] - k * value) / far
    return np.where(np.abs(wide) < 2, series, value).astype(x.dtype)


def _written_sine_ratio(inputs: Sequence[notation.Text], order: int) -> notation.Text:
    """As sinc, which is the same at x/π."""
    ratio = notation.infix("/", notation.PRODUCT)([notation.call("sin", inputs), inputs[0]])
    return notation.Text(f"({ratio.written}){notation.primes(order)}") if order else ratio


def _sine_ratio_exact(mp: Any, x: Any, order: int) -> Any:
    if not x:
        return mp.zero if order % 2 else mp.mpf((-1) ** (order // 2)) / (order + 1)
    with mp.workprec(mp.prec + 60 + (order + 1) * max(0, -mp.mag(x))):
        value = mp.sin(x) / x
        for n in range(1, order + 1):
            value = ((mp.sin, mp.cos)[n % 2](x) * (-1) ** (n // 2) - n * value) / x
        return value


@elementwise(
    notation=_written_sine_ratio,
    partials=[lambda x, order: sine_ratio(x, order=order + 1)],
    lowering="sine_ratio",
    reference=_sine_ratio_reference,
    family="order",
    public=False,
    exact=_sine_ratio_exact,
    formula=lambda sp, x: sp.sin(x) / x,
    bounds=sine_ratio_bounds,
)
def sine_ratio(x: TensorLike, name: str | None = None) -> Tensor:
    """sin(x)/x, elementwise, and 1 at 0."""


def _tan_reference(x: Any, order: int) -> Any:
    return np.polyval(tangent(order)[::-1], np.tan(x, dtype=np.float64)).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: tan(x, order=order + 1)],
    lowering="tan",
    reference=_tan_reference,
    family="order",
    domain="cos x ≠ 0",
    exact=lambda mp, x, order: polynomial(tangent(order), mp.tan(x)),
    series=Closed([lambda x, order: None if order else 1 + square(tan(x))]),
)
def tan(x: TensorLike, name: str | None = None) -> Tensor:
    """The tangent, elementwise."""


def inverse_family(name: str, numpys: Callable) -> dict[str, Any]:
    """The declaration of an inverse function whose derivatives are `gradtape.ops.closed_forms.inverse`."""

    def reference(x: Any, order: int) -> Any:
        if not order:
            return numpys(x)
        return inverse(name, order).at(x.astype(np.float64)).astype(x.dtype)

    def exact(mp: Any, x: Any, order: int) -> Any:
        return inverse(name, order).at(x) if order else getattr(mp, name)(x)

    return {"lowering": name, "reference": reference, "exact": exact, "family": "order"}


def inverse_root_slope(function: Callable, x: Node, order: int) -> Node | None:
    """The derivative of a function whose first is ±1/√±(1 - x²), which differentiates into itself times x/(1 - x²)."""
    if order > 1:
        return None
    slope = function(x, order=1)
    return slope * x / ((1 - x) * (1 + x)) if order else slope


@elementwise(
    partials=[lambda x, order: asin(x, order=order + 1)],
    domain="-1 ≤ x ≤ 1",
    **inverse_family("asin", np.arcsin),
    series=Closed([lambda x, order: inverse_root_slope(asin, x, order)]),
)
def asin(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse sine, elementwise, from -π/2 to π/2; NaN outside [-1, 1]."""


@elementwise(
    partials=[lambda x, order: acos(x, order=order + 1)],
    domain="-1 ≤ x ≤ 1",
    **inverse_family("acos", np.arccos),
    series=Closed([lambda x, order: inverse_root_slope(acos, x, order)]),
)
def acos(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse cosine, elementwise, from 0 to π; NaN outside [-1, 1]."""


@elementwise(
    partials=[lambda x, order: atan(x, order=order + 1)],
    **inverse_family("atan", np.arctan),
    series=Closed([lambda x, order: None if order else reciprocal(1 + square(x))]),
)
def atan(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse tangent, elementwise, from -π/2 to π/2."""


@elementwise(
    notation=notation.partial_derivative_of("atan2", "yx"),
    partials=[
        lambda y, x, by_y, by_x: angle_slope(y, x, by_y + 1, by_x),
        lambda y, x, by_y, by_x: angle_slope(y, x, by_y, by_x + 1),
    ],
    lowering="angle_slope",
    reference=lambda y, x, by_y, by_x: angle(by_y, by_x).at(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype),
    parameters=["by_y", "by_x"],
    admits=lambda by_y, by_x: min(by_y, by_x) >= 0 and 1 <= by_y + by_x <= admit.HIGHEST_ORDER,
    public=False,
    domain="(x, y) ≠ (0, 0)",
    exact=lambda mp, y, x, by_y, by_x: angle(by_y, by_x).at(x, y),
    series=Alike(lambda y, x, by_y, by_x: None if by_y + by_x > 1 else (x if by_y else -y) / (square(x) + square(y))),
)
def angle_slope(y: TensorLike, x: TensorLike, by_y: int, by_x: int, name: str | None = None) -> Tensor:
    """The derivative of atan2(y, x), so many times by y and by x."""


@elementwise(
    partials=[lambda y, x: angle_slope(y, x, 1, 0), lambda y, x: angle_slope(y, x, 0, 1)],
    lowering="atan2",
    reference=np.arctan2,
    domain="(x, y) ≠ (0, 0)",
    exact=lambda mp, y, x: mp.atan2(y, x),
    series=Closed(
        [
            lambda y, x: x / (square(x) + square(y)),
            lambda y, x: -y / (square(x) + square(y)),
        ]
    ),
)
def atan2(y: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The angle of the point (x, y), elementwise with broadcasting, from -π to π. Note the order: y first."""
