"""The bar: what gradtape has to reach, and whether a run shows that it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from results import COPY, FUNCTION, JAX, OURS, TORCH, Results, Row, shown

Value = Callable[[Results], float | None]


class Demand(NamedTuple):
    work: str
    against: str
    limit: float
    value: Value
    """What was measured; None where it was not."""
    show: Callable[[float], str] = "{:.2f}".format
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def _row(key: str, of: Callable[[Row], float | None]) -> Value:
    return lambda results: of(results.rows[key]) if key in results.rows else None


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _demands() -> list[Demand]:
    demands = []
    for key, work in (
        ("power", "gradient of x⁴"),
        ("second", "second derivative of x³"),
        ("regression-4", "linear regression gradient, 4 points"),
    ):
        eager = _row(key, lambda row: row.ratio(OURS, row.best_eager))
        compiled = _row(key, lambda row: row.ratio(FUNCTION, row.best_compiled))
        demands.append(Demand(work, "best eager peer", 0.6, eager))
        demands.append(Demand(f"{work}, in gradtape.function", "best compiled peer", 0.5, compiled))

    def peer(key: str, work: str, limit: float, ours: str = OURS) -> Demand:
        return Demand(work, "best peer", limit, _row(key, lambda row: row.ratio(ours, row.best_peer)))

    jet = _row("tenth-100000", lambda row: row.ratio(OURS, JAX))

    def evaluations(results: Results) -> float | None:
        rows = [results.rows.get(key) for key in ("tenth-100000", "wave-100000")]
        ten, one = [None if row is None else row.median(OURS) for row in rows]
        return None if ten is None or one is None else ten / one

    copied = _row("sigmoid-10000000", lambda row: row.ratio(COPY, OURS))
    demands += [
        peer("sigmoid-1000", "sigmoid and gradient, 10³", 0.8),
        peer("sigmoid-1000", "sigmoid and gradient, 10³, in gradtape.function", 0.2, FUNCTION),
        peer("sigmoid-10000000", "sigmoid and gradient, 10⁷", 0.6),
        Demand("sigmoid and gradient, 10⁷", "bandwidth of a threaded copy", 0.8, copied, _percent, at_least=True),
        peer("sine-10000000", "sin² and 3 derivatives, 10⁷", 0.2),
        Demand("10 derivatives of tanh(sin x · exp(−x²)), 10⁵", "JAX's jet, compiled", 0.5, jet),
        Demand("10 derivatives of tanh(sin x · exp(−x²)), 10⁵", "the function itself", 15.0, evaluations),
        Demand(
            "7th derivative of the same by nested tapes",
            TORCH,
            0.1,
            _row("nested-100000", lambda r: r.ratio(OURS, TORCH)),
        ),
        peer("jacobian-500", "Jacobian of 500 outputs", 0.5),
        peer("jacobian-500", "Jacobian of 500 outputs, in gradtape.function", 0.5, FUNCTION),
        peer(
            "hessian_vector-1000",
            "Hessian times vector, Rosenbrock of 1000 variables, in gradtape.function",
            0.7,
            FUNCTION,
        ),
        peer("linear_training-100000-10", "linear regression training", 0.7),
        peer("logistic_training-100000-10", "logistic regression training", 0.7),
        peer("perceptron-1024-784-256-10", "perceptron step", 1.0),
    ]
    demands += [
        peer(f"mixture-{n}-{d}-{k}", f"Gaussian mixture gradient, n={n:,} d={d} K={k}", 1.0)
        for n in (1_000, 10_000)
        for d in (10, 64)
        for k in (25, 100)
    ]
    for key, when in (("compile", "compiling"), ("first", "first call in a fresh process")):
        cold, disk = (_row(f"{key}-{where}", lambda row: row.median(OURS)) for where in ("cold", "disk"))
        demands.append(Demand(f"sin² with 3 derivatives, cold: {when}", "torch.compile, XLA", 60e-3, cold, shown))
        demands.append(Demand(f"sin² with 3 derivatives, from disk: {when}", "torch.compile, XLA", 3e-3, disk, shown))
    demands += [
        Demand(
            "peak memory, sigmoid and gradient 10⁷",
            "input + outputs",
            1.1,
            _row("memory", lambda row: row.median(OURS)),
        ),
        Demand("import gradtape", "import numpy", 1.5, _row("import", lambda row: row.ratio("gradtape", "numpy"))),
    ]
    return demands


DEMANDS = _demands()
