"""At which numbers functions are measured: all bit patterns in chunks, or a stratified sample of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

CHUNK_BITS = 22
CHUNKS = 1 << (32 - CHUNK_BITS)
AROUND = 4
"""So many neighbours on both sides of a special number are taken, too."""


def chunk(number: int) -> np.ndarray:
    """The float32 numbers whose bit patterns begin with `number`."""
    first = number << CHUNK_BITS
    return np.arange(first, first + (1 << CHUNK_BITS), dtype=np.uint32).view(np.float32)


def sample(dtype: str, count: int, special: np.ndarray, seed: int = 0) -> np.ndarray:
    """About `count` numbers: a third over all exponents and signs, a third random bit patterns, a third of ordinary
    size; and all neighbours of powers of two, of `special` numbers, of halves and of multiples of π/2."""
    kind = np.dtype(dtype)
    unsigned = np.dtype(f"uint{8 * kind.itemsize}")
    mantissa = np.finfo(kind).nmant
    rng = np.random.default_rng([seed, kind.itemsize])
    share = count // 3
    exponents = np.arange(1 << (8 * kind.itemsize - mantissa), dtype=np.uint64)
    prefixes = (exponents << np.uint64(mantissa)).astype(unsigned)
    each = -(-share // len(prefixes))
    tails = rng.integers(0, 1 << mantissa, (len(prefixes), each), dtype=unsigned)
    widths = rng.choice([1.5, 10.0, 100.0], share)
    ordinary = np.arange(1, 65) * 0.5
    multiples = np.arange(1, 41) * (np.pi / 2)
    with np.errstate(over="ignore"):
        both = np.concatenate([ordinary, -ordinary, multiples, -multiples])
        powers = rng.permutation(prefixes.view(kind))[: max(share // AROUND, 100)]
        centres = np.concatenate([powers, both, special]).astype(kind)
    parts = [
        (prefixes[:, None] + tails).ravel().view(kind),
        rng.integers(0, np.iinfo(unsigned).max, share, dtype=unsigned, endpoint=True).view(kind),
        (rng.uniform(-1, 1, share) * widths).astype(kind),
        neighbours(centres[np.isfinite(centres)]),
        np.array([0.0, -0.0, np.inf, -np.inf, np.nan], kind),
    ]
    return np.concatenate(parts)


def position(x: np.ndarray) -> np.ndarray:
    """The number's place on the line of all numbers of its format: neighbours differ by 1, both zeros are 0."""
    signed = x.view(np.int32 if x.dtype.itemsize == 4 else np.int64).astype(np.int64)
    lowest = np.int64(-(1 << (8 * x.dtype.itemsize - 1)))
    return np.where(signed < 0, lowest - signed, signed)


def number_at(place: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The number at a place; the inverse of `position`."""
    lowest = np.int64(-(1 << (8 * dtype.itemsize - 1)))
    signed = np.where(place < 0, lowest - place, place)
    return signed.astype(np.int32 if dtype.itemsize == 4 else np.int64).view(dtype)


def neighbours(x: np.ndarray) -> np.ndarray:
    """Each number with `AROUND` neighbours on both sides, once."""
    largest = position(np.array([np.inf], x.dtype))[0]
    around = position(np.unique(x))[:, None] + np.arange(-AROUND, AROUND + 1)
    return number_at(np.unique(np.clip(around, -largest, largest)), x.dtype)


def thresholds(evaluate: Callable[[np.ndarray], np.ndarray], dtype: str, most: int = 512) -> np.ndarray:
    """Where the kind of the result changes (NaN, infinite, zero, subnormal, normal, and the sign), found by bisection.

    Of a function that changes more often than `most` times between the points looked at, some are taken.
    """
    kind = np.dtype(dtype)
    infinity = int(position(np.array([np.inf], kind))[0])
    upper = np.arange(0, infinity + 1, 1 << (np.finfo(kind).nmant - 3), dtype=np.int64)
    places = np.concatenate([-upper[:0:-1], upper])

    def sort(place: np.ndarray) -> np.ndarray:
        return _kind_of(evaluate(number_at(place, kind)))

    kinds = sort(places)
    changes = np.flatnonzero(kinds[1:] != kinds[:-1])
    changes = changes[:: -(-len(changes) // most)] if len(changes) else changes
    low, high, of_low = places[changes], places[changes + 1], kinds[changes]
    while np.any(high - low > 1):
        middle = low + (high - low) // 2
        as_low = sort(middle) == of_low
        low, high = np.where(as_low, middle, low), np.where(as_low, high, middle)
    return number_at(low, kind)


def _kind_of(result: np.ndarray) -> np.ndarray:
    size = np.abs(result)
    kind = (size > 0).astype(int) + (size >= np.finfo(result.dtype).smallest_normal) + np.isinf(result)
    return np.where(np.isnan(result), 9, np.copysign(kind, result))
