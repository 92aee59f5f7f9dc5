"""`custom_gradient`, in TensorFlow's style: a function returns its result and its gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from gradtape.errors import RuleError
from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.graph.node import Node, Recording, recordings
from gradtape.graph.trace import thread
from gradtape.modes import nest
from gradtape.modes.custom import Found, Nodes, Pulled, derivatives_like
from gradtape.ops.custom import declared


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """A function that says itself how it is differentiated.

    f   returns a pair: its result, a tensor or a nest of them; and a function ``grad(*upstream)`` that takes a
        cotangent for each tensor of the result (zeros where there is none) and returns one for each positional
        argument (nests are flattened), of its shape, or None; a single one needs no list

    If f reads trainable Variables that are not arguments, ``grad`` must take them as ``variables``, and return a pair:
    the cotangents of the arguments, and the list of those of the variables. Derivatives of higher orders are those of
    ``grad``, whose operations are recorded as any other, unless it has a custom_gradient itself. Arguments by name get
    no gradient.

    Raises RuleError (a TypeError and ValueError) if what f or grad returns does not fit.

    >>> import gradtape as tf
    >>> @tf.custom_gradient
    ... def log1pexp(x):
    ...     e = tf.exp(x)
    ...     def grad(upstream):
    ...         return upstream * (1 - 1 / (1 + e))
    ...     return tf.math.log(1 + e), grad
    >>> x = tf.constant(100.)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = log1pexp(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(1.0)
    """
    if f is None:
        return custom_gradient

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        rule = _Gradient(f, args, kwargs)
        results = [as_node(one) for one in nest.flatten(rule.result)]
        outputs = [wrap(node) for node in declared(rule, results, rule.arguments)]
        structure, rule.result = rule.result, None
        return nest.pack(structure, outputs)

    return decorated


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, whose derivative is taken to be that of the identity: cotangents pass through it as they are.

    f   returns a tensor of the shape and type of its argument, and may have any others, whose derivative is none

    So what rounds or quantises is trained as if it did not. Trainable Variables that f reads have no gradient.

    >>> import gradtape as tf
    >>> x = tf.Variable(1.4)
    >>> with tf.GradientTape() as tape:
    ...     y = tf.grad_pass_through(tf.round)(x)**3
    >>> y.numpy(), tape.gradient(y, x).numpy()
    (np.float32(1.0), np.float32(3.0))
    """

    @custom_gradient
    @wraps(f)
    def passed(*args: Any, **kwargs: Any) -> Any:
        number = len(nest.flatten(args))

        def grad(*upstream: Any, variables: Sequence[Any] = ()) -> Any:
            found = [*upstream, *[None] * (number - len(upstream))]
            return (found, [None] * len(variables)) if variables else found

        return f(*args, **kwargs), grad

    return passed


class _Gradient(Pulled):
    """The rule of one call: the function `grad` that it returned.

    That function belongs to the nodes of its call, which it may have seen; for others the call is made again.
    """

    def __init__(self, f: Callable[..., Any], args: tuple, kwargs: dict[str, Any]):
        self.f, self.args, self.kwargs, self.name = f, args, kwargs, _name(f)
        flat = nest.flatten(args)
        given = [*flat, *[x for x in nest.flatten(kwargs) if isinstance(x, Handle)]]
        nodes = [as_node(x) for x in given]
        with reads() as read:
            self.result, grad = self._pair(f(*args, **kwargs))
        self.number = len(flat)
        self.variables = [variable for variable in read.variables() if all(variable is not x for x in given)]
        self.arguments = (*nodes, *[variable.leaf for variable in self.variables])
        needed = bool(recordings.get()) or thread.capture is not None
        self.grad = grad if needed else None  # which may keep much that is needed for nothing else
        if self.variables and not _takes_variables(grad):
            raise RuleError(
                f"{_name(f)} reads the variables {', '.join(v.name for v in self.variables)}, so the gradient function "
                "that it returns must take the keyword argument `variables` and return their gradients too"
            )

    def pull(self, arguments: Nodes, results: Nodes, cotangents: Nodes) -> Found:
        grad = self.grad if self.grad and tuple(arguments) == self.arguments else self._again(arguments)
        name = f"the gradient function of {_name(self.f)}"
        upstream = [wrap(ct) for ct in cotangents]
        of_variables: Sequence[Any] = []
        if self.variables:
            found = grad(*upstream, variables=list(self.variables))
            if not isinstance(found, (list, tuple)) or len(found) != 2:
                raise RuleError(f"{name} must return a pair: the gradients of the arguments, and of the variables")
            found, of_variables = found
            if len(of_variables) != len(self.variables):
                raise RuleError(f"{name} returned {len(of_variables)} gradients for {len(self.variables)} variables")
        else:
            found = grad(*upstream)
        flat = nest.flatten(found)
        if len(flat) != self.number:
            raise RuleError(f"{name} must return {self.number} gradients, one for each argument, not {len(flat)}")
        by_name = [None] * (len(arguments) - self.number - len(self.variables))
        return derivatives_like([*flat, *by_name, *of_variables], arguments, name)

    def _again(self, arguments: Nodes) -> Callable[..., Any]:
        """The gradient function that the same call has with other nodes."""
        supply = iter(arguments)
        args = [wrap(next(supply)) if isinstance(x, Handle) else (next(supply), x)[1] for x in nest.flatten(self.args)]
        kwargs = [wrap(next(supply)) if isinstance(x, Handle) else x for x in nest.flatten(self.kwargs)]
        with standing(self.variables, list(supply)):
            pair = self.f(*nest.pack(self.args, args), **nest.pack(self.kwargs, kwargs))
        return self._pair(pair)[1]

    def _pair(self, returned: Any) -> tuple[Any, Callable[..., Any]]:
        if not isinstance(returned, (list, tuple)) or len(returned) != 2 or not callable(returned[1]):
            raise RuleError(f"{_name(self.f)} must return a pair: its result, and the function that differentiates it")
        return returned[0], returned[1]


class Reads(Recording):
    """Which trainable Variables are read, and nothing else."""

    __slots__ = ()

    def watch(self, node: Node) -> None:
        pass

    def variables(self) -> list[Any]:
        """The Variables, in the order in which they were read first."""
        return [variable for variable, _ in self.reads.values()]


@contextmanager
def reads() -> Iterator[Reads]:
    """Note which Variables are read in the block."""
    found = Reads()
    token = recordings.set((*recordings.get(), found))
    try:
        yield found
    finally:
        recordings.reset(token)


@contextmanager
def standing(variables: Sequence[Any], nodes: Nodes) -> Iterator[None]:
    """Within the block the variables are these nodes."""
    capture = thread.capture
    if capture is not None:
        before = capture.now.copy()
        capture.now.update({id(variable): node for variable, node in zip(variables, nodes, strict=True)})
    held = [variable.held for variable in variables]
    for variable, node in zip(variables, nodes, strict=True):
        variable.held = node
    try:
        yield
    finally:
        for variable, node in zip(variables, held, strict=True):
            variable.held = node
        if capture is not None:
            capture.now = before


def _takes_variables(grad: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(grad).parameters
    except (TypeError, ValueError):
        return True
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)
