"""Calculation: a Program with what belongs to its leaves and results, so that it can be called like the function that
it was made of. It is a value: equal if it computes the same from the same, and it can be pickled.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np

from gradtape.engine.run import value_of
from gradtape.engine.tiers import runner
from gradtape.errors import ArgumentError, DTypeError, ShapeError
from gradtape.graph.dtypes import as_dtype
from gradtape.graph.handles import Handle, as_node
from gradtape.graph.node import TABLE, Buffer, Node, held, recordings
from gradtape.graph.program import Program, Signature, rebuild, typed, without_unread
from gradtape.graph.trace import apply, thread
from gradtape.modes import nest
from gradtape.modes.transformed import Transformed
from gradtape.ops.custom import shown
from gradtape.staging.function import Function, Traced
from gradtape.staging.signature import TensorSpec
from gradtape.tensor import Tensor


class Leaf:
    """Stands in a nest for a tensor: the input or result with this number."""

    __slots__ = ("number",)

    def __init__(self, number: int):
        self.number = number

    def __repr__(self) -> str:
        return f"Leaf({self.number})"

    def __reduce__(self) -> tuple:
        return Leaf, (self.number,)


class Calculation:
    """What a function computes from arguments of known shapes and types, without the function.

    name         what the function was called
    parameters   names of its positional parameters
    arguments    what a call is like: its positional arguments and those by name, with a Leaf for each tensor
    result       what it returns, with a Leaf for each tensor
    inputs       element type and shape of each input
    program      the operations
    leaves       for each leaf of the Program the number of an input, or the array that it always is

    It is called with arrays or Tensors and returns Tensors. Tapes see its operations.
    """

    def __init__(
        self,
        name: str,
        parameters: Sequence[str],
        arguments: tuple[tuple, dict[str, Any]],
        result: Any,
        inputs: Sequence[Signature],
        program: Program,
        leaves: Sequence[int | np.ndarray],
    ):
        self.name = name
        self.parameters = tuple(parameters)
        self.arguments = arguments
        self.result = result
        self.inputs = tuple(inputs)
        self.program = program
        self.leaves = tuple(leaves)
        self._constants = [
            leaf if isinstance(leaf, int) else Node(None, held(np.array(leaf)), leaf.shape, as_dtype(leaf.dtype))
            for leaf in self.leaves
        ]
        self._run: Callable[[list[Any]], Sequence[Any]] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given: dict[int, Node] = {}
        self._read(self.arguments[0], args, "the positional arguments", given)
        self._read(self.arguments[1], kwargs, "the arguments by name", given)
        leaves = [given[leaf] if isinstance(leaf, int) else leaf for leaf in self._constants]
        if recordings.get() or thread.capture is not None:
            return self._packed(self._inlined(leaves))
        if self._run is None:
            self._run = runner(self.program, "fused").run
            self._types = [(node.shape, node.dtype) for node in _outputs(self.program)]
        for node in leaves:
            value_of(node)
        results = self._run([node.value for node in leaves])
        return self._packed([Node(None, value, *kind) for value, kind in zip(results, self._types, strict=True)])

    def _read(self, structure: Any, value: Any, where: str, given: dict[int, Node]) -> None:
        """Put the tensors of an argument where they belong; an error if the argument is not like `structure`."""
        if isinstance(structure, Leaf):
            dtype, shape = self.inputs[structure.number]
            typeless = isinstance(value, (int, float, list, tuple)) and not isinstance(value, np.generic)
            node = as_node(value, as_dtype(dtype) if typeless else None)
            if node.dtype.name != dtype:
                raise DTypeError(
                    f"{self.name} takes {typed(dtype, shape)} in {where}, but {node.dtype.name} was given; use cast"
                )
            if node.shape != shape:
                raise ShapeError(
                    f"{self.name} takes {typed(dtype, shape)} in {where}, but the shape {node.shape} was given; "
                    "it was made for these lengths alone"
                )
            given[structure.number] = node
        elif isinstance(structure, dict):
            if not isinstance(value, dict) or value.keys() != structure.keys():
                raise ArgumentError(f"{self.name} takes {', '.join(map(str, structure)) or 'nothing'} in {where}")
            for key, one in structure.items():
                self._read(one, value[key], f"{where}, {key!r}", given)
        elif isinstance(structure, (list, tuple)):
            if not isinstance(value, (list, tuple)) or len(value) != len(structure):
                got = len(value) if isinstance(value, (list, tuple)) else repr(value)[:60]
                raise ArgumentError(f"{self.name} takes {len(structure)} of {where}, but {got} given")
            for i, (one, other) in enumerate(zip(structure, value, strict=True)):
                self._read(one, other, f"{where}, number {i}", given)
        elif nest.is_nest(structure):  # a dataclass
            if type(value) is not type(structure):
                raise ArgumentError(f"{self.name} takes a {type(structure).__name__} in {where}, not {value!r:.60}")
            for field, one in nest.parts(structure):
                self._read(one, getattr(value, field), f"{where}, {field}", given)
        elif type(value) is not type(structure) or value != structure:
            raise ArgumentError(
                f"{self.name} was made for {structure!r} in {where}, but {value!r} was given; make another for that"
            )

    def _inlined(self, leaves: list[Node]) -> list[Node]:
        """The results as operations on the leaves, for tapes and traces to see."""
        made: list[Node] = []
        for name, params, refs in self.program.steps:
            made.append(apply(TABLE[name], tuple([made[i] if i >= 0 else leaves[-1 - i] for i in refs]), params))
        return [made[i] if i >= 0 else leaves[-1 - i] for i in self.program.outputs]

    def _packed(self, nodes: list[Node]) -> Any:
        return nest.pack(
            self.result,
            [Tensor(nodes[one.number]) if isinstance(one, Leaf) else one for one in nest.flatten(self.result)],
        )

    @property
    def values(self) -> list[Any]:
        """What the leaves are, as far as it is known: numbers and Buffers, None for inputs."""
        return [None if isinstance(leaf, int) else leaf.value for leaf in self._constants]

    def _key(self) -> tuple:
        constants = [leaf if isinstance(leaf, int) else (leaf.shape, leaf.tobytes()) for leaf in self.leaves]
        return self.parameters, repr(self.arguments), repr(self.result), self.inputs, self.program, tuple(constants)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Calculation) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.inputs, self.program))

    def __reduce__(self) -> tuple:
        fields = (self.name, self.parameters, self.arguments, self.result, self.inputs, self.program, self.leaves)
        return Calculation, fields

    def __repr__(self) -> str:
        results = ", ".join(typed(node.dtype.name, node.shape) for node in _outputs(self.program))
        return f"<Calculation {self.name}({', '.join(typed(*one) for one in self.inputs)}) -> {results}>"


def calculation(f: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> Calculation:
    """What f computes from arguments like these.

    f               a function; a Program, of which every leaf is an argument; or a Calculation, which is returned
    args, kwargs    tensors, arrays, Python floats and TensorSpecs become inputs, also in lists, tuples, dicts and
                    dataclasses; everything else stays what it is. Without any, a function with an input_signature
                    has its tensors as inputs, and others one float64 number for each parameter without a default

    Variables that f reads are constants with their present values. Of functions with a derivative that somebody
    declared only what they compute is left; a derivative that was taken before is as declared. Raises ArgumentError for
    what is no function, that assigns Variables, or has a TensorSpec without known lengths.
    """
    if isinstance(f, Calculation):
        return f
    if isinstance(f, Program):
        return _of_program(f)
    if not callable(f):
        raise ArgumentError(f"a function or a Program is needed, but {f!r:.60} was given")
    if not args and not kwargs:
        args = _usual_arguments(f)
    dummies: list[np.ndarray] = []
    given = _inputs(tuple(args), dummies), _inputs(dict(kwargs or {}), dummies)
    positional, named = [
        nest.pack(one, [dummies[leaf.number] if isinstance(leaf, Leaf) else leaf for leaf in nest.flatten(one)])
        for one in given
    ]
    inputs = [Node(None, None, one.shape, as_dtype(one.dtype)) for one in dummies]
    traced = Traced(getattr(f, "python_function", f), positional, named, inputs)
    if traced.assigned:
        names = ", ".join(sorted({variable.name for variable in traced.assigned}))
        raise ArgumentError(f"{_name(f)} assigns {names}: only functions without such effects can be values")
    known = [*range(len(inputs)), *[_array(variable.held) for variable in traced.variables]]
    known += [_array(node) for node in traced.constants]
    program, kept = _without_rules(traced.program)
    places = range(len(known)) if traced.pick is None else traced.pick
    leaves = [known[places[i]] for i in kept]
    numbers = iter(range(len(traced.places)))
    flat = [Leaf(next(numbers)) if i in traced.places else one for i, one in enumerate(traced.flat)]
    result = flat[0] if traced.structure is None else nest.pack(traced.structure[0], flat)
    signature = [(node.dtype.name, node.shape) for node in inputs]
    return Calculation(_name(f), _parameters(f, len(args)), given, result, signature, program, leaves)


def _without_rules(program: Program) -> tuple[Program, list[int]]:
    """The Program without declared derivatives, and which of its leaves it reads."""
    instead: dict[int, int] = {}
    for number, (name, params, refs) in enumerate(program.steps):
        if TABLE[name].kind == "custom":
            instead[number] = instead.get(refs[shown(params)], refs[shown(params)])
    if not instead:
        return program, list(range(len(program.leaves)))
    steps = [(name, params, tuple([instead.get(i, i) for i in refs])) for name, params, refs in program.steps]
    outputs = tuple([instead.get(i, i) for i in program.outputs])
    left = without_unread(Program(program.leaves, tuple(steps), outputs))
    read = sorted({-1 - i for i in [*left.outputs, *[i for _, _, refs in left.steps for i in refs]] if i < 0})
    place = {-1 - leaf: -1 - i for i, leaf in enumerate(read)}
    steps = [(name, params, tuple([place.get(i, i) for i in refs])) for name, params, refs in left.steps]
    leaves = tuple([program.leaves[i] for i in read])
    return Program(leaves, tuple(steps), tuple([place.get(i, i) for i in left.outputs])), read


def _of_program(program: Program) -> Calculation:
    leaves = range(len(program.leaves))
    arguments = tuple([Leaf(i) for i in leaves])
    result = tuple([Leaf(i) for i in range(len(program.outputs))])
    names = [f"a{i}" for i in leaves]
    return Calculation("program", names, (arguments, {}), result, program.leaves, program, leaves)


def _usual_arguments(f: Callable) -> Sequence[Any]:
    if isinstance(f, Function) and f.input_signature is not None:
        return f.input_signature
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        raise ArgumentError(f"the parameters of {_name(f)} cannot be read; give examples of its arguments") from None
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [TensorSpec((), "float64") for _ in needed]


def _inputs(value: Any, dummies: list[np.ndarray]) -> Any:
    """`value` with a Leaf for each tensor, and for each an array without memory of its shape and type."""
    if isinstance(value, dict):
        return {key: _inputs(one, dummies) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        made = [_inputs(one, dummies) for one in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    if nest.is_nest(value):  # a dataclass
        record = copy(value)
        for field, one in nest.parts(value):
            object.__setattr__(record, field, _inputs(one, dummies))
        return record
    if isinstance(value, TensorSpec):
        if value.shape is None or None in value.shape:
            raise ArgumentError(f"{value!r} has unknown lengths; what is made is for known ones, so give them all")
        shape, dtype = value.shape, value.dtype
    elif isinstance(value, Handle):
        shape, dtype = value.leaf.shape if value.assignable else value.node.shape, value.dtype
    elif isinstance(value, (np.ndarray, np.generic, float)):
        node = as_node(value)
        shape, dtype = node.shape, node.dtype
    else:
        return value
    dummies.append(np.broadcast_to(np.zeros((), dtype.dtype), shape))
    return Leaf(len(dummies) - 1)


def _parameters(f: Callable, number: int) -> list[str]:
    """What the positional arguments are called."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    names: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}{i}" for i in range(number - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    names += [f"a{i}" for i in range(len(names), number)]
    return names[:number]


def _array(node: Node) -> np.ndarray:
    value_of(node)
    value = node.value
    return value.array if type(value) is Buffer else np.asarray(value, node.dtype.dtype)


def _outputs(program: Program) -> list[Node]:
    leaves, nodes = rebuild(program)
    return [nodes[i] if i >= 0 else leaves[-1 - i] for i in program.outputs]


def _name(f: Any) -> str:
    """What a function is called; one that a transform made by that and by the function it was made of."""
    own = str(getattr(f, "__name__", type(f).__name__))
    inner = _name(f.__wrapped__) if isinstance(f, Transformed) else ""
    return f"{own}_of_{inner}" if inner.isidentifier() and inner != own else own
