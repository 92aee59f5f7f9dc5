"""How the functions are made: the same bits on any number of lanes, shared work, generated coefficients."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradtape.engine import elementary
from gradtape.engine.machine import Machine, Value

from .harness import DTYPES, evaluate, program
from .samples import arguments

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name in elementary.FUNCTIONS
        for kind in DTYPES
        if kind == "double" or name not in elementary.DOUBLE
    ],
)
def test_a_lane_alone_gives_the_same_bits(name: str, kind: str) -> None:
    dtype = DTYPES[kind]
    taken = inspect.signature(elementary.FUNCTIONS[name]).parameters.values()
    columns = [arguments(dtype, 400, seed) for seed in range(sum(p.annotation == "Value" for p in taken))]
    count = min(map(len, columns))
    columns = [c[:count] for c in columns]
    parameters = {p.name: -5 if name == "integer_pow" else 2 for p in taken if p.annotation == "int"}
    together, alone = (evaluate(name, *columns, lanes=lanes, **parameters) for lanes in (8, 1))
    number = ~np.isnan(together)
    assert np.array_equal(number, ~np.isnan(alone))
    assert together[number].tobytes() == alone[number].tobytes()


def instructions(*names: str, **parameters: int) -> int:
    """How many there are in a kernel that adds these functions of one argument."""

    def writer(m: Machine, x: Value) -> Value:
        first, *others = (elementary.FUNCTIONS[name](m, x) for name in names)
        for other in others:
            first = first + other
        return first

    return program(writer, "float", 8, 1).count("\n")


@pytest.mark.parametrize("one, other", [("sin", "cos"), ("sinh", "cosh"), ("sigmoid", "softplus")])
def test_functions_of_one_argument_share_their_work(one: str, other: str) -> None:
    assert instructions(one, other) < 0.75 * (instructions(one) + instructions(other))


def test_the_coefficients_are_what_the_script_writes() -> None:
    run = subprocess.run([sys.executable, ROOT / "tools" / "coefficients.py", "--check"], check=False)
    assert run.returncode == 0


def test_import_loads_neither_llvm_nor_mpmath() -> None:
    code = "import sys, gradtape.engine.elementary as e; e.TABLES; assert not {'llvmlite', 'mpmath'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tables_are_read_only() -> None:
    assert elementary.TABLES.dtype == np.float64
    assert not elementary.TABLES.flags.writeable
