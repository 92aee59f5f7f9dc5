"""What waits is bounded: a loop that never reads its result is computed now and then, and lets go of what it left."""

import gc
import signal
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.trace import HELD, thread


def test_a_loop_that_never_reads_its_result_stays_bounded():
    x = tf.constant(np.zeros(10))
    most = 0
    y = x
    for _ in range(20_000):
        y = y + 1.0
        most = max(most, thread.trace.prefix.steps)
    assert most <= tf.config.settings().pending_limit + 2
    assert y.numpy()[0] == 20_000.0


def test_the_limit_is_a_setting():
    with tf.config.override(pending_limit=10):
        y = tf.constant(1.0)
        for _ in range(100):
            y = y * 1.5
            assert thread.trace.prefix.steps <= 12
    assert y.numpy() == np.float32(1.5) ** np.float32(100) or np.isclose(y.numpy(), 1.5**100, rtol=1e-5)


def test_gradients_are_right_across_the_limit():
    x = tf.Variable(0.3, dtype=tf.float64)
    with tf.config.override(pending_limit=7):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = x * 1.0
                for _ in range(20):
                    y = tf.sin(y) + x
            first = inner.gradient(y, x)
        second = outer.gradient(first, x)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x * 1.0
            for _ in range(20):
                y = tf.sin(y) + x
        whole = inner.gradient(y, x)
    assert first.numpy() == whole.numpy()
    assert second.numpy() == outer.gradient(whole, x).numpy()


def test_large_arrays_that_nobody_needs_are_let_go():
    gone = []
    for _ in range(8):
        x = tf.constant(np.ones(HELD // 8 // 2))
        gone.append(weakref.ref(x.node))
        _ = x * 2.0  # never read
    del x, _
    tf.constant(1.0) + 1.0
    gc.collect()
    assert sum(ref() is not None for ref in gone) <= 3


def test_what_is_still_wanted_survives_letting_go():
    kept = []
    for k in range(6):
        kept.append(tf.constant(np.full(HELD // 8 // 2, float(k))) * 2.0)
    assert [float(t[0]) for t in kept] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_thousands_of_tapes_leave_no_growth_of_the_process():
    resource = pytest.importorskip("resource")
    x = tf.Variable(np.ones(1000, np.float32))

    def work(n):
        for _ in range(n):
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(tf.sin(x) * x)
            tape.gradient(y, x).numpy()

    work(500)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work(5_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 5_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_an_interrupt_during_a_long_kernel_leaves_everything_usable(interrupts):
    x = tf.constant(np.linspace(0.0, 1.0, 3_000_000))

    def work():
        y = x
        for _ in range(12):
            y = tf.sin(tf.exp(y) - y)
        return tf.reduce_sum(y)

    expected = work().numpy()
    start = time.perf_counter()
    work().numpy()
    lasts = time.perf_counter() - start
    interrupted = 0
    for k in range(6):
        timer = threading.Timer(lasts * (k + 0.5) / 6, lambda: signal.raise_signal(signal.SIGINT))
        timer.start()
        try:
            work().numpy()
            timer.join()
            time.sleep(0.01)  # a signal that came too late for the kernel arrives here
        except KeyboardInterrupt:
            interrupted += 1
        timer.join()
        assert work().numpy() == expected
    assert interrupted
