"""Work is shared out: each unit once, whoever comes, and nobody stays behind."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine import crew, threads
from gradtape.engine.compile import emit


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("units", [1, 2, 5, 100])
def test_every_unit_is_done_once(workers, units):
    done = []
    threads.share_out_python(lambda start, stop: done.extend(range(start, stop)), units, workers)
    assert sorted(done) == list(range(units))


def fall_asleep():
    """Wait until no helper is awake: one that is may be about to fall asleep, and then does not take part."""
    deadline = time.monotonic() + 60
    while threads.helpers_wait() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not threads.helpers_wait()


def test_several_threads_take_part():
    for _ in range(20):  # on a busy machine a helper may fall asleep before it is asked
        fall_asleep()
        barrier = threading.Barrier(2, timeout=2)  # passed only if two are in a part at once
        try:
            threads.share_out_python(lambda start, stop, at=barrier: at.wait() if start in (0, 1) else None, 16, 2)
            return
        except threading.BrokenBarrierError:
            pass
    pytest.fail("nobody came to help")


def test_no_more_than_so_many_take_part():
    threads.share_out_python(lambda start, stop: time.sleep(0.001), 64, 7)  # six helpers are awake now
    seen = set()
    threads.share_out_python(lambda start, stop: seen.add(threading.get_ident()) or time.sleep(0.001), 64, 2)
    assert len(seen) <= 2


def test_an_error_in_a_part_reaches_the_caller():
    def work(start, stop):
        if start <= 5 < stop:
            raise ZeroDivisionError("in a part")

    with pytest.raises(ZeroDivisionError, match="in a part"):
        threads.share_out_python(work, 20, 2)
    test_every_unit_is_done_once(2, 100)


def test_work_inside_of_work_is_done_alone():
    done = []

    def inner(start, stop):
        done.extend(range(start, stop))

    threads.share_out_python(lambda start, stop: threads.share_out_python(inner, 10, 2), 4, 2)
    assert len(done) % 10 == 0 and set(done) == set(range(10))


def test_many_callers_at_once():
    x = np.linspace(-4, 4, 300_000, dtype=np.float32)
    expected = tf.tanh(tf.constant(x)).numpy().tobytes()
    wrong = []

    def call():
        for _ in range(50):
            if tf.tanh(tf.constant(x)).numpy().tobytes() != expected:
                wrong.append(1)

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_a_helper_sleeps_when_nothing_comes():
    test_every_unit_is_done_once(3, 100)
    fall_asleep()
    test_every_unit_is_done_once(3, 100)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_comes_when_all_parts_are_done(interrupts):
    done = []

    def work(start, stop):
        if start == 0:
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.001)
        done.append(start)

    with pytest.raises(KeyboardInterrupt):
        threads.share_out_python(work, 8, 2)
    count = len(done)
    time.sleep(0.02)
    assert len(done) == count, "somebody is still at it"
    test_every_unit_is_done_once(2, 100)


@pytest.mark.parametrize("processor", ["x86_64", "AMD64", "arm64", "aarch64", "riscv64"])
def test_the_code_is_written_for_any_processor(processor):
    text = crew.source(processor)
    assert "define void @share" in text and ("pause" in text) == (processor in ("x86_64", "AMD64"))
    if processor in ("x86_64", "riscv64"):
        assert emit(text)


def test_numbers_of_different_threads_are_lines_apart():
    places = [crew.BUSY, crew.TICKET, crew.NEXT, crew.ACTIVE, crew.PRESENT, crew.STOP, crew.JOB, crew.SIZE]
    assert all(b - a >= 64 // ctypes.sizeof(ctypes.c_int64) for a, b in pairwise(places))


@pytest.mark.parametrize("fork", [False, True])
def test_a_process_ends_while_helpers_wait(fork):
    if fork and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    code = """
import os, sys
import numpy as np
import gradtape as tf
from gradtape import config
x = tf.constant(np.ones(3_000_000, np.float32))
with config.override(threads=3):
    first = float(tf.reduce_sum(tf.exp(x)))
    if len(sys.argv) > 1 and not os.fork():
        assert float(tf.reduce_sum(tf.exp(x))) == first
        sys.exit()
    if len(sys.argv) > 1:
        assert os.wait()[1] == 0
    assert float(tf.reduce_sum(tf.exp(x))) == first
"""
    for _ in range(3):
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, *["fork"] * fork]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
