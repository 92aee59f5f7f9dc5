"""How long a function takes beside relu: measured when it is asked for, in one process, alternating."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import gradtape
from gradtape.study.facts.fact import SAMPLED, Fact
from gradtape.study.subject import Subject

NUMBERS = 65_536
"""Numbers of one measurement: they fit into a cache."""

ROUNDS = 40
"""Times that each is measured; the shortest counts, as everything else disturbs."""


def cost(of: Subject, dtype: str) -> Fact:
    """The time for the function and its derivative over that for relu and its derivative."""
    rng = np.random.default_rng(0)
    x = gradtape.constant(rng.uniform(0.01, 4, NUMBERS).astype(gradtape.as_dtype(dtype).dtype))
    works = [_work(of.function, x), _work(gradtape.nn.relu, x)]
    for work in works * 3:  # compiles
        work()
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for i, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - start)
    ratio = best[0] / best[1]
    statement = f"takes {ratio:.2g} times as long as relu, function and derivative, for {NUMBERS:,} {dtype} numbers"
    return Fact("cost", {"ratio": ratio, "dtype": dtype}, statement, SAMPLED, f"the shortest of {ROUNDS} runs of each")


def _work(f: Callable[[Any], Any], x: Any) -> Callable[[], None]:
    @gradtape.function
    def both(v: Any) -> Any:
        with gradtape.GradientTape() as tape:
            tape.watch(v)
            y = f(v)
        return y, tape.gradient(y, v, unconnected_gradients="zero")

    def work() -> None:
        y, slope = both(x)
        y.numpy()
        slope.numpy()

    return work
