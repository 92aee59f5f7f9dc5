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
    if isinstance(structure, dict):
        return [leaf for key in _keys(structure) for leaf in flatten(structure[key])]
    return [leaf for one in structure for leaf in flatten(one)]


def pack(structure: Any, values: list[Any]) -> Any:
    """`values` in the structure that `flatten` took them from.

    >>> pack({"b": [1, (2,)], "a": 3}, [30, 10, 20])
    {'b': [10, (20,)], 'a': 30}
    """
    return _pack(structure, iter(values))


def _keys(structure: dict) -> list:
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def _pack(structure: Any, values: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        packed = {key: _pack(structure[key], values) for key in _keys(structure)}
        return type(structure)((key, packed[key]) for key in structure)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[_pack(one, values) for one in structure])
    if isinstance(structure, (list, tuple)):
        return type(structure)(_pack(one, values) for one in structure)
    return next(values)
