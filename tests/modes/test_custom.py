"""Derivatives that users declare: custom_gradient, custom_vjp, custom_jvp, recompute_grad, in every setting."""

import gc
import math
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import RuleError
from gradtape.graph.node import recordings
from gradtape.modes.reverse import pull_back
from gradtape.ops.custom import custom_call


@pytest.fixture(autouse=True)
def no_tape_stays_open():
    yield
    assert recordings.get() == ()


def gradient(f, *args, order=1):
    """The derivative of `order` by the first argument, as a number."""
    if order == 0:
        return f(*args)
    with tf.GradientTape() as tape:
        tape.watch(args[0])
        y = gradient(f, *args, order=order - 1)
    return tape.gradient(y, args[0])


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)
    return tf.math.log(1.0 + e), lambda upstream: upstream * (1.0 - 1.0 / (1.0 + e))


@tf.custom_vjp
def log1pexp_vjp(x):
    return tf.math.log(1.0 + tf.exp(x))


log1pexp_vjp.defvjp(lambda x: (log1pexp_vjp(x), tf.exp(x)), lambda e, ct: (ct * (1.0 - 1.0 / (1.0 + e)),))


@tf.custom_jvp
def log1pexp_jvp(x):
    return tf.math.log(1.0 + tf.exp(x))


@log1pexp_jvp.defjvp
def _(primals, tangents):
    (x,), (t,) = primals, tangents
    return log1pexp_jvp(x), t * (1.0 - 1.0 / (1.0 + tf.exp(x)))


@tf.custom_jvp
def log1pexp_jvps(x):
    return tf.math.log(1.0 + tf.exp(x))


log1pexp_jvps.defjvps(lambda t, y, x: t * tf.exp(x - y))

SAME = [log1pexp, log1pexp_vjp, log1pexp_jvp, log1pexp_jvps, tf.recompute_grad(lambda x: tf.math.log(1.0 + tf.exp(x)))]
SIGMOID = 1 / (1 + math.exp(-0.7))
EXACT = [math.log1p(math.exp(0.7)), SIGMOID, SIGMOID * (1 - SIGMOID), SIGMOID * (1 - SIGMOID) * (1 - 2 * SIGMOID)]
NAMES = ["custom_gradient", "custom_vjp", "custom_jvp", "defjvps", "recompute_grad"]


@pytest.mark.parametrize("f", SAME, ids=NAMES)
class TestEveryKind:
    @pytest.mark.parametrize("order", range(4))
    def test_has_the_derivatives_of_its_rule_to_order_3(self, f, order):
        x = tf.constant(np.float64(0.7))
        # A few operations of one rounding each; the third derivative cancels two digits of terms below 1
        assert abs(float(gradient(f, x, order=order)) - EXACT[order]) < 40 * 2.0**-53

    def test_under_function_with_the_tape_inside_outside_and_both(self, f):
        x = tf.constant(np.float64(0.7))
        slope = tf.function(lambda x: gradient(f, x))
        plain = tf.function(f)
        for _ in range(2):  # traced, then known
            assert float(plain(x)) == float(f(x))
            assert float(slope(x)) == float(gradient(f, x))
            assert float(gradient(plain, x)) == float(gradient(f, x))
            assert float(gradient(slope, x)) == float(gradient(f, x, order=2))

    def test_repeated_steps_compile_nothing_new(self, f):
        def step(start):
            return gradient(f, tf.constant(np.linspace(start, start + 1, 100)), order=1).numpy()

        for start in (0.0, 1.0, 2.0):
            step(start)
        with tf.profile() as measured:
            step(3.0)
        assert measured.kernels and not {kernel.code for kernel in measured.kernels} & {"compiled", "disk"}

    def test_nothing_is_kept_when_all_is_dropped(self, f):
        big = tf.constant(np.linspace(0.0, 1.0, 10_000))
        array = weakref.ref(big.numpy())
        y = gradient(lambda x: f(x * 1.0), big)
        y.numpy()
        del big, y
        gc.collect()
        assert array() is None

    def test_push_is_the_transpose_of_pull(self, f):
        x, t = (tf.constant(v) for v in (np.linspace(-2.0, 2.0, 5), np.arange(5.0)))
        call = custom_call(f(x).node.op)
        (pushed,) = call.rule.push(call.arguments, call.results, [t.node])
        (pulled,) = call.rule.pull(call.arguments, call.results, [t.node])
        np.testing.assert_allclose(tf.Tensor(pushed), tf.Tensor(pulled), rtol=4 * 2.0**-53)  # a diagonal Jacobian


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "function"])
@pytest.mark.parametrize("f", SAME, ids=NAMES)
@pytest.mark.parametrize(
    "transform, order",
    [
        (lambda f: lambda x: tf.vmap(f)(x), 0),
        (lambda f: lambda x: tf.vmap(tf.grad(f))(x), 1),
        (lambda f: lambda x: tf.jvp(f, (x,), (tf.ones_like(x),))[1], 1),
        (lambda f: lambda x: tf.vmap(tf.jacfwd(tf.grad(f)))(x), 2),
        (lambda f: lambda x: tf.vmap(tf.grad(tf.grad(tf.grad(f))))(x), 3),
        (lambda f: lambda x: tf.derivatives(f, x, 3)[3], 3),
    ],
    ids=["vmap", "vmap of grad", "jvp", "jacfwd of grad", "grad of grad of grad", "derivatives"],
)
def test_every_mode_reads_the_rule(f, transform, order, traced):
    g = transform(f)
    x = tf.constant(np.full(3, 0.7))
    found = (tf.function(g) if traced else g)(x).numpy()
    assert np.abs(found - EXACT[order]).max() < 40 * 2.0**-53  # as above
    assert found.tolist() == g(x).numpy().tolist()


class TestFunctionsThatAreMadeAnew:
    """A function that is declared in every step, as people do with closures."""

    @staticmethod
    def step(scale):
        array = np.full(10_000, scale)
        weights = tf.constant(array)
        f = tf.custom_gradient(lambda x: (x * weights, lambda upstream: upstream * weights * 2.0))
        slope = gradient(lambda x: tf.reduce_sum(tf.exp(f(x))), tf.constant(np.ones(10_000)))
        assert float(slope[0]) == pytest.approx(2.0 * scale * math.exp(scale), rel=4 * 2.0**-53)
        return weakref.ref(weights.numpy())

    def test_compile_nothing_new(self):
        for scale in (1.0, 2.0, 3.0):
            self.step(scale)
        with tf.profile() as measured:
            self.step(4.0)
        assert measured.kernels and not {kernel.code for kernel in measured.kernels} & {"compiled", "disk"}

    def test_keep_nothing(self):
        array = self.step(1.0)
        gc.collect()
        assert array() is None


class TestCustomGradient:
    def test_a_decorator_with_parentheses(self):
        f = tf.custom_gradient()(lambda x: (x * x, lambda dy: dy * 100.0))
        assert gradient(f, tf.constant(2.0)).numpy() == 100.0

    def test_several_results_and_arguments_call_the_gradient_once(self):
        calls = []

        @tf.custom_gradient
        def f(a, b):
            def grad(*upstream):
                calls.append([float(u) for u in upstream])
                da, db = upstream
                return 10.0 * da + db, 100.0 * db

            return (a * b, a + b), grad

        a, b = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape() as tape:
            p, q = f(a, b)
            z = p * p + q
        assert [g.numpy() for g in tape.gradient(z, [a, b])] == [121.0, 100.0]
        assert calls == [[12.0, 1.0]]

    @pytest.mark.parametrize("use", [0, 1])
    def test_a_result_that_is_not_used_has_zeros(self, use):
        seen = []

        @tf.custom_gradient
        def f(x):
            return (x, tf.exp(x)), lambda a, b: (seen.append((a.numpy().tolist(), b.numpy().tolist())), a + b)[1]

        x = tf.constant([1.0, 2.0])
        gradient(lambda x: f(x)[use], x)
        expected = [[0.0, 0.0], [0.0, 0.0]]
        expected[use] = [1.0, 1.0]
        assert [list(one) for one in seen[0]] == expected

    def test_nests_of_arguments_and_results_keep_their_structure(self):
        class Pair(NamedTuple):
            first: object
            second: object

        @tf.custom_gradient
        def f(pair, table):
            result = {"sum": pair.first + table["x"], "others": [pair.second]}
            return result, lambda *dys: (Pair(2.0 * dys[0], 3.0 * dys[0]), {"x": dys[1]})

        a, b, c = (tf.Variable(v) for v in (1.0, 2.0, 3.0))
        with tf.GradientTape() as tape:
            out = f(Pair(a, b), {"x": c})
            target = out["others"][0] + 10.0 * out["sum"]
        assert sorted(out) == ["others", "sum"]
        # dys are in the order of the sorted keys: others, sum
        assert [g.numpy() for g in tape.gradient(target, [a, b, c])] == [2.0, 3.0, 10.0]

    def test_variables_that_are_read_are_handed_to_the_gradient(self):
        w, fixed = tf.Variable(5.0), tf.Variable(7.0, trainable=False)

        @tf.custom_gradient
        def f(x):
            def grad(dy, variables):
                assert len(variables) == 1 and variables[0] is w
                return dy * 1000.0, [dy * x]

            return x * w * fixed, grad

        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = f(x)
        assert [g.numpy() for g in tape.gradient(y, [x, w])] == [1000.0, 2.0]

    def test_a_variable_that_is_an_argument_is_none_of_them(self):
        @tf.custom_gradient
        def f(v):
            return v * v, lambda dy: dy * 7.0

        v = tf.Variable(3.0)
        with tf.GradientTape() as tape:
            y = f(v)
        assert tape.gradient(y, v).numpy() == 7.0

    def test_variables_that_grad_does_not_take_are_an_error(self):
        w = tf.Variable(5.0)
        f = tf.custom_gradient(lambda x: (x * w, lambda dy: dy))
        with pytest.raises(TypeError, match="variables"):
            f(tf.constant(1.0))

    def test_arguments_by_name_reach_the_function(self):
        f = tf.custom_gradient(lambda x, *, k: (x * k, lambda dy: dy * k * 10.0))
        assert gradient(lambda x: f(x, k=tf.constant(3.0)), tf.constant(2.0)).numpy() == 30.0

    @pytest.mark.parametrize(
        "grad, message",
        [
            (lambda dy: (dy, dy), "must return 1 gradients"),
            (lambda dy: dy[0], r"shape \(2,\)"),
            (lambda dy: "no", "tensor or None"),
        ],
    )
    def test_what_grad_returns_must_fit(self, grad, message):
        f = tf.custom_gradient(lambda x: (x * 1.0, grad))
        with pytest.raises(RuleError, match=message) as error:
            gradient(f, tf.constant([1.0, 2.0]))
        assert isinstance(error.value, ValueError)

    @pytest.mark.parametrize("returned", [1.0, (1.0,), (1.0, 2.0), None])
    def test_a_function_that_returns_no_pair_is_an_error(self, returned):
        with pytest.raises(RuleError, match="must return a pair"):
            tf.custom_gradient(lambda x: returned)(tf.constant(1.0))

    def test_none_says_that_nothing_depends_on_the_argument(self):
        f = tf.custom_gradient(lambda x: (x * 1.0, lambda dy: None))
        assert gradient(f, tf.constant(1.0)) is None

    def test_a_gradient_with_a_gradient_of_its_own(self):
        @tf.custom_gradient
        def f(x):
            @tf.custom_gradient
            def slope(dy, x):
                return dy * 2.0 * x, lambda d: (d * 2.0 * x, d * dy * 1000.0)

            return x * x, lambda dy: slope(dy, x)

        x = tf.constant(3.0)
        assert gradient(f, x).numpy() == 6.0
        assert gradient(f, x, order=2).numpy() == 1000.0

    def test_a_gradient_that_is_not_linear_is_called_with_the_whole_cotangent(self):
        f = tf.custom_gradient(lambda x: (x * 1.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)))
        assert gradient(lambda x: 3.0 * f(x) + 4.0 * f(x), tf.constant(1.0)).numpy() == 2.0

    def test_python_state_is_asked_at_every_gradient(self):
        factor = [1.0]
        f = tf.custom_gradient(lambda x: (x * 1.0, lambda dy: dy * factor[0]))
        x = tf.constant(1.0)
        for factor[0] in (2.0, 3.0, 4.0):
            assert gradient(f, x).numpy() == factor[0]

    def test_the_tape_does_not_go_through_the_body(self):
        hidden = tf.Variable(2.0)
        f = tf.custom_gradient(lambda x: (x * hidden.value(), lambda dy, variables: (dy, [None])))
        with tf.GradientTape() as tape:
            y = f(tf.constant(1.0))
        assert tape.gradient(y, hidden) is None

    def test_a_method(self):
        class Layer:
            factor = 5.0

            @tf.custom_gradient
            def call(self, x):
                return x, lambda dy: (None, dy * self.factor)

        with pytest.raises(tf.errors.GradtapeError):  # as in TensorFlow, `self` would be an argument to differentiate
            Layer().call(tf.constant(1.0))


class TestCustomVjp:
    def test_bwd_gets_what_fwd_kept_and_the_function_is_called_without_a_tape(self):
        calls = []

        @tf.custom_vjp
        def f(x, y):
            calls.append("f")
            return x * y

        f.defvjp(
            lambda x, y: (calls.append("fwd"), (x * y, (x, y)))[1],
            lambda kept, ct: (calls.append("bwd"), (kept[1] * ct * 10.0, kept[0] * ct * 100.0))[1],
        )
        x, y = tf.constant(2.0), tf.constant(3.0)
        assert f(x, y).numpy() == 6.0 and calls == ["f"]
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = f(x, y)
        assert [g.numpy() for g in tape.gradient(z, [x, y])] == [30.0, 200.0]
        assert calls == ["f", "fwd", "bwd"]

    def test_nondiff_arguments_come_first_in_bwd(self):
        @tf.custom_vjp
        def plain(f, x):
            return f(x)

        applied = tf.custom_vjp(plain.fun, nondiff_argnums=(0,))
        applied.defvjp(lambda f, x: (f(x), x), lambda f, x, ct: (ct * f(x),))
        assert gradient(lambda x: applied(tf.square, x), tf.constant(3.0)).numpy() == 9.0

    def test_arguments_by_name_are_put_in_their_place(self):
        f = tf.custom_vjp(lambda x, scale=2.0: x * scale)
        f.defvjp(lambda x, scale: (x * scale, scale), lambda scale, ct: (ct * scale * 10.0, None))
        assert gradient(lambda x: f(scale=3.0, x=x), tf.constant(1.0)).numpy() == 30.0
        assert gradient(lambda x: f(x), tf.constant(1.0)).numpy() == 20.0

    def test_nests(self):
        f = tf.custom_vjp(lambda p: {"out": p["a"] * p["b"][0]})
        f.defvjp(lambda p: (f(p), p), lambda p, ct: ({"a": ct["out"], "b": [None]},))
        a, b = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape() as tape:
            y = f({"a": a, "b": [b]})["out"] * 5.0
        by_a, by_b = tape.gradient(y, [a, b])
        assert by_a.numpy() == 5.0 and by_b is None

    def test_a_method(self):
        class Layer:
            @tf.custom_vjp
            def plain(self, x):
                return x

            scaled = tf.custom_vjp(lambda self, x: x * self.factor, nondiff_argnums=(0,))
            scaled.defvjp(lambda self, x: (x, None), lambda self, _, ct: (ct * self.factor,))
            factor = 4.0

        assert gradient(Layer().scaled, tf.constant(1.0)).numpy() == 4.0

    @pytest.mark.parametrize(
        "bwd, message",
        [
            (lambda _, ct: ct, "must return a tuple"),
            (lambda _, ct: (ct, ct), "2 values for 1 argument"),
            (lambda _, ct: ([ct, ct],), "2 values for an argument that has 1"),
            (lambda _, ct: (tf.reduce_sum(ct),), "shape"),
        ],
    )
    def test_what_bwd_returns_must_fit(self, bwd, message):
        f = tf.custom_vjp(lambda x: x * 1.0)
        f.defvjp(lambda x: (x * 1.0, None), bwd)
        with pytest.raises(RuleError, match=message):
            gradient(f, tf.constant([1.0, 2.0]))

    def test_a_function_without_a_rule_cannot_be_called(self):
        with pytest.raises(RuleError, match="defvjp"):
            tf.custom_vjp(lambda x: x)(1.0)
        with pytest.raises(RuleError, match="defjvp"):
            tf.custom_jvp(lambda x: x)(1.0)


class TestCustomJvp:
    def test_reverse_mode_transposes_it(self):
        f = tf.custom_jvp(lambda x, y: (x * y, x + y))
        f.defjvp(lambda p, t: ((p[0] * p[1], p[0] + p[1]), (2.0 * t[0] + 3.0 * t[1], 5.0 * t[1])))
        x, y = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
        with tf.GradientTape() as tape:
            a, b = f(x, y)
            z = 10.0 * a + 100.0 * b
        assert [g.numpy().tolist() for g in tape.gradient(z, [x, y])] == [[20.0, 20.0], [530.0, 530.0]]

    def test_defjvps_adds_up_and_none_says_that_nothing_depends(self):
        f = tf.custom_jvp(lambda x, y, n: x * y)
        f.defjvps(lambda t, out, x, y, n: t * out, lambda t, out, x, y, n: 7.0 * t, None)
        x, y, n = tf.Variable(2.0), tf.Variable(3.0), tf.Variable(1.0)
        with tf.GradientTape() as tape:
            z = f(x, y, n)
        by_x, by_y, by_n = tape.gradient(z, [x, y, n])
        assert by_x.numpy() == 6.0 and by_y.numpy() == 7.0 and by_n is None

    def test_push_is_what_was_declared_and_pull_its_transpose(self):
        f = tf.custom_jvp(lambda a, x: tf.reduce_sum(a * x))
        f.defjvp(lambda p, t: (tf.reduce_sum(p[0] * p[1]), tf.reduce_sum(p[0] * t[1])))
        a, x, t = (tf.constant(v) for v in ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0]))
        call = custom_call(f(a, x).node.op)
        (pushed,) = call.rule.push(call.arguments, call.results, [t.node, t.node])
        by_a, by_x = call.rule.pull(call.arguments, call.results, [tf.constant(10.0).node])
        assert tf.Tensor(pushed).numpy() == 17.0
        assert by_a is None and tf.Tensor(by_x).numpy().tolist() == [10.0, 20.0]


class TestRecompute:
    def test_intermediates_live_without_it_and_not_with_it(self):
        seen = []

        def f(x):
            middle = tf.exp(x)
            seen.append(weakref.ref(middle.numpy()))
            return tf.reduce_sum(middle * middle)

        x = tf.Variable(np.ones(10_000))
        for wrapped, kept in ((f, True), (tf.recompute_grad(f), False)):
            with tf.GradientTape() as tape:
                y = wrapped(x)
            y.numpy()
            gc.collect()
            assert (seen[-1]() is not None) is kept
            tape.gradient(y, x).numpy()

    def test_the_function_is_called_once_and_its_operations_made_again(self):
        calls = []

        def f(x):
            calls.append(1)
            return x * x

        g = tf.recompute_grad(f)
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = g(g(x))
        assert len(calls) == 2
        assert tape.gradient(y, x).numpy() == 32.0
        assert len(calls) == 2

    def test_variables_have_gradients_at_the_values_that_were_read(self):
        w, x = tf.Variable(3.0), tf.constant(2.0)
        f = tf.recompute_grad(lambda x: x * w * w)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = f(x)
        w.assign(100.0)
        by_x, by_w = tape.gradient(y, [x, w])
        assert by_x.numpy() == 9.0 and by_w.numpy() == 12.0
        assert w.numpy() == 100.0

    def test_second_order_with_variables(self):
        w = tf.Variable(3.0)
        f = tf.recompute_grad(lambda x: x * x * w * w)
        x = tf.constant(2.0)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            by_x, by_w = inner.gradient(y, [x, w])  # 2xw², 2x²w
        assert [g.numpy() for g in outer.gradient([by_x, by_w], [x, w])] == [18 * 1.0 + 24.0, 24.0 + 8.0]

    def test_nests_and_other_arguments(self):
        f = tf.recompute_grad(lambda p, n, *, k: {"y": p["x"] ** n * k})
        x, k = tf.Variable(2.0), tf.constant(5.0)
        with tf.GradientTape() as tape:
            tape.watch(k)
            y = f({"x": x}, 3, k=k)["y"]
        assert [g.numpy() for g in tape.gradient(y, [x, k])] == [60.0, 8.0]


def test_a_program_of_pull_back_alone_reads_the_rule():
    """What another mode does: it has the recorded operations and nothing else."""
    x = tf.constant(0.7)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = log1pexp(x)
    made = tape._recording.made
    found = pull_back(made, {y.node: tf.constant(1.0).node})
    assert float(tf.Tensor(found[x.node])) == pytest.approx(SIGMOID, rel=2e-7)


class TestGradPassThrough:
    def test_as_the_identity_in_every_mode(self):
        x = tf.constant([0.4, 1.6])
        through = tf.grad_pass_through(tf.round)
        assert through(x).numpy().tolist() == [0.0, 2.0]
        f = lambda x: tf.reduce_sum(through(x * 3.0) * x)  # noqa: E731
        rounded = np.round(x.numpy() * 3)
        expected = (3 * x.numpy() + rounded).tolist()
        assert tf.grad(f)(x).numpy().tolist() == tf.function(tf.grad(f))(x).numpy().tolist() == expected
        assert tf.jvp(through, (x,), (tf.constant([1.0, 5.0]),))[1].numpy().tolist() == [1.0, 5.0]

    def test_other_arguments_and_variables_have_no_gradient(self):
        v, x, y = tf.Variable(10.0), tf.constant(0.4), tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = tf.grad_pass_through(lambda x, y: tf.round(x * v) / y)(x, y)
        assert [None if g is None else g.numpy() for g in tape.gradient(z, [x, y, v])] == [1.0, None, None]


class TestWhatTheRuleDoesNotKnow:
    """A rule gives derivatives by the arguments. What else the function uses would silently have none."""

    @staticmethod
    def both(f):
        """f as a custom_vjp and as a custom_jvp; the rule does not matter."""
        pulled, pushed = tf.custom_vjp(f), tf.custom_jvp(f)
        pulled.defvjp(lambda x: (f(x), None), lambda _, ct: (ct,))
        pushed.defjvp(lambda primals, tangents: (f(*primals), tangents[0]))
        return pulled, pushed

    @pytest.mark.parametrize("kind", [0, 1])
    def test_a_variable_that_is_no_argument(self, kind):
        w, x = tf.Variable(3.0, name="weight"), tf.constant(2.0)
        f = self.both(lambda x: tf.exp(x) * w)[kind]
        with tf.GradientTape() as tape:
            tape.watch(x)
            with pytest.raises(
                RuleError, match=r"the Variable 'weight'; a custom_[jv][vj]p .*custom_gradient.*variables"
            ):
                f(x)
        with pytest.raises(RuleError, match="weight"):
            tf.optimizers.SGD(0.1).minimize(lambda: f(x), [w])
        assert tf.grad(f)(2.0).numpy() == 1.0 and f(x).numpy() == np.exp(np.float32(2.0)) * 3.0

    @pytest.mark.parametrize("kind", [0, 1])
    def test_a_tensor_that_it_closes_over(self, kind):
        def outer(z):
            return self.both(lambda x: x * (2.0 * z))[kind](2.0)

        for transform in (tf.grad, tf.jacfwd, lambda f: tf.function(tf.grad(f))):
            with pytest.raises(RuleError, match="no argument; a custom"):
                transform(outer)(5.0)

    @pytest.mark.parametrize("kind", [0, 1])
    def test_what_stops_or_has_no_derivative_is_no_matter(self, kind):
        w, c = tf.Variable(3.0), tf.constant(4.0)
        f = self.both(lambda x: x * tf.stop_gradient(w) * tf.round(w) * c + tf.cast(w > 1.0, tf.float32))[kind]
        x = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert y.numpy() == 73.0 and [g is None for g in tape.gradient(y, [x, w])] == [False, True]

    def test_arguments_that_are_not_differentiated_may_be_watched(self):
        f = tf.custom_vjp(lambda scale, x: scale * x, nondiff_argnums=(0,))
        f.defvjp(lambda scale, x: (scale * x, None), lambda scale, _, ct: (scale * ct,))
        scale, x = tf.constant(3.0), tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch([scale, x])
            y = f(scale, x)
        assert [None if g is None else g.numpy() for g in tape.gradient(y, [scale, x])] == [None, 3.0]

    def test_a_variable_that_is_an_argument_and_read_besides(self):
        w = tf.Variable(3.0)
        f = tf.custom_vjp(lambda x: x * w)
        f.defvjp(lambda x: (x * w, None), lambda _, ct: (6.0 * ct,))
        with tf.GradientTape() as tape:
            y = f(w)
        assert tape.gradient(y, w).numpy() == 6.0
