"""Every primitive that works on single numbers is read with mpmath, and means what its NumPy reference does."""

import inspect
from itertools import product
from random import Random

import numpy as np
import pytest

from gradtape.errors import DTypeError
from gradtape.graph.dtypes import bool_, float64, int64
from gradtape.graph.node import READ, TABLE, Node
from gradtape.study.accuracy_truth import apply, context

NUMBERS = {
    float64: [-2.5, -1.0, -0.75, 0.0, 0.3, 0.5, 1.0, 1.7, 3.0],
    int64: [-3, -1, 1, 2, 5],
    bool_: [False, True],
}
MOST = 7000
"""Of more combinations of values, as five operands have, that many are tried."""
ON_NUMBERS = sorted(
    name
    for name, p in TABLE.items()
    if p.lowering is not None and p.lowering is not READ and p.reduction is None and p.view is None
)
"""What the engine computes number by number."""


def arguments(primitive):
    """Types of operands that the primitive accepts, and values of its parameters."""
    takes = inspect.signature(primitive.exact).parameters.values()
    several = 3 * any(p.kind is p.VAR_POSITIONAL for p in takes)  # of what takes any even number, four
    arity = len(takes) - 1 - len(primitive.parameters) + several
    if primitive.name == "literal":
        params = [("0x1.8p-1", "float64")]
    elif primitive.name == "cast":
        params = [("float64",), ("int64",), ("bool",)]
    else:
        params = [p for p in product(range(4), repeat=len(primitive.parameters)) if len(p) < 2 or sum(p)]
    for types in product(NUMBERS, repeat=arity):
        try:
            primitive.infer(tuple(Node(None, None, (), t) for t in types), params[0])
        except DTypeError:
            continue
        if len(set(types[-2:])) < 2:  # what is chosen between or computed with has one type
            yield types, [p for p in params if sensible(primitive, types, p)]


def sensible(primitive, types, params):
    """Whether there is such a primitive; a second parameter often needs a first one."""
    try:
        with np.errstate(all="ignore"):
            primitive.reference(*[np.ones((), t.dtype) for t in types], *params)
    except (ValueError, ZeroDivisionError):
        return False
    return True


def points(types):
    """All combinations of values, or some drawn from them."""
    every = [NUMBERS[t] for t in types]
    if np.prod([len(values) for values in every]) <= MOST:
        return list(product(*every))
    draw = Random(0)
    return [tuple(draw.choice(values) for values in every) for _ in range(MOST)]


def read(value):
    return value if isinstance(value, bool) else float(value)


@pytest.mark.parametrize("name", ON_NUMBERS)
def test_it_has_a_reader(name):
    assert TABLE[name].exact is not None


@pytest.mark.parametrize("name", [n for n in ON_NUMBERS if TABLE[n].exact is not None])
def test_reader_and_reference_agree(name):
    primitive, mp = TABLE[name], context()
    compared = 0
    for types, params in arguments(primitive):
        for point, chosen in product(points(types), params):
            arrays = [np.array(v, t.dtype) for v, t in zip(point, types, strict=True)]
            with np.errstate(all="ignore"):
                reference = np.asarray(primitive.reference(*arrays, *chosen)).item()
            with mp.workdps(60):
                operands = [v if isinstance(v, bool) else mp.mpf(v) for v in point]
                exact, _ = apply(mp, name, operands, chosen)
                if not np.isfinite(reference) or not (isinstance(exact, bool) or mp.isfinite(exact)):
                    continue
                compared += 1
                assert read(exact) == pytest.approx(reference, rel=1e-12, abs=1e-12), (point, chosen)
    assert compared
