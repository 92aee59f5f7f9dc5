"""Values are computed when somebody asks, together with what belongs together, and nothing else is kept."""

import gc
import weakref

import numpy as np
import pytest

import gradtape as tf
from gradtape.engine.executable import Executable


def is_known(tensor):
    return tensor.node.op is None


def test_nothing_is_computed_before_it_is_needed():
    y = tf.sin(tf.constant([1.0, 2.0]))
    assert not is_known(y)
    y.numpy()
    assert is_known(y)


@pytest.mark.parametrize("ask", [float, bool, str, repr, np.asarray, lambda t: t.numpy(), lambda t: tf.Variable(t)])
def test_asking_for_the_value_computes(ask):
    y = tf.sin(tf.constant(1.0))
    ask(y)
    assert is_known(y)


def test_live_values_that_share_an_input_are_computed_in_the_same_pass():
    x, other = tf.constant([1.0, 2.0]), tf.constant([3.0])
    y, z, unrelated = tf.sin(x), tf.cos(x), tf.exp(other)
    y.numpy()
    assert is_known(z) and not is_known(unrelated)
    assert unrelated.numpy() == np.float32(np.exp(3.0))


def test_a_constant_of_the_code_stays_one_after_it_was_looked_at():
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x + 2.0
    gradient = tape.gradient(y, x)
    before = gradient.node.op
    assert gradient.numpy() == 1.0
    assert gradient.node.op is before


def test_what_was_dropped_is_never_stored():
    x = tf.constant(np.ones(1000, np.float32))
    intermediate = tf.exp(x)
    node = intermediate.node
    y = tf.sin(intermediate)
    del intermediate
    y.numpy()
    assert node.value is None


def test_a_computed_value_forgets_what_made_it():
    x = tf.constant(np.ones(1000, np.float32))
    buffer = weakref.ref(x.node)
    y = x + 1.0
    y.numpy()
    del x
    gc.collect()
    assert buffer() is None


def test_a_loop_of_assignments_keeps_no_history():
    v = tf.Variable(np.zeros(1000, np.float32))
    first = weakref.ref(v.leaf)
    for _ in range(5):
        v.assign_add(tf.ones(1000))
    gc.collect()
    assert first() is None
    assert v.numpy()[0] == 5.0


def test_arrays_given_away_are_read_only_and_outlive_the_tensor():
    for n in (10, 1_000_000):
        array = (tf.constant(np.ones(n, np.float32)) * 2.0).numpy()
        with pytest.raises(ValueError):
            array[0] = 5.0
        others = [(tf.constant(np.ones(n, np.float32)) * 3.0).numpy() for _ in range(3)]
        gc.collect()
        assert array.min() == array.max() == 2.0
        assert others[0][0] == 3.0


def test_memory_of_large_results_is_used_again():
    x = tf.constant(np.ones(1 << 20, np.float32))
    places = set()
    for k in range(10):
        y = (x * float(k)).numpy()
        assert y[-1] == k
        places.add(y.__array_interface__["data"][0])
        del y
    assert len(places) <= 2


def test_a_view_keeps_the_memory_from_being_used_again():
    x = tf.constant(np.ones(1 << 20, np.float32))
    view = (x * 7.0).numpy()[5:10]
    for k in range(5):
        (x * float(k)).numpy()
    assert view.tolist() == [7.0] * 5


def test_changing_an_array_after_a_tensor_was_made_of_it_changes_nothing():
    source = np.ones(3, np.float32)
    x = tf.constant(source)
    y = x * 2.0
    source[:] = 9.0
    assert y.numpy().tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0)[::-1],
        np.arange(12.0).reshape(3, 4).T,
        np.arange(24.0)[::2],
        np.arange(12.0).astype(">f8"),
        np.frombuffer(b"\0" + np.arange(3.0).tobytes(), np.float64, 3, 1),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.zeros((0, 3)),
        np.broadcast_to(np.arange(3.0), (4, 3)),
    ],
)
def test_arrays_of_any_layout(array):
    assert np.array_equal((tf.constant(array) * 2.0 + 1.0).numpy(), array * 2 + 1)
    assert tf.reduce_sum(tf.constant(array)).numpy() == array.sum()


def test_the_first_time_and_the_second_give_the_same_bits():
    def work():
        x = tf.constant(np.linspace(-3, 3, 50, dtype=np.float32))
        return tf.reduce_sum(tf.tanh(x) * tf.exp(-x) / (1.0 + x * x)).numpy().tobytes()

    assert len({work() for _ in range(4)}) == 1


@pytest.mark.parametrize("shape", [(), (100,)])
def test_a_long_loop_is_computed_in_pieces(shape):
    x = tf.constant(np.full(shape, 0.5))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for k in range(3000):
            y = y * 0.999 + x * (0.25 if k % 2 else 0.5)
    expected = 0.5
    for k in range(3000):
        expected = expected * 0.999 + 0.5 * (0.25 if k % 2 else 0.5)
    assert np.allclose(y.numpy(), expected, rtol=1e-12)
    assert np.allclose(tape.gradient(y, x).numpy(), expected / 0.5, rtol=1e-12)


def test_an_interrupt_leaves_everything_usable(monkeypatch):
    x = tf.constant([1.0, 2.0])
    y = tf.sin(x)

    def broken(self, values):
        raise KeyboardInterrupt

    monkeypatch.setattr(Executable, "__call__", broken)
    with pytest.raises(KeyboardInterrupt):
        y.numpy()
    monkeypatch.undo()
    assert y.numpy()[0] == np.float32(np.sin(1.0))


class TestMemoryOfSmallResults:
    def test_is_used_again_when_nobody_holds_it(self):
        x = tf.constant(np.arange(6, dtype=np.float32))
        double = tf.function(lambda x: 2 * x)
        first = double(x).numpy().__array_interface__["data"][0]
        seconds = {double(x).numpy().__array_interface__["data"][0] for _ in range(5)}
        assert seconds == {first}

    @pytest.mark.parametrize(
        "hold", [lambda t: t, lambda t: t.numpy(), lambda t: t.numpy()[2:], lambda t: memoryview(t.numpy()), np.asarray]
    )
    def test_is_left_alone_as_long_as_somebody_holds_it(self, hold):
        double = tf.function(lambda x: 2 * x)
        held = [hold(double(tf.constant([i + 0.0, 1.0, 2.0, i]))) for i in range(8)]
        for i, one in enumerate(held):
            assert 2 * i == np.asarray(one)[-1]
