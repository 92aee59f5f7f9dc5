"""Derivatives of functions, as functions of the same arguments.

    f(x, y) ──grad──► g(x, y) = ∂f/∂x          f ──jvp, linearize──► tangents forward
              ──vmap──► f for many examples      ──vjp, grad──────► cotangents back

A function is called while a recording is open, and what was recorded is walked, by `modes.reverse` or `modes.forward`.
As all they make is graph, transforms are applied to each other's results, in any order and to any depth. Each argument
becomes a node of its own in each call, so no derivative is taken for another one's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.handles import wrap
from gradtape.graph.node import Node, Op, Recording, recordings
from gradtape.graph.trace import thread
from gradtape.modes import nest
from gradtape.modes.arguments import (
    Argnames,
    Argnums,
    Arguments,
    along,
    need_scalar,
    need_tensors,
    refuse_holomorphic,
    with_aux,
)
from gradtape.modes.forward import push_forward
from gradtape.modes.kept import Found, is_by_hand, kept
from gradtape.modes.tape import GradientTape
from gradtape.modes.transformed import transform
from gradtape.ops.shaping import full
from gradtape.rewrite.recorded import NEVER, Recorded, recorded

Function = Callable[..., Any]


@transform
def value_and_grad(
    f: Function,
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
) -> Function:
    """The function that returns the value of f and its gradient: ``value, gradient``.

    f         returns one floating number; with `has_aux` a pair of it and anything else, and then the result is
              ``(value, rest), gradient``
    argnums   by which arguments: a position, or several; 0 unless `argnames` are given
    argnames  the same by name

    Arguments are tensors, arrays, floats, or nests of them (lists, tuples, dicts, named tuples, dataclasses). The
    gradient has the structure, shapes and types of the argument; for several it is a tuple. It is zero where f does not
    depend on an argument, and None for what is no number. Raises ShapeError or ArgumentError if f does not return one
    number, DTypeError for integers.

    >>> import gradtape as tf
    >>> value, (by_x, by_y) = tf.value_and_grad(lambda x, y: x * y**2, argnums=(0, 1))(3., 2.)
    >>> value.numpy(), by_x.numpy(), by_y.numpy()
    (np.float32(12.0), np.float32(4.0), np.float32(12.0))
    """
    refuse_holomorphic(holomorphic)

    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        given = Arguments(f, args, kwargs, argnums, argnames)
        value, aux, tape = called(f, given, has_aux, persistent=False)
        need_scalar(f, value, "grad")
        gradient = given.packed(tape.gradient(value, given.leaves, unconnected_gradients="zero"))
        return ((value, aux) if has_aux else value), gradient

    return value_and_gradient


@transform
def grad(
    f: Function,
    argnums: Argnums = None,
    has_aux: bool = False,
    holomorphic: bool = False,
    *,
    argnames: Argnames = None,
) -> Function:
    """The gradient of f, as a function of the same arguments. See `value_and_grad` for what they may be.

    With `has_aux` f returns a pair, and the result is ``gradient, rest``.

    >>> import gradtape as tf
    >>> tf.grad(lambda x: x**4)(3.).numpy(), tf.grad(tf.grad(lambda x: x**4))(3.).numpy()
    (np.float32(108.0), np.float32(108.0))
    >>> def loss(model, x):
    ...     return tf.reduce_sum(model["w"] * x) + model["b"]
    >>> slopes = tf.grad(loss)({"w": tf.constant([1., 2.]), "b": 0.5}, 3.)
    >>> slopes["w"].numpy(), slopes["b"].numpy()
    (array([3., 3.], dtype=float32), np.float32(1.0))
    """
    refuse_holomorphic(holomorphic)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        given = Arguments(f, args, kwargs, argnums, argnames)
        value, aux, tape = called(f, given, has_aux, persistent=False)
        need_scalar(f, value, "grad")
        found = given.packed(tape.gradient(value, given.leaves, unconnected_gradients="zero"))
        return (found, aux) if has_aux else found

    return gradient


@transform
def elementwise_grad(f: Function, argnum: Argnums = None, *, argnames: Argnames = None) -> Function:
    """The derivative of f, which works element by element, at each element; has the shape of the argument.

    It is the gradient of the sum of what f returns, a tensor or a nest of tensors.

    >>> import gradtape as tf
    >>> tf.elementwise_grad(tf.tanh)([0., 1., 10.])[2].numpy()
    np.float32(8.244615e-09)
    """

    def derivative(*args: Any, **kwargs: Any) -> Any:
        given = Arguments(f, args, kwargs, argnum, argnames)
        value, _, tape = called(f, given, persistent=False)
        return given.packed(tape.gradient(value, given.leaves, unconnected_gradients="zero"))

    return derivative


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple:
    """``f(*primals)``, and the function that pulls a cotangent of it back to the primals.

    f         returns a tensor or a nest of them; with `has_aux` a pair of it and anything else, which comes third
    primals   tensors, arrays, floats, or nests of them

    The function takes what weighs each element of the value, in its structure, shapes and types, and returns a tuple
    with a cotangent for each of the primals. It may be called any number of times.

    >>> import gradtape as tf
    >>> value, pull_back = tf.vjp(lambda x, y: tf.sin(x) * y, 0., 5.)
    >>> [ct.numpy() for ct in pull_back(10.)]
    [np.float32(50.0), np.float32(0.0)]
    """
    given = Arguments(f, primals, argnums=range(len(primals)))
    value, aux, tape = called(f, given, has_aux)

    def pull_back(cotangent: Any) -> tuple:
        seeds = along(cotangent, nest.flatten(value), "cotangent")
        weights = [None if seed is None else wrap(seed) for seed in seeds]
        targets = [one for one, weight in zip(nest.flatten(value), weights, strict=True) if weight is not None]
        weights = [weight for weight in weights if weight is not None]
        return given.packed(tape.gradient(targets, given.leaves, weights, "zero"))

    return (value, pull_back, aux) if has_aux else (value, pull_back)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> tuple:
    """``f(*primals)``, and its derivative in the direction of the tangents.

    primals    a tuple or list with the arguments of f: tensors, arrays, floats, or nests of them
    tangents   as many of the same structure, shapes and types; None stands for zero

    f returns a tensor or a nest of them, and the tangent is like that; with `has_aux` f returns a pair of it and
    anything else, which comes third. Raises ShapeError or DTypeError for tangents that do not fit.

    >>> import gradtape as tf
    >>> value, tangent = tf.jvp(lambda x, y: x * tf.sin(y), (2., 0.), (0., 1.))
    >>> value.numpy(), tangent.numpy()
    (np.float32(0.0), np.float32(2.0))
    """
    value, push, aux = _linearized(f, _sequence(primals, "primals"), has_aux)
    tangent = push(_sequence(tangents, "tangents"))
    return (value, tangent, aux) if has_aux else (value, tangent)


def linearize(f: Function, *primals: Any, has_aux: bool = False) -> tuple:
    """``f(*primals)``, and its derivative there as a linear function of tangents of the primals.

    It is `jvp` for many directions: f is called once. With `has_aux` f returns a pair, whose rest comes third.

    >>> import gradtape as tf
    >>> value, slope = tf.linearize(lambda x: x**3, 2.)
    >>> slope(1.).numpy(), slope(10.).numpy()
    (np.float32(12.0), np.float32(120.0))
    """
    value, push, aux = _linearized(f, primals, has_aux)

    def linear(*tangents: Any) -> Any:
        return push(tangents)

    return (value, linear, aux) if has_aux else (value, linear)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of f at the primals times the tangents, without the Hessian: the derivative of the gradient in one
    direction, at a small multiple of the cost of f.

    f                    returns one floating number
    primals, tangents    as for `jvp`

    The result is like the one primal, or a tuple for several.

    >>> import gradtape as tf
    >>> tf.hvp(lambda x: tf.reduce_sum(x**3), (tf.constant([1., 2.]),), (tf.constant([1., 1.]),)).numpy()
    array([ 6., 12.], dtype=float32)
    """
    places: Argnums = 0 if len(_sequence(primals, "primals")) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, places), primals, tangents)[1]


# -- calling while a recording is open ------------------------------------------------------------------------


def called(
    f: Function, given: Arguments, has_aux: bool = False, persistent: bool = True
) -> tuple[Any, Any, GradientTape]:
    """What f returns for these arguments, the rest of it, and a tape that knows what was made of their leaves."""
    tape = GradientTape(persistent, watch_accessed_variables=False)
    with tape:
        tape.watch(given.leaves)
        value, aux = with_aux(f, f(*given.args, **given.kwargs), has_aux)
    return need_tensors(f, value), aux, tape


def recorded_call(f: Function, given: Arguments, has_aux: bool = False) -> tuple[Any, Any, Call]:
    """The same, with what was recorded in place of a tape."""
    token = thread.trace.token
    recording = Recording(accessed=False)
    for leaf in given.leaves:
        recording.watch(leaf.node)
    outside = recordings.set((*recordings.get(), recording))
    try:
        value, aux = with_aux(f, f(*given.args, **given.kwargs), has_aux)
    finally:
        recordings.reset(outside)
    return need_tensors(f, value), aux, Call(recording.made, token)


class Call:
    """What was recorded in a call, and of which Trace it is a part.

    `found` are the nodes that a walk over it leads to, in `kept`; `walk` takes the operations, stabilised.
    """

    def __init__(self, made: dict[Node, Op | None], token: object):
        self.made = made
        self.token = token
        self._stable: Recorded | None = None

    def found(
        self, question: Hashable, nodes: Sequence[Node], walk: Callable[[dict[Node, Op | None]], list[Node | None]]
    ) -> list[Node | None]:
        def stabilised(numbers: Mapping[Node, int]) -> Found:
            stable = recorded(self.made, numbers) if numbers or self._stable is None else self._stable
            if not numbers:  # and so it may be asked again and again, as a linear map is
                self._stable = stable
            return walk(stable.made), NEVER if is_by_hand(stable.made) else stable.rests_on

        return kept((question, len(self.made)), [*self.made, *nodes], self.made, self.token, stabilised)


def _linearized(f: Function, primals: Sequence[Any], has_aux: bool) -> tuple[Any, Callable[[Sequence[Any]], Any], Any]:
    """The value of f, what takes tangents of the primals to its own, and the rest that f returned."""
    given = Arguments(f, primals, argnums=range(len(primals)))
    value, aux, call = recorded_call(f, given, has_aux)
    targets = [one.node for one in nest.flatten(value)]

    def push(tangents: Sequence[Any]) -> Any:
        directions = along(list(tangents), given.flat, "tangent")
        start = {leaf.node: t for leaf, t in zip(given.flat, directions, strict=True) if t is not None}

        def walk(made: dict[Node, Op | None]) -> list[Node | None]:
            found = push_forward(made, start, targets)
            return [found.get(y) or full(y.shape, 0, y.dtype) for y in targets]

        nodes = [*start, *start.values(), *targets]
        found = call.found(("tangents", len(start)), nodes, walk)
        return nest.pack(value, [wrap(y) for y in found if y is not None])

    return value, push, aux


def _sequence(values: Any, what: str) -> Sequence[Any]:
    if not isinstance(values, (tuple, list)):
        raise ArgumentError(
            f"{what} must be a tuple or list with one entry for each argument, but a {type(values).__name__} was "
            "given; for one argument it is (x,)"
        )
    return values
