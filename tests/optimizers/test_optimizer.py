"""What all optimizers share: steps, state, the learning rate, errors, and how few kernels a step is."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, NumericsError, ShapeError, TapeWarning

KINDS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"]
kinds = pytest.mark.parametrize("kind", KINDS)


def make(kind, *args, **kwargs):
    return getattr(tf.optimizers, kind)(*args, **kwargs)


class TestSteps:
    def test_apply_gradients_returns_the_count_of_steps(self):
        w = tf.Variable(1.0)
        optimizer = tf.optimizers.SGD()
        for count in (1, 2, 3):
            assert optimizer.apply_gradients([(1.0, w)]).numpy() == count
        assert optimizer.iterations.numpy() == 3
        assert optimizer.iterations.dtype == "int64"

    def test_without_a_gradient_a_variable_stays_and_a_warning_says_so(self):
        w, v = tf.Variable(1.0, name="used"), tf.Variable(1.0, name="unused")
        optimizer = tf.optimizers.SGD(0.5)
        with pytest.warns(UserWarning, match="unused") as caught:
            optimizer.apply_gradients([(1.0, w), (None, v)])
        assert caught[0].filename == __file__
        assert (w.numpy(), v.numpy()) == (0.5, 1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            optimizer.apply_gradients([(1.0, w), (1.0, v)])
        assert v.numpy() == 0.5

    def test_without_any_gradient_it_is_an_error_and_nothing_changes(self):
        w = tf.Variable(1.0)
        optimizer = tf.optimizers.SGD(0.5)
        with pytest.raises(ArgumentError, match="none_reasons"):
            optimizer.apply_gradients([(None, w)])
        assert (w.numpy(), optimizer.iterations.numpy()) == (1.0, 0)
        assert optimizer.apply_gradients([]).numpy() == 0

    def test_gradients_that_do_not_fit(self):
        w, v = tf.Variable([1.0, 2.0]), tf.Variable(1.0)
        optimizer = tf.optimizers.SGD(0.5)
        with pytest.raises(ShapeError, match="shape"):
            optimizer.apply_gradients([([1.0, 2.0, 3.0], w)])
        with pytest.raises(ArgumentError, match="does not know"):
            optimizer.apply_gradients([(1.0, v)])
        with pytest.raises(ArgumentError, match="twice"):
            tf.optimizers.SGD().apply_gradients([(1.0, v), (1.0, v)])
        with pytest.raises(ArgumentError, match="Variables"):
            tf.optimizers.SGD().apply_gradients([(1.0, tf.constant(1.0))])
        optimizer.apply_gradients([(np.array([1.0, 2.0]), w)])  # another type is converted
        assert w.dtype == "float32"

    @kinds
    def test_minimize(self, kind):
        w, v = tf.Variable(3.0), tf.Variable(3.0)
        one, other = make(kind, 0.1), make(kind, 0.1)
        for _ in range(3):
            one.minimize(lambda: tf.square(w), lambda: [w])
            with tf.GradientTape() as tape:
                loss = tf.square(v)
            other.minimize(loss, [v], tape=tape)
        assert w.numpy() == v.numpy() < 3
        with pytest.raises(ArgumentError, match="tape"):
            one.minimize(tf.constant(1.0), [w])

    def test_apply_takes_the_variables_it_was_built_with(self):
        w = tf.Variable(1.0)
        optimizer = tf.optimizers.SGD(0.5)
        with pytest.raises(ArgumentError, match="build"):
            optimizer.apply([1.0])
        optimizer.build([w])
        optimizer.apply([1.0])
        assert w.numpy() == 0.5

    def test_a_constraint_of_a_variable_holds_after_a_step(self):
        w = tf.Variable([1.0, 1.0], constraint=lambda w: tf.maximum(w, 0.0))
        tf.optimizers.SGD(1.0).apply_gradients([([0.25, 3.0], w)])
        assert w.numpy().tolist() == [0.75, 0.0]

    def test_an_overflow_is_seen_by_check_numerics(self):
        w = tf.Variable([1.0])
        gradient = tf.constant([1e30])  # its square is no float32
        with tf.config.override(check_numerics=True), pytest.raises(NumericsError):
            tf.optimizers.Adam().apply_gradients([(gradient, w)])

    def test_an_open_tape_sees_nothing_of_a_step(self):
        w = tf.Variable(3.0)
        optimizer = tf.optimizers.Adam(0.1, weight_decay=0.1)
        with tf.GradientTape(persistent=True) as tape:
            loss = w**2
            with pytest.warns(TapeWarning):
                slope = tape.gradient(loss, w)
            optimizer.apply_gradients([(slope, w)])
        assert tape.gradient(loss, w).numpy() == 6


class TestOneStepIsOnePass:
    def variables(self):
        shapes = [(4, 8), (8,), (8, 4), (4,), (4, 8), ()]
        return [tf.Variable(np.full(shape, 0.5, np.float32)) for shape in shapes]

    @kinds
    def test_variables_of_one_shape_are_one_kernel(self, kind):
        variables, optimizer = [tf.Variable(np.ones((8, 8), np.float32)) for _ in range(3)], make(kind)
        for _ in range(3):
            with tf.profile() as measured:
                optimizer.apply_gradients([(v.read_value(), v) for v in variables])
        assert len([k for k in measured.kernels if k.bytes > 100]) == 1  # the count is a number, not an array

    @kinds
    def test_gradients_are_computed_in_the_pass_that_uses_them(self, kind):
        variables, optimizer = self.variables(), make(kind)
        for _ in range(3):
            with tf.GradientTape() as tape:
                losses = [tf.exp(-v) for v in variables]
            gradients = tape.gradient(losses, variables)
            with tf.profile() as measured:
                optimizer.apply_gradients(zip(gradients, variables, strict=True))
                del gradients
        shapes = {v.shape for v in variables}
        assert all(kernel.calls == 1 for kernel in measured.kernels)
        assert len(measured.kernels) <= len(shapes)

    def test_another_learning_rate_compiles_nothing(self):
        variables, optimizer = self.variables(), tf.optimizers.Adam(0.1, weight_decay=0.1)
        step = tf.function(lambda gs: optimizer.apply_gradients(zip(gs, variables, strict=True)))
        gradients = [v.read_value() for v in variables]
        for _ in range(3):
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
        step(gradients)
        with tf.profile() as measured:
            for rate in (0.2, 0.3):
                optimizer.learning_rate = rate
                optimizer.weight_decay = rate
                optimizer.beta_1 = rate
                optimizer.apply_gradients(zip(gradients, variables, strict=True))
                step(gradients)
        assert {kernel.code for kernel in measured.kernels} == {"memory"}
        assert step.experimental_get_tracing_count() == 1


class TestLearningRate:
    @pytest.mark.parametrize("traced", [False, True])
    def test_it_can_be_set(self, traced):
        w = tf.Variable(8.0)
        optimizer = tf.optimizers.SGD(1.0)
        step = lambda: optimizer.apply_gradients([(1.0, w)])  # noqa: E731
        step = tf.function(step) if traced else step
        seen = []
        for rate in (1.0, 2.0, tf.constant(0.5)):
            optimizer.learning_rate = rate
            step()
            seen.append(float(w))
        optimizer.learning_rate.assign(0.25)
        step()
        assert [*seen, float(w)] == [7, 5, 4.5, 4.25]
        assert optimizer.learning_rate.numpy() == optimizer.lr.numpy() == 0.25

    @pytest.mark.parametrize("traced", [False, True])
    def test_a_schedule_is_asked_for_each_step(self, traced):
        w = tf.Variable(0.0)
        optimizer = tf.optimizers.SGD(tf.optimizers.schedules.ExponentialDecay(1.0, 1, 0.5))
        step = lambda: optimizer.apply_gradients([(1.0, w)])  # noqa: E731
        step = tf.function(step) if traced else step
        for expected in (-1.0, -1.5, -1.75):
            step()
            assert w.numpy() == expected
        assert optimizer.learning_rate.numpy() == 0.125
        optimizer.learning_rate = 4.0
        assert optimizer.learning_rate.numpy() == 4

    def test_a_function_says_it(self):
        w, rates = tf.Variable(0.0), iter([1.0, 2.0])
        optimizer = tf.optimizers.SGD(lambda: next(rates))
        optimizer.apply_gradients([(1.0, w)])
        optimizer.apply_gradients([(1.0, w)])
        assert w.numpy() == -3

    def test_for_variables_of_float64_it_has_all_its_digits(self):
        w = tf.Variable(0.0, dtype=tf.float64)
        optimizer = tf.optimizers.SGD(0.1)
        assert optimizer.learning_rate.dtype == "float32"
        optimizer.apply_gradients([(1.0, w)])
        assert w.numpy() == -0.1
        assert optimizer.learning_rate.numpy() == 0.1

    @pytest.mark.parametrize("rate", ["0.1", None, True])
    def test_what_is_no_learning_rate(self, rate):
        with pytest.raises(ArgumentError, match="learning rate"):
            tf.optimizers.SGD(rate)


class TestState:
    @kinds
    def test_variables_come_in_the_order_of_keras(self, kind):
        w, v = tf.Variable([1.0], name="w"), tf.Variable([1.0], name="v")
        optimizer = make(kind)
        assert [one.name for one in optimizer.variables] == ["iteration", "learning_rate"]
        optimizer.build([w, v])
        slots = {
            "SGD": [],
            "Adam": ["momentum", "velocity"],
            "AdamW": ["momentum", "velocity"],
            "RMSprop": ["velocity"],
            "Adagrad": ["accumulator"],
        }[kind]
        expected = [f"{name}_{slot}" for name in "wv" for slot in slots]
        assert [one.name for one in optimizer.variables][2:] == expected
        assert not any(one.trainable for one in optimizer.variables)

    @kinds
    def test_pickled_with_its_variables_it_goes_on(self, kind):
        w = tf.Variable([1.0, 2.0])
        optimizer = make(kind, 0.1)
        step = lambda optimizer, w: optimizer.minimize(lambda: tf.reduce_sum(w**4), [w])  # noqa: E731
        step(optimizer, w)
        for again in (pickle.loads(pickle.dumps((optimizer, w))), copy.deepcopy((optimizer, w))):
            step(*again)
            assert int(again[0].iterations) == 2
        step(optimizer, w)
        assert again[1].numpy().tobytes() == w.numpy().tobytes()

    @kinds
    def test_its_weights_can_be_put_into_another_one(self, kind):
        w, v = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0])
        one, other = make(kind, 0.1), make(kind)
        one.apply_gradients([([0.5, 0.25], w)])
        other.build([v])
        store = {}
        one.save_own_variables(store)
        other.load_own_variables(store)
        v.assign(w)
        one.apply_gradients([([0.5, -1.0], w)])
        other.apply_gradients([([0.5, -1.0], v)])
        assert w.numpy().tobytes() == v.numpy().tobytes()
        with pytest.raises(ArgumentError, match="variables"):
            other.set_weights([1])

    @kinds
    def test_from_config_makes_one_like_it(self, kind):
        given = {"learning_rate": 0.25, "clipnorm": 1.0, "use_ema": True, "name": "mine"}
        given |= {"SGD": {"momentum": 0.5}, "RMSprop": {"rho": 0.5}, "Adagrad": {"epsilon": 0.5}}.get(
            kind, {"beta_1": 0.5, "amsgrad": True}
        )
        optimizer = make(kind, **given)
        config = optimizer.get_config()
        assert given.items() <= config.items()
        again = type(optimizer).from_config(config)
        assert again.get_config() == config
        schedule = tf.optimizers.schedules.CosineDecay(1.0, 10)
        again = type(optimizer).from_config(make(kind, schedule).get_config())
        assert again.learning_rate.numpy() == 1

    @pytest.mark.parametrize(
        "given",
        [
            {"clipnorm": 1.0, "clipvalue": 1.0},
            {"ema_momentum": 2.0},
            {"ema_overwrite_frequency": 0},
            {"gradient_accumulation_steps": 1},
            {"momentum": 1.5},
        ],
    )
    def test_arguments_out_of_range(self, given):
        with pytest.raises(ArgumentError):
            tf.optimizers.SGD(0.1, **given)
