"""Self-tests of `gradtape doctor`: what a broken installation breaks first, each done in a moment."""

from __future__ import annotations

import io
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from gradtape import __version__

PACKAGES = ("numpy", "llvmlite", "matplotlib", "mpmath", "ml_dtypes", "typer", "rich", "platformdirs", "threadpoolctl")
OPTIONAL = ("scipy", "sympy", "python-flint")


@dataclass(frozen=True)
class Check:
    """One self-test: what it is about, whether it passed, how long it took, and what was wrong."""

    name: str
    passed: bool
    seconds: float
    problem: str = ""


def about() -> dict[str, str]:
    """Versions, the processor, threads and the cache, by name."""
    from gradtape.config import settings
    from gradtape.engine import disk
    from gradtape.engine.compile import host
    from gradtape.engine.threads import workers

    cpu, features = host()
    vectors = [
        name for name in ("avx512f", "avx2", "avx", "sse4.2", "neon", "sve") if f"+{name}" in features.split(",")
    ]
    fused = " with fused multiply-add" if "+fma" in features.split(",") else ""
    cache = disk.info()
    place = f"{cache.folder}, {cache.entries:,} entries"
    chosen = settings().threads
    return {
        "gradtape": __version__,
        "Python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "optional": ", ".join(f"{name} {_version(name)}" for name in OPTIONAL),
        "processor": f"{cpu}, {vectors[0] if vectors else 'no known vector unit'}{fused}",
        "threads": f"{workers()}" + ("" if chosen is None else f", as the setting says ({chosen})"),
        "cache": f"{place}; nothing can be stored: {cache.problem}"
        if cache.problem
        else place
        if cache.enabled
        else "off",
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def checks() -> list[Check]:
    """Every self-test, run now."""
    return [_run(name, test) for name, test in _TESTS.items()]


def _run(name: str, test: Callable[[], str]) -> Check:
    began = time.perf_counter()
    try:
        problem = test()
    except Exception as error:  # whatever it is, it is what the user asked about
        problem = f"{type(error).__name__}: {error}"
    return Check(name, not problem, time.perf_counter() - began, problem)


def _gradient() -> str:
    import gradtape as tf

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x**4
    found = float(tape.gradient(y, x))
    return "" if found == 108 else f"the derivative of x**4 at 3 is 108, but {found} was computed"


def _accuracy() -> str:
    import gradtape as tf

    found = tf.derivatives(tf.sigmoid, tf.constant([17.0, -100.0]), 1)[1].numpy()
    wanted = np.array([4.1399375e-08, 3.783506e-44], np.float32)
    return "" if np.array_equal(found, wanted) else f"sigmoid'(17) and sigmoid'(-100) are {wanted}, but {found} came"


def _tiers() -> str:
    import gradtape as tf

    x = np.linspace(-8, 8, 100_001, dtype=np.float32)
    bits = []
    for tier, threads in (("single", 1), ("fused", 1), ("fused", None)):
        with tf.config.override(tier=tier, threads=threads):
            bits.append([d.numpy().tobytes() for d in tf.derivatives(lambda v: tf.tanh(tf.sin(v)), x, 2)])
    return "" if bits[0] == bits[1] == bits[2] else "tiers or threads give different bits; please report this"


def _reference() -> str:
    import gradtape as tf

    x = np.linspace(0.1, 3, 1000)
    found = tf.exp(x).numpy() * tf.math.log1p(x).numpy() - tf.sin(x).numpy()
    wanted = np.exp(x) * np.log1p(x) - np.sin(x)
    worst = float(np.max(np.abs(found - wanted) / (1 + np.abs(wanted))))
    return "" if worst < 1e-14 else f"results differ from NumPy's by {worst:.2g}"


def _picture() -> str:
    from gradtape import study

    file = io.BytesIO()
    study.plot("sigmoid(x)").savefig(file)
    return "" if file.getvalue().startswith(b"\x89PNG") else "Matplotlib wrote no picture"


def _cache() -> str:
    from gradtape.engine import disk

    found = disk.info()
    if not found.enabled:
        return ""
    return f"nothing can be stored in {found.folder}: {found.problem}" if found.problem else ""


_TESTS: dict[str, Callable[[], str]] = {
    "a gradient": _gradient,
    "its last digits": _accuracy,
    "the same bits in every tier and for all threads": _tiers,
    "the same numbers as NumPy": _reference,
    "a picture": _picture,
    "the cache": _cache,
}
