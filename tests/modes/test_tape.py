"""What GradientTape records: watching, pausing, how often it answers, threads, memory."""

import gc
import math
import threading
import weakref

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, GradtapeError, ShapeError, TapeError, TapeWarning
from gradtape.graph.node import recordings


@pytest.fixture(autouse=True)
def no_tape_stays_open():
    yield
    assert recordings.get() == ()


class TestWatching:
    def test_a_watched_tensor_is_followed(self):
        x = tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        assert tape.gradient(y, x).numpy() == 6.0

    def test_an_unwatched_tensor_has_no_gradient(self):
        x = tf.constant(3.0)
        with tf.GradientTape() as tape:
            y = x * x
        assert tape.gradient(y, x) is None

    def test_what_was_computed_before_watching_does_not_count(self):
        x = tf.constant(3.0)
        with tf.GradientTape() as tape:
            early = x * x
            tape.watch(x)
            y = early * x
        assert tape.gradient(y, x).numpy() == 9.0

    def test_a_nest_can_be_watched(self):
        x, y = tf.constant(2.0), tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch({"x": x, "rest": [y]})
            z = x * y
        assert [g.numpy() for g in tape.gradient(z, [x, y])] == [3.0, 2.0]

    def test_a_variable_is_watched_when_it_is_read(self):
        v = tf.Variable(3.0)
        with tf.GradientTape() as tape:
            y = v * v
        assert tape.gradient(y, v).numpy() == 6.0

    def test_a_variable_that_is_not_trainable_is_not(self):
        v = tf.Variable(3.0, trainable=False)
        with tf.GradientTape() as tape:
            y = v * v
        assert tape.gradient(y, v) is None

    def test_a_variable_that_is_not_trainable_can_be_watched(self):
        v = tf.Variable(3.0, trainable=False)
        with tf.GradientTape() as tape:
            tape.watch(v)
            y = v * v
        assert tape.gradient(y, v).numpy() == 6.0

    def test_watch_accessed_variables_false_leaves_the_choice_to_watch(self):
        a, b = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(a)
            y = a * b
        by_a, by_b = tape.gradient(y, [a, b])
        assert by_a.numpy() == 3.0 and by_b is None

    def test_watched_variables_are_those_that_were_read_in_the_order_in_which_they_were_made(self):
        a, b, unread, fixed = tf.Variable(1.0), tf.Variable(2.0), tf.Variable(3.0), tf.Variable(4.0, trainable=False)
        with tf.GradientTape() as tape:
            _ = b * fixed + a + b
        watched = tape.watched_variables()
        assert len(watched) == 2 and watched[0] is a and watched[1] is b
        assert not any(v is unread for v in watched)

    def test_an_integer_variable_is_read_in_peace(self):
        n, x = tf.Variable(3), tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = tf.cast(n, tf.float32) * x
        assert tape.gradient(y, x).numpy() == 3.0

    def test_an_array_cannot_be_watched(self):
        with tf.GradientTape() as tape, pytest.raises(ArgumentError, match=r"numpy.ndarray.*convert_to_tensor"):
            tape.watch(np.ones(3))

    @pytest.mark.parametrize("x", [tf.constant(3), tf.constant(True)], ids=["int32", "bool"])
    def test_a_tensor_that_is_not_floating_cannot_be_watched(self, x):
        with tf.GradientTape() as tape, pytest.raises(DTypeError, match=x.dtype.name):
            tape.watch(x)

    def test_equal_constants_are_different_sources(self):
        x, y = tf.constant(2.0), tf.constant(2.0)
        ones, others = tf.ones(2), tf.ones(2)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y, ones, others])
            z = x * x * y + tf.reduce_sum(3.0 * ones + others)
        assert [g.numpy() for g in tape.gradient(z, [x, y])] == [8.0, 4.0]
        assert tape.gradient(z, ones).numpy().tolist() == [3.0, 3.0]
        assert tape.gradient(z, others).numpy().tolist() == [1.0, 1.0]

    def test_reading_values_on_the_way_changes_nothing(self):
        x = tf.Variable(0.5)
        with tf.GradientTape() as tape:
            y = tf.sin(x)
            assert y.numpy() == np.float32(math.sin(0.5))
            z = y * y
            repr(z)
        assert tape.gradient(z, x).numpy() == pytest.approx(math.sin(1.0), rel=2e-7)

    def test_python_control_flow_is_followed_along_the_path_that_was_taken(self):
        def absolute(x):
            return x if x > 0 else -x

        for start, slope in ((2.0, 1.0), (-2.0, -1.0)):
            x = tf.Variable(start)
            with tf.GradientTape() as tape:
                y = absolute(x * 1.0)
            assert tape.gradient(y, x).numpy() == slope


class TestOneUse:
    def test_a_tape_gives_gradients_once(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * x
        tape.gradient(y, x)
        with pytest.raises(TapeError, match="persistent=True"):
            tape.gradient(y, x)

    def test_a_persistent_tape_gives_them_as_often_as_asked(self):
        x = tf.Variable(2.0)
        with tf.GradientTape(persistent=True) as tape:
            y = x * x
            z = y * y
        assert [tape.gradient(t, x).numpy() for t in (y, z, y)] == [4.0, 32.0, 4.0]

    def test_inside_the_block_as_well(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x**3
            slope = tape.gradient(y, x)
        assert slope.numpy() == 12.0

    def test_a_question_that_was_wrong_does_not_use_the_tape_up(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * x
        with pytest.raises(GradtapeError):
            tape.gradient(y, x, unconnected_gradients="nil")
        with pytest.raises(GradtapeError):
            tape.gradient(y, x, output_gradients=tf.ones(2))
        assert tape.gradient(y, x).numpy() == 4.0

    def test_a_persistent_tape_asked_inside_differentiates_its_own_gradients(self):
        x = tf.Variable(2.0)
        with tf.GradientTape(persistent=True) as tape:
            y = x**3
            with pytest.warns(TapeWarning, match="persistent") as warned:
                slope = tape.gradient(y, x)
                again = tape.gradient(slope, x)
        assert len(warned) == 1 and warned[0].filename == __file__
        assert tape.gradient(slope, x).numpy() == again.numpy() == 12.0

    def test_a_used_up_tape_cannot_watch(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * x
            tape.gradient(y, x)
            with pytest.raises(TapeError, match="persistent=True"):
                tape.watch(x)


class TestRecording:
    def test_entering_twice_is_an_error(self):
        tape = tf.GradientTape()
        with tape, pytest.raises(TapeError, match="already recording"), tape:
            pass

    def test_a_tape_can_be_entered_again_after_it_was_left(self):
        x = tf.Variable(2.0)
        tape = tf.GradientTape()
        with tape:
            y = x * x
        with tape:
            z = y * x
        assert tape.gradient(z, x).numpy() == 12.0

    def test_an_exception_closes_the_tape_and_passes_through(self):
        with pytest.raises(ZeroDivisionError), tf.GradientTape(), tf.GradientTape():
            _ = 1 / 0
        assert recordings.get() == ()

    def test_an_operation_that_fails_leaves_the_tape_working(self):
        x = tf.Variable([1.0, 2.0])
        with tf.GradientTape() as tape:
            with pytest.raises(ShapeError):
                x + tf.ones(3)
            y = x * x
        assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]

    def test_stop_recording_makes_constants(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * x
            with tape.stop_recording():
                factor = x * 1.0
            z = y * factor
        assert tape.gradient(z, x).numpy() == 8.0

    def test_stop_recording_may_be_nested(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            with tape.stop_recording():
                with tape.stop_recording():
                    aside = x * x
                aside = aside * x
            y = aside * x
        assert tape.gradient(y, x).numpy() == 8.0

    def test_a_tape_that_was_asked_while_it_was_stopped_stays_so(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * x
            with tape.stop_recording():
                slope = tape.gradient(y, x)
        assert slope.numpy() == 4.0

    def test_stop_recording_starts_again_after_an_exception(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            with pytest.raises(ZeroDivisionError), tape.stop_recording():
                _ = 1 / 0
            y = x * x
        assert tape.gradient(y, x).numpy() == 4.0

    def test_stop_recording_of_a_tape_that_does_not_record_is_an_error(self):
        with pytest.raises(TapeError), tf.GradientTape().stop_recording():
            pass

    def test_reset_forgets(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            old = x * x
            tape.reset()
            assert tape.watched_variables() == ()
            new = x * x * x
        assert tape.gradient([old, new], x).numpy() == 12.0

    def test_stop_gradient_is_a_constant(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * tf.stop_gradient(x * x)
        assert tape.gradient(y, x).numpy() == 4.0

    def test_every_thread_has_its_own_tapes(self):
        barrier = threading.Barrier(4)
        found = {}

        def work(n):
            x = tf.Variable(float(n))
            with tf.GradientTape() as tape:
                barrier.wait()
                y = x * x
                for _ in range(50):
                    y = y + x
                barrier.wait()
            found[n] = (len(recordings.get()), tape.gradient(y, x).numpy())

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {n: (0, 2 * n + 50) for n in range(4)}

    def test_a_tape_does_not_follow_other_threads(self):
        x = tf.Variable(2.0)
        made = []
        with tf.GradientTape() as tape:
            thread = threading.Thread(target=lambda: made.append(x * x))
            thread.start()
            thread.join()
        assert tape.gradient(made[0], x) is None


class TestSize:
    def test_20_000_operations_deep(self):
        x = tf.Variable(1.0)
        with tf.GradientTape() as tape:
            y = x * 1.0
            for _ in range(20_000):
                y = y + x
        assert tape.gradient(y, x).numpy() == 20_001.0
        assert y.numpy() == 20_001.0

    def test_values_die_with_the_tape(self):
        x = tf.Variable(np.ones(10_000))
        with tf.GradientTape() as tape:
            middle = tf.exp(x)
            array = weakref.ref(middle.numpy())
            y = tf.reduce_sum(middle * middle)
        del middle
        assert array() is not None  # the gradient needs it
        slope = tape.gradient(y, x)
        slope.numpy()
        del tape, y, slope
        gc.collect()
        assert array() is None

    def test_a_tape_that_is_not_persistent_lets_go_when_it_is_asked(self):
        x = tf.Variable(np.ones(10_000))
        with tf.GradientTape() as tape:
            middle = tf.exp(x)
            array = weakref.ref(middle.numpy())
            y = tf.reduce_sum(middle * middle)
        del middle
        tape.gradient(y, x).numpy()
        y.numpy()
        gc.collect()
        assert array() is None

    def test_nothing_is_kept_without_a_tape(self):
        x = tf.constant(np.ones(10_000))
        middle = tf.exp(x)
        array = weakref.ref(middle.numpy())
        y = tf.reduce_sum(middle)
        y.numpy()
        del middle
        assert array() is None
