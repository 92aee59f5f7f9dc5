"""What transforms have in common: the arguments by which is differentiated, and what a function may return.

Stands before `modes.transforms`; nothing here knows how a derivative is computed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradtape.errors import ArgumentError, DTypeError, GradtapeError, ShapeError
from gradtape.graph.handles import Handle, as_node, wrap
from gradtape.graph.node import Node
from gradtape.modes import nest
from gradtape.ops.arithmetic import identity

Argnums = int | Sequence[int] | None
Argnames = str | Sequence[str] | None


class Arguments:
    """The arguments of a call, of which some are Tensors of their own, by which is differentiated.

    args, kwargs    what the function is called with
    leaves          the Tensors. They are new nodes, so a function that was given the same tensor in another way too, or
                    closes over it, does not see that one change
    flat            the same, with None where an argument has something that is no number
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None = None,
        argnums: Argnums = None,
        argnames: Argnames = None,
    ):
        self.args, self.kwargs = list(args), dict(kwargs or {})
        self.flat: list[Any] = []
        if argnums is None and argnames is None:
            argnums = 0
        self._single = isinstance(argnums, int) if argnames is None else argnums is None and isinstance(argnames, str)
        self._structure: list[Any] = []
        for place in places(f, self.args, self.kwargs, argnums, argnames):
            holder: Any = self.args if isinstance(place, int) else self.kwargs
            self._structure.append(holder[place])
            given = nest.flatten(holder[place])
            fresh = [_fresh(one, place) for one in given]
            self.flat += fresh
            holder[place] = nest.pack(
                holder[place], [old if new is None else new for old, new in zip(given, fresh, strict=True)]
            )
        self.leaves = [leaf for leaf in self.flat if leaf is not None]

    def packed(self, values: Sequence[Any]) -> Any:
        """What belongs to each leaf in the structure of the arguments: that of the one argument, or a tuple. None
        stands where an argument has something that is no number."""
        if self._single and len(self.flat) == 1 and self._structure[0] is not None:
            (value,) = self._structure
            if not nest.is_nest(value):  # the usual case first
                return values[0] if values else None
        left = iter(values)
        packed = nest.pack(self._structure, [None if leaf is None else next(left) for leaf in self.flat])
        return packed[0] if self._single else tuple(packed)


def places(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], argnums: Argnums, argnames: Argnames
) -> list[int | str]:
    """Where the arguments stand in a call: positions, and names of those that are given by name."""
    found: list[int | str] = []
    for position in [] if argnums is None else [argnums] if isinstance(argnums, int) else argnums:
        if isinstance(position, bool) or not hasattr(position, "__index__"):
            raise ArgumentError(f"argnums must be positions of arguments, but it has {position!r}; names are argnames")
        if not -len(args) <= position < len(args):
            raise ArgumentError(
                f"argnums has {position}, but the call has {len(args)} positional arguments; name an argument that is "
                "given by name with argnames"
            )
        found.append(int(position) % len(args))
    for name in [] if argnames is None else [argnames] if isinstance(argnames, str) else argnames:
        if name in kwargs:
            found.append(name)
            continue
        names = parameter_names(f)
        if name not in names or names.index(name) >= len(args):
            raise ArgumentError(
                f"argnames has {name!r}, but the call has no such argument; the parameters are {', '.join(names)}"
            )
        found.append(names.index(name))
    if len(set(found)) != len(found):
        raise ArgumentError(f"argnums and argnames name an argument twice: {found}")
    return found


def parameter_names(f: Callable[..., Any]) -> list[str]:
    """The names of the parameters of f."""
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        raise ArgumentError(f"the parameters of {f!r} have no names that can be read; give their positions") from None


def _fresh(value: Any, place: int | str) -> Any:
    """A Tensor for one value in an argument; None for what is no number."""
    if isinstance(value, Handle):
        node = identity(value.node)
    elif isinstance(value, (bool, int, float, np.ndarray, np.generic)) or hasattr(value, "__array__"):
        try:
            node = as_node(value)
        except GradtapeError as error:
            raise type(error)(f"argument {place} cannot be differentiated: {error}") from None
    else:
        return None
    if not node.dtype.is_floating:
        raise DTypeError(
            f"argument {place} is {node.dtype.name}, which has no derivative; "
            "make it float32 or float64, for instance 3.0 instead of 3"
        )
    return wrap(node)


def along(values: Any, like: Sequence[Any], what: str) -> list[Node | None]:
    """A nest of tangents or cotangents as nodes, of the shapes and types of the tensors `like`; None is zero.

    Raises ShapeError or DTypeError if they do not fit.
    """
    flat = nest.flatten(values)
    if len(flat) != len(like):
        raise ShapeError(
            f"{len(like)} {what}s are needed, in the structure of what they belong to, but got {len(flat)}"
        )
    found: list[Node | None] = []
    for one, tensor in zip(flat, like, strict=True):
        if one is None or tensor is None:
            found.append(None)
            continue
        node = as_node(one, None if isinstance(one, Handle) or not tensor.dtype.is_floating else tensor.dtype)
        if node.shape != tuple(tensor.shape):
            raise ShapeError(
                f"a {what} must have the shape {tuple(tensor.shape)} of what it belongs to, not {node.shape}"
            )
        if node.dtype is not tensor.dtype:
            raise DTypeError(
                f"a {what} of a {tensor.dtype.name} tensor must have that type, not {node.dtype.name}; cast it"
            )
        found.append(node)
    return found


def name_of(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def need_tensors(f: Callable[..., Any], result: Any) -> Any:
    """`result` if it is a Tensor or a nest of them; otherwise an ArgumentError that says what f should return."""
    if isinstance(result, Handle):  # the usual case first
        return result
    name = name_of(f)
    if result is None:
        raise ArgumentError(f"cannot differentiate {name}: it returned None; did you forget to return a value from it?")
    for one in nest.flatten(result):
        if not isinstance(one, Handle):
            raise ArgumentError(
                f"cannot differentiate {name}: it returned a {type(one).__name__}, which no longer knows what it was "
                "computed from; compute with gradtape's functions and return their Tensor"
            )
    return result


def need_scalar(f: Callable[..., Any], result: Any, transform: str) -> Any:
    """`result` if it is a Tensor with one number; otherwise an error that says what to use instead of `transform`."""
    need_tensors(f, result)
    name = name_of(f)
    if nest.is_nest(result):
        raise ArgumentError(
            f"{transform} needs a function that returns one number, but {name} returned a {type(result).__name__}; "
            "for a value and something else give has_aux=True, for derivatives of several values use jacobian or vjp"
        )
    if tuple(result.shape) != ():
        raise ShapeError(
            f"{transform} needs a function that returns one number, but {name} returned the shape "
            f"{tuple(result.shape)}; use elementwise_grad if it works element by element, jacobian for all "
            "derivatives, vjp for a weighted sum of them, or sum the result with reduce_sum"
        )
    if not result.dtype.is_floating:
        raise DTypeError(f"{name} returned {result.dtype.name}, which has no derivative; return a float")
    return result


def with_aux(f: Callable[..., Any], result: Any, has_aux: bool) -> tuple[Any, Any]:
    """What f returned as value and rest."""
    if not has_aux:
        return result, None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise ArgumentError(f"with has_aux=True {name_of(f)} must return a pair (value, rest), but it did not")
    return result[0], result[1]


def refuse_holomorphic(holomorphic: bool) -> None:
    if holomorphic:
        raise ArgumentError(
            "there are no complex numbers in gradtape, so no holomorphic functions; leave holomorphic out"
        )
