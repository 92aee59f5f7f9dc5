"""A traced function gives what the Python function gives, runs it once per signature, and says what it cannot do."""

import dataclasses
import gc
import threading
import warnings
import weakref

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, ControlFlowError, DTypeError, RetracingWarning, ShapeError


def traced(f, **options):
    """The traced function and the list of its runs in Python."""
    runs = []

    def counted(*args, **kwargs):
        runs.append(args)
        return f(*args, **kwargs)

    return tf.function(counted, **options), runs


def test_python_runs_once_for_each_shape_type_and_structure():
    f, runs = traced(lambda x: tf.reduce_sum(x[0] if isinstance(x, list) else x))
    for x in (tf.ones(2), tf.zeros(2), tf.ones(3), tf.ones(2, tf.float64), [tf.ones(2)], [tf.ones(3)], [tf.zeros(2)]):
        for _ in range(3):
            f(x)
    assert len(runs) == 5 == f.experimental_get_tracing_count()


@pytest.mark.parametrize(
    "arguments",
    [(1, 2), (1, 1.0), (1, True), (0.0, -0.0), ("a", "b"), (None, 1), ((1,), [1]), ({"a": 1}, {"b": 1})],
    ids=repr,
)
def test_other_python_values_are_other_signatures(arguments):
    f, runs = traced(lambda x, flag: x + 1.0)
    for flag in arguments * 2:
        f(tf.constant(1.0), flag)
    assert len(runs) == 2


def test_not_a_number_is_traced_once():
    f, runs = traced(lambda x, limit: x + 1.0)
    for _ in range(3):
        f(tf.constant(1.0), float("nan"))
    assert len(runs) == 1


def test_keyword_and_positional_arguments_are_the_same_call():
    f = tf.function(lambda x, y: x - y)
    g = tf.function(lambda x, y=2.0, *, scale=1.0: (x - y) * scale)
    assert f(tf.constant(5.0), tf.constant(3.0)).numpy() == f(y=tf.constant(3.0), x=tf.constant(5.0)).numpy() == 2.0
    assert g(tf.constant(5.0)).numpy() == 3.0
    assert g(tf.constant(5.0), scale=tf.constant(2.0), y=1.0).numpy() == 8.0
    with pytest.raises(TypeError, match="unexpected"):
        g(tf.constant(1.0), other=2.0)


def test_arrays_are_tensors_and_are_not_traced_again():
    f, runs = traced(lambda x: x * 2.0)
    for k in range(3):
        assert np.array_equal(f(np.full(3, float(k))).numpy(), np.full(3, 2.0 * k))
    assert len(runs) == 1


def test_results_keep_their_structure():
    f = tf.function(lambda x: {"a": (x, None, "text"), "b": [x + 1.0, 2]})
    result = f(tf.constant(1.0))
    assert result["a"][1:] == (None, "text") and result["a"][0].numpy() == 1.0
    assert result["b"][0].numpy() == 2.0 and result["b"][1].numpy() == 2
    assert tf.function(lambda: None)() is None
    assert tf.function(lambda x: x)(tf.constant(3.0)).numpy() == 3.0
    assert tf.function(lambda: tf.constant([1.0, 2.0]))().numpy().tolist() == [1.0, 2.0]


def test_results_are_bit_for_bit_those_of_the_python_function():
    def f(x, y):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = tf.reduce_sum(tf.tanh(x) * tf.exp(-y), axis=1)
        return z, tape.gradient(z, x)

    rng = np.random.default_rng(0)
    x, y = (tf.constant(rng.standard_normal((50, 30)).astype(np.float32)) for _ in range(2))
    fast = tf.function(f)
    for ours, plain in zip(fast(x, y), f(x, y), strict=True):
        assert ours.numpy().tobytes() == plain.numpy().tobytes()


def test_variables_are_read_and_assigned_at_each_call():
    v, w = tf.Variable(1.0), tf.Variable([1.0, 2.0], trainable=False)

    @tf.function
    def step(x):
        v.assign_add(x)
        w.assign(w * v)
        return v * 10.0

    assert step(tf.constant(2.0)).numpy() == 30.0
    assert step(tf.constant(2.0)).numpy() == 50.0
    assert v.numpy() == 5.0 and w.numpy().tolist() == [15.0, 30.0]
    v.assign(0.0)
    assert step(tf.constant(1.0)).numpy() == 10.0


def test_training_is_the_same_as_without_tracing():
    x = tf.constant(np.linspace(-1, 1, 20, dtype=np.float32))
    y = 3.0 * x - 0.5

    def train(wrap):
        w, b = tf.Variable(0.0), tf.Variable(0.0)

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(w * x + b - y))
            for variable, gradient in zip([w, b], tape.gradient(loss, [w, b]), strict=True):
                variable.assign_sub(0.1 * gradient)
            return loss

        step = wrap(step)
        losses = [step(x, y).numpy() for _ in range(50)]
        return losses, w.numpy(), b.numpy()

    assert train(tf.function) == train(lambda f: f)


def test_a_variable_that_is_an_argument_is_the_variable_itself():
    @tf.function
    def double(v):
        v.assign(v * 2.0)

    a, b = tf.Variable(1.0), tf.Variable(10.0)
    for _ in range(2):
        double(a), double(b)
    assert (a.numpy(), b.numpy()) == (4.0, 40.0)


def test_a_variable_made_in_the_function_is_made_once():
    made = []

    @tf.function
    def f(x):
        if not made:
            made.append(tf.Variable(1.0))
        made[0].assign_add(x)
        return made[0] * 1.0

    assert [f(tf.constant(1.0)).numpy() for _ in range(3)] == [2.0, 3.0, 4.0]


def test_tapes_outside_differentiate_through_to_any_order():
    f = tf.function(lambda x: tf.sin(x) * x)
    x = tf.Variable(0.7)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = f(x * 1.0)
        first = inner.gradient(y, x)
    second = outer.gradient(first, x)
    assert np.isclose(first.numpy(), np.sin(0.7) + 0.7 * np.cos(0.7), rtol=1e-6)
    assert np.isclose(second.numpy(), 2 * np.cos(0.7) - 0.7 * np.sin(0.7), rtol=1e-6)


def test_a_tape_outside_sees_the_variables_that_the_function_reads():
    v = tf.Variable(3.0)
    f = tf.function(lambda x: v * v * x)
    f(tf.constant(1.0))
    with tf.GradientTape() as tape:
        y = f(tf.constant(2.0))
    assert tape.gradient(y, v).numpy() == 12.0
    assert tape.watched_variables() == (v,) or tape.watched_variables() == ()


def test_a_tape_that_was_open_while_tracing_sees_nothing_of_it():
    f = tf.function(lambda x: x * 2.0)
    x = tf.Variable(1.0)
    with tf.GradientTape(persistent=True) as tape:
        y = f(x * 1.0)  # traced here
        z = f(x * 3.0)
    assert tape.gradient(y, x).numpy() == 2.0
    assert tape.gradient(z, x).numpy() == 6.0


def test_functions_call_functions():
    inner = tf.function(lambda x: x * x)
    outer = tf.function(lambda x: inner(x) + inner(x + 1.0))
    assert outer(tf.constant(2.0)).numpy() == 13.0


def test_what_waited_outside_is_a_constant_inside():
    waiting = tf.sin(tf.constant([1.0, 2.0]))
    f = tf.function(lambda x: x + waiting)
    expected = np.sin(np.float32([1.0, 2.0]))
    for _ in range(2):
        assert np.allclose(f(tf.constant([0.0, 0.0])).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "use",
    [bool, float, int, lambda x: x.numpy(), str, np.asarray, lambda x: [] if x > 0 else None, lambda x: tf.Variable(x)],
    ids=["bool", "float", "int", "numpy", "str", "asarray", "if", "Variable"],
)
def test_a_value_that_is_not_known_is_an_error_that_names_the_line(use):
    def f(x):
        use(x * 2.0)  # here
        return x

    with pytest.raises(ControlFlowError, match=r"test_function\.py:\d+ .*\n*.*(where|cond|while_loop)"):
        tf.function(f)(tf.constant(1.0))
    assert tf.function(lambda x: x + 1.0)(tf.constant(1.0)).numpy() == 2.0  # nothing is left behind
    assert float(tf.constant(1.0) * 2.0) == 2.0


def test_values_of_constants_are_known_while_tracing():
    @tf.function
    def f(x):
        limit = tf.constant(3.0) * 2.0
        return x * float(limit) if limit > 1.0 else x

    assert f(tf.constant(2.0)).numpy() == 12.0


def test_a_tensor_that_leaks_from_a_trace_says_so():
    kept = []
    f = tf.function(lambda x: kept.append(x * 2.0))
    f(tf.constant(1.0))
    with pytest.raises(ControlFlowError, match="return it from the function"):
        kept[0].numpy()
    assert (tf.constant(1.0) + 1.0).numpy() == 2.0


def test_an_error_while_tracing_leaves_everything_usable():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        v.assign(x)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), tf.GradientTape():
        f(tf.constant(2.0))
    assert v.numpy() == 1.0
    with tf.GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v).numpy() == 2.0


def test_retracing_is_reported_when_it_happens_too_often():
    f = tf.function(lambda x, rate: x * rate)
    with pytest.warns(RetracingWarning, match=r"traced 5 times in 5 calls: a Python number changes from 3\.0 to 4\.0"):
        for k in range(5):
            f(tf.constant(1.0), float(k))
    g = tf.function(lambda x: x + 1.0)
    with pytest.warns(RetracingWarning, match=r"a tensor changes from float32\[4\] to float32\[5\]"):
        for n in range(1, 6):
            g(tf.ones(n))


def test_few_traces_among_many_calls_are_not_reported():
    f = tf.function(lambda x: x + 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 7):
            for _ in range(10):
                f(tf.ones(n))


def test_an_input_signature_is_checked():
    f = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    assert f([[1.0, 2.0]]).numpy().tolist() == [[2.0, 4.0]]
    with pytest.raises(ShapeError, match=r"\(None, 2\)"):
        f(tf.ones(3))
    with pytest.raises(DTypeError, match="float32"):
        f(tf.ones((1, 2), tf.float64))
    with pytest.raises(ArgumentError, match="1 tensors"):
        f(tf.ones((1, 2)), tf.ones((1, 2)))


def test_bad_arguments_are_clear_errors():
    with pytest.raises(ArgumentError, match="not of 3"):
        tf.function(3)
    with pytest.raises(ArgumentError, match="TensorSpec"):
        tf.function(lambda x: x, input_signature=["float32"])
    with pytest.raises(ArgumentError, match="neither a tensor nor hashable"):
        tf.function(lambda x: x)({1, 2})


def test_methods_are_traced_for_each_object_and_do_not_keep_it():
    class Model:
        def __init__(self, factor):
            self.factor = tf.Variable(factor)

        @tf.function
        def __call__(self, x):
            return self.factor * x

    two, three = Model(2.0), Model(3.0)
    assert [two(tf.constant(5.0)).numpy(), three(tf.constant(5.0)).numpy()] == [10.0, 15.0]
    gone = weakref.ref(three)
    del three
    gc.collect()
    assert gone() is None


def test_a_method_keeps_the_object_that_it_is_called_of():
    class Model:
        def __init__(self, factor):
            self.factor = tf.Variable(factor)

        @tf.function
        def scaled(self, x, times=1.0):
            """Times the factor."""
            return self.factor * x * times

    assert Model(2.0).scaled(tf.constant(5.0)).numpy() == 10.0
    assert Model(2.0).scaled(x=tf.constant(5.0), times=3.0).numpy() == 30.0
    model = Model(3.0)
    scaled, gone = model.scaled, weakref.ref(model)
    assert scaled == model.scaled != Model(3.0).scaled and scaled.__doc__ == "Times the factor."
    scaled(tf.constant(5.0)), model.scaled(tf.constant(6.0))
    assert model.scaled.experimental_get_tracing_count() == scaled.experimental_get_tracing_count() == 1
    del model
    assert scaled(tf.constant(7.0)).numpy() == 21.0
    del scaled
    assert gone() is None


def test_methods_of_objects_that_are_equal_or_have_no_hash():
    @dataclasses.dataclass
    class Model:
        factor: tf.Variable

        @tf.function
        def scaled(self, x):
            return self.factor * x

    models = [Model(tf.Variable(factor)) for factor in (2.0, 2.0, 3.0)]
    models[1].factor.assign(5.0)
    assert [model.scaled(tf.constant(10.0)).numpy() for model in models] == [20.0, 50.0, 30.0]


def test_decorators_with_and_without_parentheses():
    @tf.function(jit_compile=True)
    def f(x):
        """Doubles."""
        return x * 2.0

    assert f(tf.constant(2.0)).numpy() == 4.0 and f.__doc__ == "Doubles." and f.__name__ == "f"


def test_show_prints_the_traces_of_a_function(capsys):
    f = tf.function(lambda x: tf.sigmoid(x) * 2.0)
    tf.show(f)
    assert "never called" in capsys.readouterr().out
    f(tf.ones(3)), f(tf.ones(4))
    tf.show(f)
    shown = capsys.readouterr().out
    assert "trace 1: 2 operations" in shown and "trace 2: " in shown and shown.count("plan: 1 kernel") == 2


def test_many_threads_call_and_trace_at_once():
    f = tf.function(lambda x: tf.reduce_sum(tf.sin(x) * x))
    errors = []

    def work(seed):
        try:
            for k in range(30):
                a = np.random.default_rng(seed + k).standard_normal(1 + (seed + k) % 7)
                assert np.isclose(f(tf.constant(a)).numpy(), np.sum(np.sin(a) * a), rtol=1e-12)
        except BaseException as error:
            errors.append(error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetracingWarning)
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors


@pytest.mark.parametrize("tier", ["auto", "single", "fused"])
def test_every_tier_gives_the_same_bits(tier):
    def f(x):
        return tf.exp(x) * tf.sin(x) / (1.0 + x * x)

    x = tf.constant(np.linspace(-3, 3, 101, dtype=np.float32))
    with tf.config.override(tier=tier):
        assert tf.function(f)(x).numpy().tobytes() == f(x).numpy().tobytes()
