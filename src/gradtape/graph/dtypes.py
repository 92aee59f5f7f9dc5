"""Element types: which there are, and which one an operation on two of them has."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.errors import DTypeError


class DType:
    """An element type. There is one object per type; it compares equal to its name and to NumPy's dtype.

    >>> import gradtape as tf
    >>> tf.float32 == "float32", tf.float32 == np.float32, tf.float32.is_floating
    (True, True, True)
    """

    __slots__ = ("dtype", "is_bool", "is_floating", "is_integer", "name", "rank", "scalar")

    def __init__(self, name: str, rank: int):
        self.name = name
        self.dtype = np.dtype(name)  # NumPy takes any object with this attribute as a dtype
        self.scalar = self.dtype.type  # makes a NumPy number of a Python number
        self.is_floating = name.startswith("float")
        self.is_integer = name.startswith("int")
        self.is_bool = name == "bool"
        self.rank = rank  # place in the order of promotion

    @property
    def as_numpy_dtype(self) -> type:
        return self.dtype.type

    @property
    def size(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @property
    def min(self) -> Any:
        return np.finfo(self.dtype).min if self.is_floating else False if self.is_bool else np.iinfo(self.dtype).min

    @property
    def max(self) -> Any:
        return np.finfo(self.dtype).max if self.is_floating else True if self.is_bool else np.iinfo(self.dtype).max

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        try:
            return self.dtype == np.dtype(other)  # type: ignore[call-overload]
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce__(self) -> tuple:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"gradtape.{self.name}"

    def __str__(self) -> str:
        return self.name


bool_ = DType("bool", 0)
int32 = DType("int32", 1)
int64 = DType("int64", 2)
float32 = DType("float32", 3)
float64 = DType("float64", 4)

ALL = (bool_, int32, int64, float32, float64)
_BY_NUMPY = {t.dtype: t for t in ALL}


def as_dtype(type_value: Any) -> DType:
    """The element type that a name, a NumPy dtype, a Python type or a DType stands for.

    Raises DTypeError if it is none of the supported types.

    >>> as_dtype("float64"), as_dtype(np.int32), as_dtype(float)
    (gradtape.float64, gradtape.int32, gradtape.float32)
    """
    if isinstance(type_value, DType):
        return type_value
    if type_value is float:
        return float32
    if type_value is int:
        return int32
    try:
        found = _BY_NUMPY.get(np.dtype(type_value).newbyteorder("="))
    except TypeError:
        found = None
    if found is None:
        raise DTypeError(f"element type {type_value!r} is not supported; use one of {', '.join(t.name for t in ALL)}")
    return found


def promote(a: DType, b: DType) -> DType:
    """The type that holds the result of an operation on `a` and `b`.

    Within one kind this is the Array API's rule (the wider one); between kinds a float wins over an integer and keeps
    its width, and any number wins over bool.
    """
    return a if a.rank >= b.rank else b
