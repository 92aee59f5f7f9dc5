"""`gradtape.source`: a function, its derivative for instance, as NumPy code that runs without gradtape.

    Calculation ──rewritten──► one statement per operation ──what is read once is put in──► text

What an operation is in NumPy, its row of the table says: the code of its reference, specialised for its parameters. An
expression is put in place; anything longer becomes a helper above the function.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtape.config import settings
from gradtape.engine.widen import widen
from gradtape.errors import ArgumentError
from gradtape.graph.dtypes import bfloat16, bfloat16_reference
from gradtape.graph.node import READ, TABLE, Node, Primitive
from gradtape.graph.program import Program, rebuild, typed
from gradtape.modes import nest
from gradtape.ops.declare import CAST
from gradtape.portable.calculation import Calculation, Leaf, calculation
from gradtape.portable.expressions import shortest
from gradtape.portable.helpers import Helpers, identifier, laid_out, names_in, new_name, numbered, numpy_name, put_in
from gradtape.portable.specialise import Body
from gradtape.portable.values import Code, Known, Several, Value, held, held_value, lifted, name, text_of
from gradtape.rewrite import rewrite
from gradtape.rewrite.stabilise import concerns, stabilise

SHORT = 48
"""An expression of so many characters at most is put into the one that reads it."""


class Source(str):
    """Code. It is shown as it is, not quoted."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def source(f: Any, *args: Any, **kwargs: Any) -> Source:
    """The function f as Python code that needs NumPy alone, and gives the same numbers to rounding.

    f               a function, of which derivatives are the usual case, as in source(grad(f), x); or a Program, or
                    what `load` returned
    args, kwargs    examples of its arguments: tensors, arrays, floats (which count as float32) or TensorSpecs, and
                    nests of them; values do not matter, shapes and types do. Other arguments are what they are. Without
                    any, the function is written for the tensors of its input_signature, else for one float64 number
                    per parameter

    The code is one function with the parameters of f, and above it what it needs: constants, and functions that NumPy
    does not have. Variables that f reads become constants with their present values. Numbers of bfloat16 are held, and
    returned, as float32. A dataclass is read by its attributes; one that is returned is a SimpleNamespace. Operations
    are those that gradtape runs, with formulas replaced that lose digits; equal ones occur once. It raises no warnings.

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
        self.name = identifier(made.name, "function")
        self.helpers = Helpers({self.name, "np", "math", *made.parameters, *made.arguments[1]})

    def text(self) -> str:
        body = self._function(self.made)
        helpers = self.helpers.texts()
        imports = ["import math"] * any("math." in text for text in helpers)
        imports += ["from types import SimpleNamespace"] * ("SimpleNamespace(" in body) + ["", "import numpy as np"]
        parts = ["\n".join(imports).strip(), *([constants] if (constants := self.helpers.constants()) else [])]
        return "\n\n\n".join(["\n\n".join(parts), *helpers, body]) + "\n"

    def _function(self, made: Calculation) -> str:
        used = {self.name, *self.helpers.taken}
        head: list[tuple[str, str]] = []
        places: dict[int, str] = {}
        parameters = [identifier(one, f"a{i}") for i, one in enumerate(made.parameters)]
        for parameter, structure in zip(parameters, made.arguments[0], strict=True):
            self._unpack(parameter, parameter, structure, head, places, used)
        for key, structure in made.arguments[1].items():
            self._unpack(key, key, structure, head, places, used)
        leaves: list[Value] = [
            Code(name(places[leaf]), held(made.inputs[leaf][0])) if isinstance(leaf, int) else self._constant(leaf)
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
        return f'@np.errstate(all="ignore")\ndef {self.name}({ordered}):\n' + laid_out(rows)

    def _unpack(
        self, label: str, path: str, structure: Any, head: list[tuple[str, str]], places: dict[int, str], used: set[str]
    ) -> None:
        """Statements that make arrays of an argument."""
        if isinstance(structure, Leaf):
            dtype, shape = self.made.inputs[structure.number]
            variable = label if label == path else new_name(label, used)
            places[structure.number] = variable
            used.add(variable)
            array: Value = Code(ast.parse(f"np.asarray({path}, np.{numpy_name(dtype)})", mode="eval").body, held(dtype))
            if dtype == bfloat16.name:
                array = self.rounded(array)
            head.append((f"{variable} = {text_of(lifted(array))}", typed(dtype, shape)))
        elif isinstance(structure, dict):
            for key, one in structure.items():
                self._unpack(identifier(f"{label}_{key}", label), f"{path}[{key!r}]", one, head, places, used)
        elif isinstance(structure, (list, tuple)):
            for i, one in enumerate(structure):
                part = structure._fields[i] if hasattr(structure, "_fields") else i
                self._unpack(f"{label}_{part}", f"{path}[{i}]", one, head, places, used)
        elif nest.is_nest(structure):  # a dataclass
            for field, one in nest.parts(structure):
                self._unpack(f"{label}_{field}", f"{path}.{field}", one, head, places, used)

    def rounded(self, value: Value) -> Value:
        """Rounded to bfloat16."""
        return self.helpers.call(bfloat16_reference, [value], {})

    def _constant(self, array: np.ndarray) -> Value:
        array = held_value(array)
        if array.ndim == 0:
            return Known(array[()])
        return Code(name(self.helpers.constant(array)), array.dtype)

    def part(self, program: Program, leaves: list[Value], used: set[str]) -> tuple[list[tuple[str, str]], list[str]]:
        """The statements of a Program that is a parameter, whose leaves are not known."""
        program, kept = _rewritten(program, [None] * len(leaves))
        return self.statements(program, [leaves[i] for i in kept], used)

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
        self.filled: dict[int, Known] = {}  # the number that all elements of a result are, by its step
        self.calls: dict[tuple, int] = {}
        self.nodes: list[Node] = []
        self.refs: list[Sequence[int]] = []

    def of(self, program: Program, nodes: list[Node], leaves: Sequence[Value]) -> _Steps:
        self.nodes, self.refs = nodes, [refs for _, _, refs in program.steps]
        for number, (operation, params, refs) in enumerate(program.steps):
            primitive, node = TABLE[operation], nodes[number]
            number_of_all = self._filled(primitive, params, refs, leaves, node)
            if number_of_all is not None:
                self.filled[number] = number_of_all
                full = ast.parse(f"np.full({node.shape}, 0, np.{numpy_name(node.dtype.name)})", mode="eval").body
                full.args[1] = lifted(Known(shortest(number_of_all.value)))  # type: ignore[attr-defined]
                self.values.append(Code(full, held(node.dtype)))
                continue
            given = [self._input(i, leaves) for i in refs]
            if primitive.lowering is not None and primitive.lowering is not READ and node.op is not None:
                given = self._without_broadcasts(given, program, refs, leaves, node)
            if primitive is CAST and node.dtype is bfloat16 and self._is_rounded(refs[0]):
                value: Value = given[0]
            elif primitive.several:
                value = self._part(number, primitive, given, params, refs)
            else:
                value = self._called(primitive, given, params)
            if node.dtype is bfloat16 and (primitive.reduction or (primitive.halves and primitive.lowering is None)):
                value = self.printer.rounded(value)  # it rounds by itself, which its reference does not
            self.values.append(Code(value.node, held(node.dtype)) if isinstance(value, Code) else value)
        return self

    def _input(self, i: int, leaves: Sequence[Value]) -> Value:
        if i < 0:
            return leaves[-1 - i]
        value = self.values[i]
        return Code(name(f"step{i}"), value.dtype) if isinstance(value, Code) else value

    def _filled(
        self, primitive: Primitive, params: tuple, refs: Sequence[int], leaves: Sequence[Value], node: Node
    ) -> Known | None:
        """The number that all elements of a result are, if it is known: a number that is repeated, and what is made of
        such element by element."""
        values = [self.filled.get(i, self._input(i, leaves)) for i in refs]
        if not node.shape or not values or primitive.several or not all(_is_number(one) for one in values):
            return None
        if primitive.view is not None or primitive.lowering is READ:
            return values[0]  # type: ignore[return-value]
        if not primitive.pointwise:
            return None
        made = self._called(primitive, values, params)
        return Known(held(node.dtype).type(made.value)) if _is_number(made) else None  # type: ignore[union-attr]

    def _is_rounded(self, i: int) -> bool:
        """Whether a result has numbers of bfloat16, whatever its type."""
        while i >= 0 and self.nodes[i].dtype is not bfloat16:
            made = self.nodes[i].op
            if made is None or made[0] is not CAST or not self.nodes[i].dtype.is_floating:
                return False
            i = self.refs[i][0]
        return i >= 0

    def _without_broadcasts(
        self, given: list[Value], program: Program, refs: Sequence[int], leaves: Sequence[Value], node: Node
    ) -> list[Value]:
        """The inputs of an elementwise operation, not repeated to its shape where it does that itself."""
        assert node.op is not None
        shapes = [x.shape for x in node.op[1]]
        for k, i in enumerate(refs):
            if i in self.filled:
                shorter = [*shapes[:k], (), *shapes[k + 1 :]]
                if np.broadcast_shapes(*shorter) == node.shape:
                    shapes = shorter
                    given = [*given[:k], self.filled[i], *given[k + 1 :]]
            elif i >= 0 and TABLE[program.steps[i][0]].lowering is READ:
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
        self.printer.helpers.hint = numbered(primitive.name, params)
        value = Body(lambda _: None, self.printer.helpers.call).called(reference, [*given, *known], {})
        if isinstance(value, Known):
            if isinstance(value.value, (np.generic, np.ndarray)) and value.value.dtype.name == bfloat16.name:
                value = Known(held_value(value.value))
            node = value.written()
            array = isinstance(value.value, np.ndarray)
            return Code(node, value.value.dtype) if array else value
        if isinstance(value, Code):
            return value
        return Code(lifted(value))

    def _parameter(self, value: Any) -> Value:
        """A static parameter; a Program in it is a function."""
        if isinstance(value, Program):
            return Code(name(self.printer.helpers.program(value, self.printer.part)))
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
        reads = Counter(names_in([*nodes.values(), *outputs]))
        put: dict[str, ast.expr] = {}
        lines: list[tuple[str, str]] = []
        count = 0
        for variable, expression in nodes.items():
            if not reads[variable]:
                continue
            node = put_in(expression, put)
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
        return lines, [text_of(put_in(one, put)) for one in outputs]

    def _type(self, number: int) -> str:
        node = self.nodes[number]
        return typed(node.dtype.name, node.shape)


def _is_number(value: Value) -> bool:
    return isinstance(value, Known) and isinstance(value.value, (np.generic, bool, int, float))


def _rewritten(program: Program, values: Sequence[Any]) -> tuple[Program, Sequence[int]]:
    """What runs in place of a Program, and which of its leaves that reads."""
    leaves: Sequence[int] = range(len(program.leaves))
    if settings().stabilise and concerns(program):
        found = stabilise(program, values)
        program, leaves = found.program, found.leaves
    return rewrite(widen(program)), leaves


def _outputs(program: Program) -> list[Node]:
    leaves, nodes = rebuild(program)
    return [nodes[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]


def _display(structure: Any, flat: Any) -> str:
    """A nest as code."""
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key!r}: {_display(one, flat)}" for key, one in sorted(structure.items())) + "}"
    if isinstance(structure, (list, tuple)):
        inside = ", ".join(_display(one, flat) for one in structure)
        return f"[{inside}]" if isinstance(structure, list) else f"({inside}{',' * (len(structure) == 1)})"
    if nest.is_nest(structure):  # a dataclass
        inside = ", ".join(f"{field}={_display(one, flat)}" for field, one in nest.parts(structure))
        return f"SimpleNamespace({inside})"
    value = next(flat)
    if isinstance(structure, Leaf):
        return value
    if value is None or isinstance(value, (str, bool, int, float)):
        return repr(value)
    raise ArgumentError(f"the function returns {value!r:.60}, which cannot be written as NumPy code")
