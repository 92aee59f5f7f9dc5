"""Shapes, order and places of elements, under NumPy's names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import gradtape
from gradtape.errors import ArgumentError
from gradtape.graph.handles import TensorLike
from gradtape.graph.shapes import normalize_axes
from gradtape.numpy.reading import number, tensor

Tensor = Any


def reshape(a: TensorLike, shape: int | Sequence[int]) -> Tensor:
    """The elements in another shape, in which one length may be -1."""
    return gradtape.reshape(tensor(a), [shape] if isinstance(shape, int) else list(shape))


def ravel(a: TensorLike) -> Tensor:
    """The elements in one row."""
    return gradtape.reshape(tensor(a), [-1])


def transpose(a: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order; reversed if none is given."""
    return gradtape.transpose(tensor(a), axes)


def swapaxes(a: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    found = tensor(a)
    order = list(range(len(found.shape)))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return gradtape.transpose(found, order)


def moveaxis(a: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Axes moved to other places; the others keep their order."""
    found = tensor(a)
    rank = len(found.shape)
    moved = [i % rank for i in ([source] if isinstance(source, int) else source)]
    places = [i % rank for i in ([destination] if isinstance(destination, int) else destination)]
    if len(moved) != len(places) or len(set(moved)) != len(moved) or len(set(places)) != len(places):
        raise ArgumentError(f"as many different places are needed as axes, but {source} and {destination} were given")
    order = [i for i in range(rank) if i not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        order.insert(place, axis)
    return gradtape.transpose(found, order)


def expand_dims(a: TensorLike, axis: int | Sequence[int]) -> Tensor:
    """Axes of length one put in."""
    found = tensor(a)
    axes = [axis] if isinstance(axis, int) else list(axis)
    for place in sorted(normalize_axes(axes, len(found.shape) + len(axes))):
        found = gradtape.expand_dims(found, place)
    return found


def squeeze(a: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without the axes of length one, or without those that are named."""
    return gradtape.squeeze(tensor(a), axis)


def broadcast_to(array: TensorLike, shape: int | Sequence[int]) -> Tensor:
    """The elements as often as a larger shape needs them."""
    return gradtape.broadcast_to(tensor(array), [shape] if isinstance(shape, int) else list(shape))


def concatenate(arrays: Sequence[TensorLike], axis: int | None = 0) -> Tensor:
    """The tensors one after the other along an axis; each made one row without an axis."""
    parts = [tensor(one) for one in arrays]
    if axis is None:
        return gradtape.concat([gradtape.reshape(one, [-1]) for one in parts], 0)
    return gradtape.concat(parts, axis)


def stack(arrays: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """The tensors, all of one shape, side by side along a new axis."""
    return gradtape.stack([tensor(one) for one in arrays], axis)


def atleast_1d(a: TensorLike) -> Tensor:
    """With one axis at least."""
    found = tensor(a)
    return found if found.shape else gradtape.reshape(found, [1])


def atleast_2d(a: TensorLike) -> Tensor:
    """With two axes at least: one row, if there was only one."""
    found = tensor(a)
    return found if len(found.shape) > 1 else gradtape.reshape(found, [1, -1])


def vstack(tup: Sequence[TensorLike]) -> Tensor:
    """The tensors under each other."""
    return gradtape.concat([atleast_2d(one) for one in tup], 0)


def hstack(tup: Sequence[TensorLike]) -> Tensor:
    """The tensors beside each other."""
    parts = [atleast_1d(one) for one in tup]
    return gradtape.concat(parts, 0 if len(parts[0].shape) == 1 else 1)


def column_stack(tup: Sequence[TensorLike]) -> Tensor:
    """Rows as the columns of a matrix."""
    parts = [tensor(one) for one in tup]
    return gradtape.concat([one if len(one.shape) > 1 else gradtape.reshape(one, [-1, 1]) for one in parts], 1)


def split(ary: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """The parts along an axis: so many equal ones, or those between the places in a list."""
    found = tensor(ary)
    if isinstance(indices_or_sections, int):
        return gradtape.split(found, indices_or_sections, axis)
    (place,) = normalize_axes(axis, len(found.shape))
    ends = [0, *indices_or_sections, found.shape[place]]
    before = (slice(None),) * place
    return [found[(*before, slice(a, b))] for a, b in pairwise(ends)]


def tile(a: TensorLike, reps: int | Sequence[int]) -> Tensor:
    """The tensor side by side with itself, so often along each of the last axes."""
    found, times = tensor(a), [reps] if isinstance(reps, int) else list(reps)
    times = [1] * (len(found.shape) - len(times)) + times
    if len(times) > len(found.shape):
        found = gradtape.reshape(found, [1] * (len(times) - len(found.shape)) + list(found.shape))
    return gradtape.tile(found, times)


def repeat(a: TensorLike, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Each element so often, one after the other along an axis."""
    return gradtape.repeat(tensor(a), repeats, axis)


def roll(a: TensorLike, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements moved on along an axis, and round from the end to the begin."""
    found = tensor(a)
    if axis is None:
        return gradtape.reshape(gradtape.roll(gradtape.reshape(found, [-1]), shift, 0), found.shape)
    return gradtape.roll(found, shift, axis)


def flip(m: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements in reverse order along axes, all of them if none are given."""
    found = tensor(m)
    return gradtape.reverse(found, list(normalize_axes(axis, len(found.shape))))


def flipud(m: TensorLike) -> Tensor:
    """The rows in reverse order."""
    return flip(m, 0)


def fliplr(m: TensorLike) -> Tensor:
    """The columns in reverse order."""
    return flip(m, 1)


def pad(array: TensorLike, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Tensor:
    """More elements before and after along each axis: "constant" ones, or those inside as a mirror shows them
    ("reflect", without the edge, and "symmetric")."""
    if mode not in ("constant", "reflect", "symmetric"):
        raise ArgumentError(f"a mode is constant, reflect or symmetric, not {mode!r}")
    found = tensor(array)
    widths = np.broadcast_to(np.asarray(pad_width, np.int64), (len(found.shape), 2)).tolist()
    return gradtape.pad(found, widths, mode.upper(), constant_values)


def take(a: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The elements, or what is along an axis, at some places; negative ones count from the end."""
    found = tensor(a)
    if axis is None:
        found, axis = gradtape.reshape(found, [-1]), 0
    places = tensor(indices)
    length = found.shape[axis]
    return gradtape.gather(found, gradtape.where(places < 0, places + length, places), axis=axis)


def sort(a: TensorLike, axis: int | None = -1) -> Tensor:
    """The elements in order along an axis; NaN comes last."""
    return gradtape.sort(ravel(a), 0) if axis is None else gradtape.sort(number(a), axis)


def argsort(a: TensorLike, axis: int | None = -1) -> Tensor:
    """The places of the elements in their order; equal ones keep theirs."""
    return gradtape.argsort(ravel(a), 0) if axis is None else gradtape.argsort(number(a), axis)


def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours along an axis, n times."""
    found = number(a)
    (place,) = normalize_axes(axis, len(found.shape))
    before = (slice(None),) * place
    for _ in range(n):
        found = found[(*before, slice(1, None))] - found[(*before, slice(None, -1))]
    return found
