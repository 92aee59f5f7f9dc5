"""What an expression can be while a function is specialised: known, code, a list of both, or a function around both;
and how what is known is written as code.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import DType, as_dtype, bfloat16, float32

if TYPE_CHECKING:
    from gradtape.portable.expressions import Expressions

LARGEST_ARRAY = 8
"""Arrays of more elements are not written out; the call that made them is."""


def held(dtype: str | DType) -> np.dtype:
    """The type of the arrays that hold numbers of an element type in NumPy's code: bfloat16 numbers are float32."""
    known = as_dtype(dtype)
    return (float32 if known is bfloat16 else known).dtype


def held_value(value: Any) -> Any:
    """An array or number as NumPy's code holds it."""
    return value.astype(np.float32) if value.dtype.name == bfloat16.name else value


class Known:
    """A value. `code` writes it where it cannot be written as such: the call that it came from."""

    __slots__ = ("_code", "value")

    def __init__(self, value: Any, code: Callable[[], ast.expr] | None = None):
        self.value = value
        self._code = code

    def codes(self) -> Iterator[ast.expr]:
        yield from ()

    def has_code(self) -> bool:
        """Whether it can be written."""
        try:
            self.written()
        except ArgumentError:
            return False
        return True

    def written(self) -> ast.expr:
        found = _literal(self.value)
        if found is not None:
            return found
        if self._code is not None:
            return self._code()
        raise ArgumentError(f"{self.value!r:.80} cannot be written as NumPy code")


class Code:
    """An expression that is left, and its element type where that is known.

    `of` is the element type of the object whose method this is.
    """

    __slots__ = ("dtype", "node", "of")

    def __init__(self, node: ast.expr, dtype: np.dtype | None = None, of: np.dtype | None = None):
        self.node = node
        self.dtype = dtype
        self.of = of

    def codes(self) -> Iterator[ast.expr]:
        yield self.node


class Several:
    """A list or tuple of values."""

    __slots__ = ("kind", "values")

    def __init__(self, values: list[Value], kind: type):
        self.values = values
        self.kind = kind

    def codes(self) -> Iterator[ast.expr]:
        for one in self.values:
            yield from one.codes()


class Closure:
    """A function that is defined in the one that is specialised."""

    __slots__ = ("body", "node")

    def __init__(self, node: ast.Lambda | ast.FunctionDef, body: Expressions):
        self.node = node
        self.body = body

    def codes(self) -> Iterator[ast.expr]:
        yield from ()


Value: TypeAlias = Known | Code | Several | Closure


def name(identifier: str) -> ast.expr:
    return ast.Name(identifier, ast.Load())


def text_of(node: ast.AST) -> str:
    """An expression or statement as text."""
    return ast.unparse(ast.fix_missing_locations(node))


def is_plain(node: ast.expr) -> bool:
    """Whether an expression can be repeated: a name."""
    return isinstance(node, ast.Name)


def list_of(value: Value) -> list[Value]:
    """The elements of something that is not code."""
    if isinstance(value, Several):
        return value.values
    if isinstance(value, Known):
        return [Known(one) for one in value.value]
    raise ArgumentError("a loop over what is not known cannot be written as NumPy code")


def lifted(value: Value, index: bool = False) -> ast.expr:
    """A value as an expression; slices in an `index` as they are written there."""
    if isinstance(value, Code):
        return value.node
    if isinstance(value, Several):
        nodes = [lifted(one) for one in value.values]
        return ast.Tuple(nodes, ast.Load()) if value.kind is tuple else ast.List(nodes, ast.Load())
    if isinstance(value, Closure):
        raise ArgumentError("a function within a function cannot be written as NumPy code")
    if index:
        if isinstance(value.value, slice):
            start, stop, step = value.value.start, value.value.stop, value.value.step
            ends = [None if start == 0 and step in (None, 1) else start, stop, None if step == 1 else step]
            return ast.Slice(*[None if one is None else lifted(Known(one)) for one in ends])
        if isinstance(value.value, tuple):
            parts = [lifted(Known(one), index=True) for one in value.value]
            return parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
    return value.written()


def _literal(value: Any) -> ast.expr | None:
    """A value as an expression that names only NumPy and math; None if there is none."""
    if value is None or value is Ellipsis or isinstance(value, (bool, str)):
        return ast.Constant(value)
    if isinstance(value, np.generic):
        return ast.Call(_literal_type(value.dtype), [_number(value.item())], [])
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, (tuple, list)):
        parts = [Known(one).written() for one in value]
        return ast.Tuple(parts, ast.Load()) if isinstance(value, tuple) else ast.List(parts, ast.Load())
    if isinstance(value, slice):
        return ast.Call(name("slice"), [Known(one).written() for one in (value.start, value.stop, value.step)], [])
    if isinstance(value, range):
        ends = [value.start, value.stop] + [value.step] * (value.step != 1)
        return ast.Call(
            name("range"), [_number(one) for one in (ends if value.start or len(ends) > 2 else ends[1:])], []
        )
    if isinstance(value, np.dtype):
        return _literal_type(value)
    if isinstance(value, type) and issubclass(value, np.generic):
        return _literal_type(np.dtype(value))
    if isinstance(value, np.ndarray):
        return _array(value)
    return _function(value)


def _array(value: np.ndarray) -> ast.expr | None:
    if value.ndim == 0:
        return _literal(value[()])
    if value.size > LARGEST_ARRAY or (value == value.flat[0]).all():
        return None
    return ast.Call(_numpys("array"), [Known(value.tolist()).written(), _literal_type(value.dtype)], [])


def _function(value: Any) -> ast.expr | None:
    if value is np or value is math:
        return name("np" if value is np else "math")
    if isinstance(value, type) and value.__module__ == "builtins":
        return name(value.__name__)
    called = getattr(value, "__name__", "")
    if isinstance(value, BuiltinFunctionType) and value.__module__ == "builtins":
        return name(called)
    if isinstance(value, BuiltinFunctionType) and getattr(math, called, None) is value:
        return ast.Attribute(name("math"), called, ast.Load())
    if isinstance(getattr(value, "__self__", None), np.ufunc):  # add.at and the like
        return ast.Attribute(Known(value.__self__).written(), called, ast.Load())
    if value is np.absolute:
        return _numpys("abs")
    return _numpys(called) if called and getattr(np, called, None) is value else None


def _numpys(attribute: str) -> ast.expr:
    return ast.Attribute(name("np"), attribute, ast.Load())


def _literal_type(dtype: np.dtype) -> ast.expr:
    return _numpys("bool_" if dtype.kind == "b" else dtype.name)


def _number(number: float | int | bool) -> ast.expr:
    if isinstance(number, bool):
        return ast.Constant(number)
    if number != number or abs(number) == math.inf:
        node = _numpys("nan" if number != number else "inf")
    else:
        node = ast.Constant(abs(number))
    return ast.UnaryOp(ast.USub(), node) if math.copysign(1, number) < 0 else node


# -- operators ------------------------------------------------------------------------------------------------

INFIX: dict[Any, type] = {
    np.add: ast.Add,
    np.subtract: ast.Sub,
    np.multiply: ast.Mult,
    np.divide: ast.Div,
    np.floor_divide: ast.FloorDiv,
    np.remainder: ast.Mod,
    np.power: ast.Pow,
    np.matmul: ast.MatMult,
    np.logical_and: ast.BitAnd,
    np.logical_or: ast.BitOr,
    np.logical_xor: ast.BitXor,
    np.left_shift: ast.LShift,
    np.right_shift: ast.RShift,
}
"""NumPy's functions that have an operator. Those of logic are applied to bools alone."""

_COMPARISONS: dict[Any, type] = {
    np.less: ast.Lt,
    np.less_equal: ast.LtE,
    np.greater: ast.Gt,
    np.greater_equal: ast.GtE,
    np.equal: ast.Eq,
    np.not_equal: ast.NotEq,
}


def infix(function: Any, args: list[ast.expr]) -> ast.expr | None:
    """A call of NumPy's function as an operation, if there is an operator for it."""
    if not isinstance(function, np.ufunc):
        return None
    if function in INFIX:
        return ast.BinOp(args[0], INFIX[function](), args[1])
    if function in _COMPARISONS:
        return ast.Compare(args[0], [_COMPARISONS[function]()], [args[1]])
    if function is np.negative:
        return ast.UnaryOp(ast.USub(), args[0])
    if function is np.logical_not:
        return ast.UnaryOp(ast.Invert(), args[0])
    if function is np.square:
        return ast.BinOp(args[0], ast.Pow(), ast.Constant(2))
    if function is np.reciprocal:
        return ast.BinOp(ast.Constant(1), ast.Div(), args[0])
    return None


def neutral(op: ast.operator, left: Known | Code, right: Known | Code) -> Value | None:
    """What an operation is that changes nothing, such as a multiplication by one."""
    for given, other, is_right in ((right, left, True), (left, right, False)):
        number = given
        if isinstance(given, Known) and isinstance(given.value, np.floating) and isinstance(other, Code):
            number = Known(float(given.value)) if given.value.dtype == other.dtype else given
        if not isinstance(number, Known) or type(number.value) not in (int, float) or not isinstance(other, Code):
            continue
        if type(number.value) is float and (other.dtype is None or other.dtype.kind != "f"):
            continue
        if number.value == 1 and (isinstance(op, ast.Mult) or (is_right and isinstance(op, (ast.Div, ast.Pow)))):
            return other
        if number.value == 0 and (isinstance(op, ast.Add) or (is_right and isinstance(op, ast.Sub))):
            return other
        if number.value == 0 and is_right and isinstance(op, ast.Pow) and type(number.value) is int:
            return Known(1)
        if number.value == -1 and isinstance(op, ast.Mult):
            return Code(ast.UnaryOp(ast.USub(), other.node), other.dtype)
    return None


def call_type(function: Any, args: list[Any], options: dict[str, Value] | None = None) -> np.dtype | None:
    """The element type of the result of one of NumPy's functions, if it is known."""
    if options:
        given = options.get("dtype")
        return np.dtype(given.value) if isinstance(given, Known) else None
    if function is np.where and len(args) == 3:
        function, args = np.maximum, args[1:]
    if not isinstance(function, np.ufunc) or function.nin != len(args) or function.nout != 1:
        return None
    types: list[Any] = []
    for one in args:
        if isinstance(one, Code):
            types.append(one.dtype)
        elif isinstance(one, Known) and isinstance(one.value, (np.generic, np.ndarray)):
            types.append(one.value.dtype)
        elif isinstance(one, Known) and type(one.value) in (int, float):
            types.append(type(one.value))
        else:
            return None
    if any(one is None for one in types) or all(isinstance(one, type) for one in types):
        return None
    try:
        return function.resolve_dtypes((*types, None))[-1]
    except TypeError:
        return None
