"""What Tensors and Variables do in Python: how they show, convert, compare, index, and what they refuse."""

import copy
import operator
import pickle
import traceback

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError

MAKERS = [tf.constant, tf.Variable]


class TestShowing:
    def test_repr_has_shape_dtype_and_values(self):
        assert repr(tf.constant(3.0)) == "<Tensor: shape=(), dtype=float32, numpy=3.0>"
        assert repr(tf.constant([1, 2])) == "<Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>"
        assert repr(tf.constant([[1.0], [2.0]])) == (
            "<Tensor: shape=(2, 1), dtype=float32, numpy=\narray([[1.],\n       [2.]], dtype=float32)>"
        )

    def test_repr_of_a_variable_has_its_name(self):
        assert repr(tf.Variable(2.5)) == "<Variable 'Variable': shape=(), dtype=float32, numpy=2.5>"
        assert repr(tf.Variable([True], name="w")) == "<Variable 'w': shape=(1,), dtype=bool, numpy=array([ True])>"

    def test_str_puts_the_values_first(self):
        assert str(tf.constant([1.0, 2.0])) == "Tensor([1. 2.], shape=(2,), dtype=float32)"

    def test_a_computed_tensor_shows_its_value(self):
        assert "numpy=5.0" in repr(tf.constant(2.0) + 3.0)

    @pytest.mark.parametrize("make", MAKERS)
    def test_format_takes_a_number_s_specification(self, make):
        assert f"{make(2.0):.3f}" == "2.000"
        assert f"{make([0.25]):6.2f}" == "  0.25"
        assert f"{make(7):05d}" == "00007"


class TestPython:
    @pytest.mark.parametrize("make", MAKERS)
    def test_one_number_becomes_a_python_number(self, make):
        assert float(make(2.5)) == 2.5 and int(make(2.5)) == 2
        assert float(make([[3.0]])) == 3.0 and make(3).item() == 3
        assert bool(make(True)) is True and bool(make(0.0)) is False

    def test_an_integer_counts_and_indexes(self):
        assert [10, 20, 30][tf.constant(1)] == 20
        assert list(range(tf.constant(3))) == [0, 1, 2]
        with pytest.raises(DTypeError, match="float32"):
            range(tf.constant(3.0))

    @pytest.mark.parametrize("convert", [float, int, operator.methodcaller("item")])
    def test_several_numbers_are_not_one(self, convert):
        with pytest.raises(ShapeError, match=r"\(2,\)"):
            convert(tf.constant([1.0, 2.0]))

    def test_several_numbers_are_neither_true_nor_false(self):
        with pytest.raises(ArgumentError, match="reduce_any"):
            bool(tf.constant([1.0, 2.0]) > 1.0)

    @pytest.mark.parametrize("make", MAKERS)
    def test_length_and_iteration_go_over_the_first_axis(self, make):
        x = make([[1.0, 2.0], [3.0, 4.0]])
        assert len(x) == 2
        assert [row.numpy().tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
        (a, b), (c, d) = x
        assert [float(v) for v in (a, b, c, d)] == [1.0, 2.0, 3.0, 4.0]

    @pytest.mark.parametrize("ask", [len, iter])
    def test_a_tensor_without_axes_has_no_length_and_no_elements(self, ask):
        with pytest.raises(TypeError, match="without axes"):
            ask(tf.constant(1.0))

    def test_in_looks_for_a_value(self):
        assert 2.0 in tf.constant([1.0, 2.0]) and 3.0 not in tf.constant([1.0, 2.0])

    def test_copies_of_a_tensor_are_the_same_source(self):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = copy.copy(x) * copy.deepcopy(x)
        assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]

    def test_a_deep_copy_of_a_variable_is_another_variable(self):
        v = tf.Variable([1.0], trainable=False, name="w")
        w = copy.deepcopy(v)
        v.assign([5.0])
        assert w.numpy().tolist() == [1.0] and (w.trainable, w.name) == (False, "w")

    @pytest.mark.parametrize("value", [2.5, [1, 2], [[True]], np.float64(0.1)])
    def test_pickles_keep_value_and_type(self, value):
        x = tf.constant(value) if isinstance(value, list) else tf.constant(value) * 1
        again = pickle.loads(pickle.dumps(x))
        assert type(again) is tf.Tensor and again.dtype == x.dtype
        np.testing.assert_array_equal(again.numpy(), x.numpy())
        v = pickle.loads(pickle.dumps(tf.Variable(value, trainable=False, name="w")))
        assert (v.trainable, v.name) == (False, "w")

    @pytest.mark.parametrize("make", MAKERS)
    def test_no_hash_but_a_reference_that_has_one(self, make):
        x, same_value = make(1.0), make(1.0)
        with pytest.raises(TypeError, match="unhashable"):
            hash(x)
        assert {x.ref(): "x"}[x.ref()] == "x"
        assert x.ref() != same_value.ref() and x.ref().deref() is x


class TestNumPy:
    def test_numpy_gives_a_scalar_or_a_read_only_array(self):
        scalar, array = tf.constant(2.0).numpy(), tf.constant([1.0, 2.0]).numpy()
        assert type(scalar) is np.float32
        assert type(array) is np.ndarray and array.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0

    def test_the_array_it_was_made_of_can_change_later(self):
        array = np.array([1.0, 2.0])
        x, v = tf.constant(array), tf.Variable(array)
        array[:] = 9.0
        assert x.numpy().tolist() == v.numpy().tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("make", MAKERS)
    def test_numpy_functions_take_it(self, make):
        x = make([0.5, 1.0])
        np.testing.assert_array_equal(np.sin(x), np.sin(np.float32([0.5, 1.0])))
        assert np.sum(x) == 1.5 and np.asarray(x).shape == (2,)
        assert np.array(x, dtype=np.float64).dtype == np.float64
        assert np.array(x).flags.writeable

    @pytest.mark.parametrize("make", MAKERS)
    def test_operators_with_arrays_give_tensors_on_both_sides(self, make):
        x, array = make([1.0, 2.0]), np.float32([10.0, 20.0])
        for result in (array * x, x * array, array - x, array / x, np.float32(3.0) * x, np.float64(3.0) + x):
            assert isinstance(result, tf.Tensor)
        assert (array * x).numpy().tolist() == [10.0, 40.0]
        assert isinstance(array > x, tf.Tensor)

    def test_a_gradient_flows_through_an_operator_with_an_array(self):
        x = tf.Variable(np.array([1.0, 2.0]))
        with tf.GradientTape() as tape:
            y = np.array([3.0, 4.0]) * x
        assert tape.gradient(y, x).numpy().tolist() == [3.0, 4.0]

    def test_no_copy_is_refused_where_one_is_needed(self):
        x = tf.constant([1.0])
        assert np.asarray(x, copy=False).dtype == np.float32
        with pytest.raises(ValueError, match="copy"):
            np.asarray(x, dtype=np.float64, copy=False)


class TestOperators:
    def test_comparisons_are_elementwise(self):
        x = tf.constant([1.0, 2.0, 3.0])
        for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
            result = compare(x, 2.0)
            assert result.dtype == tf.bool
            np.testing.assert_array_equal(result.numpy(), compare(np.array([1.0, 2.0, 3.0]), 2.0))

    def test_a_number_on_the_left_compares_the_other_way_round(self):
        assert (tf.constant([1.0, 3.0]) < 2.0).numpy().tolist() == [True, False]

    def test_nothing_equals_none(self):
        assert (tf.constant(1.0) == None) is False  # noqa: E711
        assert (tf.Variable(1.0) != None) is True  # noqa: E711

    def test_logic(self):
        a, b = tf.constant([True, True, False]), tf.constant([True, False, False])
        assert (a & b).numpy().tolist() == [True, False, False]
        assert (a | b).numpy().tolist() == [True, True, False]
        assert (a ^ b).numpy().tolist() == [False, True, False]
        assert (~a).numpy().tolist() == [False, False, True]

    @pytest.mark.parametrize(
        "op",
        [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow],
    )
    @pytest.mark.parametrize("make", MAKERS)
    def test_arithmetic_is_numpy_s_on_both_sides(self, op, make):
        array = np.array([0.5, 2.0, 3.0])
        for other in (2.0, np.array([1.0, 4.0, 0.5])):
            np.testing.assert_allclose(op(make(array), other).numpy(), op(array, other), rtol=4e-16)
            np.testing.assert_allclose(op(other, make(array)).numpy(), op(other, array), rtol=4e-16)

    def test_signs(self):
        x = tf.constant([-1.5, 2.0])
        assert (-x).numpy().tolist() == [1.5, -2.0]
        assert abs(x).numpy().tolist() == [1.5, 2.0] and (+x).numpy().tolist() == [-1.5, 2.0]

    def test_matrix_product(self):
        a = tf.constant([[1.0, 2.0], [3.0, 4.0]])
        assert (a @ a).numpy().tolist() == [[7.0, 10.0], [15.0, 22.0]]
        assert (np.eye(2, dtype=np.float32) @ a).numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]


class TestTypes:
    @pytest.mark.parametrize(
        ("value", "dtype"),
        [
            (1.0, "float32"),
            (1, "int32"),
            (2**40, "int64"),
            (True, "bool"),
            ([1, 2.5], "float32"),
            ([], "float32"),
            (np.array([1.0]), "float64"),
            (np.array([1]), "int64"),
            (np.float64(1.0), "float64"),
            ([np.float64(1.0), 2.0], "float64"),
        ],
    )
    def test_python_numbers_are_32_bits_wide_and_arrays_keep_their_type(self, value, dtype):
        assert tf.constant(value).dtype == dtype

    @pytest.mark.parametrize(
        ("a", "b", "result"),
        [
            ("float32", "float64", "float64"),
            ("int32", "int64", "int64"),
            ("int32", "float32", "float32"),
            ("int64", "float32", "float32"),
            ("bool", "int32", "int32"),
            ("bool", "float64", "float64"),
        ],
    )
    def test_mixed_types_promote(self, a, b, result):
        one, other = tf.constant([1], dtype=a), tf.constant([1], dtype=b)
        assert (one + other).dtype == (other + one).dtype == result

    @pytest.mark.parametrize(
        ("dtype", "number", "result"),
        [
            ("float32", 2, "float32"),
            ("float64", 2.5, "float64"),
            ("float32", True, "float32"),
            ("int64", 2, "int64"),
            ("int32", 2.5, "float32"),
            ("bool", 2, "int32"),
        ],
    )
    def test_python_numbers_take_the_type_of_the_tensor(self, dtype, number, result):
        x = tf.constant([1], dtype=dtype)
        assert (x * number).dtype == (number * x).dtype == result

    def test_a_gradient_has_the_type_of_its_source_across_promotion(self):
        x = tf.Variable(np.float32([1.0, 2.0]))
        with tf.GradientTape() as tape:
            y = x * np.array([3.0, 4.0])
        assert y.dtype == tf.float64
        slope = tape.gradient(y, x)
        assert slope.dtype == tf.float32 and slope.numpy().tolist() == [3.0, 4.0]

    def test_integers_divide_as_float64(self):
        quotient = tf.constant([1, -7]) / tf.constant([2, 2])
        assert quotient.dtype == tf.float64 and quotient.numpy().tolist() == [0.5, -3.5]

    def test_floor_division_and_remainder_of_integers_round_down(self):
        x = tf.constant([7, -7, 7, -7])
        y = tf.constant([2, 2, -2, -2])
        assert (x // y).numpy().tolist() == [3, -4, -4, 3]
        assert (x % y).numpy().tolist() == [1, 1, -1, -1]
        assert (x // y).dtype == tf.int32

    def test_a_number_that_does_not_fit_is_an_error(self):
        with pytest.raises(DTypeError, match="int32"):
            tf.constant([1]) + 2**40

    @pytest.mark.parametrize("value", ["text", ["a", "b"], None, [None], 1j, object()])
    def test_what_is_no_number_is_a_type_error(self, value):
        with pytest.raises(DTypeError, match="cannot make a tensor"):
            tf.constant(value)

    @pytest.mark.parametrize("dtype", ["string", "complex64", "uint8", "int8", "nonsense"])
    def test_types_without_support_are_named(self, dtype):
        with pytest.raises(DTypeError, match="float32"):
            tf.zeros(2, dtype=dtype)

    def test_a_function_of_reals_refuses_integers(self):
        with pytest.raises(DTypeError, match=r"exp.*int32.*cast"):
            tf.exp(tf.constant([1]))


class TestPow:
    @pytest.mark.parametrize(
        ("x", "y", "result"),
        [(-2.0, 3, -8.0), (-2.0, -1, -0.5), (2.0, 0.5, 2**0.5), (0.0, 0, 1.0), (-2.0, 2.0, 4.0), (3.0, 100, np.inf)],
    )
    def test_values(self, x, y, result):
        assert tf.pow(tf.constant(x), y).numpy() == np.float32(result)

    def test_a_negative_base_has_no_real_root(self):
        assert np.isnan(tf.pow(tf.constant(-2.0), 0.5).numpy())

    def test_tensors_as_exponents_and_numbers_as_bases(self):
        assert (tf.constant([2.0, 3.0]) ** tf.constant([3.0, 2.0])).numpy().tolist() == [8.0, 9.0]
        assert (2 ** tf.constant([1.0, -1.0])).numpy().tolist() == [2.0, 0.5]

    def test_integers_stay_integers(self):
        power = tf.constant([2, -3]) ** 3
        assert power.dtype == tf.int32 and power.numpy().tolist() == [8, -27]
        assert (tf.constant(2) ** 0).numpy() == 1

    def test_an_integer_to_a_negative_power_is_an_error(self):
        with pytest.raises(ArgumentError, match="-1"):
            tf.constant(2) ** -1

    @pytest.mark.parametrize(
        ("x", "y", "slope"),
        [(-2.0, 3, 12.0), (0.0, 1, 1.0), (0.0, 2, 0.0), (4.0, 0.5, 0.25), (5.0, 0, 0.0), (-2.0, -1, -0.25)],
    )
    def test_derivative_by_the_base(self, x, y, slope):
        v = tf.Variable(x)
        with tf.GradientTape() as tape:
            power = v**y
        assert tape.gradient(power, v).numpy() == np.float32(slope)

    def test_derivative_by_the_exponent(self):
        y = tf.Variable(np.array([3.0, 3.0, 3.0]))
        with tf.GradientTape() as tape:
            power = tf.pow(np.array([2.0, 0.0, -1.0]), y)
        np.testing.assert_allclose(tape.gradient(power, y).numpy(), [8 * np.log(2), 0.0, 0.0], rtol=1e-15)


class TestShapes:
    def test_a_shape_is_a_tuple_with_tensorflow_s_names(self):
        shape = tf.ones((2, 3)).shape
        assert shape == (2, 3) and shape.rank == shape.ndims == 2
        assert shape.as_list() == [2, 3] and shape.num_elements() == 6
        assert tf.ones((2, 3)).get_shape() == (2, 3)

    def test_a_ragged_list_is_an_error(self):
        with pytest.raises(ShapeError, match="same length"):
            tf.constant([[1.0], [2.0, 3.0]])

    def test_shapes_that_do_not_fit_are_an_error_on_the_line_that_combines_them(self):
        a, b = tf.ones((2, 3)), tf.ones((2,))
        with pytest.raises(ShapeError, match=r"\(2, 3\) and \(2,\).*3 and 2") as caught:
            _ = a * b  # here
        lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert any("# here" in line for line in lines)

    def test_indexing_is_numpy_s(self):
        array = np.arange(24.0).reshape(2, 3, 4)
        x = tf.constant(array)
        indices = [
            1,
            -1,
            (1, 2),
            (0, -1, 3),
            slice(None, None, -1),
            (..., 0),
            (slice(1), ..., slice(3, 0, -2)),
            (None, 1),
            (slice(None), None, 2, ...),
            slice(5, 9),
            np.int64(1),
            (tf.constant(1), 0),
            ...,
        ]
        for index in indices:
            plain = (
                tuple(int(i) if isinstance(i, tf.Tensor) else i for i in index) if isinstance(index, tuple) else index
            )
            np.testing.assert_array_equal(x[index].numpy(), array[plain], err_msg=str(index))

    def test_a_gradient_goes_back_to_the_elements_that_were_picked(self):
        v = tf.Variable(np.zeros((2, 3)))
        with tf.GradientTape() as tape:
            y = 2.0 * v[0, 1] + tf.reduce_sum(v[:, ::2])
        assert tape.gradient(y, v).numpy().tolist() == [[1.0, 2.0, 1.0], [1.0, 0.0, 1.0]]

    @pytest.mark.parametrize(("index", "said"), [(2, "index 2"), (-3, "index -3"), ((0, 0), "2 indices")])
    def test_an_index_out_of_range_is_an_error(self, index, said):
        with pytest.raises(ShapeError, match=said):
            tf.constant([1.0, 2.0])[index]

    @pytest.mark.parametrize("index", ["a", 1.0, [0.0, 1.0], True, np.array(True)])
    def test_an_index_that_is_none_is_an_error(self, index):
        with pytest.raises(DTypeError):
            tf.constant([1.0, 2.0])[index]

    def test_a_tensor_is_not_assigned_to(self):
        x = tf.constant([1.0, 2.0])
        with pytest.raises(TypeError):
            x[0] = 5.0


class TestVariable:
    def test_is_made_of_a_value_or_a_function(self):
        assert tf.Variable(initial_value=3.0).numpy() == 3.0
        assert tf.Variable(lambda: tf.ones(2)).numpy().tolist() == [1.0, 1.0]
        assert tf.Variable(3, dtype=tf.float64).dtype == tf.float64

    def test_needs_a_value(self):
        with pytest.raises(ArgumentError, match=r"Variable\(3\.0\)"):
            tf.Variable()

    def test_assign_changes_the_value_and_gives_the_variable(self):
        v = tf.Variable([1.0, 2.0])
        assert v.assign([3.0, 4.0]) is v and v.numpy().tolist() == [3.0, 4.0]
        v.assign_add([1.0, 1.0]).assign_sub(tf.constant([0.0, 4.0]))
        assert v.numpy().tolist() == [4.0, 1.0]

    def test_what_was_read_before_keeps_its_value(self):
        v = tf.Variable(1.0)
        before, pending = v.read_value(), v + 1.0
        v.assign(5.0)
        assert (before.numpy(), pending.numpy(), v.value().numpy()) == (1.0, 2.0, 5.0)

    def test_shape_stays(self):
        v = tf.Variable([1.0, 2.0])
        for value in (1.0, [1.0], [[1.0, 2.0]]):
            with pytest.raises(ShapeError, match=r"\(2,\)"):
                v.assign(value)
        with pytest.raises(ShapeError):
            v.assign_add(tf.ones((2, 2)))
        assert v.numpy().tolist() == [1.0, 2.0]

    def test_type_stays(self):
        v = tf.Variable(1.0)
        with pytest.raises(DTypeError, match=r"float32.*float64"):
            v.assign(tf.constant(1.0, tf.float64))
        v.assign(2)
        v.assign(np.float64(0.5))
        assert v.dtype == tf.float32 and v.numpy() == 0.5

    def test_two_variables_of_one_tensor_are_independent(self):
        x = tf.constant([1.0])
        a, b = tf.Variable(x), tf.Variable(x)
        a.assign([2.0])
        assert b.numpy().tolist() == x.numpy().tolist() == [1.0]

    def test_in_place_operators_make_tensors(self):
        v = tf.Variable(1.0)
        w = v
        w += 1.0
        assert isinstance(w, tf.Tensor) and v.numpy() == 1.0

    def test_counts_in_every_function(self):
        v = tf.Variable([[1.0, 4.0]])
        assert tf.sqrt(v).numpy().tolist() == [[1.0, 2.0]]
        assert tf.concat([v, v], axis=0).shape == (2, 2)
        assert v.T.shape == (2, 1) and v[0, 1].numpy() == 4.0
