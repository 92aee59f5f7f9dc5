"""Products of matrices and their like, under NumPy's names; all of them are made of `matmul`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradtape
from gradtape.errors import ArgumentError
from gradtape.graph.handles import TensorLike
from gradtape.numpy.making import diag
from gradtape.numpy.reading import number

Tensor = Any


def matmul(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """The product of matrices in the last two axes; a row is a matrix with one row or one column."""
    a, b = number(x1), number(x2)
    if not a.shape or not b.shape:
        raise ArgumentError("matmul takes rows and matrices; for a single number use multiply")
    left, right = len(a.shape) == 1, len(b.shape) == 1
    a = gradtape.reshape(a, [1, -1]) if left else a
    b = gradtape.reshape(b, [-1, 1]) if right else b
    whole = gradtape.matmul(a, b)
    shape = [n for i, n in enumerate(whole.shape, -len(whole.shape)) if not ((left and i == -2) or (right and i == -1))]
    return gradtape.reshape(whole, shape)


def dot(a: TensorLike, b: TensorLike) -> Tensor:
    """The sum of products over the last axis of a and the last but one of b (its only one, if it has one)."""
    first, second = number(a), number(b)
    if not first.shape or not second.shape:
        return first * second
    return tensordot(first, second, ([-1], [-1 if len(second.shape) == 1 else -2]))


def vdot(a: TensorLike, b: TensorLike) -> Tensor:
    """The sum of products of all elements."""
    return tensordot(gradtape.reshape(number(a), [-1]), gradtape.reshape(number(b), [-1]), 1)


def inner(a: TensorLike, b: TensorLike) -> Tensor:
    """The sum of products over the last axes."""
    first, second = number(a), number(b)
    return first * second if not first.shape or not second.shape else tensordot(first, second, ([-1], [-1]))


def outer(a: TensorLike, b: TensorLike) -> Tensor:
    """Each element of a times each of b."""
    return gradtape.reshape(number(a), [-1, 1]) * gradtape.reshape(number(b), [1, -1])


def trace(a: TensorLike) -> Tensor:
    """The sum of the diagonal of a matrix."""
    return gradtape.reduce_sum(diag(number(a)))


def tensordot(a: TensorLike, b: TensorLike, axes: int | Sequence[Any] = 2) -> Tensor:
    """The sum of products over some axes of a and of b: so many last and first ones, or a pair of lists."""
    first, second = number(a), number(b)
    if isinstance(axes, int):
        over = list(range(len(first.shape) - axes, len(first.shape))), list(range(axes))
    else:
        over = tuple([one] if isinstance(one, int) else list(one) for one in axes)  # type: ignore[assignment]
    left, right = ([i % len(t.shape) for i in one] for t, one in zip((first, second), over, strict=True))
    if [first.shape[i] for i in left] != [second.shape[i] for i in right]:
        raise ArgumentError(
            f"the axes {left} of shape {tuple(first.shape)} and {right} of shape {tuple(second.shape)} differ in length"
        )
    kept = [[i for i in range(len(t.shape)) if i not in axes] for t, axes in ((first, left), (second, right))]
    rows = gradtape.transpose(first, [*kept[0], *left])
    columns = gradtape.transpose(second, [*right, *kept[1]])
    common = math.prod(first.shape[i] for i in left)
    shape = [*(first.shape[i] for i in kept[0]), *(second.shape[i] for i in kept[1])]
    product = gradtape.matmul(
        gradtape.reshape(rows, [math.prod(first.shape[i] for i in kept[0]), common]),
        gradtape.reshape(columns, [common, math.prod(second.shape[i] for i in kept[1])]),
    )
    return gradtape.reshape(product, shape)


def einsum(subscripts: str, /, *operands: TensorLike) -> Tensor:
    """Sums of products by the letters of axes, as in ``einsum("ij,jk->ik", a, b)``; without ``->`` the letters that
    occur once, in the order of the alphabet. Operands are combined from the left.

    Raises ArgumentError for what is no such text or does not fit the operands; ``...`` is not understood.
    """
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    letters = inputs.split(",")
    if not arrow:
        result = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    tensors = [number(one) for one in operands]
    sound = all(c.isalpha() for c in [*"".join(letters), *result]) and set(result) <= set("".join(letters))
    if len(letters) != len(tensors) or not sound or len(set(result)) != len(result):
        raise ArgumentError(f"einsum takes a text such as 'ij,jk->ik' and an operand for each part, not {subscripts!r}")
    lengths: dict[str, int] = {}
    for part, one in zip(letters, tensors, strict=True):
        if len(part) != len(one.shape):
            raise ArgumentError(f"{part!r} has {len(part)} letters for an operand of shape {tuple(one.shape)}")
        for letter, length in zip(part, one.shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                raise ArgumentError(f"the axes {letter!r} have lengths {lengths[letter]} and {length}")
    known, total = _single(letters[0], tensors[0])
    for i, (part, one) in enumerate(zip(letters[1:], tensors[1:], strict=True), 2):
        wanted = set(result).union(*letters[i:])
        known, total = _joined(known, total, *_single(part, one), wanted)
    rest = [i for i, letter in enumerate(known) if letter not in result]
    total = gradtape.reduce_sum(total, rest) if rest else total
    left = [letter for letter in known if letter in result]
    return gradtape.transpose(total, [left.index(letter) for letter in result]) if len(result) > 1 else total


def _single(letters: str, x: Tensor) -> tuple[str, Tensor]:
    """An operand in which each letter occurs once: of equal ones the diagonal."""
    for letter in letters:
        while letters.count(letter) > 1:
            i = letters.index(letter)
            j = letters.index(letter, i + 1)
            order = [k for k in range(len(letters)) if k not in (i, j)]
            x = gradtape.transpose(x, [i, j, *order])
            x = gradtape.gather_nd(x, [[k, k] for k in range(x.shape[0])])
            letters = letter + "".join(letters[k] for k in order)
    return letters, x


def _joined(a_letters: str, a: Tensor, b_letters: str, b: Tensor, wanted: set[str]) -> tuple[str, Tensor]:
    """Two operands as one product of matrices: axes that both have and are still wanted side by side, those that both
    have and nobody wants summed."""
    both = [c for c in a_letters if c in b_letters]
    batch, summed = [c for c in both if c in wanted], [c for c in both if c not in wanted]
    rows, columns = [c for c in a_letters if c not in both], [c for c in b_letters if c not in both]
    length = dict(zip(a_letters, a.shape, strict=True)) | dict(zip(b_letters, b.shape, strict=True))

    def size(letters: Sequence[str]) -> int:
        return math.prod(length[c] for c in letters)

    a = gradtape.transpose(a, [a_letters.index(c) for c in [*batch, *rows, *summed]])
    b = gradtape.transpose(b, [b_letters.index(c) for c in [*batch, *summed, *columns]])
    product = gradtape.matmul(
        gradtape.reshape(a, [size(batch), size(rows), size(summed)]),
        gradtape.reshape(b, [size(batch), size(summed), size(columns)]),
    )
    left = [*batch, *rows, *columns]
    return "".join(left), gradtape.reshape(product, [length[c] for c in left])
