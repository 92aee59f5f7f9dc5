"""What explanations cost: a step of a tape as usual, and with the setting `explain`, which notes lines.

    python tools/explain_cost.py

Without the setting nothing is noted, so a usual step is the measure. Each figure is the least of many runs, which take
turns, in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

import gradtape as tf

ROUNDS, CALLS = 40, 25


def scalar() -> None:
    """The gradient of x⁴."""
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x**4
    tape.gradient(y, x).numpy()


def chain() -> None:
    """Ten operations on 1000 points."""
    x = POINTS
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for _ in range(5):
            y = tf.sin(y) * y
        y = tf.reduce_sum(y)
    tape.gradient(y, x).numpy()


def layer() -> None:
    """A layer of a network with a loss, 256 × 64 by 64 × 64."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.tanh(INPUTS @ WEIGHTS + BIAS)))
    for slope in tape.gradient(loss, [WEIGHTS, BIAS]):
        slope.numpy()


POINTS = tf.constant(np.linspace(-1, 1, 1000, dtype=np.float32))
INPUTS = tf.constant(np.random.default_rng(0).normal(size=(256, 64)).astype(np.float32))
WEIGHTS = tf.Variable(np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32))
BIAS = tf.Variable(np.zeros(64, np.float32))


def seconds(step: Callable[[], None]) -> float:
    start = perf_counter()
    for _ in range(CALLS):
        step()
    return (perf_counter() - start) / CALLS


def main() -> None:
    for step in (scalar, chain, layer):
        usual, noting, off = [], [], []
        for _ in range(ROUNDS):
            usual.append(seconds(step))
            with tf.config.override(explain=True):
                noting.append(seconds(step))
            off.append(seconds(step))  # again without, after it was on
        least, noted, again = (1e6 * min(times) for times in (usual, noting, off))
        about = (step.__doc__ or "").rstrip(".")
        print(f"{about}: {least:.0f} µs; afterwards {again / least - 1:+.0%}; with explain {noted / least:.1f} times")


if __name__ == "__main__":
    main()
