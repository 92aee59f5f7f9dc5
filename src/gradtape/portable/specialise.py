"""A Python function for arguments of which some are known: what these decide is decided, the rest is left as code.

    lambda x, order: np.exp(x) if order else np.expm1(x)      with order = 1      np.exp(x)

This is how the NumPy function that the table has for a primitive becomes code that stands on its own: parameters are
known, arrays are not. The known part may call anything; what is left names NumPy, `math` and helpers, see `written`.
Values are those of `values`.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

from gradtape.errors import ArgumentError
from gradtape.portable.expressions import UNROLLED, Expressions, bound
from gradtape.portable.reading import parsed
from gradtape.portable.values import Closure, Code, Known, Several, Value, is_plain, lifted, list_of, name, text_of


class Body(Expressions):
    """One function while it is specialised.

    written     the statements that are left
    returned    the element type of what it returns, if that is known
    """

    def __init__(self, outer: Callable[[str], Any], call: Callable[..., Value]):
        super().__init__(outer, call)
        self.written: list[ast.stmt] = []
        self.returned: np.dtype | None = None

    def run(self, statements: Sequence[ast.stmt]) -> bool:
        """Specialise statements; whether the last one that is reached leaves the function."""
        for statement in statements:
            kind = type(statement).__name__
            method = getattr(self, f"_{kind.lower()}_statement", None)
            if method is None:
                raise ArgumentError(f"a {kind.lower()} statement cannot be written as NumPy code")
            if method(statement):
                return True
        return False

    def _expr_statement(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):  # documentation
            self.written.append(ast.Expr(lifted(self.value(statement.value))))

    def _return_statement(self, statement: ast.Return) -> bool:
        value = Known(None) if statement.value is None else self.value(statement.value)
        self.written.append(ast.Return(lifted(value)))
        self.returned = value.dtype if isinstance(value, Code) else None
        return True

    def _functiondef_statement(self, statement: ast.FunctionDef) -> None:
        self.names[statement.name] = Closure(statement, self)

    def _assign_statement(self, statement: ast.Assign) -> None:
        value = self.value(statement.value)
        for target in statement.targets:
            self.assign(target, value)

    def _annassign_statement(self, statement: ast.AnnAssign) -> None:
        if statement.value is not None:
            self.assign(statement.target, self.value(statement.value))

    def _augassign_statement(self, statement: ast.AugAssign) -> None:
        before = self.value(_as_read(statement.target))
        self.assign(statement.target, self._binary(statement.op, before, self.value(statement.value)))

    def assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            if isinstance(value, Code) and not is_plain(value.node):
                place = self._fresh(target.id)
                self.written.append(ast.Assign([ast.Name(place, ast.Store())], value.node))
                value = Code(name(place), value.dtype)
            self.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for one, part in zip(target.elts, self._unpacked(target.elts, value), strict=True):
                self.assign(one.value if isinstance(one, ast.Starred) else one, part)
        elif isinstance(target, ast.Subscript):
            self._settle([target])
            node = lifted(self._subscript(ast.Subscript(target.value, target.slice, ast.Load())))
            assert isinstance(node, ast.Subscript)
            self.written.append(ast.Assign([ast.Subscript(node.value, node.slice, ast.Store())], lifted(value)))
        else:
            raise ArgumentError(f"an assignment to {text_of(target)} cannot be written as NumPy code")

    def _unpacked(self, targets: list[ast.expr], value: Value) -> list[Value]:
        if isinstance(value, Code):
            return [Code(ast.Subscript(value.node, ast.Constant(i), ast.Load())) for i in range(len(targets))]
        parts = list_of(value)
        for i, one in enumerate(targets):
            if isinstance(one, ast.Starred):
                after = len(targets) - i - 1
                end = len(parts) - after
                return [*parts[:i], Several(parts[i:end], list), *parts[end:]]
        return parts

    def _fresh(self, wanted: str) -> str:
        """A name like `wanted` that no value refers to, except the one that it replaces."""
        used = {
            node.id
            for variable, value in self.names.items()
            if variable != wanted
            for code in value.codes()
            for node in ast.walk(code)
            if isinstance(node, ast.Name)
        }
        found, number = wanted, 1
        while found in used:
            number += 1
            found = f"{wanted}_{number}"
        return found

    def _if_statement(self, statement: ast.If) -> bool:
        test = self.value(statement.test)
        if isinstance(test, Known):
            return self.run(statement.body if test.value else statement.orelse)
        self._settle([*statement.body, *statement.orelse])
        outside, self.written = self.written, []
        before = dict(self.names)
        left = self.run(statement.body)
        body, self.written, self.names = self.written, [], dict(before)
        left_too = self.run(statement.orelse)
        outside.append(ast.If(lifted(test), body or [ast.Pass()], self.written))
        self.written, self.names = outside, before
        return left and left_too

    def _for_statement(self, statement: ast.For) -> bool:
        found = self.value(statement.iter)
        if not isinstance(found, Code):
            turns = list_of(found)
            if len(turns) <= UNROLLED or not isinstance(found, Known) or not found.has_code():
                return any(self._turn(statement, value) for value in turns)
        self._loop(statement.body, lambda body: ast.For(statement.target, lifted(found), body, []), statement)
        return False

    def _turn(self, statement: ast.For, value: Value) -> bool:
        self.assign(statement.target, value)
        return self.run(statement.body)

    def _while_statement(self, statement: ast.While) -> None:
        self._settle(statement.body)
        test = self.value(statement.test)
        self._loop(statement.body, lambda body: ast.While(lifted(test), body, []), None)

    def _loop(self, body: list[ast.stmt], made: Callable[[list[ast.stmt]], ast.stmt], target: ast.For | None) -> None:
        """A loop that stays one. What it changes is code from before it on."""
        self._settle(body)
        before, outside = dict(self.names), self.written
        self.written = []
        if target is not None:
            for node in ast.walk(target.target):
                if isinstance(node, ast.Name):
                    self.names[node.id] = before[node.id] = Code(name(node.id))
        self.run(body)
        inside, self.written = self.written, outside
        self.names = before
        self.written.append(made(inside))

    def _settle(self, statements: Sequence[ast.AST]) -> None:
        """Make variables of what these statements assign to, if it is anything by now."""
        for statement in statements:
            for node in ast.walk(statement):
                if isinstance(node, (ast.Name, ast.Subscript)) and isinstance(node.ctx, ast.Store):
                    changed = node.value if isinstance(node, ast.Subscript) else node
                    if isinstance(changed, ast.Name) and changed.id in self.names:
                        value = self.names[changed.id]
                        if not isinstance(value, Code) or text_of(value.node) != changed.id:
                            assigned = ast.Assign([ast.Name(changed.id, ast.Store())], lifted(value))
                            self.written.append(assigned)
                        self.names[changed.id] = Code(name(changed.id))

    def _with_statement(self, statement: ast.With) -> bool:
        """Only errstate occurs, and what is written is not to warn anywhere."""
        return self.run(statement.body)

    def _try_statement(self, statement: ast.Try) -> bool:
        outside, self.written = self.written, []
        left = self.run(statement.body)
        body, handlers = self.written, []
        for handler in statement.handlers:
            self.written = []
            left = self.run(handler.body) and left
            caught = None if handler.type is None else lifted(self.value(handler.type))
            handlers.append(ast.ExceptHandler(caught, None, self.written))
        self.written = [*outside, ast.Try(body, handlers, [], [])]
        return left


def _as_read(target: ast.expr) -> ast.expr:
    """An assigned expression, as it is read."""
    return ast.parse(text_of(target), mode="eval").body


def surroundings(function: FunctionType) -> Callable[[str], Any]:
    """What the names in a function mean that are not its own."""
    closed = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))

    def meaning(wanted: str) -> Any:
        if wanted in closed:
            return closed[wanted].cell_contents
        if wanted in function.__globals__:
            return function.__globals__[wanted]
        return getattr(builtins, wanted)

    return meaning


class Specialised(NamedTuple):
    """What is left of a function: its parameters with their arguments, its statements, and the element type of what it
    returns, if that is known."""

    parameters: dict[str, Code]
    body: list[ast.stmt]
    dtype: np.dtype | None


def specialised(
    function: FunctionType | MethodType, args: Sequence[Value], options: dict[str, Value], call: Callable[..., Value]
) -> Specialised:
    """What is left of a function where every argument that is Known is gone.

    Arguments that are Code become parameters of the same names, those in lists numbered ones.
    """
    if isinstance(function, MethodType):
        args = [Known(function.__self__), *args]
        function = function.__func__  # type: ignore[assignment]
    assert isinstance(function, FunctionType)
    tree = parsed(function)
    defaults = {
        key: one.default
        for key, one in inspect.signature(function).parameters.items()
        if one.default is not inspect.Parameter.empty
    }
    body = Body(surroundings(function), call)
    left: dict[str, Code] = {}
    for key, value in bound(tree.args, args, options, defaults).items():
        body.names[key] = _parameter(key, value, left)
    body.run([ast.Return(tree.body)] if isinstance(tree, ast.Lambda) else tree.body)
    return Specialised(left, body.written, body.returned)


def _parameter(key: str, value: Value, left: dict[str, Code]) -> Value:
    """An argument as the body sees it."""
    if isinstance(value, Code):
        left[key] = value
        return Code(name(key), value.dtype)
    if isinstance(value, Several):
        return Several([_parameter(f"{key}{i}", one, left) for i, one in enumerate(value.values)], value.kind)
    if isinstance(value, Closure):
        raise ArgumentError("a function within a function cannot be written as NumPy code")
    return value
