"""What stands above a function that is written as NumPy code: constants, and functions that NumPy does not have."""

from __future__ import annotations

import ast
import copy
import inspect
import keyword
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from gradtape.graph.dtypes import as_dtype
from gradtape.graph.program import Program, typed
from gradtape.portable.specialise import Specialised, specialised
from gradtape.portable.values import LARGEST_ARRAY, Code, Known, Value, held, lifted, name, text_of

LONG = 80
"""An expression of so many characters at most is written where its helper would be called."""

Statements = Callable[[Program, list[Value], set[str]], tuple[list[tuple[str, str]], list[str]]]
"""What makes the statements of a Program, with their types, and its results, of the expressions of its leaves."""


class Helpers:
    """What stands above the function: constants, and functions that are not NumPy's."""

    def __init__(self, taken: set[str]):
        self.taken = taken
        self.hint = ""
        self.several: dict[int, ast.expr] = {}
        self._functions: dict[str, str] = {}  # text by name
        self._names: dict[tuple, str] = {}
        self._constants: dict[tuple, str] = {}
        self._written: list[str] = []

    def texts(self) -> list[str]:
        return list(self._functions.values())

    def constants(self) -> str:
        return "\n".join(self._written)

    def constant(self, array: np.ndarray) -> str:
        """The name of an array."""
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._constants:
            found = new_name("c0", self.taken)
            self._constants[key] = found
            self._written.append(f"{found} = {_array_text(array)}  # {typed(array.dtype.name, array.shape)}")
        return self._constants[key]

    def program(self, program: Program, statements: Statements) -> str:
        """The name of a function that runs a Program."""
        key = (program,)
        if key not in self._names:
            found = self._names[key] = new_name("part0", self.taken)
            arguments = [f"a{i}" for i in range(len(program.leaves))]
            used = {*self.taken, *arguments}
            leaves: list[Value] = [
                Code(name(one), held(leaf[0])) for one, leaf in zip(arguments, program.leaves, strict=True)
            ]
            outside, self.several = self.several, {}
            lines, results = statements(program, leaves, used)
            self.several = outside
            rows = [*lines, (f"return [{', '.join(results)}]", "")]
            self._functions[found] = f"def {found}({', '.join(arguments)}):\n" + laid_out(rows)
        return self._names[key]

    def call(self, function: Any, args: list[Value], options: dict[str, Value]) -> Value:
        """A call of a Python function: its expression if it is nothing else and short, or a call of a helper."""
        hint, self.hint = self.hint or _hint(function, args), ""
        if isinstance(function, np.vectorize):
            call = ast.Call(name(self._vectorised(function)), [lifted(one) for one in args], [])
            return Code(call, _result_type(function))
        found = specialised(function, args, options, self.call)
        inside = _expression(found)
        if inside is not None and len(text_of(inside)) <= LONG:
            return Code(inside, found.dtype)
        text = laid_out([(text_of(one), "") for one in found.body])
        key = (hint, *found.parameters, text)
        if key not in self._names:
            called = self._names[key] = new_name(hint, self.taken)
            self._functions[called] = f"def {called}({', '.join(found.parameters)}):\n" + text
        arguments = [one.node for one in found.parameters.values()]
        return Code(ast.Call(name(self._names[key]), arguments, []), found.dtype)

    def _vectorised(self, function: np.vectorize) -> str:
        """The name of a function of numbers that is applied to each element."""
        key = (function.pyfunc, _result_type(function))
        if key not in self._names:
            of = function.pyfunc
            if isinstance(of, FunctionType):
                numbers = [Code(name(one)) for one in inspect.signature(of).parameters]
                found = specialised(of, numbers, {}, self.call)
                scalar = new_name(_hint(of, []) + "_of_number", self.taken)
                body = laid_out([(text_of(one), "") for one in found.body])
                self._functions[scalar] = f"def {scalar}({', '.join(found.parameters)}):\n{body}"
            else:
                scalar = text_of(Known(of).written())
            called = self._names[key] = new_name(_hint(of, []), self.taken)
            self._functions[called] = f"{called} = np.vectorize({scalar}, otypes=[np.{_result_type(function).name}])"
        return self._names[key]


def _result_type(function: Any) -> np.dtype:
    return np.dtype(function.otypes[0])


def _hint(function: Callable, args: list[Value]) -> str:
    """What a function is called as a helper: its own name, with the whole numbers that it is made for."""
    own = function.__name__.strip("_").removesuffix("_reference")
    return numbered(identifier(own, "part"), [one.value for one in args if isinstance(one, Known)])


def numbered(wanted: str, params: Sequence[Any]) -> str:
    """A name with the whole numbers among some parameters; m is minus."""
    return "_".join([wanted, *[str(abs(one)) + "m" * (one < 0) for one in params if type(one) is int]])


def _expression(found: Specialised) -> ast.expr | None:
    """What a function returns, with its arguments put in, if it is one expression that repeats no work."""
    if len(found.body) != 1 or not isinstance(found.body[0], ast.Return) or found.body[0].value is None:
        return None
    expression = found.body[0].value
    reads = Counter(names_in([expression]))
    for key, one in found.parameters.items():
        if reads[key] > 1 and not isinstance(one.node, ast.Name):
            return None
    return put_in(expression, {key: one.node for key, one in found.parameters.items()})


def names_in(nodes: Sequence[ast.AST]) -> list[str]:
    return [one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)]


class _Put(ast.NodeTransformer):
    def __init__(self, by_name: dict[str, ast.expr]):
        self.by_name = by_name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.by_name.get(node.id, node)


def put_in(node: ast.expr, by_name: dict[str, ast.expr]) -> ast.expr:
    """An expression with others in place of names. Nothing that is shared is changed."""
    return _Put(by_name).visit(copy.deepcopy(node))


def laid_out(rows: Sequence[tuple[str, str]]) -> str:
    """Statements with comments in one column."""
    column = min(max([len(text) for text, comment in rows if comment], default=0), 44) + 4
    lines = []
    for text, comment in rows:
        *first, last = textwrap.indent(text, "    ").splitlines()
        lines += [*first, f"{last:{column + 2}}  # {comment}" if comment else last]
    return "\n".join(lines)


def _array_text(array: np.ndarray) -> str:
    kind = f"np.{numpy_name(array.dtype.name)}"
    if array.size and (array == array.flat[0]).all():
        return f"np.full({array.shape}, {text_of(Known(array.flat[0].item()).written())}, {kind})"
    if array.size <= 64 * LARGEST_ARRAY and np.isfinite(array).all():
        return f"np.array({array.tolist()}, {kind})"
    return f'np.frombuffer(bytes.fromhex("{array.tobytes().hex()}"), {kind}).reshape({array.shape})'


def numpy_name(dtype: str) -> str:
    return "bool_" if as_dtype(dtype).is_bool else held(dtype).name


def identifier(wanted: str, otherwise: str) -> str:
    if wanted in ("np", "math"):
        return f"{wanted}_"
    return wanted if wanted.isidentifier() and not keyword.iskeyword(wanted) else otherwise


def new_name(wanted: str, used: set[str]) -> str:
    """A name that is not used yet: the wanted one, or one with another number at its end."""
    found, number = wanted, 0
    stem = wanted[:-1] if wanted[-1] == "0" and not wanted[-2:-1].isdigit() else wanted + "_"
    letters = "bcdefghijklmnopqrstuvwxyz"
    while found in used:
        number += 1
        found = f"{stem}{number}" if wanted[-1] == "0" else f"{stem}{letters[(number - 1) % 25]}{number // 26 or ''}"
    used.add(found)
    return found
