"""What `profile` measures of what runs in a block."""

import threading
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine import measured, profile
from gradtape.engine.kernel import _kernels
from gradtape.engine.tiers import _runners, _stabilisers
from gradtape.graph.trace import Trace, thread
from gradtape.graph.trace import _tree as tree


def forget():
    _kernels.clear()
    _runners.clear()
    _stabilisers.clear()
    tree.grow_anew()
    thread.trace = Trace()


@pytest.fixture(autouse=True)
def nothing_in_memory():
    forget()


@pytest.fixture
def known_bandwidth(monkeypatch):
    monkeypatch.setattr(measured, "copy_bandwidth", lambda threads: 8e9)


def ask(n=1000, k=1.0):
    with tf.config.override(tier="fused"):
        return (tf.sin(tf.constant(np.ones(n, np.float32))) * k + 1.0).numpy()


def test_calls_time_and_bytes_of_a_kernel():
    with tf.profile() as found:
        for _ in range(3):
            ask()
    (one,) = found.kernels
    assert (one.label, one.kind, one.tier, one.calls) == ("sin, x*y, x + y", "kernel", "fused", 3)
    assert one.bytes == 3 * 2 * 4000 and one.operations == 3 * 3000
    assert one.seconds > 0 and one.seconds_per_call == one.seconds / 3
    assert one.gigabytes_per_second == pytest.approx(one.bytes / one.seconds / 1e9)
    assert one.operations_per_second == pytest.approx(one.operations / one.seconds)
    assert found.seconds == one.seconds


def test_where_the_code_came_from(tmp_path):
    with tf.config.override(cache_dir=tmp_path):
        with tf.profile() as first:
            ask()
            ask()
        with tf.profile() as second:
            ask()
        forget()
        with tf.profile() as third:
            ask()
    assert [found.kernels[0].code for found in (first, second, third)] == ["compiled", "memory", "disk"]
    assert first.kernels[0].code_seconds > 0 and second.kernels[0].code_seconds == 0


def test_the_same_kernel_on_other_shapes_is_another_entry_and_compiled_once():
    with tf.config.override(cache=False), tf.profile() as found:
        ask(100)
        ask(200)
    assert [(one.code, one.bytes) for one in found.kernels] == [("compiled", 800), ("memory", 1600)]


def test_time_for_kernels_that_combine_partial_results_is_no_run_time():
    x = tf.constant(np.ones(5000, np.float32))
    with tf.config.override(tier="fused", cache=False), tf.profile() as found:
        float(tf.reduce_sum(x * 2.0))
    (one,) = found.kernels
    assert one.label == "x*y → sum"
    kernels = {kernel.seconds for kernel in _kernels._values.values()}
    assert len(kernels) == 2 and one.code_seconds == pytest.approx(sum(kernels))


def test_library_calls_are_there():
    a = tf.constant(np.ones((20, 30), np.float32))
    with tf.profile() as found:
        (a @ tf.constant(np.ones((30, 10), np.float32))).numpy()
    (one,) = found.kernels
    assert (one.label, one.kind, one.code, one.code_seconds) == ("matmul", "call", "", 0)
    assert one.bytes == 4 * (600 + 300 + 200) and one.operations == 2 * 20 * 30 * 10


def test_op_by_op_each_operation_is_an_entry():
    with tf.config.override(tier="single"), tf.profile() as found:
        (tf.sin(tf.constant([1.0, 2.0])) * 2.0).numpy()
    assert [(one.label, one.tier) for one in found.kernels] == [("sin", "single"), ("x*y", "single")]


def test_pieces_of_a_long_graph_are_said_to_be_pieces():
    with tf.config.override(pending_limit=10_000), tf.profile() as found:
        y = tf.constant([0.5])
        for _ in range(900):
            y = tf.sin(y)
        y.numpy()
    assert {one.tier for one in found.kernels} == {"pieces"}


def test_a_loop_and_its_body_are_not_counted_twice():
    @tf.function
    def f(n):
        return tf.while_loop(lambda i: i < n, lambda i: (i + 1,), [tf.constant(0)])

    with tf.profile() as found:
        f(tf.constant(50))
    *parts, loop = found.kernels
    assert loop.label == "while_loop" and {one.calls for one in parts} == {50, 51}
    assert found.seconds == pytest.approx(loop.seconds + sum(one.seconds for one in parts))


def test_nested_profiles_both_see_what_runs_in_the_inner_one():
    with tf.profile() as outer:
        ask(100)
        with tf.profile() as inner:
            ask(200)
            assert len(inner.kernels) == 1, "a profile can be read while it is open"
        ask(200)
    assert [one.calls for one in outer.kernels] == [1, 2]
    assert [one.calls for one in inner.kernels] == [1]


def test_nothing_is_recorded_outside_or_in_other_threads():
    with tf.profile() as found:
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    ask()
    assert found.kernels == () and str(found) == "nothing was computed"


def test_each_thread_has_its_own_profiles():
    found = {}

    def work(n):
        with tf.profile() as mine:
            for _ in range(n):
                ask()
        found[n] = sum(one.calls for one in mine.kernels)

    threads = [threading.Thread(target=work, args=[n]) for n in (1, 2, 3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == {1: 1, 2: 2, 3: 3}


def test_an_exception_ends_the_block_and_keeps_what_was_measured():
    with pytest.raises(KeyError), tf.profile() as found:
        ask()
        raise KeyError
    assert profile.collecting.get() == ()
    ask()
    assert [one.calls for one in found.kernels] == [1]


def test_what_is_pending_at_the_end_is_not_in_it():
    with tf.profile() as found:
        y = tf.sin(tf.constant([1.0, 2.0]))
    y.numpy()
    assert found.kernels == ()


def test_results_are_the_same_while_measured():
    plain = ask(5000, 0.3)
    with tf.profile():
        assert ask(5000, 0.3).tobytes() == plain.tobytes()


def test_entries_cannot_be_changed_and_outlive_the_code():
    with tf.profile() as found:
        ask()
    with pytest.raises(FrozenInstanceError):
        found.kernels[0].calls = 5
    assert not found._tallies and not found._fresh


def test_the_table_has_a_line_for_each_kernel_what_took_most_first(known_bandwidth):
    with tf.profile() as found:
        ask(1_000_000)
        ask(10)
    head, _, first, second, total = str(found).splitlines()
    for word in ("kernel", "calls", "total", "GB/s", "of copy", "code"):
        assert word in head
    assert "8 MB" in first and "80 B" in second
    assert total.startswith("in all") and "8 GB/s" in total
    assert found.kernels[0].share == pytest.approx(found.kernels[0].gigabytes_per_second / 8)


def test_a_copy_is_measured_once_and_only_when_somebody_asks(monkeypatch):
    monkeypatch.setattr(measured, "COPY", 1 << 20)
    measured.copy_bandwidth.cache_clear()
    with tf.profile() as found:
        ask()
    assert found.kernels[0].gigabytes_per_second > 0
    assert measured.copy_bandwidth.cache_info().currsize == 0
    assert found.kernels[0].share > 0
    str(found)
    assert measured.copy_bandwidth.cache_info().misses == 1
    measured.copy_bandwidth.cache_clear()


def test_the_table_can_be_printed_in_the_block(monkeypatch):
    monkeypatch.setattr(measured, "COPY", 1 << 16)
    measured.copy_bandwidth.cache_clear()
    with tf.profile() as found:
        ask()
        str(found)
        assert len(found.kernels) == 1, "the copy is not part of what is measured"
    measured.copy_bandwidth.cache_clear()
