"""`gradtape.explain`: the way from the source to the target, where it was cut, on which line, and what to do."""

import gc
import inspect
import math
import warnings
import weakref

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, TapeWarning

EXPLAIN = {"explain": True}


def line():
    """The line from which this is called."""
    return inspect.currentframe().f_back.f_lineno


def asked(tape, target, source, explain):
    """What `explain` says after the tape was asked and found nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert tape.gradient(target, source) is None
    found = tf.explain(target, source)
    assert not found.connected and found.cut is found.cuts[0]
    assert f"there is no gradient: {found.cut.what}" in str(found) and found.cut.fix in str(found)
    assert tape.none_reasons == [str(found.cut)]
    assert tf.explain(target, source, tape) == found
    if explain:
        assert found.cut.place is None or found.cut.place.file == __file__
    else:
        assert found.cut.place is None
    return found


@pytest.fixture(params=[False, True], ids=["usual", "explain"])
def mode(request):
    with tf.config.override(explain=request.param):
        yield request.param


class TestWhatTheTableSays:
    @pytest.mark.parametrize(
        "f, reason, operation",
        [
            (lambda x: 2.0 * tf.floor(tf.exp(x)), "jump", "floor"),
            (lambda x: 2.0 * tf.round(tf.exp(x)), "jump", "round"),
            (lambda x: 2.0 * tf.sign(tf.exp(x)), "jump", "sign"),
            (lambda x: 2.0 * tf.exp(x) // 1.0, "jump", "floordiv"),
            (lambda x: tf.cast(tf.cast(tf.exp(x), tf.int32), tf.float32) * 2.0, "integer", "cast"),
            (lambda x: tf.cast(tf.exp(x) > 1.5, tf.float32) * 2.0, "integer", "greater"),
            (lambda x: tf.where(tf.exp(x) > 1.5, 1.0, 2.0), "integer", "greater"),
            (lambda x: 2.0 * tf.stop_gradient(tf.exp(x)), "stopped", "stop_gradient"),
        ],
    )
    def test_an_operation_that_no_gradient_passes(self, mode, f, reason, operation):
        x = tf.constant([0.5, 1.5])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        found = asked(tape, y, x, mode)
        assert (found.cut.reason, found.cut.operation) == (reason, operation)
        names = [step.operation for step in found.steps]
        assert names[0] == "exp" and operation in names and found.steps[names.index(operation)].cut is found.cut
        if mode:
            assert found.cut.place.line == f.__code__.co_firstlineno

    def test_a_target_that_is_no_float(self, mode):
        x = tf.constant(1.5)
        with tf.GradientTape() as tape:
            tape.watch(x)
            n = tf.cast(tf.exp(x), tf.int32)
        found = asked(tape, n, x, mode)
        assert found.cut.reason == "integer" and [step.operation for step in found.steps] == ["exp", "cast"]

    def test_the_condition_of_where_alone(self, mode):
        flags = tf.constant([True, False])
        x = tf.constant([0.5, 1.5])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.where(tf.logical_and(flags, x > 1.0), 1.0, 2.0)
        found = asked(tape, y, x, mode)
        assert [cut.operation for cut in found.cuts] == ["greater", "logical_and", "where"]
        assert found.cuts[-1].reason == "decides"

    def test_the_way_with_the_fewest_cuts_is_shown(self, mode):
        x = tf.constant(0.5)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.floor(tf.round(tf.sign(x))) + tf.stop_gradient(tf.exp(tf.sin(tf.cos(x))))
        found = asked(tape, y, x, mode)
        assert [cut.operation for cut in found.cuts] == ["stop_gradient"]
        assert [step.operation for step in found.steps] == ["cos", "sin", "exp", "stop_gradient", "add"]

    def test_a_declared_gradient_that_is_none(self, mode):
        def nothing(x):
            return 2.0 * x, lambda upstream: None

        x = tf.constant(0.5)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.custom_gradient(nothing)(tf.exp(x))
        found = asked(tape, y, x, mode)
        assert (found.cut.reason, found.cut.operation) == ("rule", "nothing")


class TestWhatTheTapeDidNotSee:
    def test_not_watched(self, mode):
        x = tf.constant(0.5)
        with tf.GradientTape() as tape:
            y = tf.sin(x) * 2.0
        found = asked(tape, y, x, mode)
        assert found.cut.reason == "unwatched" and "tape.watch" in found.cut.fix

    def test_a_variable_that_is_not_trainable(self, mode):
        v = tf.Variable(0.5, trainable=False)
        with tf.GradientTape() as tape:
            y = tf.sin(v) * 2.0
        assert asked(tape, y, v, mode).cut.reason == "unwatched"

    def test_before_after_and_while_it_was_stopped(self, mode):
        x = tf.Variable(0.5)
        early = tf.exp(x)
        early_line = line() - 1
        with tf.GradientTape(persistent=True) as tape:
            with tape.stop_recording():
                aside = tf.exp(x)
                aside_line = line() - 1
            of_aside = aside * 2.0
            of_early = early * 2.0
            inside = x * 2.0
        late = inside * 2.0
        late_line = line() - 1
        for target, reason, where in (
            (of_early, "before", early_line),
            (of_aside, "paused", aside_line),
            (late, "after", late_line),
        ):
            found = asked(tape, target, x, mode)
            assert found.cut.reason == (reason if mode else "unrecorded")
            if mode:
                assert found.cut.place.line == where

    def test_watched_too_late(self):
        x = tf.constant(0.5)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                y = tf.exp(x)
                tape.watch(x)
                _ = 2.0 * x
            assert asked(tape, y, x, True).cut.reason == "late"

    def test_an_intermediate_value_that_is_watched_is_a_source_of_its_own(self, mode):
        x = tf.constant(0.5)
        with tf.GradientTape() as tape:
            middle = tf.exp(x)
            tape.watch([middle, x])
            y = 2.0 * middle
        found = asked(tape, y, x, mode)
        assert found.cut.reason == "late" and found.cut.operation == "exp"


class TestVariablesThatWereNotWatched:
    @pytest.mark.parametrize(
        "made, accessed, what",
        [
            ({"trainable": False}, True, "'w' is not trainable"),
            ({}, False, "watch_accessed_variables=False"),
        ],
    )
    def test_says_why_a_variable_was_not_watched(self, mode, made, accessed, what):
        w = tf.Variable(0.5, name="w", **made)
        with tf.GradientTape(watch_accessed_variables=accessed) as tape:
            y = tf.sin(w) * 2.0
        found = asked(tape, y, w, mode)
        assert found.cut.reason == "unwatched" and what in found.cut.what and "tape.watch" in found.cut.fix

    def test_a_variable_that_was_not_read(self, mode):
        w, other = tf.Variable(0.5, name="w"), tf.Variable(0.5, name="other")
        with tf.GradientTape() as tape:
            y = tf.sin(w) * 2.0
        found = asked(tape, y, other, mode)
        assert found.cut.reason == "unwatched" and "'other' was not read" in found.cut.what


class TestWhatOnlyTheSettingKnows:
    def test_what_came_first_where_the_tape_recorded_nothing(self):
        x = tf.constant(0.5)
        with tf.config.override(explain=True):
            early = tf.exp(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = early * 2.0
            assert asked(tape, y, x, True).cut.reason == "before"
            with tf.GradientTape() as tape:
                late = tf.exp(x)
                tape.watch(x)
                y = late * 2.0
            assert asked(tape, y, x, True).cut.reason == "late"

    @pytest.mark.parametrize(
        "leave, how",
        [
            (lambda x: float(x), "float()"),
            (lambda x: x.numpy(), ".numpy()"),
            (lambda x: x.item(), ".item()"),
            (lambda x: x.tolist(), ".tolist()"),
            (lambda x: np.asarray(x), "np.asarray()"),
            (lambda x: np.sum(np.array(x)), "np.asarray()"),
            (lambda x: 3.0 if x > 0.1 else 4.0, "bool()"),
            (lambda x: int(x), "int()"),
        ],
    )
    def test_a_value_that_left(self, leave, how):
        x = tf.constant(1.5)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                number = leave(tf.exp(x))
                y = tf.constant(2.0) * number
            found = asked(tape, y, x, True)
        left = [cut for cut in found.cuts if cut.reason == "left"]
        assert [cut.operation for cut in left] == [how]
        assert left[0].place.line == leave.__code__.co_firstlineno
        assert "exp" in [step.operation for step in found.steps]

    def test_a_target_made_of_numbers_outright(self):
        x = tf.constant([0.5, 1.5])
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.constant(np.sin(x))
            assert asked(tape, y, x, True).cut.reason == "left"

    def test_printing_is_no_leaving(self):
        x, v = tf.constant(0.5), tf.Variable(2.0)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                str(x), repr(x), f"{x:.3f}", f"{x}"
                y = v * 2.0
            assert asked(tape, y, x, True).cut.reason == "unrelated"

    def test_an_assignment(self):
        x, v = tf.constant(0.5), tf.Variable(1.0, name="state")
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                v.assign(tf.exp(x))
                where = line() - 1
                y = 2.0 * v
            found = asked(tape, y, x, True)
        assert found.cut.reason == "assigned" and "'state'" in found.cut.what and found.cut.place.line == where
        assert [step.operation for step in found.steps] == ["exp", "assign", "multiply"]

    def test_the_lines_of_a_way_without_cuts(self):
        x = tf.constant(0.5)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.exp(x)
                z = tf.sin(y)
                last = line() - 1
            tape.gradient(z, x)
            found = tf.explain(z, x)
        assert [(s.operation, s.place.line) for s in found.steps] == [("exp", last - 1), ("sin", last)]

    def test_a_traced_function_is_seen_line_by_line(self):
        @tf.function
        def f(x):
            return tf.floor(tf.exp(x))

        x = tf.constant(0.5)
        f(x)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = f(x) * 2.0
            found = asked(tape, y, x, True)
        assert found.cut.operation == "floor" and found.cut.place.line == f.python_function.__code__.co_firstlineno + 2

    def test_values_that_were_read_on_the_way(self):
        x = tf.constant(0.5)
        with tf.config.override(explain=True):
            y = tf.exp(x)
            y.numpy()
            z = tf.sin(y)
            z.numpy()
            found = tf.explain(z, x)
        assert found.connected and [step.operation for step in found.steps] == ["exp", "sin"]


class TestConnected:
    def test_the_local_derivatives_multiply_to_the_gradient(self):
        x = tf.constant(np.float64(0.5))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = 3.0 * tf.sin(tf.exp(x))
        found = tf.explain(y, x, tape)
        assert found.connected and found.cut is None and found.cuts == ()
        assert [step.operation for step in found.steps] == ["exp", "sin", "multiply"]
        local = [float(step.derivative) for step in found.steps]
        expected = [math.exp(0.5), math.cos(math.exp(0.5)), 3.0]
        assert local == pytest.approx(expected, rel=4 * 2.0**-53)
        assert math.prod(local) == pytest.approx(float(tape.gradient(y, x)), rel=4 * 2.0**-53)
        assert f"sin: derivative {expected[1]:.8g}" in str(found) and repr(found) == str(found)

    def test_arrays_show_the_range(self):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.reduce_sum(x * x * x)
        found = tf.explain(y, x, tape)
        assert found.connected and "sum: derivative 1 to 1" in str(found)

    def test_a_source_that_is_the_target(self):
        x = tf.constant(1.0)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
        assert tf.explain(x, x, tape).connected and "it is the source" in str(tf.explain(x, x, tape))

    def test_without_a_tape_what_is_pending_is_enough(self):
        x = tf.constant(0.5)
        assert [step.operation for step in tf.explain(tf.sin(tf.exp(x)), x).steps] == ["exp", "sin"]

    def test_a_variable_that_was_assigned_meanwhile(self):
        v = tf.Variable(2.0)
        with tf.GradientTape(persistent=True) as tape:
            y = tf.exp(v)
        v.assign(3.0)
        assert tf.explain(y, v, tape).connected

    def test_a_declared_gradient_has_the_name_of_its_function(self):
        @tf.custom_vjp
        def doubled(x):
            return 2.0 * x

        doubled.defvjp(lambda x: (2.0 * x, None), lambda _, ct: (7.0 * ct,))
        x = tf.constant(0.5)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = doubled(x)
        (step,) = tf.explain(y, x, tape).steps
        assert step.operation == "doubled" and step.derivative.numpy() == 7.0

    def test_20_000_operations(self):
        x = tf.Variable(1.0)
        with tf.GradientTape(persistent=True) as tape:
            y = x * 1.0
            for _ in range(20_000):
                y = -y
        assert len(tf.explain(y, x, tape).steps) == 20_001


class TestTheWarning:
    def test_says_why_at_the_line_of_gradient(self):
        x = tf.constant(0.5)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.floor(x)
            with pytest.warns(TapeWarning, match="the gradient is None: floor has no derivative") as warned:
                tape.gradient(y, x)
        assert warned[0].filename == __file__

    def test_names_the_sources_where_there_are_several(self):
        x, y = tf.Variable(0.5), tf.Variable(0.5)
        with tf.config.override(explain=True):
            with tf.GradientTape() as tape:
                z = tf.exp(x)
            with pytest.warns(
                TapeWarning, match="the gradient by source 1 is None: the Variable 'Variable' was not read"
            ):
                tape.gradient(z, {"a": x, "b": y})
        assert tape.none_reasons[0] is None

    def test_of_a_jacobian_stands_at_its_line_too(self):
        x = tf.constant([0.5, 1.5])
        with tf.config.override(explain=True):
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(x)
                y = tf.floor(x)
            with pytest.warns(TapeWarning, match="floor has no derivative") as warned:
                tape.jacobian(y, x)
        assert warned[0].filename == __file__

    def test_comes_with_the_setting_alone_and_where_something_is_missing(self):
        x = tf.Variable(0.5)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with tf.GradientTape() as tape:
                y = tf.floor(x)
            tape.gradient(y, x)
            with tf.config.override(explain=True):
                with tf.GradientTape() as tape:
                    y = tf.exp(x)
                assert tape.gradient(y, x).numpy() == np.exp(np.float32(0.5))


@pytest.mark.parametrize("pair", [(None, 1), (1, None), (np.ones(2), 1), (1, "x")], ids=str)
def test_what_is_no_tensor_is_an_error(pair):
    target, source = [tf.constant(1.0) if isinstance(one, int) else one for one in pair]
    with pytest.raises(ArgumentError):
        tf.explain(target, source)


def test_results_are_the_same_bits_with_the_setting():
    def slopes():
        x = tf.constant(np.linspace(-2.0, 2.0, 101))
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(tf.tanh(x) * tf.exp(-x * x))
            slope = inner.gradient(y, x)
        return outer.gradient(slope, x).numpy().tobytes()

    usual = slopes()
    with tf.config.override(explain=True):
        assert slopes() == usual


def test_what_is_kept_for_an_answer_goes_with_the_tape():
    x = tf.constant(np.ones(10_000))
    with tf.GradientTape() as tape:
        tape.watch(x)
        middle = tf.exp(x)
        array = weakref.ref(middle.numpy())
        y = tf.floor(middle)
    del middle
    assert tape.gradient(y, x) is None
    y.numpy()
    assert tf.explain(y, x).cut.operation == "floor"
    del tape
    gc.collect()
    assert array() is None
