"""The normalised sinc function, smooth at 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.graph.handles import TensorLike
from gradtape.ops.closed_forms import sine_ratio_bounds
from gradtape.ops.declare import elementwise
from gradtape.ops.trigonometric import sine_ratio

Tensor = Any

RATIO: Any = sine_ratio
"""sin(y)/y and its derivatives, of which these are those at y = πx."""


def _exact(mp: Any, x: Any, order: int) -> Any:
    """From x f⁽ᵏ⁾ + k f⁽ᵏ⁻¹⁾ = πᵏ⁻¹ sin⁽ᵏ⁾(πx), with as many more bits as cancel where x is small."""
    if not mp.isfinite(x):
        return mp.nan if mp.isnan(x) else mp.zero
    if not x:
        return mp.zero if order % 2 else (-1) ** (order // 2) * mp.pi**order / (order + 1)
    with mp.workprec(mp.prec + 2 * (order + 1) * max(0, -mp.mag(x)) + 20 * (order + 1)):
        waves = (mp.sinpi(x), mp.cospi(x))
        value = waves[0] / (mp.pi * x)
        for k in range(1, order + 1):
            value = ((-1) ** (k // 2) * mp.pi ** (k - 1) * waves[k % 2] - k * value) / x
        return value


def _bounds(mp: Any, x: Any, order: int) -> Any:
    near = sine_ratio_bounds(mp, mp.pi * x, order)
    return None if near is None else near * mp.pi**order


def _reference(x: Any, order: int) -> Any:
    wide = x.astype(np.float64)
    if not order:
        return np.sinc(wide).astype(x.dtype)
    return (math.pi**order * RATIO.primitive.reference(math.pi * wide, order)).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: sinc(x, order=order + 1)],
    lowering="sinc",
    reference=_reference,
    family="order",
    exact=_exact,
    formula=lambda sp, x: sp.sin(sp.pi * x) / (sp.pi * x),
    bounds=_bounds,
)
def sinc(x: TensorLike, name: str | None = None) -> Tensor:
    """sin(πx) / (πx), elementwise, and 1 at 0, as NumPy's. Zero exactly at every other integer; all derivatives are
    right at 0, too.

    >>> import gradtape as tf
    >>> tf.math.sinc([0., 0.5, 3.]).numpy()
    array([1.        , 0.63661975, 0.        ], dtype=float32)
    """
