"""Nests: lists, tuples, named tuples, dicts and dataclasses of values, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import fields
from typing import Any

from gradtape.errors import ArgumentError
from gradtape.graph.handles import Handle


def flatten(structure: Any) -> list[Any]:
    """The values in order; dicts in the order of their keys, as in TensorFlow, dataclasses in that of their fields.

    >>> flatten({"b": [1, (2,)], "a": 3})
    [3, 1, 2]
    """
    if not is_nest(structure):
        return [structure]
    flat: list[Any] = []
    for one in _values(structure):
        if not isinstance(one, Handle) and is_nest(one):
            flat += flatten(one)
        else:
            flat.append(one)
    return flat


def pack(structure: Any, values: list[Any]) -> Any:
    """`values` in the structure that `flatten` took them from.

    >>> pack({"b": [1, (2,)], "a": 3}, [30, 10, 20])
    {'b': [10, (20,)], 'a': 30}
    """
    if not is_nest(structure):
        return values[0]
    return _pack(structure, iter(values))


def is_nest(value: Any) -> bool:
    """Whether a value has parts. A dataclass is one if it is an instance."""
    if isinstance(value, Handle):  # the usual case first
        return False
    return isinstance(value, (list, tuple, dict)) or hasattr(type(value), "__dataclass_fields__")


def parts(structure: Any) -> list[tuple[Any, Any]]:
    """The parts of a nest in order, each with its key, index, or name of a field."""
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in _keys(structure)]
    if isinstance(structure, (list, tuple)):
        return list(enumerate(structure))
    return [(field.name, getattr(structure, field.name)) for field in fields(structure)]


def _values(structure: Any) -> Iterable[Any]:
    return structure if isinstance(structure, (list, tuple)) else [one for _, one in parts(structure)]


def spread(prefix: Any, structure: Any, what: str) -> list[Any]:
    """For each value in a nest what `prefix` says of it: a nest like the upper part of it, whose values hold for all
    that stands there in the nest. ArgumentError, which names `what`, if it is not like that.

    >>> spread((0, {"a": 1, "b": None}), [[7, 8], {"a": 9, "b": (6, 5)}], "axes")
    [0, 0, 1, None, None]
    """
    if not is_nest(prefix):
        return [prefix] * len(flatten(structure))
    mine, theirs = parts(prefix), parts(structure) if is_nest(structure) else []
    if len(mine) != len(theirs) or (isinstance(prefix, dict) and [k for k, _ in mine] != [k for k, _ in theirs]):
        raise ArgumentError(
            f"{what} is {prefix!r:.60}, which does not have the structure of what it is for: "
            f"{len(theirs) or 'no'} parts; give one value for all, or one for each part"
        )
    return [found for (_, one), (_, other) in zip(mine, theirs, strict=True) for found in spread(one, other, what)]


def mapped(f: Callable[[Any], Any], structure: Any) -> Any:
    """The same nest with f of each value."""
    return pack(structure, [f(one) for one in flatten(structure)])


def _keys(structure: dict) -> list:
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def _pack(structure: Any, values: Iterator[Any]) -> Any:
    packed = [
        _pack(one, values) if not isinstance(one, Handle) and is_nest(one) else next(values)
        for one in _values(structure)
    ]
    if type(structure) is list:
        return packed
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*packed)
    if isinstance(structure, (list, tuple)):
        return type(structure)(packed)
    by_key = dict(zip([key for key, _ in parts(structure)], packed, strict=True))
    if type(structure) is dict:
        return {key: by_key[key] for key in structure}
    result = copy(structure)
    if isinstance(structure, dict):
        result.update(by_key)
        return result
    for name, one in by_key.items():  # no constructor: what it checks need not hold for derivatives
        object.__setattr__(result, name, one)
    return result
