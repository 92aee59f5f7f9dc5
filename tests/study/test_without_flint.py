"""With mpmath alone, no python-flint and no gmpy2, its intervals prove what they can, and nothing else is proved."""

import json
import os
import subprocess
import sys

CODE = """
import json, sys
sys.modules["flint"] = None
import mpmath.libmp
assert mpmath.libmp.BACKEND == "python"
from gradtape.study.facts import facts
found = {text: facts(text) for text in ("sigmoid(x)", "relu(x)", "x*exp(-x**2)", "gelu(x)")}
names = ("domain", "range", "limits", "monotone", "largest_slope", "smoothness", "slope_outside")
print(json.dumps({text: {name: [of[name].statement, of[name].status] for name in names} for text, of in found.items()}))
"""


def test_what_mpmath_can_prove():
    alone = {**os.environ, "MPMATH_NOGMPY": "1"}
    result = subprocess.run([sys.executable, "-W", "error", "-c", CODE], check=True, capture_output=True, env=alone)
    found = json.loads(result.stdout)
    assert found["sigmoid(x)"]["range"] == ["range (0, 1)", "proved"]
    assert found["sigmoid(x)"]["largest_slope"] == ["largest slope 1/4, at x = 0", "proved"]
    assert found["sigmoid(x)"]["slope_outside"] == ["|f'| < 0.0067 outside [-5, 5]", "proved"]
    assert found["relu(x)"]["range"] == ["range [0, ∞)", "proved"]
    assert found["relu(x)"]["smoothness"] == ["continuous, but not differentiable (C0)", "proved"]
    assert found["x*exp(-x**2)"]["range"][1] == "proved"
    assert {status for _, status in found["gelu(x)"].values()} == {"sampled"}  # mpmath has no bounds for erfc
