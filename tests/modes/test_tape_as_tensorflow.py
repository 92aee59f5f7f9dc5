"""GradientTape answers what TensorFlow 2 answers: each case is a program for either, with TensorFlow's result.

``tests/modes/against_tensorflow.py`` runs the cases with TensorFlow, where that is installed, and compares.
"""

import collections
import gc
import warnings
import weakref

import numpy as np
import pytest

import gradtape
from gradtape.graph.node import recordings

Point = collections.namedtuple("Point", ["x", "y"])
CASES = []


def case(expected):
    """Note a program: a function of the library under test, and what TensorFlow's result is."""

    def note(program):
        CASES.append(pytest.param(program, expected, id=program.__name__))
        return program

    return note


def plain(value):
    """A result as numbers, lists, tuples and dicts; a type of exception stands for itself."""
    if hasattr(value, "numpy"):
        return plain(value.numpy())
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        values = [plain(one) for one in value]
        return type(value)(*values) if hasattr(value, "_fields") else type(value)(values)
    return value


def raised(f, *kinds):
    """Which of the built-in exceptions `kinds` f() raises."""
    try:
        f()
    except kinds as error:
        return next(kind.__name__ for kind in kinds if isinstance(error, kind))
    return None


# -- watching -------------------------------------------------------------------------------------------------


@case([6.0, None])
def only_what_is_watched(tf):
    x, y = tf.constant(3.0), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = x * y
        w = x * x
    return [tape.gradient(w, x), tape.gradient(z, y)]


@case([12.0, 4.0])
def variables_are_watched_when_they_are_read(tf):
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = a * a * b
    return tape.gradient(y, [a, b])


@case([None, 2.0])
def only_what_was_chosen_without_watch_accessed_variables(tf):
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(b)
        y = a * b
    return tape.gradient(y, [a, b])


@case([None, 3.0, 2.0])
def variables_that_are_not_trainable(tf):
    fixed, watched, usual = tf.Variable(2.0, trainable=False), tf.Variable(1.0, trainable=False), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        y = fixed * usual + 3.0 * watched
    return tape.gradient(y, [fixed, watched, usual])


@case([3.0, 2.0, None, None])
def each_tape_watches_its_own(tf):
    x, y = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape(persistent=True) as one, tf.GradientTape(persistent=True) as other:
        one.watch(x)
        other.watch(y)
        z = x * y
    return [one.gradient(z, x), other.gradient(z, y), one.gradient(z, y), other.gradient(z, x)]


@case(["a", "b", "c"])
def watched_variables_come_in_the_order_in_which_they_were_made(tf):
    a, b, c, unread = (tf.Variable(float(i), name=n) for i, n in enumerate("abcd"))
    with tf.GradientTape() as tape:
        _ = b * c + a * b
    names = {id(v): n for n, v in zip("abcd", (a, b, c, unread), strict=True)}
    return [names[id(v)] for v in tape.watched_variables()]


@case([2, 0])
def watched_variables_after_the_gradient_and_without_reading(tf):
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = a * b
    tape.gradient(y, a)
    return [len(tape.watched_variables()), len(tf.GradientTape().watched_variables())]


@case([9.0])
def watching_begins_when_watch_is_called(tf):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        early = x * x
        tape.watch(x)
        y = early * x
    return [tape.gradient(y, x)]


@case([5.0, 7.0])
def equal_constants_are_different_sources(tf):
    x, y = tf.constant(1.0), tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = 5.0 * x + 7.0 * y
    return tape.gradient(z, [x, y])


@case(27.0)
def a_variable_watched_again_changes_nothing(tf):
    v = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        tape.watch(v)
        tape.watch(v)
        y = v**3
    return tape.gradient(y, v)


# -- recording ------------------------------------------------------------------------------------------------


@case([12.0, "ValueError"])
def a_tape_is_entered_again_but_not_twice(tf):
    x = tf.Variable(2.0)
    tape = tf.GradientTape()
    with tape:
        y = x * x
    with tape:
        z = y * x
        again = raised(tape.__enter__, ValueError)
    return [tape.gradient(z, x), again]


@case([1.0, 4.0, 4.0])
def what_happens_while_recording_is_stopped_is_constant(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        with tape.stop_recording():
            aside = x * x
        y = aside * x
        z = x + aside
        w = x * x
    return [tape.gradient(z, x), tape.gradient(y, x), tape.gradient(w, x)]


@case([24.0, 1.0])
def recording_can_be_stopped_again_and_again(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        for _ in range(3):
            with tape.stop_recording():
                aside = x * y
        z = y * x * 2.0
        w = x + aside
    return [tape.gradient(z, x), tape.gradient(w, x)]


@case(["RuntimeError", "ValueError"])
def recording_that_has_not_begun_or_has_ended_cannot_be_stopped(tf):
    fresh, used = tf.GradientTape(), tf.GradientTape()
    with used:
        pass
    return [raised(fresh.stop_recording().__enter__, RuntimeError), raised(used.stop_recording().__enter__, ValueError)]


@case(["ZeroDivisionError", 4.0])
def an_exception_while_recording_is_stopped_starts_it_again(tf):
    x = tf.Variable(2.0)

    def fail():
        with tape.stop_recording():
            return 1 / 0

    with tf.GradientTape() as tape:
        error = raised(fail, ZeroDivisionError)
        y = x * x
    return [error, tape.gradient(y, x)]


@case([6.0])
def an_exception_leaves_no_tape_open(tf):
    def fail():
        with tf.GradientTape(), tf.GradientTape(persistent=True) as inner, inner.stop_recording():
            raise KeyError

    raised(fail, KeyError)
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    return [tape.gradient(y, x)]


@case([48.0])
def reset_forgets_everything(tf):
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        tape.reset()
        tape.watch(x)
        z = x * x * x * y
    return [tape.gradient(z, x)]


@case([4.0, 12.0, 1])
def a_used_tape_that_is_entered_again_begins_anew(tf):
    x = tf.Variable(2.0)
    tape = tf.GradientTape()
    with tape:
        y = x * x
    first = tape.gradient(y, x)
    with tape:
        z = x**3
    return [first, tape.gradient(z, x), len(tape.watched_variables())]


# -- asking ---------------------------------------------------------------------------------------------------


@case([4.0, "RuntimeError"])
def a_tape_gives_gradients_once(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
    return [tape.gradient(y, x), raised(lambda: tape.gradient(y, x), RuntimeError)]


@case([4.0, 32.0, 4.0])
def a_persistent_tape_as_often_as_asked(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        z = y * y
    return [tape.gradient(y, x), tape.gradient(z, x), tape.gradient(y, x)]


@case([4.0, "RuntimeError"])
def asked_inside_the_block_it_stops_recording(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
        slope = tape.gradient(y, x)
        z = x**3
    return [slope, raised(lambda: tape.gradient(z, x), RuntimeError)]


@case([12.0, 12.0, 6.0])
def a_persistent_one_records_its_own_gradients(tf):
    x = tf.constant(2.0)
    with warnings.catch_warnings(), tf.GradientTape(persistent=True) as tape:
        warnings.simplefilter("ignore")
        tape.watch(x)
        y = x**3
        first = tape.gradient(y, x)
        second = tape.gradient(first, x)
    return [first, second, tape.gradient(second, x)]


@case([80.0, [16.0, 80.0], (16.0,), {"b": 80.0, "a": [16.0]}, Point(80.0, {"m": (16.0, [80.0])}), []])
def sources_of_any_structure(tf):
    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        m = x * x
        z = m * m * x
    structures = [x, [m, x], (m,), {"b": x, "a": [m]}, Point(x, {"m": (m, [x])}), []]
    return [tape.gradient(z, one) for one in structures]


@case([16.0, 80.0, 1.0, 80.0])
def sources_that_are_intermediate_repeated_or_the_target(tf):
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        m = x * x
        z = m * m * x
    return tape.gradient(z, [m, x, z, x])


@case([84.0, 84.0, 84.0, 8.0, None])
def targets_of_any_structure_are_summed(tf):
    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        m = x * x
        z = m * m * x
    return [tape.gradient(one, x) for one in ([z, m], Point(z, m), {"a": {"b": (z,)}, "c": m}, [m, m], [])]


@case([[11.0, 11.0], [1.0, 1.0]])
def elements_are_summed(tf):
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = tf.constant([[1.0], [10.0]]) * x
    return [tape.gradient(y, x), tape.gradient(x, x)]


@case([1.0, 1.0, 3.0, 1.0])
def a_target_that_is_the_source(tf):
    x, v, unwatched = tf.constant(2.0), tf.Variable(2.0), tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = 2.0 * v
    return [
        tape.gradient(x, x),
        tape.gradient(v, v),
        tape.gradient([v, y], v),
        tape.gradient(unwatched, unwatched),
    ]


@case([1.0, 14.0, 4.0])
def variables_that_are_assigned_meanwhile(tf):
    v, w = tf.Variable(2.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        v.assign(v * 2.0)
    as_target = tape.gradient(v, v)
    with tf.GradientTape() as tape:
        y = w * w
        w.assign(5.0)
        z = w * w + y
    both = tape.gradient(z, w)
    with tf.GradientTape() as tape:
        y = w * 4.0
    w.assign(100.0)
    return [as_target, both, tape.gradient(y, w)]


@case([None, None, [0.0, 0.0], None])
def targets_that_are_no_floats_and_sources_that_do_not_matter(tf):
    x, other = tf.Variable(2.0), tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        n = tf.cast(x * x, tf.int32)
        y = x * x
    zero = tf.UnconnectedGradients.ZERO
    return [
        tape.gradient(n, x),
        tape.gradient(y, other),
        tape.gradient(y, other, unconnected_gradients=zero),
        tape.gradient(tf.constant(1.0), x, unconnected_gradients=tf.UnconnectedGradients.NONE),
    ]


@case([[[4.0], None], [[4.0], [[0.0, 0.0]]], "ValueError"])
def unconnected_gradients_are_named_by_strings_too(tf):
    x, z = tf.constant([2.0]), tf.constant([[1.0, 2.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        y = x * x
    wrong = raised(lambda: tape.gradient(y, x, unconnected_gradients="nil"), ValueError)
    return [*[tape.gradient(y, [x, z], unconnected_gradients=u) for u in ("none", "zero")], wrong]


@case([[20.0, 3.0], [9.0, 4.0]])
def output_gradients_weigh_the_elements(tf):
    x = tf.constant([2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = 5.0 * x
    one = tape.gradient(y, x, output_gradients=tf.constant([5.0, 0.5]))
    two = tape.gradient([y, z], x, output_gradients=[tf.constant([1.0, 0.0]), tf.constant([1.0, 0.8])])
    return [one, two]


@case(["TypeError", "ValueError"])
def what_cannot_be_asked(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        _ = x * x
    return [raised(lambda: tape.gradient(None, x), TypeError), raised(lambda: tape.watch([1.0]), ValueError)]


# -- higher orders --------------------------------------------------------------------------------------------


@case([12.0, 12.0, 6.0])
def tapes_in_tapes(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape() as third:
        with tf.GradientTape() as second:
            with tf.GradientTape() as first:
                y = x**3
            one = first.gradient(y, x)
        two = second.gradient(one, x)
    return [one, two, third.gradient(two, x)]


@case([None, 12.0])
def a_gradient_outside_of_the_outer_tape_is_a_constant(tf):
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape(persistent=True) as inner:
            y = x**3
        inside = inner.gradient(y, x)
    outside = inner.gradient(y, x)
    return [outer.gradient(outside, x), outer.gradient(inside, x)]


@case([6.0, 12.0])
def the_inner_tape_watches_another_source(tf):
    x, y = tf.Variable(3.0), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            inner.watch(y)
            z = x * x * y * y / 2.0  # by y: x²y
        by_y = inner.gradient(z, y)
        total = by_y / 2.0
    return [outer.gradient(total, x), outer.gradient(by_y, x)]


# -- memory ---------------------------------------------------------------------------------------------------


def gone(tf, use):
    """Whether the tape and the tensors that `use` returns are freed without the cyclic collector having to help."""
    gc.collect()
    gc.disable()
    try:
        references = [weakref.ref(one) for one in use(tf)]
        return all(one() is None for one in references)
    finally:
        gc.enable()


@case([True, True, True])
def nothing_is_left_when_a_tape_is_dropped(tf):
    def once(tf):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.exp(x) * x
        return tape, x, y, tape.gradient(y, x)

    def persistent(tf):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.exp(x) * x
        return tape, x, y, tape.gradient(y, x), tape.gradient(y, [x])[0]

    def nested(tf):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape(persistent=True) as inner:
                inner.watch(x)
                y = tf.exp(x) * x
            slope = inner.gradient(y, x)
        return outer, inner, x, y, slope, outer.gradient(slope, x)

    return [gone(tf, once), gone(tf, persistent), gone(tf, nested)]


# -- declared gradients ---------------------------------------------------------------------------------------


@case([100.0, [10.0, 200.0], "TypeError", "ValueError"])
def custom_gradients(tf):
    w = tf.Variable(2.0)

    @tf.custom_gradient
    def plain(x):
        return x * x, lambda upstream: upstream * 100.0

    @tf.custom_gradient
    def with_variables(x):
        return x * w, lambda upstream, variables: (upstream * 10.0, [upstream * 200.0 for _ in variables])

    without = tf.custom_gradient(lambda x: (x * w, lambda upstream: upstream))
    wrong = tf.custom_gradient(lambda x: (x * 1.0, lambda upstream: (upstream, upstream)))
    x = tf.constant(3.0)

    def slope(f, sources):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, sources)

    return [
        slope(plain, x),
        slope(with_variables, [x, w]),
        raised(lambda: slope(without, x), TypeError),
        raised(lambda: slope(wrong, x), ValueError),
    ]


@case([(1.0, 1.0), 0.25])
def a_custom_gradient_is_differentiated_again(tf):
    @tf.custom_gradient
    def log1pexp(x):
        e = tf.exp(x)
        return tf.math.log(1.0 + e), lambda upstream: upstream * (1.0 - 1.0 / (1.0 + e))

    big, x = tf.constant(100.0), tf.constant(0.0)
    with tf.GradientTape() as tape:
        tape.watch(big)
        y = log1pexp(big)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            z = log1pexp(x)
        slope = inner.gradient(z, x)
    return [(tape.gradient(y, big), 2.0 * slope), outer.gradient(slope, x)]


@case([(8.0, (12.0, 8.0)), None])
def recompute_grad_changes_no_gradient_and_stop_gradient_stops(tf):
    x, v = tf.Variable(2.0), tf.Variable(1.0)
    f = tf.recompute_grad(lambda x: x * x * x * v)
    with tf.GradientTape() as tape:
        y = f(x)
    slopes = tape.gradient(y, [x, v])
    with tf.GradientTape() as tape:
        z = tf.stop_gradient(x) * 2.0
    return [(y, tuple(slopes)), tape.gradient(z, x)]


@case([[1.0, 2.0, 4.0], pytest.approx([1.2, 1.2, 1.2])])
def grad_pass_through_is_the_identity_for_gradients(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.grad_pass_through(tf.round)(x * 1.2)
    return [y, tape.gradient(y, x)]


@case([4.0, 12.0, None])
def an_accumulator_that_is_entered_again_goes_on(tf):
    x = tf.constant(2.0)
    accumulator = tf.autodiff.ForwardAccumulator(x, tf.constant(1.0))
    with accumulator:
        y = x * x
    outside = x * y
    first = accumulator.jvp(y)
    with accumulator:
        z = x * y
    return [first, accumulator.jvp(z), accumulator.jvp(outside)]


@case(["<unknown>", [[2.0, 4.0], [6.0, 8.0]], 6.0, 9.0, "(None, 2)", "ValueError"])
def variables_of_open_shape(tf):
    v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))
    w = tf.Variable([[1.0, 2.0]], shape=[None, 2])
    square = tf.function(lambda: tf.reduce_sum(v * v))
    slopes = []
    for value in ([[1.0, 2.0], [3.0, 4.0]], 3.0):
        v.assign(value)
        with tf.GradientTape() as tape:
            y = square()
        slopes.append(tape.gradient(y, v))
    return [str(v.shape), *slopes, y, str(w.shape), raised(lambda: w.assign([1.0, 2.0, 3.0]), ValueError)]


@case(["none", "zero", True])
def unconnected_gradients_is_an_enumeration(tf):
    kinds = tf.UnconnectedGradients
    return [*[kind.value for kind in kinds], kinds("zero") is kinds.ZERO]


@pytest.mark.parametrize("program, expected", CASES)
def test_as_tensorflow(program, expected):
    assert plain(program(gradtape)) == expected
    assert recordings.get() == ()


def compare_with_tensorflow():
    """Run the cases with TensorFlow, and say where its results are others."""
    import tensorflow

    for program, expected in [one.values for one in CASES]:
        found = plain(program(tensorflow))
        print("same" if found == expected else f"EXPECTED {expected}, FOUND {found}", program.__name__)


if __name__ == "__main__":
    compare_with_tensorflow()
