"""Elementary functions as instruction sequences: one text each, for float and double results.

`FUNCTIONS` maps a name to ``f(m, x, ...)``, which takes values of one element type ("float" or "double") on the machine
`m` and returns their image in that type; ``sigmoid`` and ``tanh`` take the keyword `order`, ``integer_pow`` the
keyword `n`. A kernel that uses them sets ``m.tables`` to the address of `TABLES`.

    arithmetic               pairs of doubles; which of the low parts exist
    exponential, logarithm   cores, and the functions that are little more
    trigonometric (tables), inverse_trigonometric, hyperbolic, logistic, power
    coefficients             written by tools/coefficients.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gradtape.engine.elementary import activations as _activations
from gradtape.engine.elementary import algebraic as _algebraic
from gradtape.engine.elementary import cube_root as _cube_root
from gradtape.engine.elementary import error_function as _error
from gradtape.engine.elementary import exponential as _exponential
from gradtape.engine.elementary import gamma as _gamma
from gradtape.engine.elementary import gelu as _gelu
from gradtape.engine.elementary import hyperbolic as _hyperbolic
from gradtape.engine.elementary import inverse_trigonometric as _inverse
from gradtape.engine.elementary import logaddexp as _logaddexp
from gradtape.engine.elementary import logarithm as _logarithm
from gradtape.engine.elementary import logistic as _logistic
from gradtape.engine.elementary import power as _power
from gradtape.engine.elementary import shares as _shares
from gradtape.engine.elementary import sinc as _sinc
from gradtape.engine.elementary import trigonometric as _trigonometric
from gradtape.engine.elementary import versine as _versine
from gradtape.engine.elementary import xlogy as _xlogy
from gradtape.engine.elementary.tables import tables as _tables
from gradtape.engine.machine import Value

if TYPE_CHECKING:
    import numpy as np

    TABLES: np.ndarray

__all__ = ["DOUBLE", "FUNCTIONS", "TABLES"]

DOUBLE: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        _shares.minor_term,
        _shares.share,
        _shares.log_total,
        _shares.log_share,
        _shares.product_rest,
        _shares.share_slope,
    )
}
"""Those of `FUNCTIONS` that are of float64 alone."""

FUNCTIONS: dict[str, Callable[..., Value]] = (
    DOUBLE
    | {
        function.__name__: function
        for function in (
            _exponential.exp,
            _exponential.expm1,
            _exponential.exp2,
            _logarithm.log,
            _logarithm.log1p,
            _logarithm.log2,
            _logarithm.log10,
            _trigonometric.sin,
            _trigonometric.cos,
            _trigonometric.tan,
            _versine.versine,
            _versine.sine_ratio,
            _inverse.asin,
            _inverse.acos,
            _inverse.atan,
            _inverse.atan2,
            _hyperbolic.sinh,
            _hyperbolic.cosh,
            _logistic.tanh,
            _hyperbolic.asinh,
            _hyperbolic.acosh,
            _hyperbolic.atanh,
            _logistic.sigmoid,
            _logistic.softplus,
            _activations.silu,
            _activations.mish,
            _activations.elu,
            _activations.selu,
            _activations.softsign,
            _activations.tanhshrink,
            _activations.hard_line,
            _activations.logit,
            _sinc.sinc,
            _cube_root.cbrt,
            _logaddexp.logaddexp,
            _logaddexp.sigmoid_difference,
            _logaddexp.exp_difference,
            _logaddexp.log_excess,
            _xlogy.xlogy,
            _xlogy.xlog1py,
            _xlogy.xlogy_slope,
            _error.erf,
            _error.erfc,
            _gamma.lgamma,
            _gamma.digamma,
            _gelu.gelu_erf,
            _gelu.gelu_tanh,
            _power.rsqrt,
            _power.hypot,
            _power.pow,
            _power.pow_slope,
            _power.integer_pow,
            _power.multiple_of_power,
        )
    }
    | {
        "angle_slope": _algebraic.angle_derivative,
        "distance_slope": _algebraic.distance_derivative,
        "logarithm_slope": _algebraic.logarithm_slope,
        "root_slope": _algebraic.root_slope,
    }
)
"""Name → how to write the function down."""


def __getattr__(name: str) -> object:
    if name == "TABLES":  # made when first needed: 4 ms that `import gradtape` does not spend
        return _tables()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
