"""PyTorch's spelling: its names, signatures, default types and way to print, for what is computed element by element.

>>> import gradtape.compat.torch as torch
>>> torch.sigmoid(torch.tensor([-2, 0, 2]))
tensor([0.1192, 0.5000, 0.8808])

    printing ─► tensor ─► functions ─► nn.functional

Tensors have no ``backward``: GradientTape differentiates what is computed with them. `sign` keeps NaN. The
derivatives where a function has a corner are gradtape's.
"""

import math

from gradtape.compat.torch import nn
from gradtape.compat.torch.functions import (
    abs,
    acos,
    acosh,
    add,
    arange,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    cos,
    cosh,
    div,
    exp,
    exp2,
    expm1,
    floor,
    full,
    linspace,
    log,
    log1p,
    log2,
    log10,
    maximum,
    mean,
    minimum,
    mul,
    neg,
    ones,
    pow,
    reciprocal,
    relu,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    sub,
    sum,
    tan,
    tanh,
    where,
    zeros,
)
from gradtape.compat.torch.tensor import Tensor, from_numpy, tensor
from gradtape.graph.dtypes import bool_ as bool
from gradtape.graph.dtypes import float32, float64, int32, int64

float, double = float32, float64
int, long = int32, int64
e, inf, nan, pi = math.e, math.inf, math.nan, math.pi

__all__ = [
    "Tensor",
    "abs",
    "acos",
    "acosh",
    "add",
    "arange",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bool",
    "ceil",
    "cos",
    "cosh",
    "div",
    "double",
    "e",
    "exp",
    "exp2",
    "expm1",
    "float",
    "float32",
    "float64",
    "floor",
    "from_numpy",
    "full",
    "inf",
    "int",
    "int32",
    "int64",
    "linspace",
    "log",
    "log1p",
    "log2",
    "log10",
    "long",
    "maximum",
    "mean",
    "minimum",
    "mul",
    "nan",
    "neg",
    "nn",
    "ones",
    "pi",
    "pow",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "sub",
    "sum",
    "tan",
    "tanh",
    "tensor",
    "where",
    "zeros",
]
