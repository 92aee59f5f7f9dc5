"""TensorFlow 1's eager names: gradients of functions, sessions, and what has no place here."""

import numpy as np
import pytest

import gradtape
import gradtape.compat.v1 as tf
import gradtape.compat.v1.contrib.eager as tfe
from gradtape.errors import ArgumentError, DTypeError, ShapeError, TapeError


def cube(x):
    return x * x * x


def grad(f):
    return lambda x: tfe.gradients_function(f)(x)[0]


class TestNamespace:
    def test_has_everything_of_gradtape(self):
        for name in set(gradtape.__all__) - {"losses"}:  # these are others there
            assert getattr(tf, name) is getattr(gradtape, name)
            assert name in dir(tf)

    def test_is_reached_in_every_way_that_programs_write(self):
        assert gradtape.compat.v1 is tf
        assert tf.contrib.eager is tfe

    def test_what_programs_say_before_they_compute_is_accepted(self):
        assert tf.enable_eager_execution() is None
        assert tfe.enable_eager_execution() is None
        assert tf.disable_v2_behavior() is None
        assert tf.executing_eagerly() is True

    @pytest.mark.parametrize("name", ["placeholder", "get_variable", "disable_eager_execution"])
    def test_graph_mode_names_say_what_to_write_instead(self, name):
        with pytest.raises(AttributeError, match="eagerly"):
            getattr(tf, name)

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="no attribute 'sine'"):
            tf.sine  # noqa: B018

    def test_lin_space_is_linspace(self):
        np.testing.assert_array_equal(tf.lin_space(-1.0, 1.0, 5).numpy(), np.linspace(-1, 1, 5, dtype=np.float32))

    def test_old_names_of_arithmetic_and_casts(self):
        assert tf.div(7, 2).numpy() == 3 and tf.div(-7, 2).numpy() == -4
        assert tf.div(7.0, 2).numpy() == 3.5
        assert tf.truediv(7, 2).numpy() == 3.5
        assert tf.mod(-7, 3).numpy() == 2
        assert tf.to_float(3).dtype == "float32" and tf.to_double(3).dtype == "float64"
        assert tf.to_int32(3.9).numpy() == 3 and tf.to_int64(-3.9).numpy() == -3

    def test_old_names_of_assignment(self):
        v = tf.Variable(1.0)
        tf.assign(v, 5.0)
        tf.assign_add(v, 2.0)
        tf.assign_sub(v, 4.0)
        assert v.numpy() == 3.0


class TestSession:
    def test_run_gives_numpy_values_in_the_same_structure(self):
        v = tf.Variable([1.0, 2.0])
        with tf.Session() as sess:
            assert sess.run(tf.global_variables_initializer()) is None
            total, parts = sess.run((tf.reduce_sum(v), {"v": v, "two": [tf.constant(2)]}))
        assert isinstance(total, np.float32) and total == 3.0
        assert isinstance(parts["v"], np.ndarray) and parts["v"].tolist() == [1.0, 2.0]
        assert parts["two"] == [2]

    def test_tensors_live_on_when_the_session_is_closed(self):
        sess = tf.Session()
        x = tf.constant(2.0) * 3.0
        sess.close()
        assert x.numpy() == 6.0

    def test_the_initializer_leaves_assigned_values_alone(self):
        v = tf.Variable(1.0)
        v.assign(7.0)
        tf.InteractiveSession().run(tf.global_variables_initializer())
        assert v.numpy() == 7.0

    def test_feeding_is_a_clear_error(self):
        with pytest.raises(ArgumentError, match="feed_dict"):
            tf.Session().run(tf.constant(1.0), feed_dict={"x": 1.0})

    def test_running_what_is_no_tensor_is_a_clear_error(self):
        with pytest.raises(ArgumentError, match="'loss'"):
            tf.Session().run("loss")


class TestGradientsFunction:
    def test_gives_a_list_with_a_gradient_for_each_argument(self):
        gradients = tfe.gradients_function(lambda x, y: x * x * y)(3.0, 4.0)
        assert [g.numpy() for g in gradients] == [24.0, 9.0]

    @pytest.mark.parametrize("params", [[1], ["y"], 1, "y", (1,)])
    def test_params_choose_by_index_or_name(self, params):
        gradients = tfe.gradients_function(lambda x, y: x * x * y, params=params)(3.0, 4.0)
        assert [g.numpy() for g in gradients] == [9.0]

    def test_gradients_come_in_the_order_of_params(self):
        gradients = tfe.gradients_function(lambda x, y: x * x * y, params=["y", "x"])(3.0, 4.0)
        assert [g.numpy() for g in gradients] == [9.0, 24.0]

    def test_a_parameter_named_twice_has_its_gradient_twice(self):
        gradients = tfe.gradients_function(lambda x: x * x, params=["x", 0])(3.0)
        assert [g.numpy() for g in gradients] == [6.0, 6.0]

    @pytest.mark.parametrize(
        "x",
        [2.0, np.float32(2.0), np.array(2.0), tf.constant(2.0), tf.Variable(2.0)],
        ids=["number", "NumPy scalar", "array", "Tensor", "Variable"],
    )
    def test_applies_to_itself_for_higher_orders(self, x):
        assert [float(g(x)) for g in (grad(cube), grad(grad(cube)), grad(grad(grad(cube))))] == [12.0, 12.0, 6.0]

    def test_applies_to_itself_on_arrays_of_points(self):
        points = np.linspace(-2, 2, 9)
        f = lambda x: tf.exp(2.0 * x)  # noqa: E731
        third = grad(grad(grad(f)))(points)
        assert third.dtype == "float64" and third.shape == (9,)
        np.testing.assert_allclose(third.numpy(), 8 * np.exp(2 * points), rtol=1e-15)

    def test_mixed_second_derivative(self):
        f = lambda x, y: tf.sin(x) * y * y  # noqa: E731
        by_y = lambda x, y: tfe.gradients_function(f, params=["y"])(x, y)[0]  # noqa: E731
        by_y_and_x = tfe.gradients_function(by_y, params=["x"])(0.0, 3.0)[0]
        assert by_y_and_x.numpy() == 6.0

    def test_lists_and_float64_arrays_keep_their_meaning(self):
        gradient = tfe.gradients_function(lambda x: x * x)([1.0, 2.0])[0]
        assert gradient.dtype == "float32" and gradient.numpy().tolist() == [2.0, 4.0]
        assert tfe.gradients_function(lambda x: x * x)(np.array([1.0, 2.0]))[0].dtype == "float64"

    def test_dy_weighs_the_elements_of_the_value(self):
        gradient = tfe.gradients_function(lambda x: x * x)([1.0, 2.0], dy=np.array([10.0, 0.5]))[0]
        assert gradient.numpy().tolist() == [20.0, 2.0]

    def test_dy_of_another_shape_is_an_error(self):
        with pytest.raises(ShapeError, match=r"\(2,\)"):
            tfe.gradients_function(lambda x: x * x)([1.0, 2.0], dy=tf.ones(3))

    def test_a_value_of_several_tensors_is_summed(self):
        gradient = tfe.gradients_function(lambda x: [x * x, (3.0 * x,)])(2.0)[0]
        assert gradient.numpy() == 7.0

    def test_the_same_tensor_in_two_places_is_two_arguments(self):
        x = tf.constant(3.0)
        gradients = tfe.gradients_function(lambda a, b: a * a * b)(x, x)
        assert [g.numpy() for g in gradients] == [18.0, 9.0]

    def test_the_same_tensor_in_two_places_is_followed_through_both_by_an_outer_tape(self):
        x = tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            first = tfe.gradients_function(lambda a, b: a * a * b)(x, x)[0]  # 2ab at a = b = x
        assert tape.gradient(first, x).numpy() == 12.0

    def test_an_unused_argument_has_no_gradient(self):
        used, unused = tfe.gradients_function(lambda x, y: x * 2.0)(1.0, 1.0)
        assert used.numpy() == 2.0 and unused is None

    def test_an_integer_argument_has_no_gradient(self):
        by_x, by_n = tfe.gradients_function(lambda x, n: x ** int(n))(3.0, 2)
        assert by_x.numpy() == 6.0 and by_n is None

    def test_an_integer_named_by_params_is_a_clear_error(self):
        with pytest.raises(DTypeError, match=r"argument 0 is int32.*3\.0 instead of 3"):
            tfe.gradients_function(lambda x: x * x, params=[0])(3)

    def test_arguments_not_named_reach_the_function_as_they_are(self):
        seen = []
        tfe.gradients_function(lambda x, how: seen.append(how) or x * x, params=["x"])(1.0, "fast")
        assert seen == ["fast"]

    def test_an_argument_that_is_no_number_says_how_to_leave_it_out(self):
        with pytest.raises(DTypeError, match=r"argument 1 .*params"):
            tfe.gradients_function(lambda x, how: x * x)(1.0, "fast")

    def test_a_variable_that_the_function_reads_is_a_constant_for_it(self):
        w = tf.Variable(5.0)
        assert [g.numpy() for g in tfe.gradients_function(lambda x: w * x)(2.0)] == [5.0]

    def test_callable_objects_and_methods_work(self):
        class Power:
            def __init__(self, n):
                self.n = n

            def __call__(self, x):
                return x**self.n

        assert tfe.gradients_function(Power(3))(2.0)[0].numpy() == 12.0
        assert tfe.gradients_function(Power(3).__call__, params=["x"])(2.0)[0].numpy() == 12.0

    def test_it_is_a_decorator(self):
        @tfe.gradients_function
        def slope(x):
            return x * x

        assert slope(3.0)[0].numpy() == 6.0

    @pytest.mark.parametrize(("result", "said"), [(None, "forget to return"), (9.0, "float"), (np.ones(2), "ndarray")])
    def test_a_function_that_returns_no_tensor_is_a_value_error_with_its_name(self, result, said):
        def lossy(x):
            return result

        with pytest.raises(ValueError, match=f"lossy.*{said}"):
            tfe.gradients_function(lossy)(1.0)

    @pytest.mark.parametrize(
        ("params", "said"),
        [(["z"], "'z'.*x, y"), ([2], "2 positional"), ([-1], "-1"), ([1.5], "1.5"), ([True], "True")],
    )
    def test_params_that_name_nothing_are_a_clear_error(self, params, said):
        with pytest.raises(ArgumentError, match=said):
            tfe.gradients_function(lambda x, y: x * y, params=params)(1.0, 2.0)

    def test_arguments_by_name_are_a_clear_error(self):
        with pytest.raises(ValueError, match="x was given by name"):
            tfe.gradients_function(lambda x: x * x)(x=1.0)

    def test_an_exception_in_the_function_passes_through_and_leaves_no_tape_open(self):
        with pytest.raises(ZeroDivisionError):
            tfe.gradients_function(lambda x: x / (1 // 0))(1.0)
        assert gradtape.graph.node.recordings.get() == ()


class TestValueAndVjp:
    def test_value_comes_with_the_gradients(self):
        value, gradients = tfe.value_and_gradients_function(lambda x, y: x * y)(3.0, 4.0)
        assert value.numpy() == 12.0 and [g.numpy() for g in gradients] == [4.0, 3.0]

    def test_the_value_keeps_its_structure(self):
        value, _ = tfe.value_and_gradients_function(lambda x: {"double": 2.0 * x, "same": [x]})(3.0)
        assert value["double"].numpy() == 6.0 and value["same"][0].numpy() == 3.0

    def test_a_vjp_can_be_asked_again(self):
        value, vjp = tfe.make_vjp(cube)(2.0)
        assert value.numpy() == 8.0
        assert [vjp()[0].numpy(), vjp(2.0)[0].numpy(), vjp(dy=tf.constant(0.5))[0].numpy()] == [12.0, 24.0, 6.0]

    def test_a_vjp_that_is_not_persistent_can_be_asked_once(self):
        _, vjp = tfe.make_vjp(cube, persistent=False)(2.0)
        vjp()
        with pytest.raises(TapeError):
            vjp()

    def test_dy_of_a_nest_has_its_structure(self):
        _, vjp = tfe.make_vjp(lambda x: [x * x, 3.0 * x])(2.0)
        assert vjp([1.0, 10.0])[0].numpy() == 34.0


class TestImplicitGradients:
    def test_pairs_gradients_with_the_variables_that_were_read(self):
        w, b, unused, fixed = tf.Variable(2.0), tf.Variable(1.0), tf.Variable(0.0), tf.Variable(9.0, trainable=False)
        pairs = tfe.implicit_gradients(lambda x: fixed * (w * x + b))(5.0)
        assert [(g.numpy(), v is w, v is b) for g, v in pairs] == [(45.0, True, False), (9.0, False, True)]
        assert not any(v is unused for _, v in pairs)

    def test_keyword_arguments_reach_the_function(self):
        w = tf.Variable(2.0)
        [(gradient, _)] = tfe.implicit_gradients(lambda x, scale: w * x * scale)(5.0, scale=3.0)
        assert gradient.numpy() == 15.0

    def test_value_comes_with_the_pairs(self):
        w = tf.Variable(2.0)
        value, [(gradient, variable)] = tfe.implicit_value_and_gradients(lambda: w * w)()
        assert (value.numpy(), gradient.numpy(), variable is w) == (4.0, 4.0, True)

    def test_steps_down_a_slope(self):
        w = tfe.Variable(0.0)
        gradients = tfe.implicit_gradients(lambda: (w - 3.0) ** 2)
        for _ in range(50):
            for gradient, variable in gradients():
                variable.assign_sub(0.3 * gradient)
        assert w.numpy() == pytest.approx(3.0, abs=1e-6)

    def test_no_variable_is_a_value_error(self):
        with pytest.raises(ValueError, match="no trainable Variable"):
            tfe.implicit_gradients(lambda x: tf.constant(x) * 2.0)(1.0)

    def test_a_function_that_returns_nothing_is_a_value_error(self):
        w = tf.Variable(1.0)
        with pytest.raises(ValueError, match="forget to return"):
            tfe.implicit_gradients(lambda: w.assign_add(w) and None)()
