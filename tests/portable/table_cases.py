"""A Program for each primitive of the table and each kind of parameters, with arrays to run it on.

A new elementwise primitive has its cases at once, unless a parameter of it is not in PARAMETERS; any other needs a line
in OTHERS.
"""

from __future__ import annotations

import itertools
from types import FunctionType

import numpy as np

from gradtape.graph.node import TABLE
from gradtape.graph.program import Program, rebuild

PARAMETERS = {
    "order": [0, 1, 2, 3, 4],
    "n": [-2, 1, 2, 3],
    "c": [1, -2],
    "base": [2, 10],
    "doubled": [0, 1],
    "short": [0],  # 1 gives fewer digits on purpose
    "part": [0],  # 1 is a rounding error
    "shift": [0, 1],
    "by_x": [0, 1, 2],
    "by_y": [0, 1],
    "dtype": ["float32", "float64", "int32", "bool"],
}
"""Values for the parameters of elementwise primitives."""

M, V = (3, 4), (12,)
COUNT = Program((("float64", ()), ("float64", ())), (("less", (), (-1, -2)),), (0,))
STEP = Program((("float64", ()), ("float64", ())), (("multiply", (), (-1, -2)), ("add", (), (-1, -2))), (1, 0))
OTHERS = {
    "literal": [((), ("0x1.8p+0", "float32")), ((), (3, "int32"))],
    "broadcast_to": [((M,), ((2, 3, 4),)), (((3, 1),), (M,)), (((),), (M,))],
    "reshape": [((M,), ((2, 6),)), ((M,), ((12,),)), ((V,), ((3, 1, 4),))],
    "transpose": [((M,), ((1, 0),)), (((2, 3, 4),), ((2, 0, 1),))],
    "sum": [((M,), ((0,),)), ((M,), ((0, 1),)), (((2, 3, 4),), ((1, 2),))],
    "concat": [((M, M), (1,)), ((V, (1,), V), (0,))],
    "slice": [((M,), (((1, 2, 1), (0, 4, 1)),)), ((V,), (((11, 4, -3),),)), ((M,), (((2, 3, -1), (1, 2, 2)),))],
    "put_slice": [(((2, 4),), (M, ((1, 2, 1), (0, 4, 1)))), (((4,),), (V, ((11, 4, -3),)))],
    "max": [((M,), ((1,),)), ((M,), ((0, 1),))],
    "min": [((M,), ((1,),)), ((M,), ((0, 1),))],
    "prod": [((M,), ((1,),)), ((M,), ((0, 1),))],
    "all": [((M,), ((0,),))],
    "any": [((M,), ((1,),))],
    "matmul": [((M, (4, 2)), (False, False)), ((M, (3, 2)), (True, False)), ((M, (2, 2, 3)), (True, True))],
    "sum_of_products": [((V, V, V, V), ()), ((M, M, M, M, (4,), (3, 1)), ())],
    "take": [((M, "places", (2,)), (0,)), ((M, "places", (2, 5)), (1,))],
    "put": [(((2, 4), "places", (2,)), (0, 3)), (((3, 2, 5), "places", (2, 5)), (1, 4))],
    "flat_places": [(("places", (5, 2)), ((3, 4), 0)), (("places", (2, 5, 1)), ((4,), 1))],
    "last_at": [(("places", (5,)), (4,))],
    "differentiated_as": [((M, M), ())],
    "cumsum": [((M,), (1, False, False)), ((M,), (0, True, True))],
    "cumprod": [((M,), (1, False, False)), ((M,), (0, True, True))],
    "argsort": [((M,), (1, False)), ((M,), (0, True))],
    "argmax": [((M,), (1,))],
    "argmin": [((M,), (0,))],
    "softmax": [((M, M), ((1,),))],
    "log_softmax": [((M, M), ((0, 1),))],
    "reduce_logsumexp": [((M, (4,)), ((0,),)), ((M, ()), ((0, 1),))],
    "while_loop": [(((), ()), ((COUNT, (0, 1)), (STEP, (0, 1)), 9, i)) for i in (0, 1)],
}
"""The shapes of the inputs, and the parameters. What comes after "places" are whole numbers from 0 to 2."""

TYPES = {
    **dict.fromkeys(["sum", "max", "min", "prod"], ("float32", "float64", "int32", "int64")),
    **dict.fromkeys(["all", "any"], ("bool",)),
    **dict.fromkeys(
        ["matmul", "sum_of_products", "softmax", "log_softmax", "reduce_logsumexp"], ("float32", "float64")
    ),
    **dict.fromkeys(["cumsum", "cumprod", "argsort", "argmax", "argmin"], ("float32", "float64", "int32", "int64")),
    **dict.fromkeys(["flat_places", "last_at"], ("int64",)),
    "while_loop": ("float64",),
}
"""The element types of primitives whose shape rule takes more than they are used with."""

NUMBER = 100
"""How many numbers an elementwise primitive is tried on."""


NAMES = sorted(name for name, primitive in TABLE.items() if primitive.kind != "custom")
"""The primitives that compute something."""


def cases(name: str) -> list[tuple[Program, list[np.ndarray]]]:
    """The Programs of one step for a primitive, in every type that it takes, and arrays for their leaves."""
    primitive = TABLE[name]
    if name in OTHERS:
        given = OTHERS[name]
    else:
        assert primitive.lowering is not None, f"{name} is not elementwise and has no cases: add a line to OTHERS"
        missing = [one for one in primitive.parameters if one not in PARAMETERS]
        assert not missing, f"{name} has parameters without values: add {missing} to PARAMETERS"
        found = itertools.product(*[PARAMETERS[one] for one in primitive.parameters])
        params = [one for one in found if _meaningful(name, dict(zip(primitive.parameters, one, strict=True)))]
        given = [(((NUMBER,),) * arity_of(name), one) for one in params]
    made = []
    for shapes, one in given:
        for dtype in TYPES.get(name, ("float32", "float64", "int32", "int64", "bool")):
            types = ["bool", dtype, dtype] if name == "where" else [dtype] * len(shapes)
            leaves = list(zip(types, shapes, strict=True))
            if "places" in shapes:
                leaves = [*leaves[: shapes.index("places")], ("int64", shapes[-1])]
            step = (name, one, tuple(-1 - i for i in range(len(leaves))))
            program = Program(tuple(leaves), (step,), (0,))
            try:
                rebuild(program)
            except (TypeError, ValueError, IndexError):  # not for this type or number of inputs
                continue
            arrays = [numbers(primitive.domain, *leaf) for leaf in program.leaves]
            if "places" in shapes:
                arrays[-1] = np.arange(arrays[-1].size).reshape(arrays[-1].shape) * 2 % 3
            made.append((program, arrays))
    assert made, f"no case of {name} is accepted by its shape rule"
    return made


def arity_of(name: str) -> int:
    """The number of inputs of an elementwise primitive."""
    reference = TABLE[name].reference
    if isinstance(reference, np.ufunc):
        return reference.nin
    if isinstance(reference, FunctionType):
        return reference.__code__.co_argcount - len(TABLE[name].parameters)
    return 3 if reference is np.where else 1


def _meaningful(name: str, values: dict) -> bool:
    """Slopes begin with order 1, powers that are primitives of their own have other exponents than 0 and 1."""
    if name.endswith("_slope"):
        return values.get("order", 1) >= 1 and values.get("by_x", 1) + values.get("by_y", 1) >= 1
    if name == "divided_by_power":
        return values["n"] >= 1
    return name != "multiple_of_power" or values["n"] not in (0, 1)


def numbers(domain: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers that a function is defined for, always the same ones."""
    rng = np.random.default_rng(8)
    low, high = -9.0, 9.0
    if domain.startswith(("-1", "0 <")):
        low, high = 0.01, 0.99
    elif ("all real" not in domain and ">" in domain) or "≥" in domain or "≠" in domain:
        low, high = 1.01, 9.0
    values = rng.uniform(low, high, shape)
    return np.asarray(values > 0 if dtype == "bool" else values.astype(dtype))
