"""Many threads at once, a forked child, and thousands of tapes: right results, nothing left behind."""

import gc
import os
import threading
import tracemalloc

import numpy as np
import pytest

import gradtape as tf


def check(seed, errors):
    """Differentiate on arrays of many sizes, small ones and ones that several threads share."""
    rng = np.random.default_rng(seed)
    try:
        for k in range(12):
            a = rng.standard_normal(int(rng.integers(1, 200_000)))
            x = tf.constant(a)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(tf.sin(x) * tf.exp(-x * x) * float(k))
            expected = k * (np.cos(a) - 2 * a * np.sin(a)) * np.exp(-a * a)
            assert np.allclose(tape.gradient(y, x).numpy(), expected, atol=1e-12)
    except BaseException as error:
        errors.append(error)


def test_sixteen_threads_differentiate_at_once():
    errors = []
    threads = [threading.Thread(target=check, args=(seed, errors)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX, if another test loaded it as a peer
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_computes_too():
    errors = []
    check(1, errors)  # the pool of threads exists in the parent
    child = os.fork()
    if child == 0:
        check(2, errors)
        os._exit(1 if errors else 0)
    assert not errors and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX, if another test loaded it as a peer
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_write_into_results_of_its_parent():
    x = tf.constant(np.ones(1 << 20, np.float32))
    (x * 9.0).numpy()  # the memory of this result waits to be used again, in both processes
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reading, 1)  # until the parent has its result
        os._exit(0 if (x * 5.0).numpy()[0] == 5.0 else 1)
    result = (x * 3.0).numpy()
    os.write(writing, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(reading)
    os.close(writing)
    assert result.min() == result.max() == 3.0


def test_thousands_of_tapes_leave_nothing_behind():
    def work():
        x = tf.Variable(np.ones(1000, np.float32))
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.sin(x) ** 2)
        return tape.gradient(y, x).numpy()

    for _ in range(100):
        work()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.take_snapshot()
        for _ in range(2000):
            work()
        gc.collect()
        grown = sum(s.size_diff for s in tracemalloc.take_snapshot().compare_to(before, "filename"))
    finally:
        tracemalloc.stop()
    assert grown < 50_000, "less than one of the arrays for every eighty tapes"
