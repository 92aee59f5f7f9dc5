"""Derivatives of functions, as functions: a tape is opened, the function is called, the tape is asked.

Stands on `modes.tape`. Nothing here knows how a gradient is computed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from gradtape.errors import ArgumentError, DTypeError, GradtapeError
from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.modes import nest
from gradtape.modes.tape import GradientTape
from gradtape.ops.arithmetic import identity


def value_and_vjp(
    f: Callable[..., Any],
    args: Sequence[Any],
    positions: Sequence[int] | None = None,
    persistent: bool = True,
) -> tuple[Any, Callable[..., list[Any]]]:
    """f(*args), and the function that pulls a cotangent of it back to the arguments at `positions` (None: to all).

    Those arguments reach f as Tensors, whatever they were; the others as they are. An argument that is no float has the
    gradient None if all are asked for, and is a DTypeError if it was named. f returns a Tensor or a nest of them.

    >>> import gradtape as tf
    >>> value, vjp = value_and_vjp(lambda x, y: x * y, [2., 3.])
    >>> value.numpy(), [g.numpy() for g in vjp()]
    (np.float32(6.0), [np.float32(3.0), np.float32(2.0)])
    """
    given = list(args)
    wanted = range(len(given)) if positions is None else positions
    seen = set()
    for i in dict.fromkeys(wanted):
        given[i] = _tensor(given[i], i)
        if given[i].node in seen:  # f(x, x) has two arguments, not one
            given[i] = identity(given[i])
        seen.add(given[i].node)
        if positions is not None and not given[i].dtype.is_floating:
            raise DTypeError(
                f"argument {i} is {given[i].dtype.name}, which has no derivative; "
                "make it float32 or float64, for instance 3.0 instead of 3"
            )
    sources = [given[i] for i in wanted]
    smooth = [s for s in sources if s.dtype.is_floating]
    with GradientTape(persistent=persistent, watch_accessed_variables=False) as tape:
        tape.watch(smooth)
        value = need_tensors(f, f(*given))

    def vjp(dy: Any = None) -> list[Any]:
        """The cotangents of the arguments for the cotangent `dy` of the value; without it, ones."""
        found = iter(tape.gradient(value, smooth, output_gradients=dy))
        return [next(found) if s.dtype.is_floating else None for s in sources]

    return value, vjp


def need_tensors(f: Callable[..., Any], result: Any) -> Any:
    """`result` if it is a Tensor or a nest of them; otherwise an ArgumentError that says what f should return."""
    name = getattr(f, "__name__", type(f).__name__)
    if result is None:
        raise ArgumentError(f"cannot differentiate {name}: it returned None; did you forget to return a value from it?")
    for one in nest.flatten(result):
        if not isinstance(one, Handle):
            raise ArgumentError(
                f"cannot differentiate {name}: it returned a {type(one).__name__}, which no longer knows what it was "
                "computed from; compute with gradtape's functions and return their Tensor"
            )
    return result


def positions_of(f: Callable[..., Any], params: Any, number: int) -> list[int] | None:
    """Where in a call of f with `number` arguments the parameters `params` stand, given by index or by name.

    >>> positions_of(lambda x, y: x, ["y"], 2), positions_of(lambda x, y: x, [1, 0], 2)
    ([1], [1, 0])
    """
    if params is None:
        return None
    wanted = [params] if isinstance(params, (str, int)) else list(params)
    names: list[str] = []
    if any(isinstance(p, str) for p in wanted):
        try:
            names = list(inspect.signature(f).parameters)
        except (TypeError, ValueError):
            raise ArgumentError(f"the parameters of {f!r} have no names that can be read; give their indices") from None
    found = []
    for p in wanted:
        if isinstance(p, str) and p not in names:
            raise ArgumentError(f"params names {p!r}, but the parameters are {', '.join(names) or 'none'}")
        if not isinstance(p, (str, int)) or isinstance(p, bool):
            raise ArgumentError(f"params must be indices or names of parameters, but it has {p!r}")
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
