"""Functions with derivatives of their own: what a user says is used in place of what the graph would give.

    custom_vjp        how a cotangent of the result becomes cotangents of the arguments, in JAX's style
    custom_jvp        how tangents of the arguments become one of the result, in JAX's style
    custom_gradient   TensorFlow's: the function returns its result and its gradient; in the module of that name

The function is called as it is, and its results are `declared` to depend on its arguments by a Rule (see `ops.custom`,
which says how a mode reads it). Each Rule knows both directions: one is what the user wrote, the other its transpose.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial, update_wrapper
from typing import Any, cast

from gradtape.errors import GradtapeError, RuleError
from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.modes import nest
from gradtape.modes.reverse import transpose
from gradtape.ops.arithmetic import plus
from gradtape.ops.custom import declared
from gradtape.ops.declare import convert

Nodes = Sequence[Node]
Found = Sequence[Node | None]


class Pulled:
    """A Rule of which `pull` is known."""

    def pull(self, arguments: Nodes, results: Nodes, cotangents: Nodes) -> Found:
        raise NotImplementedError

    def push(self, arguments: Nodes, results: Nodes, tangents: Nodes) -> Found:
        """The transpose of `pull`."""
        return transpose(lambda cts: self.pull(arguments, results, cts), results, tangents)


class Pushed:
    """A Rule of which `push` is known."""

    def push(self, arguments: Nodes, results: Nodes, tangents: Nodes) -> Found:
        raise NotImplementedError

    def pull(self, arguments: Nodes, results: Nodes, cotangents: Nodes) -> Found:
        """The transpose of `push`."""
        return transpose(lambda ts: self.push(arguments, results, ts), arguments, cotangents)


def derivatives_like(values: Sequence[Any], nodes: Nodes, rule: str) -> list[Node | None]:
    """What the user's `rule` returned, as nodes of the shapes and types of `nodes`."""
    if len(values) != len(nodes):
        raise RuleError(f"{rule} returned {len(values)} derivatives, where {len(nodes)} are needed")
    found: list[Node | None] = []
    for i, (value, like) in enumerate(zip(values, nodes, strict=True)):
        if value is None:
            found.append(None)
            continue
        try:
            node = as_node(
                value, None if isinstance(value, (Handle, Node)) or not like.dtype.is_floating else like.dtype
            )
        except GradtapeError as error:
            raise RuleError(f"derivative {i} that {rule} returned must be a tensor or None: {error}") from None
        if node.shape != like.shape:
            raise RuleError(
                f"derivative {i} that {rule} returned must have the shape {like.shape}, but has {node.shape}; "
                "sum it over the axes that were broadcast, or spread it with broadcast_to"
            )
        found.append(convert(node, like.dtype) if like.dtype.is_floating else None)
    return found


class Arguments:
    """The arguments of one call: those that are differentiated, as nodes in the structure that they had, and others.

    nodes   all numbers, arrays and tensors in those that are differentiated
    """

    def __init__(self, given: Sequence[Any], fixed: frozenset[int] = frozenset()):
        self._given = given
        self._fixed = fixed
        self._structure = [x for i, x in enumerate(given) if i not in fixed]
        self.nodes = tuple([as_node(x) for x in nest.flatten(self._structure)])

    def fixed(self) -> list[Any]:
        """The arguments that are not differentiated."""
        return [x for i, x in enumerate(self._given) if i in self._fixed]

    def differentiated(self, nodes: Nodes) -> tuple[Any, ...]:
        """The arguments that are differentiated, made of `nodes`."""
        return tuple(nest.pack(self._structure, [wrap(node) for node in nodes]))

    def all(self, nodes: Nodes) -> list[Any]:
        """All arguments, in their order; those that are differentiated are made of `nodes`."""
        rest = iter(self.differentiated(nodes))
        return [x if i in self._fixed else next(rest) for i, x in enumerate(self._given)]

    def flat_like(self, values: Sequence[Any], what: str) -> list[Any]:
        """Values for the arguments that are differentiated, as one for each node; None stands for a whole argument."""
        if len(values) != len(self._structure):
            raise RuleError(f"{what} returned {len(values)} values for {len(self._structure)} arguments")
        flat: list[Any] = []
        for value, argument in zip(values, self._structure, strict=True):
            number = len(nest.flatten(argument))
            found = [None] * number if value is None else nest.flatten(value)
            if len(found) != number:
                raise RuleError(f"{what} returned {len(found)} values for an argument that has {number}")
            flat += found
        return flat


class _Function:
    """What custom_vjp and custom_jvp have in common: a function that is called as it is."""

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()):
        if not callable(fun):
            raise RuleError(f"{type(self).__name__} is for a function, but {fun!r:.60} was given")
        update_wrapper(cast(Any, self), fun)
        try:
            self._signature: inspect.Signature | None = inspect.signature(fun)
        except (TypeError, ValueError):
            self._signature = None
        self.fun = fun
        self.nondiff_argnums = tuple([nondiff_argnums] if isinstance(nondiff_argnums, int) else nondiff_argnums)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(cast(Any, self), instance)

    def __repr__(self) -> str:
        return f"<gradtape.{type(self).__name__} {_name(self.fun)}>"

    def _arguments(self, args: tuple, kwargs: dict[str, Any]) -> Arguments:
        signature = self._signature
        if signature is not None and (kwargs or len(args) < len(signature.parameters)):
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise RuleError(f"{_name(self.fun)}: {error}") from None
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        if kwargs:
            raise RuleError(f"{_name(self.fun)} has arguments by name alone; derivatives are told by position")
        return Arguments(args, frozenset([i % len(args) for i in self.nondiff_argnums if -len(args) <= i < len(args)]))


class custom_vjp(_Function):
    """A function whose derivative in reverse mode is declared, as JAX has it.

    fun                 the function: tensors or nests of them in, a tensor or a nest of them out
    nondiff_argnums     the positions of arguments that are handed on as they are, such as functions and settings

    `f.defvjp(fwd, bwd)` declares it. ``fwd`` takes what ``fun`` takes and returns its result and what is to be kept;
    ``bwd(*nondiff, kept, ct)`` takes the cotangent of the result and returns one for each other argument, of its
    shape, or None. While a tape records, ``fwd`` is called in place of ``fun``. Derivatives of higher orders are those
    of ``bwd``; other modes use its transpose.

    Raises RuleError (a TypeError and ValueError) if no rule was declared, what one returns does not fit, or the result
    depends on a Variable or tensor that a tape watches and that is no argument: the rule has no derivative by it.

    >>> import gradtape as tf
    >>> @tf.custom_vjp
    ... def clipped(x):                                              # x, with a gradient that is at most 1
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (tf.clip_by_value(ct, -1., 1.),))
    >>> x = tf.Variable(3.)
    >>> with tf.GradientTape() as tape:
    ...     y = 5. * clipped(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(1.0)
    """

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()):
        super().__init__(fun, nondiff_argnums)
        self.fwd: Callable[..., tuple[Any, Any]] | None = None
        self.bwd: Callable[..., Sequence[Any]] | None = None

    def defvjp(self, fwd: Callable[..., tuple[Any, Any]], bwd: Callable[..., Sequence[Any]]) -> None:
        """Declare the derivative."""
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.bwd is None:
            raise RuleError(f"{_name(self.fun)} has no derivative yet; declare it with defvjp(fwd, bwd)")
        rule = _Vjp(self, self._arguments(args, kwargs))
        given = rule.arguments.all(rule.arguments.nodes)
        kept = recordings.get() and self not in _forward.get()
        return _returned(rule, rule.kept_result(given) if kept else self.fun(*given))


_forward: ContextVar[tuple[custom_vjp, ...]] = ContextVar("forward", default=())
"""The functions of which `fwd` is running: what calls them inside gets the function itself."""


class _Vjp(Pulled):
    """The rule of one call of a custom_vjp. What `fwd` kept belongs to the arguments of that call; for others it is
    called again."""

    def __init__(self, function: custom_vjp, arguments: Arguments):
        self.function = function
        self.name = _name(function.fun)
        self.arguments = arguments
        self.kept: Any = None
        self.structure: Any = None
        self.known = False

    def kept_result(self, given: Sequence[Any]) -> Any:
        """The function's result for these arguments; what `fwd` says to keep is kept."""
        result, self.kept = self._forward(given)
        self.known = True
        return result

    def pull(self, arguments: Nodes, results: Nodes, cotangents: Nodes) -> Found:
        ours = self.arguments
        kept = self.kept if self.known and arguments == ours.nodes else self._forward(ours.all(arguments))[1]
        assert self.function.bwd is not None
        ct = nest.pack(self.structure, [wrap(one) for one in cotangents])
        found = self.function.bwd(*ours.fixed(), kept, ct)
        name = f"bwd of {_name(self.function.fun)}"
        if not isinstance(found, (list, tuple)):
            raise RuleError(f"{name} must return a tuple of cotangents, but returned a {type(found).__name__}")
        return derivatives_like(ours.flat_like(found, name), arguments, name)

    def _forward(self, given: Sequence[Any]) -> tuple[Any, Any]:
        assert self.function.fwd is not None
        token = _forward.set((*_forward.get(), self.function))
        try:
            found = self.function.fwd(*given)
        finally:
            _forward.reset(token)
        if not isinstance(found, tuple) or len(found) != 2:
            raise RuleError(f"fwd of {_name(self.function.fun)} must return a pair: its result, and what bwd needs")
        return found


class custom_jvp(_Function):
    """A function whose derivative in forward mode is declared, as JAX has it.

    fun                 the function: tensors or nests of them in, a tensor or a nest of them out
    nondiff_argnums     the positions of arguments that are handed on as they are, such as functions and settings

    `f.defjvp(jvp)` declares it: ``jvp(*nondiff, primals, tangents)`` takes the arguments and their tangents as tuples
    and returns the result and its tangent, linear in the tangents. `f.defjvps(*jvps)` has one function for each
    argument, ``jvp(tangent, result, *primals)``, or None, and adds up. Derivatives of higher orders are those of
    ``jvp``; reverse mode uses its transpose.

    Raises RuleError (a TypeError and ValueError) if no rule was declared, what one returns does not fit, or the result
    depends on a Variable or tensor that a tape watches and that is no argument: the rule has no derivative by it.

    >>> import gradtape as tf
    >>> @tf.custom_jvp
    ... def log1pexp(x):
    ...     return tf.math.log(1. + tf.exp(x))
    >>> log1pexp.defjvps(lambda tangent, result, x: tf.sigmoid(x) * tangent)
    >>> x = tf.Variable(1000.)
    >>> with tf.GradientTape() as tape:
    ...     y = log1pexp(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(1.0)
    """

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()):
        super().__init__(fun, nondiff_argnums)
        self.jvp: Callable[..., tuple[Any, Any]] | None = None
        self.jvps: Sequence[Callable[..., Any] | None] = ()

    def defjvp(self, jvp: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
        """Declare the derivative; returns `jvp`, so it can be a decorator."""
        self.jvp, self.jvps = jvp, ()
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Declare the derivative by each argument."""
        if self.nondiff_argnums:
            raise RuleError("defjvps has no place for nondiff_argnums; use defjvp")
        self.jvp, self.jvps = None, jvps

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None and not self.jvps:
            raise RuleError(f"{_name(self.fun)} has no derivative yet; declare it with defjvp(jvp)")
        rule = _Jvp(self, self._arguments(args, kwargs))
        return _returned(rule, self.fun(*rule.arguments.all(rule.arguments.nodes)))


class _Jvp(Pushed):
    """The rule of one call of a custom_jvp."""

    def __init__(self, function: custom_jvp, arguments: Arguments):
        self.function = function
        self.name = _name(function.fun)
        self.arguments = arguments
        self.structure: Any = None

    def push(self, arguments: Nodes, results: Nodes, tangents: Nodes) -> Found:
        ours, function = self.arguments, self.function
        name = f"jvp of {_name(function.fun)}"
        primals, directions = ours.differentiated(arguments), ours.differentiated(tangents)
        if function.jvp is None:
            return self._by_argument(primals, directions, results)
        found = function.jvp(*ours.fixed(), primals, directions)
        if not isinstance(found, (list, tuple)) or len(found) != 2:
            raise RuleError(f"{name} must return a pair: the result and its tangent")
        flat = [None] * len(results) if found[1] is None else nest.flatten(found[1])
        return derivatives_like(flat, results, name)

    def _by_argument(self, primals: Sequence[Any], tangents: Sequence[Any], results: Nodes) -> Found:
        jvps, name = self.function.jvps, f"jvp of {_name(self.function.fun)}"
        if len(jvps) != len(primals):
            raise RuleError(f"{len(jvps)} jvps were declared for the {len(primals)} arguments of {name}")
        result = nest.pack(self.structure, [wrap(y) for y in results])
        total: list[Node | None] = [None] * len(results)
        for jvp, tangent in zip(jvps, tangents, strict=True):
            if jvp is not None:
                shares = derivatives_like(nest.flatten(jvp(tangent, result, *primals)), results, name)
                total = [b if a is None else a if b is None else plus(a, b) for a, b in zip(total, shares, strict=True)]
        return total


def _returned(rule: _Vjp | _Jvp, result: Any) -> Any:
    """What a function returned, depending on its arguments as the rule says."""
    rule.structure = nest.pack(result, [None] * len(nest.flatten(result)))
    results = [as_node(one) for one in nest.flatten(result)]
    for recording in recordings.get():
        _need_no_other(rule, recording, results)
    return nest.pack(result, [wrap(node) for node in declared(rule, results, rule.arguments.nodes)])


def _need_no_other(rule: _Vjp | _Jvp, recording: Recording, results: Nodes) -> None:
    """RuleError if results depend on what is watched otherwise than by the arguments, as derivatives would miss it."""
    ours, made = rule.arguments, recording.made
    seen = {*ours.nodes, *[x.node for x in nest.flatten(ours.fixed()) if isinstance(x, Handle)]}
    stack = [y for y in results if y in made]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        op = made[node]
        if op is None:
            name = next((variable.name for variable, nodes in recording.reads.values() if node in nodes), None)
            kind, wrapper = type(rule.function).__name__, "" if name is None else f", the Variable '{name}'"
            raise RuleError(
                f"the result of {rule.name} depends on something that a tape watches and that is no argument{wrapper}; "
                f"a {kind} knows no derivative by it: make it an argument, use custom_gradient, whose gradient "
                "function takes `variables`, or put stop_gradient around it"
            )
        primitive, inputs, _ = op
        rules = primitive.rule if isinstance(primitive.rule, Sequence) else None
        if primitive.kind != "constant":
            stack += [x for i, x in enumerate(inputs) if x in made and (rules is None or rules[i] is not None)]


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)
