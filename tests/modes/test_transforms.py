"""Function transforms: what they take and return, how they compose, and what they say when something is wrong."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, ControlFlowError, DTypeError, ShapeError
from gradtape.graph.node import recordings
from gradtape.graph.trace import thread
from gradtape.modes import nest

Point = namedtuple("Point", ["x", "y"])


@dataclass(frozen=True)
class Model:
    weights: Any
    bias: Any
    name: str = "linear"


@pytest.fixture(autouse=True)
def nothing_stays_open():
    yield
    assert recordings.get() == () and thread.capture is None


def numbers(nest):
    return [float(x) for x in nest]


class TestArguments:
    def test_python_numbers_and_arrays_become_tensors(self):
        slope = tf.grad(lambda x: tf.reduce_sum(x**2))
        assert isinstance(slope(3.0), tf.Tensor) and slope(3.0).numpy() == 6.0
        found = slope(np.array([1.0, 2.0]))
        assert found.dtype is tf.float64 and np.asarray(found).tolist() == [2.0, 4.0]

    @pytest.mark.parametrize(
        ("argument", "slopes"),
        [
            ([3.0, 4.0], [4.0, 3.0]),
            ((3.0, 4.0), (4.0, 3.0)),
            (Point(3.0, 4.0), Point(4.0, 3.0)),
        ],
    )
    def test_sequences_keep_their_type(self, argument, slopes):
        found = tf.grad(lambda p: p[0] * p[1])(argument)
        assert type(found) is type(slopes) and numbers(found) == list(slopes)

    @pytest.mark.parametrize("kind", [dict, OrderedDict, lambda d: defaultdict(list, d)])
    def test_dicts_keep_their_type_and_order(self, kind):
        given = kind({"b": 3.0, "a": 4.0})
        found = tf.grad(lambda d: d["a"] * d["b"] ** 2)(given)
        assert type(found) is type(given) and list(found) == ["b", "a"]
        assert numbers(found.values()) == [24.0, 9.0]

    def test_a_dataclass_is_a_nest_and_what_is_no_number_in_it_has_no_gradient(self):
        model = Model(np.array([1.0, 2.0]), {"start": 0.5})
        found = tf.grad(lambda m: tf.reduce_sum(m.weights**2) + 3.0 * m.bias["start"])(model)
        assert type(found) is Model and found.name is None
        assert found.weights.numpy().tolist() == [2.0, 4.0] and found.bias["start"].numpy() == 3.0
        assert model.weights.tolist() == [1.0, 2.0]

    def test_argnums_choose_positions(self):
        f = lambda x, y, z: x * y**2 * z**3  # noqa: E731
        assert tf.grad(f, 1)(2.0, 3.0, 1.0).numpy() == 12.0
        assert numbers(tf.grad(f, (2, 0))(2.0, 3.0, 1.0)) == [54.0, 9.0]
        assert tf.grad(f, -1)(2.0, 3.0, 1.0).numpy() == 54.0

    def test_argnames_choose_parameters_however_they_are_given(self):
        f = lambda x, y, power=2.0: x * y**power  # noqa: E731
        assert tf.grad(f, argnames="y")(2.0, 3.0).numpy() == 12.0
        assert tf.grad(f, argnames="y")(2.0, y=3.0).numpy() == 12.0
        assert numbers(tf.grad(f, argnums=0, argnames=["y"])(2.0, y=3.0)) == [9.0, 12.0]

    def test_the_same_tensor_twice_is_two_arguments(self):
        x = tf.constant(3.0)
        assert numbers(tf.grad(lambda a, b: a * b**2, (0, 1))(x, x)) == [9.0, 18.0]

    def test_a_closed_over_tensor_is_a_constant_even_if_it_is_the_argument(self):
        x = tf.constant(3.0)
        assert tf.grad(lambda y: y * x)(x).numpy() == 3.0

    def test_a_list_of_tensors_as_an_operand_keeps_derivatives(self):
        assert tf.grad(lambda x: tf.reduce_sum(tf.square([x, 2.0 * x])))(1.0).numpy() == 10.0

    def test_no_dependence_is_zero(self):
        assert numbers(tf.grad(lambda x, y: x * 1.0, (0, 1))(1.0, 2.0)) == [1.0, 0.0]

    def test_auxiliary_results_are_handed_through(self):
        f = lambda x: (x**2, {"text": "yes", "cube": x**3})  # noqa: E731
        slope, rest = tf.grad(f, has_aux=True)(2.0)
        assert slope.numpy() == 4.0 and rest["text"] == "yes" and rest["cube"].numpy() == 8.0
        (value, _), _ = tf.value_and_grad(f, has_aux=True)(2.0)
        assert value.numpy() == 4.0
        value, tangent, rest = tf.jvp(f, (2.0,), (1.0,), has_aux=True)
        assert (value.numpy(), tangent.numpy(), rest["text"]) == (4.0, 4.0, "yes")
        value, pull_back, rest = tf.vjp(f, 2.0, has_aux=True)
        assert pull_back(2.0)[0].numpy() == 8.0 and rest["cube"].numpy() == 8.0
        matrix, rest = tf.jacobian(f, has_aux=True)(2.0)
        assert matrix.numpy() == 4.0 and rest["text"] == "yes"

    def test_values_may_be_nests_of_any_kind(self):
        f = lambda x: Point({"a": x**2}, [x, 3.0 * x])  # noqa: E731
        _, tangent = tf.jvp(f, (2.0,), (1.0,))
        assert type(tangent) is Point and tangent.x["a"].numpy() == 4.0 and numbers(tangent.y) == [1.0, 3.0]
        _, pull_back = tf.vjp(f, 2.0)
        assert pull_back(Point({"a": 1.0}, [10.0, 100.0]))[0].numpy() == 314.0
        found = tf.jacobian(f)(2.0)
        assert found.x["a"].numpy() == 4.0 and numbers(found.y) == [1.0, 3.0]
        assert tf.vmap(f)(np.ones(3)).y[1].numpy().tolist() == [3.0] * 3


class TestErrors:
    @pytest.mark.parametrize("transform", [tf.grad, tf.value_and_grad, tf.elementwise_grad, tf.jacobian])
    def test_an_integer_has_no_derivative(self, transform):
        with pytest.raises(DTypeError, match=r"argument 0 is int32.*3\.0 instead of 3"):
            transform(lambda x: x * x)(3)

    def test_a_function_that_returns_nothing(self):
        with pytest.raises(ArgumentError, match="returned None; did you forget to return"):
            tf.grad(lambda x: None)(1.0)

    @pytest.mark.parametrize(
        ("f", "kind", "said"),
        [
            (lambda x: tf.stack([x, x]), ShapeError, r"shape \(2,\).*elementwise_grad.*jacobian.*vjp.*reduce_sum"),
            (lambda x: (x, x), ArgumentError, "returned a tuple.*has_aux=True.*jacobian"),
            (lambda x: x > 0, DTypeError, "returned bool"),
            (lambda x: float(x), ArgumentError, "returned a float, which no longer knows"),
        ],
    )
    def test_grad_says_what_to_use_instead(self, f, kind, said):
        with pytest.raises(kind, match=said):
            tf.grad(f)(1.0)

    def test_there_are_no_holomorphic_functions(self):
        for transform in (tf.grad, tf.value_and_grad, tf.jacobian, tf.jacfwd, tf.jacrev, tf.hessian):
            with pytest.raises(ArgumentError, match="complex"):
                transform(lambda x: x, holomorphic=True)(1.0)

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            (lambda: tf.grad(lambda x: x, 1)(1.0), "1 positional"),
            (lambda: tf.grad(lambda x: x, "x")(1.0), "argnames"),
            (lambda: tf.grad(lambda x: x, argnames="z")(1.0), "'z'.*parameters are x"),
            (lambda: tf.grad(lambda x: x, (0, 0))(1.0), "twice"),
            (lambda: tf.jvp(lambda x: x, 1.0, 1.0), r"primals must be a tuple.*\(x,\)"),
            (lambda: tf.grad(lambda x: x, has_aux=True)(1.0), "pair"),
            (lambda: tf.jacobian(lambda x: x, mode="up"), "'forward', 'reverse' or None"),
        ],
    )
    def test_arguments_that_make_no_sense(self, call, said):
        with pytest.raises(ArgumentError, match=said):
            call()

    def test_tangents_and_cotangents_must_fit(self):
        x = tf.ones(3)
        with pytest.raises(ShapeError, match=r"tangent.*\(3,\).*\(2,\)"):
            tf.jvp(tf.sin, (x,), (tf.ones(2),))
        with pytest.raises(DTypeError, match="float32 tensor"):
            tf.jvp(tf.sin, (x,), (tf.ones(3, tf.float64),))
        with pytest.raises(ShapeError, match="1 tangents are needed"):
            tf.jvp(tf.sin, (x,), (x, x))
        with pytest.raises(ShapeError, match="cotangent"):
            tf.vjp(tf.sin, x)[1](tf.ones(2))


class TestTrapsOfPerturbations:
    def test_a_gradient_of_a_gradient_that_closes_over_the_outer_variable(self):
        assert tf.grad(lambda x: x * tf.grad(lambda y: x + y)(1.0))(1.0).numpy() == 1.0
        assert tf.grad(lambda x: x * tf.grad(lambda y: x * y)(2.0))(3.0).numpy() == 6.0

    def test_the_same_in_forward_mode(self):
        slope = lambda f, x: tf.jvp(f, (x,), (1.0,))[1]  # noqa: E731
        assert slope(lambda x: x * slope(lambda y: x + y, 1.0), 1.0).numpy() == 1.0
        assert slope(lambda x: x * tf.grad(lambda y: x * y)(2.0), 3.0).numpy() == 6.0
        assert tf.grad(lambda x: x * slope(lambda y: x * y, 2.0))(3.0).numpy() == 6.0

    def test_nested_minimisation(self):
        """argmin over y of (y - x²)² is x²; the derivative of its square by x is 4x³."""

        def inner(x):
            y = 0.0 * x
            for _ in range(60):
                y = y - 0.3 * tf.grad(lambda y: (y - x**2) ** 2)(y)
            return y

        x = np.float64(1.5)
        assert float(tf.grad(lambda x: inner(x) ** 2)(x)) == pytest.approx(4 * 1.5**3, rel=1e-14)
        assert float(tf.jvp(lambda x: inner(x) ** 2, (x,), (1.0,))[1]) == pytest.approx(4 * 1.5**3, rel=1e-14)

    def test_a_function_made_by_an_inner_derivative_and_used_in_the_outer_one(self):
        """Amazing bug of Manzyuk et al., 2019: a shift of a curried function."""
        derivative = lambda f: lambda x: tf.jvp(f, (x,), (1.0,))[1]  # noqa: E731
        shift = lambda u: lambda f: lambda x: f(x + u)  # noqa: E731
        slope_at_0 = lambda f, x: tf.jvp(lambda u: shift(u)(f)(x), (0.0,), (1.0,))[1]  # noqa: E731
        assert float(slope_at_0(lambda v: slope_at_0(tf.exp, v), 1.0)) == pytest.approx(np.e, rel=1e-6)
        assert float(derivative(derivative(tf.exp))(1.0)) == pytest.approx(np.e, rel=1e-6)

    def test_jvp_in_vjp_in_vmap(self):
        f = lambda x, y: tf.sin(x) * y**2  # noqa: E731
        x, y = np.linspace(0.1, 1, 4), np.linspace(1, 2, 4)

        def mixed(x, y):
            return tf.vjp(lambda y: tf.jvp(lambda x: f(x, y), (x,), (1.0,))[1], y)[1](1.0)[0]

        assert np.asarray(tf.vmap(mixed)(x, y)) == pytest.approx(2 * y * np.cos(x), rel=1e-15)

    def test_vmap_inside_of_an_open_tape_and_a_tape_inside_of_vmap(self):
        rows, w = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.Variable(3.0)

        def slope_of_row(row):
            with tf.GradientTape() as inner:
                inner.watch(row)
                y = w * tf.reduce_sum(row**2)
            return inner.gradient(y, row)

        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.vmap(slope_of_row)(rows))
            assert tape.watched_variables() == (w,)
        assert tape.gradient(total, w).numpy() == 20.0

    def test_a_watched_number_is_no_constant_in_a_formula_under_vmap(self):
        one = tf.constant(1.0)
        with tf.GradientTape() as tape:
            tape.watch(one)
            y = tf.reduce_sum(tf.vmap(tf.grad(lambda x: tf.math.log(one + x)))(tf.constant([1.0, 3.0])))
        assert tape.gradient(y, one).numpy() == -0.3125


class TestVmap:
    def test_axes_by_argument_and_inside_of_nests(self):
        x, y = np.arange(6.0).reshape(2, 3), np.arange(3.0)
        f = lambda d, z: {"s": d["a"] * z, "z": z}  # noqa: E731
        found = tf.vmap(f, in_axes=({"a": 1, "b": None}, 0), out_axes={"s": -1, "z": 0})({"a": x, "b": "any"}, y)
        assert found["s"].numpy().tolist() == (x * y).tolist() and found["z"].numpy().tolist() == y.tolist()

    def test_what_does_not_depend_on_the_example_is_repeated_or_left_alone(self):
        c = tf.constant([5.0])
        same, alone = tf.vmap(lambda x: (c, c), out_axes=(0, None))(np.ones(3))
        assert same.shape == (3, 1) and alone.shape == (1,)

    def test_axis_size_where_no_argument_says_it(self):
        assert tf.vmap(lambda: tf.constant(2.0), axis_size=3)().numpy().tolist() == [2.0] * 3

    @pytest.mark.parametrize(
        ("call", "kind", "said"),
        [
            (lambda: tf.vmap(tf.sin)(1.0), ShapeError, r"shape \(\).*no such axis"),
            (lambda: tf.vmap(tf.sin, 2)(np.ones(3)), ShapeError, "in_axes has 2"),
            (lambda: tf.vmap(tf.add)(np.ones(3), np.ones(2)), ShapeError, r"\(3,\) has 3 .*\(2,\) has 2"),
            (lambda: tf.vmap(tf.sin, None)(1.0), ArgumentError, "nothing to map over"),
            (lambda: tf.vmap(tf.sin, (0, 0))(np.ones(2)), ArgumentError, "in_axes is"),
            (lambda: tf.vmap(tf.sin, 0, None)(np.ones(2)), ArgumentError, "out_axes has None"),
            (lambda: tf.vmap(tf.sin, 0, 2)(np.ones(2)), ShapeError, "out_axes has 2"),
            (lambda: tf.vmap(lambda x: "no")(np.ones(2)), ArgumentError, "returned 'no'"),
            (lambda: tf.vmap(float)(np.ones(2)), ControlFlowError, "inside of vmap.*gradtape.where"),
        ],
    )
    def test_errors(self, call, kind, said):
        with pytest.raises(kind, match=said):
            call()

    def test_variables_cannot_be_assigned_inside(self):
        v = tf.Variable(1.0)
        with pytest.raises(ControlFlowError, match="cannot be assigned inside of vmap"):
            tf.vmap(lambda x: v.assign(x))(tf.ones(2))

    def test_a_value_that_is_the_same_for_all_examples_may_be_asked_for(self):
        c = tf.constant(2.0) * 1.5
        assert tf.vmap(lambda x: x * 2.0 if float(c) > 2 else x)(np.ones(2)).numpy().tolist() == [2.0, 2.0]

    def test_cond_and_while_loop_inside(self):
        x = np.array([1.0, 3.0, 20.0])
        assert tf.vmap(lambda a: tf.cond(a > 2.0, lambda: a, lambda: -a))(x).numpy().tolist() == [-1.0, 3.0, 20.0]
        doubled = tf.vmap(lambda a: tf.while_loop(lambda b: b < 10.0, lambda b: (2.0 * b,), (a,))[0])(x)
        assert doubled.numpy().tolist() == [16.0, 12.0, 20.0]


class TestJacobians:
    F = staticmethod(lambda x: tf.stack([x[0] ** 2 * x[1], tf.sin(x[2]), x[0] * x[2], x[1]]))
    X = np.array([1.5, -0.5, 2.0])
    TRUE = np.array([[2 * 1.5 * -0.5, 1.5**2, 0], [0, 0, np.cos(2.0)], [2, 0, 1.5], [0, 1, 0]])

    @pytest.mark.parametrize("transform", [tf.jacobian, tf.jacfwd, tf.jacrev])
    def test_both_modes(self, transform):
        assert np.asarray(transform(self.F)(self.X)) == pytest.approx(self.TRUE, rel=1e-15)

    def test_shapes_are_those_of_the_value_then_the_argument(self):
        f = lambda x, y: tf.reshape(x, (3, 2)) * y  # noqa: E731
        x, y = tf.ones((2, 3)), tf.ones((5, 1, 2))
        by_x, by_y = tf.jacobian(f, (0, 1))(x, y)
        assert by_x.shape == (5, 3, 2, 2, 3) and by_y.shape == (5, 3, 2, 5, 1, 2)

    @pytest.mark.parametrize("outer", [tf.jacfwd, tf.jacrev])
    @pytest.mark.parametrize("inner", [tf.jacfwd, tf.jacrev])
    def test_hessians_in_every_nesting(self, outer, inner):
        f = lambda x: x[0] ** 3 * x[1] + tf.exp(x[1] * x[2])  # noqa: E731
        a, b, c = self.X
        e = np.exp(b * c)
        true = [[6 * a * b, 3 * a**2, 0], [3 * a**2, c**2 * e, (1 + b * c) * e], [0, (1 + b * c) * e, b**2 * e]]
        assert np.asarray(outer(inner(f))(self.X)) == pytest.approx(np.array(true), rel=1e-14)
        assert np.asarray(tf.hessian(f)(self.X)) == pytest.approx(np.array(true), rel=1e-14)

    def test_a_hessian_of_several_arguments_has_a_block_for_each_pair(self):
        found = tf.hessian(lambda d: d["a"] ** 2 * tf.reduce_sum(d["b"]))({"a": 3.0, "b": tf.ones(2)})
        assert found["a"]["a"].numpy() == 4.0
        assert found["a"]["b"].numpy().tolist() == [6.0, 6.0] and found["b"]["b"].numpy().tolist() == [[0.0] * 2] * 2

    def test_a_jacobian_that_would_need_much_memory_is_made_in_parts(self, monkeypatch):
        whole = tf.jacobian(self.F)(self.X).numpy()
        monkeypatch.setattr("gradtape.modes.jacobians.AT_ONCE", 50)
        assert tf.jacobian(self.F)(self.X).numpy().tobytes() == whole.tobytes()

    def test_vectors_times_a_hessian_without_it(self):
        f = lambda x: tf.reduce_sum(x[1:] ** 2 * x[:-1] ** 3)  # noqa: E731
        v = np.array([1.0, 2.0, -1.0])
        assert np.asarray(tf.hvp(f, (self.X,), (v,))) == pytest.approx(tf.hessian(f)(self.X).numpy() @ v, rel=1e-14)
        by_x, by_y = tf.hvp(lambda x, y: x**2 * y**3, (2.0, 3.0), (1.0, 10.0))
        assert (by_x.numpy(), by_y.numpy()) == (2 * 27 + 10 * 4 * 27, 4 * 27 + 10 * 4 * 18)

    def test_linearize_calls_the_function_once(self):
        calls = []
        value, slope = tf.linearize(lambda x: calls.append(1) or x**3, 2.0)
        assert numbers([value, slope(1.0), slope(2.0)]) == [8.0, 12.0, 24.0] and len(calls) == 1


class TestAtOnce:
    """``jacobian(f, x)`` is ``jacobian(f)(x)``, and so for `hessian`."""

    @staticmethod
    def f(a, b, *, scale=1.0):
        return a * tf.sin(b) * scale

    @pytest.mark.parametrize("transform", [tf.jacobian, tf.hessian])
    def test_arguments_by_position_and_name(self, transform):
        a, b = np.array([1.0, 2.0]), tf.constant(0.5, tf.float64)
        first = transform(self.f, argnums=(0, 1))(a, b, scale=3.0)
        second = transform(self.f, a, b, argnums=(0, 1), scale=3.0)
        for one, other in zip(first, second, strict=True):
            for x, y in zip(nest.flatten(one), nest.flatten(other), strict=True):
                assert np.asarray(x).tolist() == np.asarray(y).tolist()
        by_b = transform(self.f, a, b=b, argnames="b", scale=3.0)
        assert np.asarray(by_b).tolist() == np.asarray(nest.flatten(second)[-1]).tolist()
        assert np.asarray(transform(self.f, a, b)).tolist() == np.asarray(transform(self.f)(a, b)).tolist()

    def test_what_is_no_integer_is_a_point(self):
        square = lambda x: tf.reduce_sum(x["a"] ** 2 if isinstance(x, dict) else tf.convert_to_tensor(x) ** 2)  # noqa: E731
        for point in (2.0, np.float64(2.0), tf.constant(2.0), {"a": 2.0}, np.array(2.0), tf.Variable(2.0)):
            found = tf.jacobian(square, point)
            assert (found["a"] if isinstance(point, dict) else found).numpy() == 4.0
        for which in (0, np.int64(0), None, [0], (0,), range(1)):
            assert callable(tf.jacobian(square, which))
        value, rest = tf.jacobian(lambda x: (x**2, "rest"), 3.0, has_aux=True)
        assert value.numpy() == 6.0 and rest == "rest"


class TestCheckpoint:
    def test_derivatives_of_what_it_closes_over(self):
        v = tf.Variable(2.0)
        assert tf.grad(lambda x: tf.checkpoint(lambda y: y * x)(2.0 * x))(3.0).numpy() == 12.0
        with tf.GradientTape() as tape:
            y = tf.checkpoint(lambda a: a * v**2 if float(a) > 0 else a)(tf.constant(3.0))
        assert tape.gradient(y, v).numpy() == 12.0

    def test_formulas_written_by_hand_are_stabilised(self):
        f = lambda x: 1.0 / (1.0 + tf.exp(-x))  # noqa: E731
        assert tf.grad(tf.checkpoint(f))(-100.0).numpy() == tf.grad(f)(-100.0).numpy() != 0.0

    def test_every_transform_goes_through_it(self):
        part = tf.checkpoint(lambda x: tf.sin(tf.exp(x)))
        plain = lambda x: tf.sin(tf.exp(x))  # noqa: E731
        x = np.array([0.1, 0.7])
        for make in (
            lambda f: tf.elementwise_grad(tf.elementwise_grad(lambda x: f(f(x)))),
            lambda f: lambda x: tf.jvp(lambda x: f(f(x)), (x,), (x,))[1],
            lambda f: tf.vmap(tf.grad(lambda x: f(f(x)))),
            lambda f: tf.function(tf.jacobian(lambda x: f(f(x)))),
        ):
            assert np.asarray(make(part)(x)) == pytest.approx(np.asarray(make(plain)(x)), rel=1e-14)


class TestUnitVectors:
    """A Jacobian begins with unit vectors, and knows what stays a multiple of one."""

    def test_a_layer_needs_no_product_of_two_matrices(self):
        a, x = tf.constant(np.arange(12.0).reshape(4, 3) / 10), tf.constant([0.3, -0.2, 0.5], tf.float64)
        f = lambda x: tf.tanh(tf.reshape(a @ tf.reshape(x, (3, 1)), (4,)))  # noqa: E731
        true = (1 - np.tanh(a.numpy() @ x.numpy()) ** 2)[:, None] * a.numpy()
        for transform in (tf.jacrev, tf.jacfwd):
            tf.function(transform(f))(x)
            staged = tf.function(transform(f))
            assert np.asarray(staged(x)) == pytest.approx(true, rel=1e-14)
            products = [step for step in staged.programs[0].steps if step[0] == "matmul"]
            assert len(products) == 1  # a @ x

    @pytest.mark.parametrize(
        "f",
        [
            lambda x, a: tf.matmul(x[None] * 2.0, a),
            lambda x, a: tf.matmul(a, tf.exp(x)[:, None], transpose_a=True),
            lambda x, a: tf.matmul(x[None], a, transpose_b=True) ** 2,
            lambda x, a: tf.matmul(a, x[:, None]) + tf.reduce_sum(x),
            lambda x, a: tf.where(x > 0, x**2, 3.0 * x)[1:] / x[0],
            lambda x, a: tf.reshape(x, (2, 2)) @ a[:2],
            lambda x, a: x[::-1] * x,
        ],
    )
    def test_rows_one_by_one_are_the_same(self, f):
        a = tf.constant(np.linspace(-1, 1, 16).reshape(4, 4))
        x = tf.constant([0.3, -0.7, 1.1, 0.4], tf.float64)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = f(x, a)
        single = tape.jacobian(y, x, experimental_use_pfor=False).numpy()
        for found in (tape.jacobian(y, x), tf.jacfwd(f)(x, a), tf.jacrev(f)(x, a)):
            assert np.asarray(found) == pytest.approx(single, rel=1e-14, abs=1e-15)

    def test_what_was_put_to_the_same_place_is_put_once(self):
        @tf.function
        def slope(x):
            return tf.grad(lambda x: tf.reduce_sum(x[1:] * x[1:] ** 2))(x)

        assert slope(tf.constant([1.0, 2.0])).numpy().tolist() == [0.0, 12.0]
        assert [step[0] for step in slope.programs[0].steps].count("put_slice") == 1


def test_a_dataclass_goes_into_a_function_and_comes_out():
    slopes = tf.function(tf.grad(lambda m: tf.reduce_sum(m.weights**2) * m.bias))
    for weight in (1.0, 2.0):
        found = slopes(Model(tf.constant([weight]), tf.constant(3.0)))
        assert (found.weights.numpy().tolist(), found.bias.numpy()) == ([6 * weight], weight**2)
    assert slopes.experimental_get_tracing_count() == 1


class TestLoops:
    @staticmethod
    def root(a):
        """The square root by Newton's method, until it changes no more; the loop closes over a."""
        return tf.while_loop(lambda x, last: x != last, lambda x, last: ((x + a / x) / 2.0, x), (a, 0.0 * a))[0]

    def test_forward_mode_goes_through_a_loop_in_a_function(self):
        a = tf.constant(2.0, tf.float64)
        value, slope = tf.function(lambda a: tf.jvp(self.root, (a,), (1.0,)))(a)
        assert float(value) == pytest.approx(2.0**0.5, rel=1e-15) and float(slope) == pytest.approx(
            0.5 / 2.0**0.5, rel=1e-14
        )

    def test_and_again(self):
        a = tf.constant(2.0, tf.float64)
        curved = tf.function(
            tf.jacfwd(
                tf.jacfwd(
                    lambda a: tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * a), (tf.constant(0), a))[1]
                )
            )
        )
        assert curved(a).numpy() == 48.0  # a⁴

    def test_in_a_batch(self):
        a = np.array([4.0, 9.0])
        slopes = tf.vmap(lambda a: tf.jvp(self.root, (a,), (1.0,))[1])(a)
        assert np.asarray(slopes) == pytest.approx(0.5 / np.sqrt(a), rel=1e-14)
