"""Examples of every primitive of the table: operands and parameters for which it is smooth and finite."""

from __future__ import annotations

import inspect
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

import gradtape as tf
from gradtape.graph.dtypes import as_dtype, bool_, float64, int64
from gradtape.graph.node import TABLE, Node
from gradtape.graph.trace import apply

RNG = np.random.default_rng(3)
A, B, C = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2)), RNG.standard_normal((2, 3, 4))
PLACES_0, PLACES_1, PLACES_2 = np.array(1), np.array([2, 0]), np.array([[0, 1], [2, 0]])
COORDINATES = np.array([[[0, 1], [2, 3]], [[1, 1], [0, 0]]])
SHARES = np.exp(A) / np.sum(np.exp(A), axis=1, keepdims=True)
AXIS = [((0,), C), ((1,), C), ((2,), C), ((1, 2), C), ((0,), C[0, 0])]

MOVING: dict[str, list[tuple[list[np.ndarray], tuple]]] = {
    "reshape": [([A], ((2, 6),)), ([C], ((24,),))],
    "transpose": [([A], ((1, 0),)), ([C], ((1, 2, 0),))],
    "broadcast_to": [([A], ((5, 3, 4),)), ([A[:, :1]], ((2, 3, 4),)), ([A[0, 0]], ((3,),))],
    "sum": [([x], (axes,)) for axes, x in AXIS],
    "max": [([x], (axes,)) for axes, x in AXIS],
    "min": [([x], (axes,)) for axes, x in AXIS],
    "prod": [([x], (axes,)) for axes, x in AXIS],
    "all": [([x > -1], (axes,)) for axes, x in AXIS],
    "any": [([x > 1], (axes,)) for axes, x in AXIS],
    "concat": [([A, 2 * A, A[:1]], (0,)), ([C, C[:, :, :2]], (2,))],
    "slice": [([A], (((2, 2, -1), (0, 2, 2)),)), ([C], (((1, 1, 1), (0, 3, 1), (1, 2, 2)),))],
    "put_slice": [([A[:2, :2]], ((3, 5), ((2, 2, -1), (0, 2, 2))))],
    "cumsum": [([A], (0, False, False)), ([C], (1, True, False)), ([C], (2, False, True))],
    "cumprod": [([A], (0, False, False)), ([C], (1, True, False)), ([C], (2, False, True))],
    "argsort": [([A], (0, False)), ([C], (2, True))],
    "argmax": [([A], (0,)), ([C], (2,))],
    "argmin": [([A], (0,)), ([C], (2,))],
    "take": [([A, PLACES_2], (0,)), ([C, PLACES_1], (1,)), ([A[0], PLACES_0], (0,)), ([C, PLACES_2], (2,))],
    "put": [([A[:, :2], PLACES_1], (1, 3)), ([C[:, :2, :], PLACES_2], (0, 4)), ([A[0, 0], PLACES_0], (0, 3))],
    "flat_places": [([COORDINATES], ((3, 4), 0)), ([COORDINATES], ((3, 4), 1))],
    "last_at": [([PLACES_1], (4,))],
    "differentiated_as": [([A, A * A], ())],
    "softmax": [([A, SHARES], ((1,),))],
    "log_softmax": [([A, np.log(SHARES)], ((1,),))],
    "reduce_logsumexp": [([A, np.log(np.sum(np.exp(A), axis=1))], ((1,),))],
    "matmul": [
        ([A, B], (False, False)),
        ([A, B.T], (False, True)),
        ([A.T, B], (True, False)),
        ([A.T, B.T], (True, True)),
        ([C, B], (False, False)),
        ([A.T, C], (True, True)),
        ([C, C + 1], (False, True)),
        ([A, B[:, :1]], (False, False)),
        ([A.T, B[:, :1].T], (True, True)),
        ([A[:1], B], (False, False)),
    ],
}
"""Operands and parameters of the primitives that do not work number by number."""

PARAMETERS: dict[str, list[tuple]] = {
    "angle_slope": [(1, 0), (1, 1)],
    "cast": [("float64",), ("float32",), ("int64",)],
    "distance_slope": [(1, 0), (1, 1)],
    "divided_by_power": [(1, -1), (2, 3)],
    "exp_difference": [(0,), (1,)],
    "integer_pow": [(3,), (-2,)],
    "log_excess": [(0,), (1,)],
    "logarithm_slope": [(1, 2), (2, 10)],
    "multiple_of_power": [(2, 3), (-3, 2)],
    "log_total": [(0,), (1,)],
    "minor_term": [(0,), (1,)],
    "pow_slope": [(0, 1), (0, 2), (1, 0), (1, 1), (3, 0)],
    "root_slope": [(1, 0), (2, 1)],
    "share": [(0,), (1,)],
    "sigmoid_difference": [(1,), (2,)],
    "xlogy_slope": [(1, 0), (2, 1)],
}
"""Parameters of the primitives for which these are not the orders 0, 1, 2."""

PLACES = ([0.3, 0.45, 0.8], [1.2, 1.7, 2.4], [-0.6, 0.2, 0.7])
"""Where functions of numbers are tried. No two of them are equal, so nothing is chosen between equals."""


class Example(NamedTuple):
    name: str
    operands: tuple[np.ndarray, ...]
    params: tuple

    def __str__(self) -> str:
        shapes = ", ".join(str(list(x.shape)) for x in self.operands)
        return f"{self.name}({shapes}){''.join(f' {p}' for p in self.params)}"

    def __call__(self, *operands: Any) -> Any:
        """The primitive on tensors, for these parameters."""
        return tf.Tensor(apply(TABLE[self.name], tuple([tf.convert_to_tensor(x).node for x in operands]), self.params))

    @property
    def smooth(self) -> list[int]:
        """The operands by which there is a derivative."""
        return [i for i, x in enumerate(self.operands) if x.dtype.kind == "f"]

    def of_smooth(self, *smooth: Any) -> Any:
        """The primitive as a function of these operands alone."""
        given = list(self.operands)
        for i, x in zip(self.smooth, smooth, strict=True):
            given[i] = x
        return self(*given)

    @property
    def points(self) -> tuple[np.ndarray, ...]:
        return tuple(self.operands[i] for i in self.smooth)


OF_ROWS = {f.__name__: f for f in (tf.nn.softmax, tf.nn.log_softmax, tf.reduce_logsumexp)}
"""Functions of rows, by the names of their primitives. These have what they are of the first operand as the second one,
so it cannot be any number; see tests/ops/test_normalised."""


@cache
def examples() -> tuple[Example, ...]:
    """At least one for every primitive with operands."""
    found = [
        Example(name, tuple(map(np.asarray, operands)), params) for name in MOVING for operands, params in MOVING[name]
    ]
    for name, primitive in TABLE.items():
        if primitive.pointwise and name not in ("literal", *OF_ROWS):
            found += _of_numbers(name)
    return tuple(found)


@cache
def differentiable() -> tuple[Example, ...]:
    """Those through which derivatives go."""
    return tuple(
        e
        for e in examples()
        if TABLE[e.name].kind != "constant"
        and e.smooth
        and (e.name != "stop_gradient")
        and e(*e.operands).dtype.is_floating
    )


def _of_numbers(name: str) -> list[Example]:
    primitive = TABLE[name]
    takes = inspect.signature(primitive.exact).parameters.values()
    several = 3 * any(p.kind is p.VAR_POSITIONAL for p in takes)  # of what takes any even number, four
    arity = len(takes) - 1 - len(primitive.parameters) + several
    settings = PARAMETERS.get(name, [(0,), (1,), (2,)] if primitive.parameters else [()])
    found = []
    for types in product((float64, int64, bool_), repeat=arity):
        if (
            len(set(types[-2:])) > 1
            or (several and set(types) != {float64})
            or not _accepts(primitive, types, settings[0])
        ):
            continue
        for params in settings:
            operands = _operands(primitive, types, params)
            if operands is not None:
                found.append(Example(name, operands, params))
    return found


def _accepts(primitive: Any, types: Any, params: tuple) -> bool:
    try:
        primitive.infer(tuple(Node(None, None, (), t) for t in types), params)
    except TypeError:
        return False
    return True


def _operands(primitive: Any, types: Any, params: tuple) -> tuple[np.ndarray, ...] | None:
    """Operands of different ranks for which the value and two derivatives are finite."""
    shapes = [(3,), (2, 3), (3, 1, 1), (2, 1), (), (3,), (2, 1)][: len(types)] if len(types) > 1 else [(3,)]
    for place in PLACES:
        operands = []
        for i, (dtype, shape) in enumerate(zip(types, shapes, strict=True)):
            numbers = np.resize(np.roll(place, i), shape) * (1 + 0.1 * i)
            if dtype is bool_:
                operands.append(numbers > 0.5)
            else:
                operands.append((numbers * (10 if dtype is int64 else 1)).astype(as_dtype(dtype).dtype))
        example = Example(primitive.name, tuple(operands), params)
        try:
            if _is_finite(example):
                return example.operands
        except ValueError:  # there is no such member of the family
            return None
    return None


def _is_finite(example: Example) -> bool:
    value = example(*example.operands)
    if not np.isfinite(value.numpy()).all():
        return False
    if not value.dtype.is_floating or not example.smooth:
        return True
    sources = [tf.constant(x) for x in example.points]
    with tf.GradientTape(persistent=True) as second:
        second.watch(sources)
        with tf.GradientTape() as first:
            first.watch(sources)
            value = example.of_smooth(*sources)
        slopes = [s for s in first.gradient(value, sources) if s is not None]
    curved = [c for slope in slopes for c in second.gradient(slope, sources) if c is not None]
    return all(np.isfinite(x.numpy()).all() for x in [*slopes, *curved])
