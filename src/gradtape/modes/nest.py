"""Nests: lists, tuples, named tuples and dicts of values, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def flatten(structure: Any) -> list[Any]:
    """The values in order; dicts in the order of their keys, as in TensorFlow.

    >>> flatten({"b": [1, (2,)], "a": 3})
    [3, 1, 2]
    """
    if not isinstance(structure, (list, tuple, dict)):
        return [structure]
    flat: list[Any] = []
    for one in structure if not isinstance(structure, dict) else [structure[key] for key in _keys(structure)]:
        if isinstance(one, (list, tuple, dict)):
            flat += flatten(one)
        else:
            flat.append(one)
    return flat


def pack(structure: Any, values: list[Any]) -> Any:
    """`values` in the structure that `flatten` took them from.

    >>> pack({"b": [1, (2,)], "a": 3}, [30, 10, 20])
    {'b': [10, (20,)], 'a': 30}
    """
    if not isinstance(structure, (list, tuple, dict)):
        return values[0]
    return _pack(structure, iter(values))


def _keys(structure: dict) -> list:
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def _pack(structure: Any, values: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        by_key = {key: _pack(structure[key], values) for key in _keys(structure)}
        return type(structure)((key, by_key[key]) for key in structure)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[_pack(one, values) for one in structure])
    if isinstance(structure, (list, tuple)):
        packed = [_pack(one, values) if isinstance(one, (list, tuple, dict)) else next(values) for one in structure]
        return packed if type(structure) is list else type(structure)(packed)
    return next(values)
