"""The cube root."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph.handles import TensorLike
from gradtape.ops.closed_forms import cube_root_slope
from gradtape.ops.declare import elementwise
from gradtape.ops.series import Closed

Tensor = Any


def _exact(mp: Any, x: Any, order: int) -> Any:
    if not order:
        return mp.sign(x) * mp.cbrt(mp.fabs(x))
    slope = cube_root_slope(order)
    if not x:
        return mp.inf if slope > 0 else -mp.inf
    return mp.sign(x) ** (order + 1) * mp.cbrt(mp.fabs(x)) / mp.fabs(x) ** order * slope.numerator / slope.denominator


def _reference(x: Any, order: int) -> Any:
    with np.errstate(divide="ignore"):
        wide = x.astype(np.float64)
        root = np.cbrt(wide)
        return (float(cube_root_slope(order)) * root * wide ** -float(order) if order else root).astype(x.dtype)


@elementwise(
    partials=[lambda x, order: cbrt(x, order=order + 1)],
    lowering="cbrt",
    reference=_reference,
    family="order",
    exact=_exact,
    formula=lambda sp, x: sp.Piecewise((sp.cbrt(x), x >= 0), (-sp.cbrt(-x), True)),
    smoothness=lambda order: -1 if order else 0,
    series=Closed([lambda x, order: cbrt(x, order=order) * ((1 - 3 * order) / 3) / x]),
)
def cbrt(x: TensorLike, name: str | None = None) -> Tensor:
    """The real cube root, elementwise, also of negative x. Its derivative at 0 is inf.

    >>> import gradtape as tf
    >>> tf.math.cbrt([-8., 27.]).numpy()
    array([-2.,  3.], dtype=float32)
    """
