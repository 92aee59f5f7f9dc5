"""`gradtape.function`: a function's operations, recorded once for each signature and run without Python.

    call ── signature ──known──► values of arguments, variables and constants ──► kernels ──► results, assignments
               └──new──► trace: run the Python function on placeholders, keep the Program

Under an open tape, and inside the trace of another function, the Program's operations are made again as nodes, so
gradients of any order and fusion go through it.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from types import MethodType
from typing import Any
from weakref import ref

from gradtape import config
from gradtape.config import settings
from gradtape.engine.run import value_of
from gradtape.engine.tiers import Runner, Stabiliser, runner
from gradtape.errors import ArgumentError, RetracingWarning
from gradtape.graph.dtypes import DType
from gradtape.graph.handles import Handle, as_node
from gradtape.graph.node import TABLE, Node, recordings
from gradtape.graph.program import Program
from gradtape.graph.shapes import Shape
from gradtape.graph.trace import apply, computation, rely, thread, watched
from gradtape.modes import nest
from gradtape.modes.transformed import global_name
from gradtape.staging.capture import Capture, kept, placeholder, tracing
from gradtape.staging.loop import WHILE
from gradtape.staging.signature import TensorSpec, describe, difference, replaced
from gradtape.tensor import Tensor, known
from gradtape.variable import Variable

OFTEN = 5
"""From this many traces on, retracing is reported if most calls trace."""


class Function:
    """A function that is traced; made by `gradtape.function`.

    python_function     what was traced
    """

    def __init__(self, f: Callable[..., Any], input_signature: Sequence[TensorSpec] | None = None):
        functools.update_wrapper(self, f)
        self.python_function = f
        self.input_signature = None if input_signature is None else list(input_signature)
        self._traced: dict[tuple, Traced] = {}
        self._bound: dict[int, tuple[ref, Function]] = {}  # by the id of the object whose method it is, while it lives
        self._instance: ref | None = None  # whose method this is
        self._calls = 0
        self._last: tuple | None = None
        self._usual: tuple[list[DType], list[Shape], Traced] | None = None  # of the last call with tensors alone
        self._open: dict[tuple, list[Variable]] = {}  # for a signature those read whose shapes are open, and matter too

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls += 1
        if config.unusual and config.settings().observes and thread.capture is None:
            return self._eagerly(args, kwargs)
        if self._usual is not None and not kwargs:
            dtypes, shapes, traced = self._usual
            values = _values_like(dtypes, shapes, args)
            if values is not None and not recordings.get() and thread.capture is None:
                return traced.call(values)
        if kwargs or self.input_signature is not None:
            args, kwargs = self._canonical(args, kwargs)
        key: list[Hashable] = []
        nodes: list[Node] = []
        for value in args:
            describe(value, key, nodes)
        for name in kwargs:
            key.append((str, name))
            describe(kwargs[name], key, nodes)
        signature = tuple(key)
        whole = self._with_shapes(signature) if self._open else signature
        traced = self._traced.get(whole) or self._trace(signature, args, kwargs, nodes)
        if recordings.get() or thread.capture is not None:
            if traced.rules or (traced.loops and thread.capture is None) or any(map(watched, traced.relied)):
                return self._eagerly(args, kwargs)
            return traced.inline(nodes)
        if not kwargs and not traced.open and all(type(value) is Tensor for value in args):
            self._usual = [node.dtype for node in nodes], [node.shape for node in nodes], traced
        return traced.call([_value(node) for node in nodes])

    def __get__(self, instance: Any, owner: Any = None) -> Function:
        if instance is None:
            return self
        key = id(instance)
        if key not in self._bound:
            bound, f = self._bound, self.python_function
            alive = ref(instance, lambda _: bound.pop(key, None))
            method = functools.wraps(f)(lambda *args, **kwargs: f(alive(), *args, **kwargs))
            del method.__wrapped__  # its signature has `self`
            method.__signature__ = inspect.signature(MethodType(f, instance))  # type: ignore[attr-defined]
            made = Function(method, self.input_signature)
            made._instance = alive
            bound[key] = alive, made
        return Method(self._bound[key][1], instance)

    def __eq__(self, other: object) -> bool:
        """Whether the same Python function is traced for the same signature; traces do not matter."""
        if not isinstance(other, Function):
            return NotImplemented
        return self is other or (
            self.python_function == other.python_function and self.input_signature == other.input_signature
        )

    def __hash__(self) -> int:
        return hash(self.python_function)

    def __reduce__(self) -> str | tuple:
        """By name if it is a module's, as functions are; else what it was made of. Traces stay where they are."""
        if self._instance is not None:
            return getattr, (self._instance(), self.python_function.__name__)
        return global_name(self) or (Function, (self.python_function, self.input_signature))

    def __repr__(self) -> str:
        return f"<gradtape.function {_name(self.python_function)}, {len(self._traced)} traces>"

    def experimental_get_tracing_count(self) -> int:
        """How often the Python function was traced."""
        return len(self._traced)

    @property
    def programs(self) -> list[Program]:
        """The Programs of all traces."""
        return [traced.program for traced in self._traced.values()]

    @property
    def leaf_values(self) -> list[list[Any]]:
        """For each of these what is known of the values of its leaves; None for arguments and variables."""
        return [traced.leaf_values() for traced in self._traced.values()]

    def _eagerly(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call the Python function, so that each operation is seen on its own line."""
        if self.input_signature is not None:
            args, kwargs = self._canonical(args, kwargs)
        nodes: list[Node] = []
        for value in (*args, *kwargs.values()):
            describe(value, [], nodes)
        supply = iter(nodes)
        return self.python_function(
            *[replaced(value, supply.__next__) for value in args],
            **{name: replaced(value, supply.__next__) for name, value in kwargs.items()},
        )

    def _canonical(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Arguments by position as far as possible, checked against the input_signature."""
        if kwargs:
            try:
                bound = inspect.signature(self.python_function).bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{_name(self.python_function)}: {error}") from None
            args, kwargs = bound.args, dict(sorted(bound.kwargs.items()))
        if self.input_signature is not None:
            if kwargs or len(args) != len(self.input_signature):
                raise ArgumentError(
                    f"{_name(self.python_function)} has an input_signature of {len(self.input_signature)} tensors, "
                    f"but the call has {len(args) + len(kwargs)} arguments"
                )
            args = tuple(
                spec.check(value, f"argument {i} of {_name(self.python_function)}")
                for i, (spec, value) in enumerate(zip(self.input_signature, args, strict=True))
            )
        return args, kwargs

    def _trace(self, signature: tuple, args: tuple, kwargs: dict[str, Any], nodes: list[Node]) -> Traced:
        traced = Traced(self.python_function, args, kwargs, nodes)
        if traced.open:
            known = self._open.setdefault(signature, [])
            known += [variable for variable in traced.open if all(variable is not one for one in known)]
            signature = self._with_shapes(signature)
        self._traced[signature] = traced
        count = len(self._traced)
        if count >= OFTEN and count * 2 > self._calls and self._last is not None and self.input_signature is None:
            why = difference(self._last, signature)
            warnings.warn(
                f"{_name(self.python_function)} was traced {count} times in {self._calls} calls: {why}. "
                "Each trace runs the Python function again and may compile",
                RetracingWarning,
                stacklevel=3,
            )
        self._last = signature
        return traced

    def _with_shapes(self, signature: tuple) -> tuple:
        """A signature together with the present shapes of variables that were read under it and may change theirs."""
        variables = self._open.get(signature)
        return signature if variables is None else (*signature, ("shapes", tuple([v.leaf.shape for v in variables])))


class Method(Function):
    """A traced method of one object: what is traced does not keep the object, who holds the method does."""

    def __init__(self, traced: Function, instance: Any):
        self._method = traced
        self.__self__ = instance
        self.__module__, self.__doc__ = traced.__module__, traced.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_method":  # of one that is not made yet
            raise AttributeError(name)
        return getattr(self._method, name)


class Traced:
    """One trace: a Program, and where its leaves and results belong.

    variables   those that are read; after the arguments, they are the leaves
    open        those of them whose values may have another shape the next time
    constants   nodes that the function saw when it was traced; before them come so many that are `given`
    assigned    variables that get the last results
    loops       whether there are loops whose length depends on values
    rules       whether there are derivatives of the user, which belong to the tensors that the function saw
    relied      leaves that were taken for constants: for who watches one, this is another function
    """

    def __init__(self, f: Callable[..., Any], args: tuple, kwargs: dict[str, Any], nodes: list[Node]):
        capture = Capture(_name(f))
        places = [placeholder(node.shape, node.dtype) for node in nodes]
        with tracing(capture) as trace:
            supply = iter(places)
            result = f(
                *[replaced(value, supply.__next__) for value in args],
                **{name: replaced(value, supply.__next__) for name, value in kwargs.items()},
            )
            self.structure = None if isinstance(result, Handle) else (result,)
            self.plain = type(result) if type(result) in (list, tuple) else None
            self.flat = [one if kept(one) else None for one in nest.flatten(result)]
            results = [as_node(one) for one in nest.flatten(result) if not kept(one)]
            self.places = [i for i, one in enumerate(nest.flatten(result)) if not kept(one)]
            self.assigned = list(capture.assigned.values())
            outputs = [*results, *[capture.now[id(variable)] for variable in self.assigned]]
            numbers = [trace[node] for node in outputs]
            if self.plain and not all(isinstance(one, Handle) for one in result):
                self.plain = None
        self.alone = self.structure is None and not self.assigned
        self.shapes = [node.shape for node in outputs]
        self.dtypes = [node.dtype for node in outputs]
        self.variables = [variable for variable, _ in capture.read.values()]
        self.open = [variable for variable in self.variables if variable.open]
        at = {node: i for i, node in enumerate(chain(places, (place for _, place in capture.read.values())))}
        self.program = Program((), (), ())
        self.pick: list[int] | None = None  # the leaves among all these, if they are not all, in this order
        self.given = len(at)
        self.constants: list[Node] = []
        self.run: Runner | Stabiliser | None = None
        if numbers:
            made = computation(trace.prefix, numbers, len(numbers))
            self.program = made.program
            leaves = [trace.at[i] for i in made.leaves]
            for node in leaves:
                if node not in at:
                    at[node] = len(at)
                    self.constants.append(node)
            order = [at[node] for node in leaves]
            if order != list(range(len(at))):
                self.pick = order
        self.relied = list(capture.relied)
        self.loops = any(name == WHILE.name for name, _, _ in self.program.steps)
        self.rules = any(TABLE[name].kind == "custom" for name, _, _ in self.program.steps)

    def leaf_values(self) -> list[Any]:
        """The values of the Program's leaves, as far as they are known."""
        values = [*[None] * self.given, *[node.value for node in self.constants]]
        return values if self.pick is None else [values[i] for i in self.pick]

    def call(self, values: list[Any]) -> Any:
        """Run on the values of the arguments."""
        run = self.run
        if run is None:
            tier = settings().tier
            self.values = [_value(node) for node in self.constants]
            run = self.run = runner(self.program, "fused" if tier == "auto" else tier)
        if self.variables:
            values += [variable.held.value for variable in self.variables]
        if self.values:
            values += self.values
        if self.pick is not None:
            values = [values[i] for i in self.pick]
        results = run.run(values)
        if self.alone:
            return known(results[0], self.shapes[0], self.dtypes[0])
        tensors = list(map(known, results, self.shapes, self.dtypes))
        if self.assigned:
            for variable in reversed(self.assigned):
                variable.held = tensors.pop().node
        return self._packed(tensors)

    def inline(self, nodes: list[Node]) -> Any:
        """Make the operations again on the nodes of the arguments, for tapes and other traces to see."""
        for leaf in self.relied:
            rely(leaf)
        given = [*nodes, *[variable.node for variable in self.variables], *self.constants]
        leaves = given if self.pick is None else [given[i] for i in self.pick]
        made: list[Node] = []
        for name, params, refs in self.program.steps:
            made.append(apply(TABLE[name], tuple([made[i] if i >= 0 else leaves[-1 - i] for i in refs]), params))
        results = [Tensor(made[i] if i >= 0 else leaves[-1 - i]) for i in self.program.outputs]
        for variable, tensor in zip(self.assigned, results[len(results) - len(self.assigned) :], strict=True):
            variable.assign(tensor)
        return self._packed(results[: len(results) - len(self.assigned)])

    def _packed(self, tensors: list[Any]) -> Any:
        if self.structure is None:
            return tensors[0]
        if self.plain is not None:
            return tensors if self.plain is list else tuple(tensors)
        flat = self.flat.copy()
        for place, tensor in zip(self.places, tensors, strict=True):
            flat[place] = tensor
        return nest.pack(self.structure[0], flat)


def _values_like(dtypes: list[DType], shapes: list[Shape], args: tuple) -> list[Any] | None:
    """The values of arguments that are all tensors of these types and shapes; None if they are not, or not known."""
    if len(args) != len(dtypes):
        return None
    values = []
    for tensor, dtype, shape in zip(args, dtypes, shapes):  # noqa: B905 # strict takes time
        if type(tensor) is not Tensor:
            return None
        node = tensor.node
        value = node.value
        if value is None or node.dtype is not dtype or node.shape != shape:
            return None
        values.append(value)
    return values


def _value(node: Node) -> Any:
    value_of(node)
    return node.value


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Sequence[TensorSpec] | None = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
) -> Any:
    """Make a function that is traced once for each signature, and then runs as kernels, without Python.

    func                what to trace; without it, a decorator is returned
    input_signature     a TensorSpec for each argument: what the calls must be like
    autograph           taken for TensorFlow's sake: Python source is never rewritten. Conditions and loops on values
                        are written with `where`, `cond` and `while_loop`; an ``if`` on a tensor is a ControlFlowError
    jit_compile         taken for TensorFlow's sake: all is compiled
    reduce_retracing    taken for TensorFlow's sake

    The signature of a call: the shapes and types of tensors and NumPy arrays, the structure of lists, tuples and dicts,
    and the values of everything else, Python numbers among them. Variables are read and assigned at each call. What
    else Python does (printing, appending to lists) happens when a function is traced. Tapes work inside and outside.
    If a function is traced again and again, a RetracingWarning says what changes.

    >>> import gradtape as tf
    >>> @tf.function
    ... def slope(x):
    ...     with tf.GradientTape() as tape:
    ...         tape.watch(x)
    ...         y = x**3
    ...     return tape.gradient(y, x)
    >>> slope(tf.constant(2.)).numpy()
    np.float32(12.0)

    Raises ControlFlowError where the value of a tensor is needed while tracing.
    """
    if func is None:
        return lambda f: function(f, input_signature)
    if not callable(func):
        raise ArgumentError(f"gradtape.function makes a traced function of a function, not of {func!r:.60}")
    if input_signature is not None and not all(isinstance(spec, TensorSpec) for spec in input_signature):
        raise ArgumentError("input_signature must be a list of TensorSpec(shape, dtype)")
    return Function(func, input_signature)
