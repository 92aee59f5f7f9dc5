"""Mathematical functions under TensorFlow's name ``tf.math``."""

from gradtape.ops.activations import log_sigmoid, logit, sigmoid, softplus, softsign, tanh
from gradtape.ops.arithmetic import (
    abs,
    add,
    ceil,
    floor,
    floordiv,
    floormod,
    maximum,
    minimum,
    multiply,
    negative,
    sign,
    subtract,
)
from gradtape.ops.arithmetic import floormod as mod
from gradtape.ops.arithmetic import round as rint
from gradtape.ops.cube_root import cbrt
from gradtape.ops.cumulative import cumprod, cumsum
from gradtape.ops.differences import logaddexp
from gradtape.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10, pow
from gradtape.ops.hyperbolic import acosh, asinh, atanh, cosh, sinh
from gradtape.ops.indexing import unsorted_segment_sum
from gradtape.ops.masked import multiply_no_nan, xlog1py, xlogy
from gradtape.ops.normalised import l2_normalize, log_softmax, reduce_logsumexp, softmax
from gradtape.ops.ordering import argmax, argmin, top_k
from gradtape.ops.powers import divide, hypot, reciprocal, rsqrt, sqrt, square
from gradtape.ops.reductions import (
    reduce_all,
    reduce_any,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from gradtape.ops.selection import (
    equal,
    greater,
    greater_equal,
    is_finite,
    is_nan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from gradtape.ops.sinc import sinc
from gradtape.ops.special import digamma, erf, erfc, lgamma
from gradtape.ops.trigonometric import acos, asin, atan, atan2, cos, sin, tan

round = rint
truediv = divide

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cumprod",
    "cumsum",
    "digamma",
    "divide",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floordiv",
    "floormod",
    "greater",
    "greater_equal",
    "hypot",
    "is_finite",
    "is_nan",
    "l2_normalize",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "multiply_no_nan",
    "negative",
    "not_equal",
    "pow",
    "reciprocal",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "rint",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "top_k",
    "truediv",
    "unsorted_segment_sum",
    "xlog1py",
    "xlogy",
]
