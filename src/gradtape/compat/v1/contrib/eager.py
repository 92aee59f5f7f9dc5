"""``tf.contrib.eager`` of TensorFlow 1: gradients of functions, as functions.

    f(x, y)  ──gradients_function──►  g(x, y) = [∂f/∂x, ∂f/∂y]

A gradient is a Tensor made by gradtape's operations, so g can be given to gradients_function again:

>>> import numpy as np
>>> import gradtape.compat.v1 as tf
>>> tfe = tf.contrib.eager
>>> grad = lambda f: lambda x: tfe.gradients_function(f)(x)[0]
>>> cube = lambda x: x * x * x
>>> grad(cube)(2.0).numpy(), grad(grad(cube))(2.0).numpy(), grad(grad(grad(cube)))(2.0).numpy()
(np.float32(12.0), np.float32(12.0), np.float32(6.0))
>>> grad(grad(cube))(np.array([1.0, 2.0])).numpy()
array([ 6., 12.])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradtape.compat.v1.session import enable_eager_execution, executing_eagerly
from gradtape.errors import ArgumentError, GradtapeError
from gradtape.graph.handles import as_node, wrap
from gradtape.modes.arguments import Arguments, need_tensors, parameter_names
from gradtape.modes.custom_gradient import custom_gradient
from gradtape.modes.functional import called
from gradtape.modes.tape import GradientTape
from gradtape.modes.transformed import transform
from gradtape.variable import Variable

__all__ = [
    "GradientTape",
    "Variable",
    "custom_gradient",
    "enable_eager_execution",
    "executing_eagerly",
    "gradients_function",
    "implicit_gradients",
    "implicit_value_and_gradients",
    "make_vjp",
    "value_and_gradients_function",
]

Function = Callable[..., Any]


@transform
def gradients_function(f: Function, params: Any = None) -> Function:
    """The function that returns the list of the gradients of f at its arguments.

    f        takes positional arguments and returns a Tensor, or a nest of them; what is not scalar is summed
    params   indices or names of the parameters to differentiate by; all positional arguments if not given

    The result takes the arguments of f (Tensors, Variables, numbers, lists, arrays), and as `dy` weights for the
    elements of f's value. Of all arguments, those that are not floats have the gradient None; one named by `params`
    must be a float. Raises ArgumentError (a ValueError) if f returns no Tensor.

    >>> gradients_function(lambda x, y: x**y, params=[0])(3.0, 2)[0].numpy()
    np.float32(6.0)
    """

    def gradients(*args: Any, **options: Any) -> list[Any]:
        return value_and_gradients_function(f, params)(*args, **options)[1]

    return gradients


@transform
def value_and_gradients_function(f: Function, params: Any = None) -> Function:
    """As `gradients_function`, but the value of f comes with the list: ``value, gradients``.

    >>> value, (gradient,) = value_and_gradients_function(lambda x: x * x)(3.0)
    >>> value.numpy(), gradient.numpy()
    (np.float32(9.0), np.float32(6.0))
    """

    def value_and_gradients(*args: Any, dy: Any = None, **others: Any) -> tuple[Any, list[Any]]:
        value, vjp = make_vjp(f, params, persistent=False)(*args, **others)
        return value, vjp(dy)

    return value_and_gradients


@transform
def make_vjp(f: Function, params: Any = None, persistent: bool = True) -> Function:
    """The function that returns f's value and, as a function of `dy`, the gradients weighted by it.

    If it is not `persistent`, that function can be called once, and holds less memory after it.

    >>> value, vjp = make_vjp(lambda x: x * x)(3.0)
    >>> value.numpy(), vjp()[0].numpy(), vjp(10.0)[0].numpy()
    (np.float32(9.0), np.float32(6.0), np.float32(60.0))
    """

    def value_and_pullback(*args: Any, **others: Any) -> tuple[Any, Callable[..., list[Any]]]:
        if others:
            raise ArgumentError(
                f"a function to be differentiated takes positional arguments, but {', '.join(others)} "
                "was given by name; set it with a lambda or functools.partial"
            )
        wanted = _positions(f, params, len(args))
        tensors = [_tensor(value, i) if i in wanted else value for i, value in enumerate(args)]
        smooth = [i for i in dict.fromkeys(wanted) if params is not None or tensors[i].dtype.is_floating]
        given = Arguments(f, tensors, argnums=smooth)
        value, _, tape = called(f, given, persistent=persistent)

        def vjp(dy: Any = None) -> list[Any]:
            found = dict(zip(smooth, tape.gradient(value, given.leaves, output_gradients=dy), strict=True))
            return [found.get(i) for i in wanted]

        return value, vjp

    return value_and_pullback


def _positions(f: Function, params: Any, number: int) -> Sequence[int]:
    """Where the parameters `params`, given by index or name, stand in a call with so many arguments."""
    if params is None:
        return range(number)
    found = []
    for p in [params] if isinstance(params, (str, int)) else params:
        if not isinstance(p, (str, int)) or isinstance(p, bool):
            raise ArgumentError(f"params must be indices or names of parameters, but it has {p!r}")
        names = parameter_names(f) if isinstance(p, str) else []
        if isinstance(p, str) and p not in names:
            raise ArgumentError(f"params names {p!r}, but the parameters are {', '.join(names) or 'none'}")
        position = names.index(p) if isinstance(p, str) else p
        if not 0 <= position < number:
            raise ArgumentError(f"params names the argument {p!r}, but the call has {number} positional arguments")
        found.append(position)
    return found


def _tensor(value: Any, position: int) -> Any:
    try:
        return wrap(as_node(value))
    except GradtapeError as error:
        raise type(error)(
            f"argument {position} cannot be differentiated: {error}; name the arguments that can with params=[...]"
        ) from None


@transform
def implicit_gradients(f: Function) -> Function:
    """The function that returns pairs (gradient, variable), one for each trainable Variable that f reads.

    Raises ArgumentError (a ValueError) if it reads none, or returns no Tensor.

    >>> w = Variable(3.0)
    >>> [(gradient, variable)] = implicit_gradients(lambda x: w * x)(5.0)
    >>> gradient.numpy(), variable is w
    (np.float32(5.0), True)
    """

    def gradients(*args: Any, **keywords: Any) -> list[tuple[Any, Variable]]:
        return implicit_value_and_gradients(f)(*args, **keywords)[1]

    return gradients


@transform
def implicit_value_and_gradients(f: Function) -> Function:
    """As `implicit_gradients`, but the value of f comes with the pairs: ``value, pairs``."""

    def value_and_gradients(*args: Any, **keywords: Any) -> tuple[Any, list[tuple[Any, Variable]]]:
        with GradientTape() as tape:
            value = need_tensors(f, f(*args, **keywords))
        variables = tape.watched_variables()
        if not variables:
            raise ArgumentError("the function read no trainable Variable, so there is nothing to differentiate by")
        return value, list(zip(tape.gradient(value, list(variables)), variables, strict=True))

    return value_and_gradients
