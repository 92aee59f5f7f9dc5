"""Arrays as PyTorch prints them: four digits, one format for all elements, the middle of what is long left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DIGITS = 4
WIDTH = 80
LONGEST = 1000
"""Arrays with more elements than this are shown by their ends."""
ENDS = 3
"""Elements shown at each end of an axis."""
PREFIX = "tensor("
DEFAULTS = ("float32", "int64", "bool")
"""Types that go without saying, because Python's numbers have them."""


def text_of(array: np.ndarray) -> str:
    """`array` as the repr of a torch tensor.

    >>> text_of(np.array([0.5, 2.0])), text_of(np.array([1, -10], np.int64))
    ('tensor([0.5000, 2.0000], dtype=torch.float64)', 'tensor([  1, -10])')
    """
    suffixes = []
    if array.size == 0:
        body = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
        named = array.dtype != np.float32
    else:
        named = array.dtype.name not in DEFAULTS
        shown = _ends(array) if array.size > LONGEST else array
        body = _nested(shown, array.shape, array.size > LONGEST, *_formatter(shown), len(PREFIX))
    if named:
        suffixes.append(f"dtype=torch.{array.dtype.name}")
    result = PREFIX + body
    used = len(result) - result.rfind("\n") + 1
    for suffix in suffixes:
        fits = used + len(suffix) + 2 <= WIDTH
        result += f", {suffix}" if fits else f",\n{' ' * len(PREFIX)}{suffix}"
        used = used + len(suffix) + 2 if fits else len(PREFIX) + len(suffix)
    return result + ")"


def _ends(array: np.ndarray) -> np.ndarray:
    for axis, length in enumerate(array.shape):
        if length > 2 * ENDS:
            array = np.take(array, [*range(ENDS), *range(length - ENDS, length)], axis)
    return array


def _formatter(array: np.ndarray) -> tuple[Callable[[object], str], int]:
    """How to write each element, and the width that all of them get."""
    if array.dtype.kind in "iub":
        return str, max(len(str(v)) for v in array.ravel().tolist())
    finite = array[np.isfinite(array) & (array != 0)].astype(np.float64)
    whole = bool(np.all(finite == np.ceil(finite)))
    sizes = np.abs(finite)
    wide = bool(finite.size) and (sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or sizes.min() < 1e-4)
    spec = f".{DIGITS}e" if wide else ".0f" if whole else f".{DIGITS}f"
    point = "." if whole and not wide else ""
    width = max((len(format(v, spec) + point) for v in finite.tolist()), default=1)
    return lambda v: format(v, spec) + (point if np.isfinite(v) else ""), width


def _nested(
    array: np.ndarray, shape: tuple[int, ...], cut: bool, write: Callable[[object], str], width: int, indent: int
) -> str:
    """Brackets and lines; `shape` is what the array had before its middle was `cut` out."""
    if array.ndim == 0:
        return write(array.item()).rjust(width)
    cut_here = cut and shape[0] > 2 * ENDS
    margin = " " * (indent + 1)
    if array.ndim == 1:
        parts = [write(v).rjust(width) for v in array.tolist()]
        if cut_here:
            parts.insert(ENDS, " ...")
        per_line = max(1, (WIDTH - indent) // (width + 2))
        lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
        return "[" + f",\n{margin}".join(lines) + "]"
    parts = [_nested(row, shape[1:], cut, write, width, indent + 1) for row in array]
    if cut_here:
        parts.insert(ENDS, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + margin).join(parts) + "]"
