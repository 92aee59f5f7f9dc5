"""Functions that work element by element, under NumPy's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gradtape
from gradtape import math as functions
from gradtape.graph.dtypes import bool_, finfo
from gradtape.graph.handles import TensorLike
from gradtape.numpy.reading import number, pair, real, real_pair, tensor

Tensor = Any
Unary = Callable[[TensorLike], Tensor]
Binary = Callable[[TensorLike, TensorLike], Tensor]


def _unary(name: str, f: Callable[..., Any], read: Callable[[TensorLike], Tensor] = real) -> Unary:
    def call(x: TensorLike, /) -> Tensor:
        return f(read(x))

    return _named(call, name, f)


def _binary(name: str, f: Callable[..., Any], read: Callable[..., tuple[Any, Any]] = pair) -> Binary:
    def call(x: TensorLike, y: TensorLike, /) -> Tensor:
        return f(*read(x, y))

    return _named(call, name, f)


def _named(call: Callable, name: str, f: Callable[..., Any]) -> Any:
    call.__name__ = call.__qualname__ = name
    call.__module__ = __name__
    call.__doc__ = (f.__doc__ or "").partition("\n\n")[0].strip()  # examples are those of the other spelling
    return call


sin = _unary("sin", gradtape.sin)
cos = _unary("cos", gradtape.cos)
tan = _unary("tan", gradtape.tan)
arcsin = _unary("arcsin", gradtape.asin)
arccos = _unary("arccos", gradtape.acos)
arctan = _unary("arctan", gradtape.atan)
sinh = _unary("sinh", gradtape.sinh)
cosh = _unary("cosh", gradtape.cosh)
tanh = _unary("tanh", gradtape.tanh)
arcsinh = _unary("arcsinh", gradtape.asinh)
arccosh = _unary("arccosh", gradtape.acosh)
arctanh = _unary("arctanh", gradtape.atanh)
exp = _unary("exp", gradtape.exp)
exp2 = _unary("exp2", gradtape.exp2)
expm1 = _unary("expm1", gradtape.expm1)
log = _unary("log", gradtape.log)
log2 = _unary("log2", gradtape.log2)
log10 = _unary("log10", gradtape.log10)
log1p = _unary("log1p", gradtape.log1p)
sqrt = _unary("sqrt", gradtape.sqrt)
cbrt = _unary("cbrt", functions.cbrt)
sinc = _unary("sinc", functions.sinc)
fabs = _unary("fabs", gradtape.abs)
absolute = abs = _unary("absolute", gradtape.abs, number)
negative = _unary("negative", gradtape.negative, number)
positive = _unary("positive", gradtape.identity, number)
square = _unary("square", gradtape.square, number)
sign = _unary("sign", gradtape.sign, number)
isnan = _unary("isnan", gradtape.is_nan)
isfinite = _unary("isfinite", gradtape.is_finite)

add = _binary("add", gradtape.add)
subtract = _binary("subtract", gradtape.subtract)
multiply = _binary("multiply", gradtape.multiply)
divide = true_divide = _binary("divide", gradtape.divide, real_pair)
floor_divide = _binary("floor_divide", gradtape.floordiv)
mod = remainder = _binary("remainder", gradtape.floormod)
power = _binary("power", gradtape.pow)
maximum = _binary("maximum", gradtape.maximum)
minimum = _binary("minimum", gradtape.minimum)
arctan2 = _binary("arctan2", gradtape.atan2, real_pair)
hypot = _binary("hypot", gradtape.hypot, real_pair)
logaddexp = _binary("logaddexp", gradtape.logaddexp, real_pair)
less = _binary("less", gradtape.less)
less_equal = _binary("less_equal", gradtape.less_equal)
greater = _binary("greater", gradtape.greater)
greater_equal = _binary("greater_equal", gradtape.greater_equal)
equal = _binary("equal", gradtape.equal)
not_equal = _binary("not_equal", gradtape.not_equal)


def _condition(x: TensorLike) -> Tensor:
    found = tensor(x)
    return found if found.dtype is bool_ else gradtape.not_equal(found, 0)


logical_not = _unary("logical_not", gradtape.logical_not, _condition)
logical_and = _binary("logical_and", gradtape.logical_and, lambda x, y: (_condition(x), _condition(y)))
logical_or = _binary("logical_or", gradtape.logical_or, lambda x, y: (_condition(x), _condition(y)))
logical_xor = _binary("logical_xor", gradtape.logical_xor, lambda x, y: (_condition(x), _condition(y)))


def _whole(name: str, f: Callable[..., Any]) -> Unary:
    """Rounding: integers are what they are."""

    def call(x: TensorLike, /) -> Tensor:
        found = number(x)
        return f(found) if found.dtype.is_floating else found

    return _named(call, name, f)


floor = _whole("floor", gradtape.floor)
ceil = _whole("ceil", gradtape.ceil)
rint = _unary("rint", gradtape.round)


def round(a: TensorLike, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals, ties to even. Its gradient is None."""
    if not decimals:
        found = number(a)
        return gradtape.round(found) if found.dtype.is_floating else found
    scale = 10.0**decimals
    return gradtape.round(real(a) * scale) / scale


def reciprocal(x: TensorLike, /) -> Tensor:
    """1 / x."""
    return gradtape.reciprocal(real(x))


def deg2rad(x: TensorLike, /) -> Tensor:
    """Degrees as radians."""
    return real(x) * (math.pi / 180)


def rad2deg(x: TensorLike, /) -> Tensor:
    """Radians as degrees."""
    return real(x) * (180 / math.pi)


def fmod(x: TensorLike, y: TensorLike, /) -> Tensor:
    """The remainder with the sign of x, as in C."""
    first, second = (number(one) for one in pair(x, y))
    return gradtape.sign(first) * gradtape.floormod(gradtape.abs(first), gradtape.abs(second))


def heaviside(x: TensorLike, y: TensorLike, /) -> Tensor:
    """0 for x < 0, y for x = 0, 1 for x > 0."""
    first, second = real_pair(tensor(x), y)
    found = second + gradtape.zeros_like(first)
    return gradtape.where(first < 0, gradtape.zeros_like(found), gradtape.where(first > 0, 1.0, found))


def clip(a: TensorLike, a_min: TensorLike = None, a_max: TensorLike = None) -> Tensor:
    """The elements, but at least `a_min` and at most `a_max`, where they are given."""
    found = number(a)
    if a_min is not None:
        found = maximum(found, a_min)
    return found if a_max is None else minimum(found, a_max)


def where(condition: TensorLike, x: TensorLike, y: TensorLike, /) -> Tensor:
    """x where `condition` holds, else y. The gradient of what was not chosen is zero by structure."""
    return gradtape.where(_condition(condition), *pair(x, y))


def nan_to_num(x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """x with numbers in the place of NaN and infinities: the largest ones, if none are given."""
    found = number(x)
    if not found.dtype.is_floating:
        return found
    largest = float(finfo(found.dtype.dtype).max)
    high, low = (largest if posinf is None else posinf), (-largest if neginf is None else neginf)
    found = gradtape.where(gradtape.is_nan(found), nan, found)
    found = gradtape.where(gradtape.equal(found, float("inf")), high, found)
    return gradtape.where(gradtape.equal(found, float("-inf")), low, found)
