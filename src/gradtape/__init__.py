"""gradtape differentiates Python functions and shows the result.

>>> import gradtape as tf
>>> x = tf.Variable(3.)
>>> with tf.GradientTape() as tape:
...     y = x**4
>>> tape.gradient(y, x).numpy()
np.float32(108.0)
"""

from typing import TYPE_CHECKING

from gradtape import config, dtypes, errors, linalg, math, nn
from gradtape._version import __version__
from gradtape.graph.dtypes import DType, as_dtype, bfloat16, float16, float32, float64, half, int32, int64
from gradtape.graph.dtypes import bool_ as bool
from gradtape.modes.tape import GradientTape, UnconnectedGradients
from gradtape.ops.activations import sigmoid, tanh
from gradtape.ops.arithmetic import (
    abs,
    add,
    ceil,
    clip_by_value,
    floor,
    floordiv,
    floormod,
    identity,
    maximum,
    minimum,
    multiply,
    negative,
    round,
    sign,
    stop_gradient,
    subtract,
)
from gradtape.ops.arranging import pad, repeat, reverse, roll, slice, split, tile, unstack
from gradtape.ops.clipping import clip_by_global_norm, clip_by_norm
from gradtape.ops.cumulative import cumsum
from gradtape.ops.differences import logaddexp
from gradtape.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10, pow
from gradtape.ops.hyperbolic import acosh, asinh, atanh, cosh, sinh
from gradtape.ops.indexing import (
    gather,
    gather_nd,
    scatter_nd,
    tensor_scatter_nd_add,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_update,
)
from gradtape.ops.linear_algebra import matmul
from gradtape.ops.losses import one_hot
from gradtape.ops.makers import (
    constant,
    convert_to_tensor,
    eye,
    fill,
    linspace,
    ones,
    ones_like,
    range,
    zeros,
    zeros_like,
)
from gradtape.ops.normalised import norm, reduce_logsumexp
from gradtape.ops.ordering import argmax, argmin, argsort, sort
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
    where,
)
from gradtape.ops.shaping import broadcast_to, cast, concat, expand_dims, reshape, squeeze, stack, transpose
from gradtape.ops.subscripts import boolean_mask
from gradtape.ops.trigonometric import acos, asin, atan, atan2, cos, sin, tan
from gradtape.staging.control import cond, while_loop
from gradtape.staging.function import function
from gradtape.staging.signature import TensorSpec
from gradtape.tensor import Tensor, TensorShape
from gradtape.variable import IndexedSlices, Variable

if TYPE_CHECKING:  # loaded when they are used, see `__getattr__`
    from gradtape import autodiff, compat, fitting, losses, numpy, optimizers, study, test
    from gradtape.engine.numerics import explain_nan
    from gradtape.engine.profile import profile
    from gradtape.engine.show import show
    from gradtape.modes.checkpoint import checkpoint, recompute_grad
    from gradtape.modes.collapse import laplacian
    from gradtape.modes.custom import custom_jvp, custom_vjp
    from gradtape.modes.custom_gradient import custom_gradient, grad_pass_through
    from gradtape.modes.expansion import TaylorPolynomial, derivatives, jet, taylor_polynomial
    from gradtape.modes.explain import explain
    from gradtape.modes.functional import elementwise_grad, grad, hvp, jvp, linearize, value_and_grad, vjp
    from gradtape.modes.graph_gradients import gradients, hessians
    from gradtape.modes.jacobians import hessian, jacfwd, jacobian, jacrev
    from gradtape.modes.sparse import sparsity
    from gradtape.modes.vmap import vmap
    from gradtape.portable.file import export, load
    from gradtape.portable.source import source
    from gradtape.study.catalogue import activations

newaxis = None

_LATER = {
    "activations": "study.catalogue",
    "autodiff": "",
    "compat": "",
    "fitting": "",
    "losses": "",
    "numpy": "",
    "optimizers": "",
    "study": "",
    "test": "",
    "TaylorPolynomial": "modes.expansion",
    "checkpoint": "modes.checkpoint",
    "custom_gradient": "modes.custom_gradient",
    "custom_jvp": "modes.custom",
    "custom_vjp": "modes.custom",
    "derivatives": "modes.expansion",
    "elementwise_grad": "modes.functional",
    "explain": "modes.explain",
    "explain_nan": "engine.numerics",
    "export": "portable.file",
    "grad": "modes.functional",
    "grad_pass_through": "modes.custom_gradient",
    "gradients": "modes.graph_gradients",
    "hessian": "modes.jacobians",
    "hessians": "modes.graph_gradients",
    "hvp": "modes.functional",
    "jacfwd": "modes.jacobians",
    "jacobian": "modes.jacobians",
    "jacrev": "modes.jacobians",
    "jet": "modes.expansion",
    "jvp": "modes.functional",
    "laplacian": "modes.collapse",
    "linearize": "modes.functional",
    "load": "portable.file",
    "profile": "engine.profile",
    "recompute_grad": "modes.checkpoint",
    "show": "engine.show",
    "source": "portable.source",
    "sparsity": "modes.sparse",
    "taylor_polynomial": "modes.expansion",
    "value_and_grad": "modes.functional",
    "vjp": "modes.functional",
    "vmap": "modes.vmap",
}
"""What not every program needs, and the module that it is in; "" for a module itself."""

__all__ = [
    "DType",
    "GradientTape",
    "IndexedSlices",
    "TaylorPolynomial",
    "Tensor",
    "TensorShape",
    "TensorSpec",
    "UnconnectedGradients",
    "Variable",
    "__version__",
    "abs",
    "acos",
    "acosh",
    "activations",
    "add",
    "argmax",
    "argmin",
    "argsort",
    "as_dtype",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "autodiff",
    "bfloat16",
    "bool",
    "boolean_mask",
    "broadcast_to",
    "cast",
    "ceil",
    "checkpoint",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "compat",
    "concat",
    "cond",
    "config",
    "constant",
    "convert_to_tensor",
    "cos",
    "cosh",
    "cumsum",
    "custom_gradient",
    "custom_jvp",
    "custom_vjp",
    "derivatives",
    "divide",
    "dtypes",
    "elementwise_grad",
    "equal",
    "errors",
    "exp",
    "exp2",
    "expand_dims",
    "explain",
    "explain_nan",
    "expm1",
    "export",
    "eye",
    "fill",
    "fitting",
    "float16",
    "float32",
    "float64",
    "floor",
    "floordiv",
    "floormod",
    "function",
    "gather",
    "gather_nd",
    "grad",
    "grad_pass_through",
    "gradients",
    "greater",
    "greater_equal",
    "half",
    "hessian",
    "hessians",
    "hvp",
    "hypot",
    "identity",
    "int32",
    "int64",
    "is_finite",
    "is_nan",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jet",
    "jvp",
    "laplacian",
    "less",
    "less_equal",
    "linalg",
    "linearize",
    "linspace",
    "load",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "losses",
    "math",
    "matmul",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "newaxis",
    "nn",
    "norm",
    "not_equal",
    "numpy",
    "one_hot",
    "ones",
    "ones_like",
    "optimizers",
    "pad",
    "pow",
    "profile",
    "range",
    "reciprocal",
    "recompute_grad",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "repeat",
    "reshape",
    "reverse",
    "roll",
    "round",
    "rsqrt",
    "scatter_nd",
    "show",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "slice",
    "sort",
    "source",
    "sparsity",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "study",
    "subtract",
    "tan",
    "tanh",
    "taylor_polynomial",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
    "test",
    "tile",
    "transpose",
    "unstack",
    "value_and_grad",
    "vjp",
    "vmap",
    "where",
    "while_loop",
    "zeros",
    "zeros_like",
]


def __getattr__(name: str) -> object:
    """What not every program needs loads when it is used: `study` for instance draws."""
    if name not in _LATER:
        raise AttributeError(f"module 'gradtape' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"gradtape.{_LATER[name] or name}")
    found = globals()[name] = getattr(module, name) if _LATER[name] else module
    return found
