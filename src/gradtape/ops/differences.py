"""Functions of a difference x - y that is not rounded first: log(eˣ + eʸ) and what its derivatives are made of.

Equal infinities differ by 0 here. So logaddexp and what is built on it (`gradtape.ops.normalised`) have their limits on
the diagonal, and no NaN comes from inf - inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.graph import notation
from gradtape.graph.handles import TensorLike
from gradtape.ops import admit
from gradtape.ops.activations import sigmoid, tanh
from gradtape.ops.arithmetic import one
from gradtape.ops.declare import elementwise, literal
from gradtape.ops.powers import reciprocal
from gradtape.ops.series import Alike, member

Tensor = Any

FAMILY: Any = sigmoid
"""Whose members `sigmoid_difference` are, at x - y."""


def _difference(x: Any, y: Any) -> Any:
    return np.where(x == y, np.zeros((), x.dtype), x - y)


_written_difference = notation.infix(" - ", notation.SUM)


def _exact_difference(mp: Any, x: Any, y: Any) -> Any:
    return mp.zero if x == y else x - y


@elementwise(
    notation=_written_difference,
    partials=[one, lambda x, y: literal(-1, y.dtype)],
    lowering=lambda m, x, y: m.select(m.equal(x, y), m.value(0.0, x.type), x - y),
    reference=_difference,
    public=False,
    exact=_exact_difference,
    formula=lambda sp, x, y: x - y,
)
def difference(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x - y; 0 where they are equal, also where both are the same infinity."""


@elementwise(
    notation=lambda inputs, _: notation.call("exp", [_written_difference(inputs)]),
    partials=[lambda x, y, short: exp_difference(x, y, short), lambda x, y, short: -exp_difference(x, y, short)],
    lowering="exp_difference",
    reference=lambda x, y, short: np.exp(_difference(x, y)),
    parameters=["short"],
    admits=lambda short: short in (0, 1),
    public=False,
    exact=lambda mp, x, y, short: mp.exp(_exact_difference(mp, x, y)),
    formula=lambda sp, x, y, short: sp.exp(x - y),
)
def exp_difference(x: TensorLike, y: TensorLike, short: int, name: str | None = None) -> Tensor:
    """e^(x - y); `short` says that of a float64 only as many digits are needed as a float32 has, and x ≤ y."""


@elementwise(
    notation=lambda inputs, order: notation.derivative_of("sigmoid")([_written_difference(inputs)], order),
    partials=[
        lambda x, y, order: sigmoid_difference(x, y, order + 1),
        lambda x, y, order: -sigmoid_difference(x, y, order + 1),
    ],
    lowering="sigmoid_difference",
    reference=lambda x, y, order: FAMILY.primitive.reference(
        _difference(x.astype(np.float64), y.astype(np.float64)), order
    ).astype(x.dtype),
    parameters=["order"],
    admits=admit.order,
    public=False,
    exact=lambda mp, x, y, order: FAMILY.primitive.exact(mp, _exact_difference(mp, x, y), order),
    formula=lambda sp, x, y: FAMILY.primitive.formula(sp, x - y),
    series=Alike(lambda x, y, order: member(tanh, 0.5 * difference(x, y), order) * 0.5 ** (order + 1)),
)
def sigmoid_difference(x: TensorLike, y: TensorLike, order: int, name: str | None = None) -> Tensor:
    """The derivative of an order of the logistic function, at x - y."""


@elementwise(
    notation=notation.named("log1p"),
    partials=[lambda x, short: reciprocal(x + 1)],
    lowering="log_excess",
    reference=lambda x, short: np.log1p(x),
    parameters=["short"],
    admits=lambda short: short in (0, 1),
    public=False,
    domain="x > -1",
    exact=lambda mp, x, short: mp.log1p(x),
)
def log_excess(x: TensorLike, short: int, name: str | None = None) -> Tensor:
    """log(1 + x), for sums of `exp_difference`; `short` as there."""


def _logaddexp_exact(mp: Any, x: Any, y: Any) -> Any:
    return max(x, y) + mp.log1p(mp.exp(-mp.fabs(_exact_difference(mp, x, y))))


@elementwise(
    partials=[lambda x, y: sigmoid_difference(x, y, 0), lambda x, y: sigmoid_difference(y, x, 0)],
    lowering="logaddexp",
    reference=np.logaddexp,
    domain="all real x, y",
    exact=_logaddexp_exact,
    formula=lambda sp, x, y: sp.log(sp.exp(x) + sp.exp(y)),
)
def logaddexp(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """log(eˣ + eʸ), elementwise with broadcasting, without overflow or underflow on the way.

    Its derivative by x is sigmoid(x - y), where the difference is not rounded first. Equal arguments share the
    gradient evenly, infinite ones too.

    >>> import gradtape as tf
    >>> tf.math.logaddexp([0., 1000.], [0., -1000.]).numpy()
    array([6.931472e-01, 1.000000e+03], dtype=float32)
    """
