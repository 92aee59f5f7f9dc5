"""Element types: which there are, and which one an operation on two of them has."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from gradtape.errors import DTypeError


class DType:
    """An element type. There is one object per type; it compares equal to its name and to NumPy's dtype.

    >>> import gradtape as tf
    >>> tf.float32 == "float32", tf.float32 == np.float32, tf.float32.is_floating
    (True, True, True)
    """

    __slots__ = ("dtype", "is_bool", "is_floating", "is_half", "is_integer", "name", "rank", "scalar")

    def __init__(self, name: str, rank: int):
        self.name = name
        self._set_numpy()
        self.is_half = name in ("float16", "bfloat16")
        self.is_floating = "float" in name
        self.is_integer = name.startswith("int")
        self.is_bool = name == "bool"
        self.rank = rank  # place in the order of promotion

    def _set_numpy(self) -> None:
        self.dtype = np.dtype(self.name)  # NumPy takes any object with this attribute as a dtype
        self.scalar = self.dtype.type  # makes a NumPy number of a Python number

    @property
    def as_numpy_dtype(self) -> type:
        return self.dtype.type

    @property
    def size(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @property
    def min(self) -> Any:
        return finfo(self.dtype).min if self.is_floating else False if self.is_bool else np.iinfo(self.dtype).min

    @property
    def max(self) -> Any:
        return finfo(self.dtype).max if self.is_floating else True if self.is_bool else np.iinfo(self.dtype).max

    def nearest(self, number: float | int | bool) -> Any:
        """The number of this type that is nearest to a Python number, as Python's.

        >>> bfloat16.nearest(3.14159), float16.nearest(1e6)
        (3.140625, inf)
        """
        return converted(np.asarray(number), self).item()

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


class _BFloat16(DType):
    """The type that NumPy does not have: the package that adds it is loaded when somebody asks for it."""

    __slots__ = ()

    def _set_numpy(self) -> None:
        pass

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        return np.dtype(_ml_dtypes().bfloat16)

    @property
    def scalar(self) -> type:  # type: ignore[override]
        return _ml_dtypes().bfloat16


@cache
def _ml_dtypes() -> Any:
    import ml_dtypes

    return ml_dtypes


bool_ = DType("bool", 0)
int32 = DType("int32", 1)
int64 = DType("int64", 2)
float16 = DType("float16", 3)
bfloat16 = _BFloat16("bfloat16", 3)
float32 = DType("float32", 4)
float64 = DType("float64", 5)
half = float16

ALL = (bool_, int32, int64, float16, bfloat16, float32, float64)
_BY_NAME = {t.name: t for t in ALL}
_BY_NUMPY = {t.dtype: t for t in ALL if t is not bfloat16}


def as_dtype(type_value: Any) -> DType:
    """The element type that a name, a NumPy dtype, a Python type or a DType stands for.

    Raises DTypeError if it is none of the supported types.

    >>> as_dtype("float64"), as_dtype(np.int32), as_dtype(float), as_dtype("half")
    (gradtape.float64, gradtape.int32, gradtape.float32, gradtape.float16)
    """
    if isinstance(type_value, DType):
        return type_value
    if type_value is float:
        return float32
    if type_value is int:
        return int32
    found = _BY_NAME.get(type_value) if isinstance(type_value, str) else None
    if found is None:
        try:
            numpys = np.dtype(type_value)
        except TypeError:
            pass
        else:
            found = _BY_NUMPY.get(numpys.newbyteorder("=")) or _BY_NAME.get(numpys.name)
    if found is None:
        raise DTypeError(f"element type {type_value!r} is not supported; use one of {', '.join(t.name for t in ALL)}")
    return found


def promote(a: DType, b: DType) -> DType:
    """The type that holds the result of an operation on `a` and `b`.

    Within one kind this is the Array API's rule (the wider one, and float32 for the two half types, of which none holds
    the other); between kinds a float wins over an integer and keeps its width, and any number wins over bool.
    """
    if a.rank == b.rank and a is not b:
        return float32
    return a if a.rank >= b.rank else b


def finfo(dtype: Any) -> Any:
    """NumPy's `finfo`, for bfloat16 too."""
    dtype = np.dtype(dtype)
    return np.finfo(dtype) if dtype.kind == "f" else _ml_dtypes().finfo(dtype)


def bfloat16_reference(x: Any) -> Any:
    """The nearest numbers of bfloat16, ties to even, as float32, of an array or number of NumPy: for those who have
    NumPy alone.

    >>> bfloat16_reference(np.float32(3.14159)), bfloat16_reference(np.float64(1.00390625))
    (np.float32(3.140625), np.float32(1.0))
    """
    if x.dtype != np.float32:  # rounded to odd first, see `converted`
        wide = x.astype(np.float64)
        near = wide.astype(np.float32)
        beyond = np.abs(near) > np.abs(wide)
        odd = (near.view(np.int32) - beyond) | ((near != wide) & (wide == wide))
        x = odd.astype(np.int32).view(np.float32)
    bits = x.view(np.uint32)
    near = (bits + (bits >> 16 & 1) + 32767 >> 16 << 16).view(np.float32)
    return np.where(x == x, near, x)[()]


def converted(array: np.ndarray, dtype: DType) -> np.ndarray:
    """The array with another element type, its numbers rounded once.

    Other packages round a float64 to float32 on its way to bfloat16. Here that first step goes to the odd neighbour of
    an inexact result, so that the second one sees on which side of a tie it was.
    """
    with np.errstate(all="ignore"):
        if dtype is bfloat16 and array.dtype.kind in "iuf" and array.dtype.itemsize > 2:
            wide = array.astype(np.float64)
            near = wide.astype(np.float32)
            beyond = np.abs(near) > np.abs(wide)
            odd = (near.view(np.int32) - beyond) | (~np.isnan(wide) & (near != wide))
            array = odd.astype(np.int32).view(np.float32)
        return array.astype(dtype.dtype, copy=False)
