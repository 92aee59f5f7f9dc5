"""Functions of a row of numbers, softmax and its like: values and products with their Jacobian, against Arb.

A derivative is one of two kinds. "entries" are entries of the Jacobian: the vjp of a cotangent that is 1 at one place
and 0 elsewhere. "vjp" is that of random cotangents. The mixed measure of a number t that depends on many,

    |r - t| / (ulp(t) + Σⱼ |∂t/∂xⱼ| ulp(xⱼ)/2),

allows for half an ulp of each of them: so far the true value moves, to first order, if every argument is the rounded
one of another, and no more can be asked of anybody who has the rounded ones. The arguments of a vjp are x and the
cotangents, those of an entry are x alone. An entry counts like a first derivative of one variable, in pure ulps but
next to a zero. A vjp counts in the mixed measure everywhere: it is a sum of products, and how much of it cancels is up
to the cotangents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import gradtape as tf
from sweeping.balls import flint, is_known
from sweeping.errors import Errors
from sweeping.functions import kernels, short_hash
from sweeping.measure import Tally

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda x: tf.nn.softmax(x, axis=-1),
    "log_softmax": lambda x: tf.nn.log_softmax(x, axis=-1),
    "reduce_logsumexp": lambda x: tf.reduce_logsumexp(x, axis=-1),
    "norm": lambda x: tf.norm(x, axis=-1),
}
WHAT = {"": 0, "entries": 1, "vjp": 1}
"""What is measured of each, and its order."""
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 16, 31, 64, 100, 333, 1000)
PRECISIONS = (200, 1000, 4000)
TILE = 4
"""So many entries, in as many columns of the Jacobian, and so many cotangents are looked at per row."""


def names() -> Iterator[tuple[str, int]]:
    """Each function with what is measured of it, and the order."""
    for function in FUNCTIONS:
        for what, order in WHAT.items():
            yield f"{function} {what}".strip(), order


def values(name: str, x: Any, cotangents: Any = None) -> Any:
    """The function at the rows of a Tensor, or the products with cotangents, through the tape."""
    call = FUNCTIONS[name.split(maxsplit=1)[0]]
    if cotangents is None:
        return call(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    return tape.gradient(y, x, output_gradients=cotangents)


@cache
def fingerprint(name: str, dtype: str) -> str:
    """Says which kernels are measured."""
    x = tf.constant(np.full((64, 100), 0.5, dtype))
    given = None
    if len(name.split()) > 1:
        given = tf.constant(np.full(np.shape(values(name, x)), 0.75, dtype))
    return short_hash(kernels(lambda: values(name, x, given)))


# -- where ----------------------------------------------------------------------------------------------------


def kinds(dtype: str) -> dict[str, Callable[[np.random.Generator, int], np.ndarray]]:
    """How rows of a length are made, by what is difficult about them."""
    info = np.finfo(dtype)

    def mixed(rng: np.random.Generator, n: int) -> np.ndarray:
        return np.ldexp(rng.uniform(-1, 1, n), rng.integers(info.minexp - info.nmant, info.maxexp, n))

    def near_even(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.choice([0.0, 0.3, 1.0, 100.0]) + rng.normal(0, rng.choice([1e-12, 1e-6, 0.01]), n)

    def dominant(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.normal(0, 1, n) + np.where(np.arange(n) == rng.integers(n), rng.uniform(3, 50), 0)

    def infinite(rng: np.random.Generator, n: int) -> np.ndarray:
        return np.where(rng.random(n) < 0.3, -np.inf, rng.normal(0, 3, n))

    return {
        "ordinary": lambda rng, n: rng.normal(0, rng.choice([0.1, 1.0, 10.0]), n),
        "near-even": near_even,
        "even": lambda rng, n: np.full(n, rng.normal(0, 1)),
        "two masses": lambda rng, n: rng.choice(rng.normal(0, 2, 2), n),
        "spread": lambda rng, n: rng.uniform(-800, 800, n),
        "large": lambda rng, n: rng.choice([0, 1e4]) + rng.normal(0, rng.choice([1.0, 1e4]), n),
        "one dominant": dominant,
        "with -inf": infinite,
        "subnormal": lambda rng, n: rng.integers(-1000, 1000, n) * float(info.smallest_subnormal),
        "all exponents": mixed,
    }


class Batch(NamedTuple):
    """Rows of one length and kind."""

    kind: str
    x: np.ndarray


def batches(dtype: str, count: int, seed: int = 0) -> list[Batch]:
    """About `count` rows, as many of each length and kind."""
    makers = kinds(dtype)
    each = -(-count // (len(makers) * len(LENGTHS)))
    rng = np.random.default_rng([seed, np.dtype(dtype).itemsize])
    found = []
    with np.errstate(over="ignore"):
        for kind, make in makers.items():
            for length in LENGTHS:
                rows = np.array([make(rng, length) for _ in range(each)]).astype(dtype)
                found.append(Batch(kind, np.clip(rows, -np.inf, np.finfo(dtype).max)))
    return found


def place(dtype: str, count: int, at: float) -> str:
    """What kind of row the result number `at` is of."""
    batch = batches(dtype, count)[int(at)]
    return f"{batch.kind}, {batch.x.shape[1]}"


def cotangents(what: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """For rows of this shape (with no last axis: for their values)."""
    if what == "vjp":
        common = rng.choice([0.0, 0.0, 10.0], shape[:1] + (1,) * (len(shape) - 1))
        return common + np.where(rng.random(shape) < 0.1, 1.0, rng.normal(0, 1, shape))
    if len(shape) == 1:
        return np.ones(shape)
    return (np.arange(shape[1]) == rng.integers(shape[1], size=(shape[0], 1))).astype(float)


# -- the truth ------------------------------------------------------------------------------------------------


def truth(name: str, x: list[float], ct: list[float] | None) -> list[Any]:
    """The exact results for one row, as balls of Arb; `ct` is one number for functions with one value."""
    found: list[Any] = []
    for precision in PRECISIONS:
        flint.ctx.prec = precision
        found = _norm(x, ct) if name == "norm" else _exponential(name, x, ct)
        if all(map(is_known, found)):
            break
    return found


def _norm(x: list[float], ct: list[float] | None) -> list[Any]:
    numbers = [flint.arb(v) for v in x]
    length = sum((v * v for v in numbers), flint.arb(0)).sqrt()
    if ct is None:
        return [length]
    return [v * ct[0] / length if length != 0 else flint.arb(0) for v in numbers]


def _exponential(name: str, x: list[float], ct: list[float] | None) -> list[Any]:
    top = max(x)
    zero = flint.arb(0)
    below = [None if v == -np.inf else flint.arb(v) - flint.arb(top) for v in x]
    terms = [zero if v is None else v.exp() for v in below]
    total = sum(terms, zero)
    if name == "reduce_logsumexp":
        return [top + total.log()] if ct is None else [e * ct[0] / total for e in terms]
    if name == "log_softmax":
        if ct is None:
            return [zero.neg_inf() if v is None else v - total.log() for v in below]
        whole = sum((flint.arb(c) for c in ct), zero)
        return [c - e * whole / total for c, e in zip(ct, terms, strict=True)]
    if ct is None:
        return [e / total for e in terms]
    moved = [flint.arb(c) - flint.arb(ct[0]) for c in ct]  # equal cotangents give exactly zero
    mean = sum((e * c for e, c in zip(terms, moved, strict=True)), zero) / total
    return [e / total * (c - mean) for e, c in zip(terms, moved, strict=True)]


def allowances(name: str, x: np.ndarray, ct: np.ndarray, of_x: np.ndarray, of_ct: np.ndarray) -> np.ndarray:
    """Σ |∂t/∂xⱼ| and Σ |∂t/∂ctⱼ| times half an ulp of each, for every t of a vjp."""
    one = np.eye(len(x))
    if name == "norm":
        top = np.abs(x).max() or 1.0
        scaled = x / top
        length = np.sqrt(scaled @ scaled) or 1.0
        unit = scaled / length
        by_x = ct[0] * (one - np.outer(unit, unit)) / length
        return np.abs(by_x) @ (of_x / top) + np.abs(unit) * of_ct[0]
    with np.errstate(invalid="ignore"):
        e = np.exp(np.where(x == -np.inf, -np.inf, x - x.max()))
    p = e / e.sum()
    slopes = p[:, None] * (one - p)
    if name == "reduce_logsumexp":
        return np.abs(ct[0] * slopes) @ of_x + p * of_ct[0]
    if name == "log_softmax":
        return np.abs(ct.sum() * slopes) @ of_x + np.abs(one - p[:, None]) @ of_ct
    moved = ct - p @ ct
    by_x = slopes * moved[:, None] - np.outer(p, p * moved)
    return np.abs(by_x) @ of_x + np.abs(slopes) @ of_ct


# -- measuring ------------------------------------------------------------------------------------------------


def measured(name: str, count: int, dtype: str) -> Tally:
    """The tally over about `count` rows; the place named is the number of the batch."""
    function, _, what = name.partition(" ")
    kind = np.dtype(dtype)
    rng = np.random.default_rng(1)
    total = Tally()
    for number, batch in enumerate(batches(dtype, count)):
        x = np.where(np.isinf(batch.x), 1, batch.x).astype(kind) if function == "norm" else batch.x
        given = None
        if what:
            x = np.repeat(x, TILE, 0)
            shape = x.shape if function in ("softmax", "log_softmax") else x.shape[:1]
            given = cotangents(what, shape, rng).astype(kind)
        results = values(function, tf.constant(x), None if given is None else tf.constant(given)).numpy()
        total += _of_batch(function, what, x, given, results, number)
    return total


def _of_batch(function: str, what: str, x: np.ndarray, given: np.ndarray | None, results: np.ndarray, at: int) -> Tally:
    results = results.reshape(len(x), -1)
    errors = Errors(x.dtype, results.ravel())
    spacing = errors.spacing
    for row in range(len(x)):
        if np.all(np.isinf(x[row])):  # a convention
            errors.kept[row * results.shape[1] : (row + 1) * results.shape[1]] = False
            continue
        ct = None if given is None else np.atleast_1d(given[row]).astype(np.float64)
        exact = truth(function, x[row].astype(np.float64).tolist(), None if ct is None else ct.tolist())
        allowed = np.zeros(len(exact))
        if ct is not None:
            numbers = np.where(np.isinf(x[row]), 0, x[row]).astype(np.float64)
            half, of_ct = np.ldexp(0.5, spacing(numbers)), np.ldexp(0.5, spacing(ct)) * (what == "vjp")
            allowed = allowances(function, x[row].astype(np.float64), ct, half, of_ct)
        for k, true in enumerate(exact):
            known = true if true.is_finite() else None
            errors.add(row * len(exact) + k, known, flint.arb(float(allowed[k])))
    places = np.full(results.size, float(at))
    return errors.tally(places, [np.ones(results.size, int)], int(given is not None), mixed=what == "vjp")
