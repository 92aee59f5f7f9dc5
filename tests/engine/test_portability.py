"""The same bits on every processor: kernels compiled for older ones of the same family give what the host's give."""

import platform

import numpy as np
import pytest

from gradtape.engine import compile as compiler
from gradtape.engine import kernel
from gradtape.engine.cache import Cache
from gradtape.engine.executable import Executable
from gradtape.graph.node import Buffer
from gradtape.graph.program import Program

OLDER = {"x86_64": ["x86-64-v3", "x86-64-v2", "x86-64"], "AMD64": ["x86-64-v3", "x86-64-v2", "x86-64"]}
OLDER |= {"aarch64": ["generic"], "arm64": ["generic"]}

STEPS = (
    ("sin", (), (-1,)),
    ("exp", (), (0,)),
    ("tanh", (1,), (-1,)),
    ("real_pow", (), (1, 2)),
    ("log1p", (0,), (1,)),
    ("atan2", (), (3, -1)),
    ("cast", ("int32",), (-1,)),
    ("floor", (), (-1,)),
    ("floormod", (), (-1, 1)),
    ("sum", ((0,),), (3,)),
    ("sum", ((1,),), (4,)),
    ("max", ((0, 1),), (5,)),
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cpu", OLDER.get(platform.machine(), []))
def test_code_for_an_older_processor_gives_the_same_bits(cpu, dtype, monkeypatch):
    program = Program(((dtype, (37, 53)),), STEPS, tuple(range(len(STEPS))))
    x = (np.random.default_rng(1).standard_normal((37, 53)) * 20).astype(dtype)
    x[0, :5] = [0.0, -0.0, np.inf, np.nan, 1e22]

    def results():
        arrays = [np.asarray(v.array if isinstance(v, Buffer) else v) for v in Executable(program)([Buffer(x)])]
        # which of its bit patterns a NaN has is left open by IEEE 754, and processors differ
        return [np.where(np.isnan(a), np.nan, a).astype(a.dtype).tobytes() for a in arrays]

    here = results()
    assert len(here) == len(STEPS)
    monkeypatch.setattr(compiler, "host", lambda: (cpu, ""))
    monkeypatch.setattr(kernel, "_kernels", Cache(100))
    there = results()
    for step, a, b in zip(STEPS, here, there, strict=True):
        assert a == b, step
