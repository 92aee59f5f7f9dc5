"""`gradtape.source`: a function, its derivative for instance, as NumPy code that runs without gradtape.

    Calculation ──rewritten──► one statement per operation ──what is read once is put in──► text

What an operation is in NumPy, its row of the table says: the code of its reference, specialised for its parameters. An
expression is put in place; anything longer becomes a helper above the function.
"""

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

from gradtape.config import settings
from gradtape.engine.widen import widen
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import as_dtype, bfloat16
from gradtape.graph.node import READ, TABLE, Node, Primitive
from gradtape.graph.program import Program, rebuild, typed
from gradtape.modes import nest
from gradtape.portable.calculation import Calculation, Leaf, calculation
from gradtape.portable.specialise import Body, Specialised, specialised
from gradtape.portable.values import LARGEST_ARRAY, Code, Known, Several, Value, lifted, name, text_of
from gradtape.rewrite import rewrite
from gradtape.rewrite.stabilise import concerns, stabilise

SHORT = 48
"""An expression of so many characters at most is put into the one that reads it, unless that gets longer than LONG."""

LONG = 80


class Source(str):
    """Code. It is shown as it is, not quoted."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def source(f: Any, *args: Any, **kwargs: Any) -> Source:
    """The function f as Python code that needs NumPy alone, and gives the same numbers to rounding.

    f               a function, of which derivatives are the usual case, as in source(grad(f), x); or a Program, or
                    what `load` returned
    args, kwargs    examples of its arguments: tensors, arrays, floats (which count as float32) or TensorSpecs; values
                    do not matter, shapes and types do. Other arguments are what they are. Without any, the function
                    is written for the tensors of its input_signature, else for one float64 number per parameter

    The code is one function with the parameters of f, and above it what it needs: constants, and functions that NumPy
    does not have. Variables that f reads become constants with their present values. Operations are those that
    gradtape runs, with formulas replaced that lose digits; equal ones occur once. It raises no warnings.

    The result is a str that shows itself as it is. Raises ArgumentError if f assigns Variables or has parameters that
    cannot be written, and ControlFlowError where f needs the value of a tensor.

    >>> import gradtape as tf
    >>> def slope(x):
    ...     with tf.GradientTape() as tape:
    ...         tape.watch(x)
    ...         y = tf.sin(x)**2
    ...     return tape.gradient(y, x)
    >>> tf.source(slope, tf.TensorSpec([3], "float64"))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    @np.errstate(all="ignore")
    def slope(x):
        x = np.asarray(x, np.float64)         # float64[3]
        return 2.0 * np.sin(x) * np.cos(x)    # float64[3]
    <BLANKLINE>
    """
    return Source(_Printer(calculation(f, args, kwargs)).text())


class _Printer:
    """One module of code."""

    def __init__(self, made: Calculation):
        self.made = made
        self.name = _identifier(made.name, "function")
        self.helpers = _Helpers({self.name, "np", "math", *made.parameters, *made.arguments[1]})

    def text(self) -> str:
        body = self._function(self.made)
        helpers = self.helpers.texts()
        imports = ["import math"] * any("math." in text for text in helpers) + ["", "import numpy as np"]
        parts = ["\n".join(imports).strip(), *([constants] if (constants := self.helpers.constants()) else [])]
        return "\n\n\n".join(["\n\n".join(parts), *helpers, body]) + "\n"

    def _function(self, made: Calculation) -> str:
        used = {self.name, *self.helpers.taken}
        head: list[tuple[str, str]] = []
        places: dict[int, str] = {}
        parameters = [_identifier(one, f"a{i}") for i, one in enumerate(made.parameters)]
        for parameter, structure in zip(parameters, made.arguments[0], strict=True):
            self._unpack(parameter, parameter, structure, head, places, used)
        for key, structure in made.arguments[1].items():
            self._unpack(key, key, structure, head, places, used)
        leaves: list[Value] = [
            Code(name(places[leaf]), np.dtype(made.inputs[leaf][0])) if isinstance(leaf, int) else self._constant(leaf)
            for leaf in made.leaves
        ]
        program, values = _rewritten(made.program, made.values)
        leaves = [leaves[i] for i in values]
        lines, results = self.statements(program, leaves, used)
        flat = [results[one.number] if isinstance(one, Leaf) else one for one in nest.flatten(made.result)]
        returned = _display(made.result, iter(flat))
        comment = ", ".join(typed(node.dtype.name, node.shape) for node in _outputs(program))
        ordered = ", ".join([*parameters, *["*"] * bool(made.arguments[1]), *made.arguments[1]])
        rows = [*head, *lines, (f"return {returned}", comment)]
        return f'@np.errstate(all="ignore")\ndef {self.name}({ordered}):\n' + _laid_out(rows)

    def _unpack(
        self, label: str, path: str, structure: Any, head: list[tuple[str, str]], places: dict[int, str], used: set[str]
    ) -> None:
        """Statements that make arrays of an argument."""
        if isinstance(structure, Leaf):
            dtype, shape = self.made.inputs[structure.number]
            variable = label if label == path else _new(label, used)
            places[structure.number] = variable
            used.add(variable)
            head.append((f"{variable} = np.asarray({path}, np.{_numpy_name(dtype)})", typed(dtype, shape)))
        elif isinstance(structure, dict):
            for key, one in structure.items():
                self._unpack(_identifier(f"{label}_{key}", label), f"{path}[{key!r}]", one, head, places, used)
        elif isinstance(structure, (list, tuple)):
            for i, one in enumerate(structure):
                self._unpack(f"{label}_{i}", f"{path}[{i}]", one, head, places, used)

    def _constant(self, array: np.ndarray) -> Value:
        if array.ndim == 0:
            return Known(array[()])
        return Code(name(self.helpers.constant(array)), array.dtype)

    def statements(
        self, program: Program, leaves: Sequence[Value], used: set[str]
    ) -> tuple[list[tuple[str, str]], list[str]]:
        """The statements of a Program, each with the type of its result, and its results as expressions."""
        nodes = rebuild(program)[1]
        found = _Steps(self).of(program, nodes, leaves)
        return found.merged(program, leaves, used)


class _Steps:
    """The operations of a Program as expressions, first one for each step, in which `step7` is the result of step 7."""

    def __init__(self, printer: _Printer):
        self.printer = printer
        self.values: list[Value] = []
        self.calls: dict[tuple, int] = {}
        self.nodes: list[Node] = []

    def of(self, program: Program, nodes: list[Node], leaves: Sequence[Value]) -> _Steps:
        self.nodes = nodes
        for number, (operation, params, refs) in enumerate(program.steps):
            primitive, node = TABLE[operation], nodes[number]
            given = [self._input(i, leaves) for i in refs]
            if primitive.lowering is not None and primitive.lowering is not READ and node.op is not None:
                given = self._without_broadcasts(given, program, refs, leaves, node)
            if primitive.several:
                value = self._part(number, primitive, given, params, refs)
            else:
                value = self._called(primitive, given, params)
            self.values.append(Code(value.node, node.dtype.dtype) if isinstance(value, Code) else value)
        return self

    def _input(self, i: int, leaves: Sequence[Value]) -> Value:
        if i < 0:
            return leaves[-1 - i]
        value = self.values[i]
        return Code(name(f"step{i}"), value.dtype) if isinstance(value, Code) else value

    def _without_broadcasts(
        self, given: list[Value], program: Program, refs: Sequence[int], leaves: Sequence[Value], node: Node
    ) -> list[Value]:
        """The inputs of an elementwise operation, not repeated to its shape where it does that itself."""
        assert node.op is not None
        shapes = [x.shape for x in node.op[1]]
        for k, i in enumerate(refs):
            if i >= 0 and TABLE[program.steps[i][0]].lowering is READ:
                before = self.nodes[i].op
                assert before is not None
                shorter = [*shapes[:k], before[1][0].shape, *shapes[k + 1 :]]
                if np.broadcast_shapes(*shorter) == node.shape:
                    shapes = shorter
                    given = [*given[:k], self._input(program.steps[i][2][0], leaves), *given[k + 1 :]]
        return given

    def _called(self, primitive: Primitive, given: list[Value], params: tuple) -> Value:
        reference = primitive.numpy or primitive.reference
        known: list[Value] = [self._parameter(one) for one in params]
        self.printer.helpers.hint = _numbered(primitive.name, params)
        value = Body(lambda _: None, self.printer.helpers.call).called(reference, [*given, *known], {})
        if isinstance(value, Known):
            node = value.written()
            array = isinstance(value.value, np.ndarray)
            return Code(node, value.value.dtype) if array else value
        if isinstance(value, Code):
            return value
        return Code(lifted(value))

    def _parameter(self, value: Any) -> Value:
        """A static parameter; a Program in it is a function."""
        if isinstance(value, Program):
            return Code(name(self.printer.helpers.program(value, self.printer)))
        if type(value) is tuple and any(isinstance(one, Program) for one in value):
            return Several([self._parameter(one) for one in value], tuple)
        return Known(value)

    def _part(self, number: int, primitive: Primitive, given: list[Value], params: tuple, refs: tuple) -> Value:
        """One of several results. The call is written where the first of them is."""
        key = (primitive.name, refs, params[:-1])
        if key not in self.calls:
            self.calls[key] = number
            self.made_call = self._called(primitive, given, params[:-1])
            assert isinstance(self.made_call, Code)
            self.printer.helpers.several[number] = self.made_call.node
        index = ast.Constant(params[-1])
        return Code(ast.Subscript(name(f"several{self.calls[key]}"), index, ast.Load()))

    def merged(
        self, program: Program, leaves: Sequence[Value], used: set[str]
    ) -> tuple[list[tuple[str, str]], list[str]]:
        """The statements that are left when short expressions that are read once are put where they are read."""
        several = self.printer.helpers.several
        outputs = [lifted(self._input(i, leaves)) for i in program.outputs]
        nodes: dict[str, ast.expr] = {}
        for i, value in enumerate(self.values):
            if i in several:
                nodes[f"several{i}"] = several.pop(i)
            if isinstance(value, Code):
                nodes[f"step{i}"] = value.node
        reads = Counter(_names([*nodes.values(), *outputs]))
        put: dict[str, ast.expr] = {}
        lines: list[tuple[str, str]] = []
        count = 0
        for variable, expression in nodes.items():
            if not reads[variable]:
                continue
            node = _put(expression, put)
            text = text_of(node)
            if isinstance(node, (ast.Name, ast.Constant)) or (reads[variable] == 1 and len(text) <= SHORT):
                put[variable] = node
                continue
            while f"v{count}" in used:
                count += 1
            used.add(f"v{count}")
            comment = "" if variable.startswith("several") else self._type(int(variable[4:]))
            lines.append((f"v{count} = {text}", comment))
            put[variable] = name(f"v{count}")
        return lines, [text_of(_put(one, put)) for one in outputs]

    def _type(self, number: int) -> str:
        node = self.nodes[number]
        return typed(node.dtype.name, node.shape)


class _Helpers:
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
            found = _new("c0", self.taken)
            self._constants[key] = found
            self._written.append(f"{found} = {_arraytext_of(array)}  # {typed(array.dtype.name, array.shape)}")
        return self._constants[key]

    def program(self, program: Program, printer: _Printer) -> str:
        """The name of a function that runs a Program."""
        key = (program,)
        if key not in self._names:
            found = self._names[key] = _new("part0", self.taken)
            arguments = [f"a{i}" for i in range(len(program.leaves))]
            used = {*self.taken, *arguments}
            leaves: list[Value] = [
                Code(name(one), np.dtype(leaf[0])) for one, leaf in zip(arguments, program.leaves, strict=True)
            ]
            outside, self.several = self.several, {}
            rewritten, kept = _rewritten(program, [None] * len(leaves))
            lines, results = printer.statements(rewritten, [leaves[i] for i in kept], used)
            self.several = outside
            rows = [*lines, (f"return [{', '.join(results)}]", "")]
            self._functions[found] = f"def {found}({', '.join(arguments)}):\n" + _laid_out(rows)
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
        text = _laid_out([(text_of(one), "") for one in found.body])
        key = (hint, *found.parameters, text)
        if key not in self._names:
            called = self._names[key] = _new(hint, self.taken)
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
                scalar = _new(_hint(of, []) + "_of_number", self.taken)
                body = _laid_out([(text_of(one), "") for one in found.body])
                self._functions[scalar] = f"def {scalar}({', '.join(found.parameters)}):\n{body}"
            else:
                scalar = text_of(Known(of).written())
            called = self._names[key] = _new(_hint(of, []), self.taken)
            self._functions[called] = f"{called} = np.vectorize({scalar}, otypes=[np.{_result_type(function).name}])"
        return self._names[key]


def _result_type(function: Any) -> np.dtype:
    return np.dtype(function.otypes[0])


def _hint(function: Callable, args: list[Value]) -> str:
    """What a function is called as a helper: its own name, with the whole numbers that it is made for."""
    own = function.__name__.strip("_").removesuffix("_reference")
    return _numbered(_identifier(own, "part"), [one.value for one in args if isinstance(one, Known)])


def _numbered(wanted: str, params: Sequence[Any]) -> str:
    """A name with the whole numbers among some parameters; m is minus."""
    return "_".join([wanted, *[str(abs(one)) + "m" * (one < 0) for one in params if type(one) is int]])


def _expression(found: Specialised) -> ast.expr | None:
    """What a function returns, with its arguments put in, if it is one expression that repeats no work."""
    if len(found.body) != 1 or not isinstance(found.body[0], ast.Return) or found.body[0].value is None:
        return None
    expression = found.body[0].value
    reads = Counter(_names([expression]))
    for key, one in found.parameters.items():
        if reads[key] > 1 and not isinstance(one.node, ast.Name):
            return None
    return _put(expression, {key: one.node for key, one in found.parameters.items()})


def _names(nodes: Sequence[ast.AST]) -> list[str]:
    return [one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)]


class _Put(ast.NodeTransformer):
    def __init__(self, by_name: dict[str, ast.expr]):
        self.by_name = by_name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.by_name.get(node.id, node)


def _put(node: ast.expr, by_name: dict[str, ast.expr]) -> ast.expr:
    """An expression with others in place of names. Nothing that is shared is changed."""
    return _Put(by_name).visit(copy.deepcopy(node))


def _rewritten(program: Program, values: Sequence[Any]) -> tuple[Program, Sequence[int]]:
    """What runs in place of a Program, and which of its leaves that reads."""
    leaves: Sequence[int] = range(len(program.leaves))
    if settings().stabilise and concerns(program):
        found = stabilise(program, values)
        program, leaves = found.program, found.leaves
    program = rewrite(widen(program))
    if any(node.dtype is bfloat16 for made in rebuild(program) for node in made):
        raise ArgumentError("NumPy has no bfloat16, so this cannot be written as NumPy code; cast to float32 first")
    return program, leaves


def _outputs(program: Program) -> list[Node]:
    leaves, nodes = rebuild(program)
    return [nodes[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]


def _laid_out(rows: Sequence[tuple[str, str]]) -> str:
    """Statements with comments in one column."""
    column = min(max([len(text) for text, comment in rows if comment], default=0), 44) + 4
    lines = []
    for text, comment in rows:
        *first, last = textwrap.indent(text, "    ").splitlines()
        lines += [*first, f"{last:{column + 2}}  # {comment}" if comment else last]
    return "\n".join(lines)


def _display(structure: Any, flat: Any) -> str:
    """A nest as code."""
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key!r}: {_display(one, flat)}" for key, one in sorted(structure.items())) + "}"
    if isinstance(structure, (list, tuple)):
        inside = ", ".join(_display(one, flat) for one in structure)
        return f"[{inside}]" if isinstance(structure, list) else f"({inside}{',' * (len(structure) == 1)})"
    value = next(flat)
    if isinstance(structure, Leaf):
        return value
    if value is None or isinstance(value, (str, bool, int, float)):
        return repr(value)
    raise ArgumentError(f"the function returns {value!r:.60}, which cannot be written as NumPy code")


def _arraytext_of(array: np.ndarray) -> str:
    kind = f"np.{_numpy_name(array.dtype.name)}"
    if array.size and (array == array.flat[0]).all():
        return f"np.full({array.shape}, {text_of(Known(array.flat[0].item()).written())}, {kind})"
    if array.size <= 64 * LARGEST_ARRAY and np.isfinite(array).all():
        return f"np.array({array.tolist()}, {kind})"
    return f'np.frombuffer(bytes.fromhex("{array.tobytes().hex()}"), {kind}).reshape({array.shape})'


def _numpy_name(dtype: str) -> str:
    return "bool_" if as_dtype(dtype).is_bool else dtype


def _identifier(wanted: str, otherwise: str) -> str:
    if wanted in ("np", "math"):
        return f"{wanted}_"
    return wanted if wanted.isidentifier() and not keyword.iskeyword(wanted) else otherwise


def _new(wanted: str, used: set[str]) -> str:
    """A name that is not used yet: the wanted one, or one with another number at its end."""
    found, number = wanted, 0
    stem = wanted[:-1] if wanted[-1] == "0" and not wanted[-2:-1].isdigit() else wanted + "_"
    letters = "bcdefghijklmnopqrstuvwxyz"
    while found in used:
        number += 1
        found = f"{stem}{number}" if wanted[-1] == "0" else f"{stem}{letters[(number - 1) % 25]}{number // 26 or ''}"
    used.add(found)
    return found
