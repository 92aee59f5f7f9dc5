"""Special functions: the error function, the gamma function's logarithm and its derivatives, and gelu.

Each is a family: the derivative of order n is a primitive that is evaluated in a closed form of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.handles import TensorLike
from gradtape.graph.node import Node
from gradtape.ops.activations import tanh
from gradtape.ops.closed_forms import logistic
from gradtape.ops.declare import elementwise, publish
from gradtape.ops.powers import integer_power, square
from gradtape.ops.series import Closed, member
from gradtape.ops.special_forms import error_slope, gelu_cube, gelu_slope, gelu_tanh_weights

Tensor = Any

_erf, _erfc = np.vectorize(math.erf, otypes=[np.float64]), np.vectorize(math.erfc, otypes=[np.float64])


def _error_slope(function: Callable, x: Node, order: int) -> Node:
    """Hermite's recurrence: each derivative from the two before."""
    slope = function(x, order=order) if order else function(x, order=1)
    if not order:
        return slope
    slope = -2 * x * slope
    return slope - 2 * (order - 1) * function(x, order=order - 1) if order > 1 else slope


_erf, _erfc = (np.vectorize(f, otypes=[np.float64]) for f in (math.erf, math.erfc))


def _times_bell(f: Any, x: Any, terms: tuple[int, ...], width: int) -> Any:
    """P(x) exp(-x²/width), with the functions of `f`."""
    return sum(c * x**i for i, c in enumerate(terms) if c) * f.exp(-x * x / width)


def _erf_slope(f: Any, x: Any, order: int) -> Any:
    return 2 / f.sqrt(f.pi) * _times_bell(f, x, error_slope(order), 1)


def _error_family(name: str, numpys: Callable, sign: int) -> dict[str, Any]:
    """The declaration of erf (sign 1) or erfc (sign -1)."""

    def reference(x: Any, order: int) -> Any:
        wide = x.astype(np.float64)
        return (sign * _erf_slope(np, wide, order) if order else numpys(wide)).astype(x.dtype)

    def exact(mp: Any, x: Any, order: int) -> Any:
        return sign * _erf_slope(mp, x, order) if order else getattr(mp, name)(x)

    return {"lowering": name, "reference": reference, "exact": exact, "family": "order"}


@elementwise(
    partials=[lambda x, order: erf(x, order=order + 1)],
    **_error_family("erf", _erf, 1),
    series=Closed([lambda x, order: _error_slope(erf, x, order)]),
)
def erf(x: TensorLike, name: str | None = None) -> Tensor:
    """The error function 2/√π ∫₀ˣ exp(-t²) dt, elementwise; values in (-1, 1).

    >>> import gradtape as tf
    >>> tf.math.erf([0., 0.5, 2.]).numpy()
    array([0.       , 0.5204999, 0.9953223], dtype=float32)
    """


@elementwise(
    partials=[lambda x, order: erfc(x, order=order + 1)],
    **_error_family("erfc", _erfc, -1),
    series=Closed([lambda x, order: _error_slope(erfc, x, order)]),
)
def erfc(x: TensorLike, name: str | None = None) -> Tensor:
    """1 - erf(x), elementwise, exact also where erf(x) rounds to 1.

    >>> import gradtape as tf
    >>> tf.math.erfc([0., 9.]).numpy()
    array([1.0000000e+00, 4.1370317e-37], dtype=float32)
    """


def _digamma_reference(x: Any, order: int) -> Any:
    """The asymptotic series after 64 steps of the recurrence, also for x < 0 of moderate size."""
    at = x.astype(np.float64) + 64
    sign = (-1.0) ** (order + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = sum(1 / (at - j) ** (order + 1) for j in range(1, 65))
    if not order:
        value = np.log(at) - 1 / (2 * at) - 1 / (12 * at**2) + 1 / (120 * at**4) - 1 / (252 * at**6) - steps
    else:
        n = math.factorial(order - 1)
        value = sign * n / at**order * (1 + order / (2 * at) + order * (order + 1) / (12 * at**2))
        value -= sign * n * math.comb(order + 3, 4) / 30 / at ** (order + 4)
        value += sign * n * math.comb(order + 5, 6) / 42 / at ** (order + 6)
        value += sign * math.factorial(order) * steps
    return value.astype(x.dtype)


def _digamma_exact(mp: Any, x: Any, order: int) -> Any:
    if x <= 0 and x == mp.floor(x):
        return mp.inf if order % 2 else mp.nan
    return mp.psi(order, x)


@elementwise(
    partials=[lambda x, order: digamma(x, order=order + 1)],
    lowering="digamma",
    reference=_digamma_reference,
    family="order",
    domain="x not in {0, -1, -2, …}",
    exact=_digamma_exact,
    formula=lambda sp, x: sp.digamma(x),
)
def digamma(x: TensorLike, name: str | None = None) -> Tensor:
    """ψ(x), the derivative of log Γ(x), elementwise; its own derivatives are the polygamma functions.

    At 0, a pole, it is the infinity of the side that the sign of 0 says; at -1, -2, … it is NaN.

    >>> import gradtape as tf
    >>> tf.math.digamma([1., 10.]).numpy()
    array([-0.5772157,  2.2517526], dtype=float32)
    """


@np.vectorize(otypes=[np.float64])
def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # a pole, or too large
        return math.inf


@elementwise(
    partials=[lambda x: digamma(x)],
    lowering="lgamma",
    reference=lambda x: _lgamma(x.astype(np.float64)).astype(x.dtype),
    domain="x not in {0, -1, -2, …}",
    exact=lambda mp, x: mp.inf if x <= 0 and x == mp.floor(x) else mp.re(mp.loggamma(x)),
    formula=lambda sp, x: sp.log(sp.gamma(x) ** 2) / 2,
)
def lgamma(x: TensorLike, name: str | None = None) -> Tensor:
    """log|Γ(x)|, elementwise; inf at 0, -1, -2, …

    >>> import gradtape as tf
    >>> tf.math.lgamma([0.5, 2., 100.]).numpy()
    array([  0.5723649,   0.       , 359.13422  ], dtype=float32)
    """


# -- gelu -----------------------------------------------------------------------------------------------------


def _gelu_erf_slope(f: Any, x: Any, order: int) -> Any:
    """Order 2 or more."""
    return _times_bell(f, x, gelu_slope(order), 2) / f.sqrt(2 * f.pi)


def _gelu_erf_reference(x: Any, order: int) -> Any:
    wide = x.astype(np.float64)
    if order > 1:
        return _gelu_erf_slope(np, wide, order).astype(x.dtype)
    below = _erfc(-wide / math.sqrt(2)) / 2
    value = below + _times_bell(np, wide, (0, 1), 2) / math.sqrt(2 * math.pi) if order else wide * below
    return value.astype(x.dtype)


def _gelu_erf_exact(mp: Any, x: Any, order: int) -> Any:
    if order > 1:
        return _gelu_erf_slope(mp, x, order)
    below = mp.erfc(-x / mp.sqrt(2)) / 2
    return below + x * mp.npdf(x) if order else x * below


def _gelu_erf_closed(x: Node, order: int) -> Node | None:
    """Up to the second derivative the members, which are exact next to their zeros; the third is (x³ - 4x) Φ'(x)."""
    if order < 2:
        return member(gelu_erf, x, order + 1)
    bell = member(erf, math.sqrt(0.5) * x, 1) * (math.sqrt(0.5) / 2)
    return x * (square(x) - 4) * bell if order == 2 else None


@elementwise(
    notation=notation.derivative_of("gelu"),
    partials=[lambda x, order: gelu_erf(x, order=order + 1)],
    lowering="gelu_erf",
    reference=_gelu_erf_reference,
    family="order",
    public=False,
    exact=_gelu_erf_exact,
    formula=lambda sp, x: x * (1 + sp.erf(x / sp.sqrt(2))) / 2,
    series=Closed([lambda x, order: _gelu_erf_closed(x, order)]),
)
def gelu_erf(features: TensorLike, name: str | None = None) -> Tensor:
    """x Φ(x), with the distribution function Φ of the normal distribution."""


def _gelu_tanh_at(f: Any, number: Callable[[Any], Any], y: Any, order: int) -> Any:
    """The derivative of this order of the tanh form at -y, for y >= 0, with the functions of `f`; `number` reads
    a fraction. See `gradtape.engine.elementary.gelu`."""
    a = f.sqrt(8 / f.pi)
    v = a * (y + number(gelu_cube()) * y**3)
    e, difference = f.exp(-v), -f.expm1(-v)
    if not order:
        return -y * e / (1 + e)
    total = 0
    for k, weight in enumerate(gelu_tanh_weights(order), 1):
        slope = sum(c * e**i for i, c in enumerate(logistic(k))) / (1 + e) ** (k + 1)
        slope = slope * difference if k % 2 == 0 else slope
        total = total + a**k * slope * sum(number(c) * y**i for i, c in enumerate(weight) if c)
    return e / (1 + e) - e * total if order == 1 else (-1) ** order * e * total


def _gelu_tanh_reference(x: Any, order: int) -> Any:
    wide = x.astype(np.float64)
    left = _gelu_tanh_at(np, float, np.abs(wide), order)
    right = wide + left if order == 0 else 1 - left if order == 1 else (-1) ** order * left
    return np.where(wide > 0, right, left).astype(x.dtype)


def _gelu_tanh_exact(mp: Any, x: Any, order: int) -> Any:
    left = _gelu_tanh_at(mp, lambda c: mp.mpf(c.numerator) / c.denominator, abs(x), order)
    if x <= 0:
        return left
    return x + left if order == 0 else 1 - left if order == 1 else (-1) ** order * left


def _gelu_tanh_closed(x: Node, order: int) -> Node | None:
    """With v as above, x σ(v) has the second derivative σ'(v) (2v' + x v'' - x v'² tanh(v/2))."""
    if order != 1:
        return None if order else member(gelu_tanh, x, 1)
    scale, cube, half = math.sqrt(8 / math.pi), float(gelu_cube()), math.sqrt(2 / math.pi)
    slope = scale * (1 + 3 * cube * square(x))
    angle = half * (x + cube * integer_power(x, 3))
    rest = 2 * slope + x * (6 * cube * scale * x - square(slope) * tanh(angle))
    return 0.25 * member(tanh, angle, 1) * rest


@elementwise(
    notation=notation.derivative_of("gelu", approximate=True),
    partials=[lambda x, order: gelu_tanh(x, order=order + 1)],
    lowering="gelu_tanh",
    reference=_gelu_tanh_reference,
    family="order",
    public=False,
    exact=_gelu_tanh_exact,
    formula=lambda sp, x: x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 10**6) * x**3))) / 2,
    series=Closed([lambda x, order: _gelu_tanh_closed(x, order)]),
)
def gelu_tanh(features: TensorLike, name: str | None = None) -> Tensor:
    """x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, which is close to x Φ(x)."""


def gelu(features: TensorLike, approximate: bool = False, name: str | None = None) -> Tensor:
    """x Φ(x), elementwise, with the distribution function Φ of the normal distribution; the Gaussian error linear unit.

    `approximate` chooses the form x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 instead, which differs by up to 5e-4. As
    in TensorFlow and PyTorch the default is the exact form, in JAX it is the other one. From Hendrycks and Gimpel,
    *Gaussian Error Linear Units*, 2016.

    >>> import gradtape as tf
    >>> tf.nn.gelu([-1., 0., 1.]).numpy()
    array([-0.15865526,  0.        ,  0.8413448 ], dtype=float32)
    """
    return (gelu_tanh if approximate else gelu_erf)(features)


publish(gelu, gelu)
