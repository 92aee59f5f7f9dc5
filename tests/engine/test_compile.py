"""Machine code does what the instructions say: nothing is joined, reordered or approximated."""

import ctypes

import numpy as np
import pytest

from gradtape.engine.compile import Code, emit

IR = """
define void @kernel(ptr %x) {{
  %a.at = getelementptr {type}, ptr %x, i64 0
  %b.at = getelementptr {type}, ptr %x, i64 1
  %c.at = getelementptr {type}, ptr %x, i64 2
  %a = load {type}, ptr %a.at
  %b = load {type}, ptr %b.at
  %c = load {type}, ptr %c.at
  %ab = fmul {type} %a, %b
  %y = fadd {type} %ab, %c
  store {type} %y, ptr %x
  ret void
}}
"""


@pytest.mark.parametrize(("type", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_a_product_and_a_sum_are_rounded_twice(type, dtype):
    a = dtype(1) + np.finfo(dtype).eps
    x = np.array([a, a, -(a * a)], dtype)  # a fused multiply-add would give the rounding error, not 0
    code = Code(emit(IR.format(type=type)))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.address("kernel"))(x.ctypes.data)
    assert x[0] == 0


def test_the_same_instructions_give_the_same_code():
    assert len({emit(IR.format(type="float")) for _ in range(5)}) == 1


def test_code_lives_as_long_as_its_object():
    codes = [Code(emit(IR.format(type="double"))) for _ in range(20)]
    assert len({code.address("kernel") for code in codes}) == 20
