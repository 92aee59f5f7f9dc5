"""From text to an `Expression`: Python's grammar through `ast`, and a whitelist of what may stand in it.

The tree is only read, never compiled or evaluated as Python. It is turned into postfix steps without recursion, so that
no text, however it is nested, can exhaust the stack here; constants are folded as float64, so none can become huge.
"""

from __future__ import annotations

import ast
import keyword
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from gradtape.errors import ArgumentError, ExpressionError
from gradtape.text import names as names_of
from gradtape.text import scan
from gradtape.text.expression import Call, Constant, Expression, Load, Step
from gradtape.text.vocabulary import ATOM, CONSTANTS, OPERATORS, Kind, Operator, functions

LARGEST_EXPONENT = 1000
"""The largest size of an exponent that is a number."""

MOST_PARTS = 1000
"""How many numbers, names, operators and calls an expression may have."""


def parse(text: str, variables: Sequence[str] | None = ("x",), known: Collection[str] = ()) -> Expression:
    """Read an expression in Python's syntax as a function of `variables`; of those that it names itself, if None.

    Those that are found in the text have the order of the alphabet (x before y, x2 before x10), and a name that is
    probably a misspelt function or a product without its ``*`` is an error, unless it is `known`.

    It may have numbers, pi, e, the variables, ``+ - * / // % **``, the elementwise functions of gradtape (`exp`,
    `sigmoid`, `atan2`, …) and ``where(condition, a, b)`` with comparisons, ``and``, ``or``, ``not`` in the condition.
    At most 2000 characters, 1000 parts, 100 levels of nesting, and exponents up to 1000 in size.

    Raises ExpressionError, with the column, for anything else.

    >>> f = parse("where(x < 0, 0.5*x, sin(2*pi*x))")
    >>> f([-1., 0.25]).numpy()
    array([-0.5,  1. ], dtype=float32)
    >>> parse("3*x**2 + 2*y", None).variables
    ('x', 'y')
    >>> parse("x^2")
    Traceback (most recent call last):
        ...
    gradtape.errors.ExpressionError: '^' cannot stand in an expression; for a power write ** (column 2)
        x^2
         ^
    """
    if not isinstance(text, str):
        raise ArgumentError(f"an expression is text, such as 'sin(x)**2', but a {type(text).__name__} was given")
    if variables is None:
        scan.check(text, ())
        variables = names_of.free(text, known)
    names = tuple(variables)
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name) or names.count(name) > 1:
            raise ArgumentError(
                f"the variables of an expression are different names, such as x, but {name!r} was given"
            )
    scan.check(text, names)
    return _Reader(text, names).read()


def number(text: str) -> float:
    """The number that an expression without variables stands for, in float64.

    >>> number("-2*pi")
    -6.283185307179586
    """
    return float(parse(text, ())())


@dataclass(frozen=True)
class _Part:
    """What is known about a part of the expression whose steps were made: its kind, its value, how it is written."""

    kind: Kind
    value: float | bool | None  # None: depends on a variable, or on a function that is not folded here
    constant: bool
    written: str
    binds: int


class _Reader:
    def __init__(self, text: str, variables: tuple[str, ...]):
        self.text, self.variables = text, variables
        # Only spaces may separate: a line break would be read as the end. Every character keeps its column.
        self.source = "".join(" " if c.isspace() else c for c in text)
        self.indent = len(self.source) - len(self.source.lstrip())
        self.bytes = self.source.lstrip().encode()
        self.steps: list[Step] = []
        self.parts: list[_Part] = []

    def read(self) -> Expression:
        for node in self.postorder(self.tree()):
            self.add(node)
        (whole,) = self.parts
        if whole.kind == "condition":
            self.fail("the expression is a condition, not a number; write where(condition, 1, 0)")
        return Expression(self.text, self.variables, whole.written, tuple(self.steps))

    def tree(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about style, for people who write programs
                return ast.parse(self.bytes.decode(), mode="eval").body
        except SyntaxError as error:
            offset = error.offset + self.indent if error.offset else None
            raise scan.syntax(self.source, offset, error.msg) from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise scan.too_deep(self.text) from None

    def fail(self, message: str, node: ast.AST | None = None) -> NoReturn:
        raise ExpressionError(message, self.text, self.column(node))

    def column(self, node: ast.AST | None) -> int:
        """Where a node starts, in characters from 1; ast counts bytes of UTF-8 from 0."""
        offset = getattr(node, "col_offset", 0)
        return len(self.bytes[:offset].decode()) + self.indent + 1

    # -- from the tree to a list ------------------------------------------------------------------------------

    def postorder(self, root: ast.expr) -> list[ast.expr]:
        """The nodes with each one after its operands, checked for depth and number."""
        found: list[ast.expr] = []
        waiting = [(root, 1)]
        while waiting:
            node, depth = waiting.pop()
            found.append(node)
            if depth > scan.DEEPEST:
                raise scan.too_deep(self.text, self.column(node))
            if len(found) > MOST_PARTS:
                self.fail(f"the expression has more than {MOST_PARTS} parts; split or shorten it", node)
            for i, operand in enumerate(self.operands(node)):
                # a + b + c is a tree to the left, but nobody would call it nested
                waiting.append((operand, depth if i == 0 and isinstance(node, ast.BinOp) else depth + 1))
        return found[::-1]

    def operands(self, node: ast.expr) -> list[ast.expr]:
        match node:
            case ast.Constant() | ast.Name():
                return []
            case ast.UnaryOp(_, operand):
                return [operand]
            case ast.BinOp(left, _, right):
                return [left, right]
            case ast.BoolOp(_, values):
                return values
            case ast.Compare(left, ops, comparators):
                if len(ops) > 1:
                    self.fail("comparisons cannot be chained; write (a < x) & (x < b)", comparators[1])
                return [left, *comparators]
            case ast.Call(ast.Name(), arguments, keywords):
                if keywords:
                    self.fail("arguments have no names here; give them in order, as in leaky_relu(x, 0.2)", node)
                return arguments
            case ast.Call(ast.Attribute() as func):
                self.fail("a name with a dot cannot stand in an expression; write sin(x), not math.sin(x)", func)
            case ast.Call(func):
                self.fail("only a function can stand before parentheses; for a product write *, as in 2*(x + 1)", func)
            case ast.Attribute():
                self.fail("a name with a dot cannot stand in an expression; write sin(x), not math.sin(x)", node)
            case ast.Tuple([]):
                self.fail("there is nothing between these parentheses; write a value or leave them out", node)
            case ast.Tuple([first, *_]):
                hint = "it separates the arguments of a function; for a decimal write 0.5, not 0,5"
                self.fail(f"a comma cannot stand after this; {hint}", first)
        self.fail("this is Python syntax that cannot stand in an expression; write a formula such as sin(x)**2", node)

    # -- one step ---------------------------------------------------------------------------------------------

    def add(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value):
                self.constant(value, node)
            case ast.Name(name):
                self.name(name, node)
            case ast.Call(ast.Name(name), arguments):
                self.call(name, len(arguments), node)
            case ast.UnaryOp(ast.UAdd()):
                self.numbers(1, "+", node)
            case ast.UnaryOp(op) | ast.BinOp(_, op) | ast.Compare(_, [op]):
                self.operator(op, node)
            case ast.BoolOp(op, values):
                for _ in values[1:]:
                    self.operator(op, node)

    def constant(self, value: Any, node: ast.Constant) -> None:
        if type(value) not in (int, float):
            self.fail(f"{value!r} is not a real number; write numbers such as 2, 0.5 or 1e-3", node)
        try:
            size = float(value)
        except OverflowError:
            size = np.inf
        written = self.bytes[node.col_offset : node.end_col_offset].decode()
        if size == np.inf:
            self.fail("this number is larger than float64 can hold, which ends at 1.8e308", node)
        self.push(Constant(size), _Part("number", size, True, written, ATOM))

    def name(self, name: str, node: ast.AST) -> None:
        if name in self.variables:
            self.push(Load(self.variables.index(name)), _Part("number", None, False, name, ATOM))
        elif name in CONSTANTS:
            written = "pi" if name == "π" else name
            self.push(Constant(CONSTANTS[name]), _Part("number", CONSTANTS[name], True, written, ATOM))
        elif name in functions():
            example = ", ".join([*self.variables[:1], "2"][: len(functions()[name].takes)])
            if name == "where":
                example = "x > 0, x, 0"
            self.fail(f"{name} is a function; write {name}({example})", node)
        else:
            raise scan.unknown(name, self.text, self.column(node), self.variables)

    def call(self, name: str, count: int, node: ast.expr) -> None:
        function = functions().get(name)
        if function is None:
            if name in self.variables or name in CONSTANTS:
                what = "variable" if name in self.variables else "number"
                self.fail(f"{name} is a {what}, not a function; for a product write {name}*(…)", node)
            raise scan.unknown(name, self.text, self.column(node), self.variables)
        most = len(function.takes)
        least = most - function.optional
        if not least <= count <= most:
            takes = f"{most} argument{'s' * (most > 1)}" if least == most else f"{least} or {most} arguments"
            self.fail(f"{name} takes {takes}, but {count} {'was' if count == 1 else 'were'} given", node)
        arguments = self.parts[len(self.parts) - count :]
        for argument, wanted in zip(arguments, function.takes, strict=False):
            self.expect(argument, wanted, name, node)
        if name == "pow":
            self.exponent(arguments[1], node)
        del self.parts[len(self.parts) - count :]
        written = f"{name}({', '.join(a.written for a in arguments)})"
        part = _Part(function.gives, None, all(a.constant for a in arguments), written, ATOM)
        self.push(Call(function, count), part)

    def operator(self, op: ast.AST, node: ast.expr) -> None:
        operator = OPERATORS.get(type(op))
        if operator is None:
            self.fail(f"the operator {type(op).__name__} cannot stand in an expression", node)
        function = functions()[operator.function]
        count = len(function.takes)
        arguments = self.parts[len(self.parts) - count :]
        symbol = operator.symbol.strip()
        for argument, wanted in zip(arguments, function.takes, strict=True):
            self.expect(argument, wanted, symbol, node)
        if symbol == "**":
            self.exponent(arguments[1], node)
        del self.parts[len(self.parts) - count :]
        values = [a.value for a in arguments]
        value = None if None in values else _fold(operator, values)
        constant = all(a.constant for a in arguments)
        part = _Part(function.gives, value, constant, _write(operator, arguments), operator.binds)
        if value is None:
            self.push(Call(function, count), part)
        else:
            del self.steps[len(self.steps) - count :]  # each known operand is one step
            self.push(Constant(value), part)

    def push(self, step: Step, part: _Part) -> None:
        self.steps.append(step)
        self.parts.append(part)

    # -- checks -----------------------------------------------------------------------------------------------

    def numbers(self, count: int, symbol: str, node: ast.expr) -> None:
        for part in self.parts[len(self.parts) - count :]:
            self.expect(part, "number", symbol, node)

    def expect(self, part: _Part, wanted: Kind, name: str, node: ast.expr) -> None:
        if wanted == "condition" and part.kind != "condition":
            self.fail(f"{name} needs a condition such as x > 0, but {scan.short(part.written)} is a number", node)
        if wanted != "condition" and part.kind == "condition":
            hint = "make it one with where(condition, 1, 0)"
            if name in ("<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/"):
                hint += ", or add parentheses"
            self.fail(f"{name} needs a number, but {scan.short(part.written)} is a condition; {hint}", node)
        if wanted == "setting" and not part.constant:
            self.fail(f"the last argument of {name} must be a number, but {scan.short(part.written)} varies", node)

    def exponent(self, part: _Part, node: ast.expr) -> None:
        if part.value is not None and not abs(part.value) <= LARGEST_EXPONENT:
            shown = scan.short(part.written)
            self.fail(
                f"the exponent {shown} is too large; use one from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT}", node
            )


def _fold(operator: Operator, values: list[Any]) -> float | bool:
    with np.errstate(all="ignore"):  # 1/0 is inf, as for Tensors
        value = operator.fold(*(v if isinstance(v, bool) else np.float64(v) for v in values))
    return bool(value) if isinstance(value, np.bool_) else float(value)


def _write(operator: Operator, arguments: list[_Part]) -> str:
    """The operation as text, with parentheses where an operand binds less tightly than the operator."""
    if len(arguments) == 1:
        (operand,) = arguments
        return operator.symbol + _within(operand, operator.binds + 1)
    left, right = arguments
    if operator.symbol == "**":  # to the right: x**y**z is x**(y**z), and x**-1 needs no parentheses
        return f"{_within(left, operator.binds + 1)}**{_within(right, operator.binds - 1)}"
    regroups = operator.symbol in (" and ", " or ")  # a or (b or c) is a or b or c
    return f"{_within(left, operator.binds)}{operator.symbol}{_within(right, operator.binds + (not regroups))}"


def _within(part: _Part, binds: int) -> str:
    return part.written if part.binds >= binds else f"({part.written})"
