"""What an expression of a Python function is, where some of its names are known: see `specialise`.

What is known is computed, by whatever it calls. Of what is not, code is left that names NumPy, `math` and helpers.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.portable.values import (
    INFIX,
    Closure,
    Code,
    Known,
    Several,
    Value,
    call_type,
    infix,
    lifted,
    list_of,
    name,
    neutral,
    text_of,
)

UNROLLED = 12
"""A loop of so many turns at most is written out."""

TERMS = 4
"""A polynomial of so many terms at most is written out."""

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: dict[type, Callable] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARED: dict[type, Callable] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_UFUNCS = {symbol: ufunc for ufunc, symbol in INFIX.items()}


class Expressions:
    """The expressions of one function while it is specialised.

    names       what its variables are at the moment
    outer       where other names are found
    call        what becomes of a call of a Python function: (function, arguments by position, by name) → value
    """

    def __init__(self, outer: Callable[[str], Any], call: Callable[..., Value]):
        self.names: dict[str, Value] = {}
        self.outer = outer
        self.call = call

    def assign(self, target: ast.expr, value: Value) -> None:
        """Give variables values."""
        raise NotImplementedError

    def run(self, statements: Sequence[ast.stmt]) -> bool:
        """Specialise statements; whether the last one that is reached leaves the function."""
        raise NotImplementedError

    def value(self, node: ast.expr) -> Value:
        """What an expression is."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise ArgumentError(f"{text_of(node)} cannot be written as NumPy code")
        return method(node)

    def _constant(self, node: ast.Constant) -> Value:
        return Known(node.value)

    def _name(self, node: ast.Name) -> Value:
        if node.id in self.names:
            return self.names[node.id]
        return Known(self.outer(node.id))

    def _attribute(self, node: ast.Attribute) -> Value:
        base = self.value(node.value)
        if isinstance(base, Known):
            return Known(getattr(base.value, node.attr))
        if node.attr == "dtype" and isinstance(base, Code) and base.dtype is not None:
            return Known(base.dtype)
        return Code(ast.Attribute(lifted(base), node.attr, ast.Load()), of=getattr(base, "dtype", None))

    def _tuple(self, node: ast.Tuple | ast.List) -> Value:
        kind = list if isinstance(node, ast.List) else tuple
        values = self._spread(node.elts)
        if all(isinstance(one, Known) for one in values):
            return Known(kind([one.value for one in values if isinstance(one, Known)]))
        return Several(values, kind)

    _list = _tuple

    def _spread(self, nodes: Sequence[ast.expr]) -> list[Value]:
        values: list[Value] = []
        for one in nodes:
            if isinstance(one, ast.Starred):
                inner = self.value(one.value)
                values += [Code(ast.Starred(inner.node, ast.Load()))] if isinstance(inner, Code) else list_of(inner)
            else:
                values.append(self.value(one))
        return values

    def _lambda(self, node: ast.Lambda) -> Value:
        return Closure(node, self)

    def _ifexp(self, node: ast.IfExp) -> Value:
        test = self.value(node.test)
        if isinstance(test, Known):
            return self.value(node.body if test.value else node.orelse)
        return Code(ast.IfExp(lifted(test), lifted(self.value(node.body)), lifted(self.value(node.orelse))))

    def _boolop(self, node: ast.BoolOp) -> Value:
        left: list[ast.expr] = []
        decides = isinstance(node.op, ast.Or)
        value: Value = Known(not decides)
        for one in node.values:
            value = self.value(one)
            if not isinstance(value, Known):
                left.append(lifted(value))
            elif bool(value.value) is decides:
                if not left:
                    return value
                left.append(lifted(value))
                break
        if not left:
            return value
        return Code(left[0] if len(left) == 1 else ast.BoolOp(node.op, left))

    def _compare(self, node: ast.Compare) -> Value:
        values = [self.value(one) for one in [node.left, *node.comparators]]
        if isinstance(node.ops[0], (ast.Is, ast.IsNot)) and not all(isinstance(one, Known) for one in values):
            return Known(isinstance(node.ops[0], ast.IsNot))  # an array is not None
        if all(isinstance(one, Known) for one in values):
            pairs = zip(node.ops, values, values[1:], strict=False)
            return Known(all(_COMPARED[type(op)](a.value, b.value) for op, a, b in pairs))  # type: ignore[union-attr]
        left, *others = self._weak(values)
        return Code(ast.Compare(left, node.ops, others), np.dtype(bool))

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(value, Known):
            return Known(_UNARY[type(node.op)](value.value))
        return Code(ast.UnaryOp(node.op, lifted(value)), value.dtype if isinstance(value, Code) else None)

    def _binop(self, node: ast.BinOp) -> Value:
        return self._binary(node.op, self.value(node.left), self.value(node.right))

    def _binary(self, op: ast.operator, left: Value, right: Value) -> Value:
        if isinstance(left, Known) and isinstance(right, Known):
            return Known(_BINARY[type(op)](left.value, right.value))
        if not isinstance(left, (Known, Code)) or not isinstance(right, (Known, Code)):
            raise ArgumentError("operations on lists cannot be written as NumPy code")
        same = neutral(op, left, right)
        if same is not None:
            return same
        first, second = self._weak([left, right])
        return Code(ast.BinOp(first, op, second), call_type(_UFUNCS[type(op)], [left, right]))

    def _subscript(self, node: ast.Subscript) -> Value:
        base, index = self.value(node.value), self._index(node.slice)
        if isinstance(index, Known):
            if isinstance(base, Known):
                return Known(base.value[index.value])
            if isinstance(base, Several):
                found = base.values[index.value]
                return Several(found, base.kind) if isinstance(found, list) else found
        dtype = base.dtype if isinstance(base, Code) else None
        return Code(ast.Subscript(lifted(base), lifted(index, index=True), ast.Load()), dtype)

    def _index(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Slice):
            ends = [None if one is None else self.value(one) for one in (node.lower, node.upper, node.step)]
            if all(one is None or isinstance(one, Known) for one in ends):
                return Known(slice(*[None if one is None else one.value for one in ends]))  # type: ignore[union-attr]
            return Code(ast.Slice(*[None if one is None else lifted(one) for one in ends]))
        if isinstance(node, ast.Tuple):
            parts = [self._index(one) for one in node.elts]
            if all(isinstance(one, Known) for one in parts):
                return Known(tuple([one.value for one in parts if isinstance(one, Known)]))
            return Code(ast.Tuple([lifted(one, index=True) for one in parts], ast.Load()))
        return self.value(node)

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> Value:
        (loop,) = node.generators
        found = self.value(loop.iter)
        before = dict(self.names)
        if not isinstance(found, Code):
            turns = list_of(found)
            if len(turns) <= UNROLLED or not isinstance(found, Known) or not found.has_code():
                values = list(self._elements(node, turns))
                self.names = before
                if all(isinstance(one, Known) for one in values):
                    return Known([one.value for one in values if isinstance(one, Known)])
                return Several(values, list)
        for target in ast.walk(loop.target):
            if isinstance(target, ast.Name):
                self.names[target.id] = Code(name(target.id))
        tests = [lifted(self.value(test)) for test in loop.ifs]
        made = ast.comprehension(loop.target, lifted(found), tests, 0)
        code = Code(type(node)(lifted(self.value(node.elt)), [made]))
        self.names = before
        return code

    _generatorexp = _listcomp

    def _elements(self, node: ast.ListComp | ast.GeneratorExp, turns: list[Value]) -> Iterator[Value]:
        for turn in turns:
            self.assign(node.generators[0].target, turn)
            tests = [self.value(test) for test in node.generators[0].ifs]
            if not all(isinstance(test, Known) for test in tests):
                raise ArgumentError(f"{text_of(node)} cannot be written as NumPy code")
            if all(test.value for test in tests if isinstance(test, Known)):
                yield self.value(node.elt)

    # -- calls ------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Value:
        function = self.value(node.func)
        args = self._spread(node.args)
        options = {str(one.arg): self.value(one.value) for one in node.keywords}
        if isinstance(function, Closure):
            return self._enter(function, args, options)
        if isinstance(function, Known):
            return self.called(function.value, args, options)
        assert isinstance(function, Code)
        return self._method(function, args, options)

    def _method(self, function: Code, args: list[Value], options: dict[str, Value]) -> Value:
        """A call of a method of something that is code. Nothing is converted to the type that it has."""
        dtype = None
        if isinstance(function.node, ast.Attribute) and function.node.attr == "astype" and isinstance(args[0], Known):
            dtype = np.dtype(args[0].value)
            if function.of is not None and function.of == dtype:
                return Code(function.node.value, dtype)
        return Code(_call(function.node, args, options), dtype)

    def _enter(self, closure: Closure, args: list[Value], options: dict[str, Value]) -> Value:
        """What a function within this one returns: it is written out in place."""
        body = closure.body
        outside = dict(body.names)
        body.names = outside | bound(closure.node.args, args, options, {})
        try:
            if isinstance(closure.node, ast.Lambda):
                return body.value(closure.node.body)
            *statements, last = closure.node.body
            if not isinstance(last, ast.Return) or last.value is None or body.run(statements):
                raise ArgumentError(f"{closure.node.name} cannot be written as NumPy code")
            return body.value(last.value)
        finally:
            body.names = outside

    def called(self, function: Any, args: list[Value], options: dict[str, Value]) -> Value:
        """What a call of a known function is."""
        given = [*args, *options.values()]
        if all(isinstance(one, Known) for one in given):
            known = self._computed(function, args, options)
            if known is not None:
                return known
        if (
            function in _OF_LISTS
            and (not options or function is builtins.zip)  # which may be strict
            and all(isinstance(one, (Known, Several)) for one in args)
        ):
            return _OF_LISTS[function](*args)
        if function is builtins.sum and isinstance(args[0], Several):
            return self._sum(args)
        if isinstance(function, np.vectorize) or (
            isinstance(function, (FunctionType, MethodType)) and not _is_numpys(function)
        ):
            return self.call(function, args, options)
        if function is np.polyval and isinstance(args[0], Known) and len(args[0].value) <= TERMS:
            return self._polynomial(args[0].value, args[1])
        if function in (np.array, np.asarray) and len(given) == 1 and isinstance(args[0], Code):
            return args[0]
        dtype = call_type(function, args, options)
        weak = [lifted(one) for one in args]
        if isinstance(function, np.ufunc):
            weak = self._weak(args)
        elif function is np.where:
            weak[1:] = self._weak(args[1:])
        if not options:
            written = infix(function, weak)
            if written is not None:
                return Code(written, dtype)
        return Code(_call(lifted(Known(function)), [Code(one) for one in weak], options), dtype)

    def _computed(self, function: Any, args: list[Value], options: dict[str, Value]) -> Known | None:
        """The result of a call on known values, if it can be written again."""
        plain = [one.value for one in args if isinstance(one, Known)]
        named = {key: one.value for key, one in options.items() if isinstance(one, Known)}
        result = function(*plain, **named)
        if isinstance(result, np.ndarray) and not result.ndim:
            result = result[()]

        def code() -> ast.expr:
            if isinstance(function, (FunctionType, MethodType)) and not _is_numpys(function):
                return lifted(self.call(function, args, options))
            return _call(lifted(Known(function)), args, options)

        return Known(result, code)

    def _polynomial(self, terms: Sequence[Any], x: Value) -> Value:
        """A short polynomial, highest power first, written out as NumPy computes it."""
        total: Value = Known(terms[0])
        for c in terms[1:]:
            total = self._binary(ast.Add(), self._binary(ast.Mult(), total, x), Known(c))
        return total

    def _sum(self, args: list[Value]) -> Value:
        total: Value = args[1] if len(args) > 1 else Known(0)
        for one in list_of(args[0]):
            total = self._binary(ast.Add(), total, one)
        return total

    def _weak(self, values: Sequence[Value]) -> list[ast.expr]:
        """Operands as code. A number beside an array of its own type is written without it."""
        types = {one.dtype for one in values if isinstance(one, Code)}
        nodes = []
        for one in values:
            if isinstance(one, Known) and isinstance(one.value, np.generic) and types == {one.value.dtype}:
                nodes.append(lifted(Known(shortest(one.value))))
            else:
                nodes.append(lifted(one))
        return nodes


def shortest(number: np.generic) -> float | int | bool | np.generic:
    """A Python number that rounds to a typed one, with few digits; the typed one if it is a bool."""
    if number.dtype.kind == "f":
        short = float(str(number))
        return short if type(number)(short) == number else float(number)
    return number.item() if number.dtype.kind == "i" else number


def _enumerated(found: Value, start: Value | None = None) -> Value:
    first = start.value if isinstance(start, Known) else 0
    return Several([Several([Known(i), one], tuple) for i, one in enumerate(list_of(found), first)], list)


def _zipped(*found: Value) -> Value:
    return Several([Several(list(ones), tuple) for ones in zip(*map(list_of, found), strict=False)], list)


_OF_LISTS: dict[Any, Callable[..., Value]] = {
    len: lambda found: Known(len(list_of(found))),
    list: lambda found: Several(list_of(found), list),
    tuple: lambda found: Several(list_of(found), tuple),
    reversed: lambda found: Several(list_of(found)[::-1], list),
    enumerate: _enumerated,
    zip: _zipped,
}


def _is_numpys(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] in ("numpy", "math", "builtins")


def _call(function: ast.expr, args: Sequence[Value], options: dict[str, Value]) -> ast.Call:
    return ast.Call(function, [*map(lifted, args)], [ast.keyword(key, lifted(one)) for key, one in options.items()])


def _stored(target: ast.expr) -> ast.expr:
    return target


def bound(
    parameters: ast.arguments, args: Sequence[Value], options: dict[str, Value], defaults: dict[str, Any]
) -> dict[str, Value]:
    """Parameters with their arguments."""
    names = [one.arg for one in [*parameters.posonlyargs, *parameters.args]]
    bound: dict[str, Value] = {key: Known(value) for key, value in defaults.items()}
    bound.update(zip(names, args, strict=False))
    if parameters.vararg is not None:
        bound[parameters.vararg.arg] = Several(list(args[len(names) :]), tuple)
    elif len(args) > len(names):
        raise ArgumentError("too many arguments")
    return bound | options
