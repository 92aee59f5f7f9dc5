"""PyTorch's functions: a table that says which function of gradtape each one is, and what it does with integers."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import gradtape as tf
from gradtape.compat.torch.tensor import Tensor, deliver, own, tensor, torch_dtype
from gradtape.errors import DTypeError
from gradtape.graph.dtypes import float32, int64
from gradtape.graph.handles import Handle, TensorLike


def to_float(x: Any) -> Any:
    """Integers and bools count as float32."""
    return x if x.dtype.is_floating else tf.cast(x, float32)


def unchanged(x: Any) -> Any:
    return x


def _named(call: Callable, name: str, function: Callable) -> Callable[..., Any]:
    """`call` with its name and documentation, also as a method of Tensor."""
    call.__name__ = call.__qualname__ = name
    call.__doc__ = function.__doc__ and function.__doc__.split(">>>")[0].rstrip()
    setattr(Tensor, name, call)
    return call


def _unary(name: str, function: Callable, prepare: Callable = to_float) -> Callable[..., Any]:
    def call(input: TensorLike, *, out: Any = None) -> Any:
        return deliver(function(prepare(_tensor(input))), out)

    return _named(call, name, function)


def _rounding(name: str, function: Callable) -> Callable[..., Any]:
    def call(input: TensorLike, *, out: Any = None) -> Any:
        x = _tensor(input)
        return deliver(function(x) if x.dtype.is_floating else x, out)  # integers are whole already

    return _named(call, name, function)


def _binary(name: str, function: Callable) -> Callable[..., Any]:
    def call(input: TensorLike, other: TensorLike, *, out: Any = None) -> Any:
        return deliver(function(*_pair(input, other)), out)

    return _named(call, name, function)


def _tensor(x: TensorLike) -> Any:
    return x if isinstance(x, Handle) else tensor(x)


def _pair(x: TensorLike, y: TensorLike) -> tuple[Any, Any]:
    """Two operands, of which one at most is still a Python number: that one takes the type of the other."""
    if not isinstance(x, (builtins.int, builtins.float)) or isinstance(y, (builtins.int, builtins.float)):
        x = _tensor(x)
    return x, y if isinstance(y, (builtins.int, builtins.float)) else _tensor(y)


def _divide(x: Any, y: Any) -> Any:
    """x / y, elementwise with broadcasting; integers are divided as float32."""
    whole = [v for v in (x, y) if isinstance(v, Handle) and not v.dtype.is_floating]
    if len(whole) == 2 or (whole and not all(isinstance(v, (Handle, builtins.float)) for v in (x, y))):
        x, y = (tf.cast(v, float32) if isinstance(v, Handle) else v for v in (x, y))
    return tf.divide(x, y)


def _atan2(x: Any, y: Any) -> Any:
    """The angle of the point (other, input), elementwise with broadcasting, from -π to π."""
    return tf.atan2(*(to_float(v) if isinstance(v, Handle) else v for v in (x, y)))


# torch              gradtape
exp = _unary("exp", tf.exp)
expm1 = _unary("expm1", tf.expm1)
exp2 = _unary("exp2", tf.exp2)
log = _unary("log", tf.log)
log1p = _unary("log1p", tf.log1p)
log2 = _unary("log2", tf.log2)
log10 = _unary("log10", tf.log10)
sqrt = _unary("sqrt", tf.sqrt)
rsqrt = _unary("rsqrt", tf.rsqrt)
reciprocal = _unary("reciprocal", tf.reciprocal)
sin = _unary("sin", tf.sin)
cos = _unary("cos", tf.cos)
tan = _unary("tan", tf.tan)
asin = _unary("asin", tf.asin)
acos = _unary("acos", tf.acos)
atan = _unary("atan", tf.atan)
sinh = _unary("sinh", tf.sinh)
cosh = _unary("cosh", tf.cosh)
tanh = _unary("tanh", tf.tanh)
asinh = _unary("asinh", tf.asinh)
acosh = _unary("acosh", tf.acosh)
atanh = _unary("atanh", tf.atanh)
sigmoid = _unary("sigmoid", tf.sigmoid)
sinc = _unary("sinc", tf.math.sinc)
erf = _unary("erf", tf.math.erf)
erfc = _unary("erfc", tf.math.erfc)
lgamma = _unary("lgamma", tf.math.lgamma)
digamma = _unary("digamma", tf.math.digamma)

abs = _unary("abs", tf.abs, unchanged)
neg = _unary("neg", tf.negative, unchanged)
square = _unary("square", tf.square, unchanged)
sign = _unary("sign", tf.sign, unchanged)
relu = _unary("relu", tf.nn.relu, unchanged)
floor = _rounding("floor", tf.floor)
ceil = _rounding("ceil", tf.ceil)
round = _rounding("round", tf.round)

add = _binary("add", tf.add)
sub = _binary("sub", tf.subtract)
mul = _binary("mul", tf.multiply)
div = _binary("div", _divide)
maximum = _binary("maximum", tf.maximum)
minimum = _binary("minimum", tf.minimum)
atan2 = _binary("atan2", _atan2)
logaddexp = _binary("logaddexp", tf.math.logaddexp)
xlogy = _binary("xlogy", tf.math.xlogy)


def _divided_by(self: Tensor, other: TensorLike) -> Any:
    return div(other, self)


Tensor.__truediv__ = div  # type: ignore[method-assign]
Tensor.__rtruediv__ = _divided_by  # type: ignore[assignment, method-assign]


def pow(input: TensorLike, exponent: TensorLike, *, out: Any = None) -> Any:
    """input to the power exponent, elementwise with broadcasting."""
    return deliver(tf.pow(*_pair(input, exponent)), out)


def logit(input: TensorLike, eps: float | None = None, *, out: Any = None) -> Any:
    """log(x / (1 - x)), elementwise, of x limited to [eps, 1 - eps] if there is an eps."""
    x = to_float(_tensor(input))
    return deliver(tf.math.logit(x if eps is None else tf.minimum(tf.maximum(x, eps), 1 - eps)), out)


def where(condition: TensorLike, input: TensorLike, other: TensorLike, *, out: Any = None) -> Any:
    """input where the condition holds, else other, elementwise with broadcasting."""
    return deliver(tf.where(condition, *_pair(input, other)), out)


def sum(input: TensorLike, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over `dim` (an integer, several, or None for all). Integers and bools are summed as int64.

    >>> sum(tensor([[1, 2], [3, 4]]), dim=0)
    tensor([4, 6])
    """
    x = _tensor(input)
    wanted = torch_dtype(dtype) if dtype is not None else x.dtype if x.dtype.is_floating else int64
    return own(tf.reduce_sum(tf.cast(x, wanted), dim, keepdim))


def mean(input: TensorLike, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over `dim` (an integer, several, or None for all). Raises DTypeError for integers."""
    x = _tensor(input) if dtype is None else tf.cast(_tensor(input), torch_dtype(dtype))
    if not x.dtype.is_floating:
        raise DTypeError(f"mean works on float tensors, but a {x.dtype.name} tensor was given; use dtype=torch.float32")
    return own(tf.reduce_mean(x, dim, keepdim))


def softmax(input: TensorLike, dim: int) -> Tensor:
    """exp(x) / Σ exp(x) over `dim`.

    >>> softmax(tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return own(tf.nn.softmax(to_float(_tensor(input)), dim))


def log_softmax(input: TensorLike, dim: int) -> Tensor:
    """x - log Σ exp(x) over `dim`."""
    return own(tf.nn.log_softmax(to_float(_tensor(input)), dim))


def logsumexp(input: TensorLike, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) over `dim` (an integer or several), without overflow."""
    return own(tf.reduce_logsumexp(to_float(_tensor(input)), dim, keepdim))


for _function in (logit, pow, where, sum, mean, softmax, log_softmax, logsumexp):
    if _function is not where:
        setattr(Tensor, _function.__name__, _function)


# -- of nothing -----------------------------------------------------------------------------------------------


def zeros(*size: Any, dtype: Any = float32) -> Tensor:
    """Zeros in the given lengths: zeros(2, 3) or zeros((2, 3))."""
    return full(_size(size), 0, dtype=dtype)


def ones(*size: Any, dtype: Any = float32) -> Tensor:
    """Ones in the given lengths: ones(2, 3) or ones((2, 3))."""
    return full(_size(size), 1, dtype=dtype)


def full(size: Any, fill_value: Any, *, dtype: Any = None) -> Tensor:
    """`fill_value` in the given lengths.

    >>> full((2,), 7), full((2,), 7.5)
    (tensor([7, 7]), tensor([7.5000, 7.5000]))
    """
    return own(tf.fill(size, tensor(fill_value, dtype=dtype)))


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None) -> Tensor:
    """The numbers from `start` (0 if only one is given) up to, not including, `end`. Integers give int64.

    >>> arange(3), arange(0.0, 1.0, 0.5)
    (tensor([0, 1, 2]), tensor([0.0000, 0.5000]))
    """
    if end is None:
        start, end = 0, start
    numbers = (start, end, step)
    if dtype is None:
        dtype = float32 if any(tensor(n).dtype.is_floating for n in numbers) else int64
    return own(tf.range(*numbers, dtype=torch_dtype(dtype)))


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = float32) -> Tensor:
    """`steps` evenly spaced numbers from `start` to `end`, both included."""
    first, last = (tf.constant(builtins.float(v), tf.float64) for v in (start, end))
    return own(tf.cast(tf.linspace(first, last, steps), torch_dtype(dtype)))


def _size(size: tuple) -> Any:
    return size[0] if len(size) == 1 and not isinstance(size[0], builtins.int) else size
