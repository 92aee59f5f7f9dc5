"""What high orders cost: operations for all derivatives up to an order, by Taylor mode and by nested tapes.

    python tools/taylor_cost.py            # prints the table of docs/taylor.md
    python tools/taylor_cost.py --times    # and milliseconds on this machine, which depend on what else it does

The function is that of the benchmarks, tanh(sin x · exp(-x²)). An operation is one of the graph after sharing; a sum of
n products counts as n.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import gradtape as tf
from gradtape.graph.trace import trace

ORDERS = (1, 2, 4, 6, 10, 20, 30)
LAST_NESTED = 6


def wave(x):
    return tf.tanh(tf.sin(x) * tf.exp(-x * x))


def operations(tensors) -> int:
    program, _, _ = trace(tensors[-1].node, [t.node for t in tensors[:-1]])
    return sum(max(1, len(inputs) // 2) for name, _, inputs in program.steps if name not in ("literal", "broadcast_to"))


def nested(x, order: int):
    if not order:
        return [wave(x)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = nested(x, order - 1)
    return [*found, tape.gradient(found[-1], x)]


def seconds(order: int, points: int) -> float:
    x = tf.constant(np.linspace(-3, 3, points, dtype=np.float32))
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        [d.numpy() for d in tf.derivatives(wave, x, order)]
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    times = "--times" in sys.argv[1:]
    print("| order | Taylor mode | nested tapes |" + (" 10⁵ float32 points |" if times else ""))
    print("|---|---|---|" + ("---|" if times else ""))
    x = tf.constant([0.5])
    with tf.config.override(pending_limit=1 << 40):
        for order in ORDERS:
            taylor = operations(tf.derivatives(wave, x, order))
            tapes = f"{operations(nested(x, order)):,}" if order <= LAST_NESTED else "–"
            print(
                f"| {order} | {taylor:,} | {tapes} |" + (f" {1e3 * seconds(order, 100_000):.1f} ms |" if times else "")
            )


if __name__ == "__main__":
    main()
