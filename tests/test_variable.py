"""Variable: made, read, assigned whole and in parts, and used as any tensor."""

import copy
import pickle

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError


class TestMaking:
    def test_of_a_function_with_name_type_and_constraint(self):
        v = tf.Variable(lambda: -3.0, constraint=abs, name="w", dtype=tf.float64, trainable=False)
        assert v.name == "w" and v.dtype == tf.float64 and v.shape == () and not v.trainable
        assert v.numpy() == -3.0 and v.constraint(v).numpy() == 3.0

    def test_arguments_stand_where_tensorflow_has_them(self):
        v = tf.Variable(1.0, None, True, None, "w", None, tf.float64, None, abs, None, None, ())
        assert (v.name, v.dtype, v.constraint, v.trainable) == ("w", tf.float64, abs, True)

    def test_what_cannot_be(self):
        with pytest.raises(ArgumentError, match="initial value"):
            tf.Variable()
        with pytest.raises(ShapeError, match=r"\(2,\)"):
            tf.Variable([1.0, 2.0], shape=(3,))
        with pytest.raises(ArgumentError, match="constraint"):
            tf.Variable(1.0, constraint=3)

    def test_copies_and_pickles_keep_everything(self):
        v = tf.Variable([1.0, 2.0], trainable=False, name="w", constraint=abs)
        for other in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
            other.assign([5.0, 6.0])
            assert (other.name, other.trainable, other.constraint) == ("w", False, abs)
        assert v.numpy().tolist() == [1.0, 2.0]

    def test_a_key_is_its_reference(self):
        v, w = tf.Variable(1.0), tf.Variable(1.0)
        assert {v.ref(): 1, w.ref(): 2}[v.ref()] == 1 and v.experimental_ref() == v.ref() and v.ref().deref() is v
        with pytest.raises(TypeError, match="unhashable"):
            hash(v)


class TestOpenShapes:
    def test_any_shape(self):
        v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None), name="w")
        assert v.shape.rank is None and str(v.shape) == "<unknown>" and v.shape != () and v.open
        assert (v.ndim, v.size, v.read_value().shape) == (1, 2, (2,))
        v.assign([[1.0, 2.0], [3.0, 4.0]])
        assert (v.ndim, v.size, v.numpy().tolist()) == (2, 4, [[1.0, 2.0], [3.0, 4.0]])
        assert repr(v.assign(3.0)) == "<Variable 'w': shape=<unknown>, dtype=float32, numpy=3.0>"
        with tf.GradientTape() as tape:
            y = v**2
        assert tape.gradient(y, v).numpy() == 6.0
        for no in (v.shape.as_list, lambda: len(v.shape), lambda: list(v.shape)):
            with pytest.raises(ShapeError):
                no()

    def test_some_lengths(self):
        v = tf.Variable([[1.0, 2.0]], shape=[None, 2])
        assert v.shape == (None, 2) and v.shape.num_elements() is None and not v.shape.is_fully_defined()
        assert v.assign(np.ones((3, 2))).numpy().shape == (3, 2)
        for wrong in (np.ones(2), np.ones((3, 3)), np.ones((1, 3, 2))):
            with pytest.raises(ShapeError, match=r"\(None, 2\)"):
                v.assign(wrong)
        with pytest.raises(ShapeError, match="initial value"):
            tf.Variable([1.0, 2.0], shape=[None, None])

    def test_parts_of_what_is_there_now(self):
        v = tf.Variable([1.0, 2.0, 3.0], shape=[None])
        v.assign([1.0, 2.0, 3.0, 4.0])
        v[2:].assign([7.0, 8.0])
        assert v.numpy().tolist() == [1.0, 2.0, 7.0, 8.0] and v.assign_add([1.0] * 4).numpy()[-1] == 9.0

    def test_set_shape_narrows(self):
        v = tf.Variable([[1.0, 2.0]], shape=tf.TensorShape(None))
        v.set_shape([None, 2])
        assert v.shape == (None, 2)
        v.set_shape([1, None])
        assert v.shape == (1, 2) and not v.open
        with pytest.raises(ShapeError):
            v.assign([[1.0, 2.0], [3.0, 4.0]])
        with pytest.raises(ShapeError):
            tf.Variable([1.0], shape=[None]).set_shape([2])
        with pytest.raises(ShapeError):
            tf.ones(3).set_shape([2])

    def test_copies_and_pickles_are_open_too(self):
        v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))
        for other in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
            assert other.shape == v.shape and other.assign(1.0).numpy() == 1.0

    def test_a_traced_function_follows_it(self):
        v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))
        f = tf.function(lambda x: tf.reduce_sum(v * v) * x)
        outer = tf.function(lambda x: f(x) + 1.0)
        for value, square in (([1.0, 2.0], 5.0), ([[1.0, 2.0], [3.0, 4.0]], 30.0), (3.0, 9.0), ([2.0, 1.0], 5.0)):
            v.assign(value)
            x = tf.constant(2.0)
            assert f(x).numpy() == f(x).numpy() == 2.0 * square and outer(x).numpy() == 2.0 * square + 1.0
            with tf.GradientTape() as tape:
                y = f(x)
            assert tape.gradient(y, v).numpy().tolist() == (4.0 * np.array(value)).tolist()
        assert f.experimental_get_tracing_count() == 3

    def test_a_traced_function_changes_its_shape(self):
        v = tf.Variable([1.0], shape=[None])
        double = tf.function(lambda: v.assign(tf.concat([v, v], 0)).read_value())
        assert [double().shape for _ in range(3)] == [(2,), (4,), (8,)] and v.numpy().tolist() == [1.0] * 8

    def test_an_optimizer_says_that_it_was_built_for_another_shape(self):
        v = tf.Variable([1.0], shape=[None])
        adam = tf.optimizers.Adam(0.1)
        adam.minimize(lambda: tf.reduce_sum(v**2), [v])
        v.assign([1.0, 2.0])
        with pytest.raises(ShapeError, match="another optimizer"):
            adam.minimize(lambda: tf.reduce_sum(v**2), [v])
        tf.optimizers.SGD(0.5).minimize(lambda: tf.reduce_sum(v**2), [v])
        assert v.numpy().tolist() == [0.0, 0.0]


class TestReading:
    def test_rows_and_elements(self):
        v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
        with tf.GradientTape() as tape:
            rows, one = v.sparse_read([1]), v.gather_nd([[0, 1]])
        assert rows.numpy().tolist() == [[3.0, 4.0]] and one.numpy().tolist() == [2.0]
        assert tape.gradient([rows, one], v).numpy().tolist() == [[0.0, 1.0], [1.0, 1.0]]

    def test_the_value_under_every_name(self):
        v = tf.Variable(2.0)
        assert [x.numpy() for x in (v, v.value(), v.read_value(), v.initialized_value())] == [2.0] * 4
        assert v.is_initialized()

    def test_a_value_that_was_read_stays(self):
        v = tf.Variable(2.0)
        old, part = v.read_value(), tf.Variable([1.0, 2.0])[0]
        v.assign(3.0)
        assert old.numpy() == 2.0 and v.numpy() == 3.0 and part.numpy() == 1.0

    def test_operators_and_numpy(self):
        v = tf.Variable([1.0, 4.0])
        one = np.array([1.0, 2.0], np.float32)
        results = [v + 1.0, 1.0 + v, one + v, v * one, v / 2.0, -v, abs(v), v**2, v // 3.0, v % 3.0, v > 2.0, v == one]
        expected = [
            v.numpy() + 1,
            v.numpy() + 1,
            one + v.numpy(),
            v.numpy() * one,
            v.numpy() / 2,
            -v.numpy(),
            v.numpy(),
        ]
        expected += [v.numpy() ** 2, v.numpy() // 3, v.numpy() % 3, v.numpy() > 2, v.numpy() == one]
        for result, value in zip(results, expected, strict=True):
            assert isinstance(result, tf.Tensor) and result.numpy().tolist() == value.tolist()
        assert np.sum(v) == 5.0 and np.exp(v).tolist() == np.exp(v.numpy()).tolist() and len(v) == 2
        assert [float(x) for x in v] == [1.0, 4.0] and np.stack([v, v]).shape == (2, 2)

    def test_in_containers(self):
        v = tf.Variable([1.0, 2.0])
        assert tf.stack([v, v]).numpy().tolist() == [[1.0, 2.0], [1.0, 2.0]]
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.concat([v, 3.0 * v], 0))
        assert tape.gradient(y, {"layers": [v]})["layers"][0].numpy().tolist() == [4.0, 4.0]


class TestAssigning:
    def test_returns_the_variable_or_nothing(self):
        v = tf.Variable([1.0, 2.0])
        assert v.assign([2.0, 3.0]) is v and v.assign_add(np.ones(2)) is v and v.assign_sub([3.0, 3.0]) is v
        assert v.numpy().tolist() == [0.0, 1.0]
        assert v.assign([1.0, 1.0], read_value=False) is None and v.assign_add(1.0, read_value=False) is None
        assert v.numpy().tolist() == [2.0, 2.0]

    @pytest.mark.parametrize("value", [[1.0], [[1.0, 2.0]], 1.0, tf.constant([1.0, 2.0, 3.0])], ids=str)
    def test_another_shape_is_an_error_and_changes_nothing(self, value):
        v = tf.Variable([1.0, 2.0])
        with pytest.raises(ShapeError, match=r"has shape \(2,\)"):
            v.assign(value)
        assert v.numpy().tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("change", ["assign", "assign_add", "assign_sub"])
    def test_another_type_is_an_error(self, change):
        v = tf.Variable(1.0)
        with pytest.raises(DTypeError, match="float64"):
            getattr(v, change)(tf.constant(np.float64(2.0)))

    def test_is_a_constant_for_tapes(self):
        v, x = tf.Variable(1.0), tf.Variable(2.0)
        with tf.GradientTape() as tape:
            v.assign(x * x)
            y = v * x
        assert [g.numpy() for g in tape.gradient(y, [v, x])] == [2.0, 4.0]


class TestParts:
    @pytest.mark.parametrize(
        "index",
        [0, -1, slice(1, None), slice(None, None, -2), (0, 1), (Ellipsis, 0), (slice(None), slice(0, 2)), (1, None, 2)],
        ids=str,
    )
    @pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
    def test_of_any_index_change_as_in_numpy(self, index, dtype):
        array = np.arange(6).reshape(2, 3).astype(dtype.as_numpy_dtype)
        v = tf.Variable(array)
        value = np.asarray(array[index]) * 10 + 7
        for change, combine in (("assign", lambda a, b: b), ("assign_add", np.add), ("assign_sub", np.subtract)):
            assert getattr(v[index], change)(value) is v
            array[index] = combine(array[index], value)
            assert v.numpy().tolist() == array.tolist()

    def test_one_number_for_a_row(self):
        v = tf.Variable(np.zeros((2, 3)))
        v[1].assign(5.0)
        v[:, 0].assign_add(1.0)
        assert v.numpy().tolist() == [[1.0, 0.0, 0.0], [6.0, 5.0, 5.0]]

    def test_another_shape_or_type_is_an_error_at_that_line(self):
        v = tf.Variable([1.0, 2.0, 3.0])
        with pytest.raises(ShapeError, match=r"this part of Variable has shape \(2,\).*\(3,\)"):
            v[:2].assign([1.0, 2.0, 3.0])
        with pytest.raises(DTypeError):
            v[:2].assign(tf.constant(np.float64(1.0)))
        assert v.numpy().tolist() == [1.0, 2.0, 3.0]

    def test_the_gradient_is_of_what_was_read(self):
        v = tf.Variable([1.0, 2.0, 3.0])
        with tf.GradientTape() as tape:
            y = v[0] * v[1]
            v[0].assign(5.0)
        assert v.numpy().tolist() == [5.0, 2.0, 3.0]
        assert tape.gradient(y, v).numpy().tolist() == [2.0, 1.0, 0.0]

    def test_in_a_traced_function(self):
        v = tf.Variable([1.0, 2.0, 3.0])

        @tf.function
        def f(x):
            v[1].assign_add(x)
            v.scatter_add(tf.IndexedSlices([x, x], [0, 0]))
            return v[:2] * 2.0

        assert f(tf.constant(10.0)).numpy().tolist() == [42.0, 24.0]
        assert f(tf.constant(1.0)).numpy().tolist() == [46.0, 26.0]
        assert v.numpy().tolist() == [23.0, 13.0, 3.0]


class TestScatter:
    """Expected values are TensorFlow's."""

    @pytest.mark.parametrize(
        "name, values, indices, expected",
        [
            ("update", [10.0, 20.0], [0, 2], [10.0, 2.0, 20.0]),
            ("add", [10.0, 20.0], [0, 0], [31.0, 2.0, 3.0]),
            ("sub", [10.0, 20.0], [0, 0], [-29.0, 2.0, 3.0]),
            ("mul", [10.0, 20.0], [1, 1], [1.0, 400.0, 3.0]),
            ("div", [2.0, 2.0], [1, 1], [1.0, 0.5, 3.0]),
            ("max", [2.5, 2.5], [1, 2], [1.0, 2.5, 3.0]),
            ("min", [2.5, 2.5], [1, 2], [1.0, 2.0, 2.5]),
        ],
    )
    def test_rows(self, name, values, indices, expected):
        v = tf.Variable([1.0, 2.0, 3.0])
        assert getattr(v, f"scatter_{name}")(tf.IndexedSlices(values, indices)) is v
        assert v.numpy().tolist() == expected

    def test_rows_of_matrices(self):
        v = tf.Variable(np.zeros((3, 2)))
        v.scatter_update(tf.IndexedSlices(values=[[1.0, 2.0]], indices=[1]))
        v.scatter_mul(tf.IndexedSlices(tf.constant([[3.0, 4.0]]), tf.constant([1])))
        assert v.numpy().tolist() == [[0.0, 0.0], [3.0, 8.0], [0.0, 0.0]]

    def test_elements(self):
        v = tf.Variable([[1.0, 2.0, 3.0]])
        v.scatter_nd_update([[0, 1]], [7.0])
        v.scatter_nd_add([[0, 1], [0, 1]], [7.0, 1.0])
        v.scatter_nd_sub([[0, 2]], [1.0])
        assert v.numpy().tolist() == [[1.0, 15.0, 2.0]]

    @pytest.mark.parametrize("name", ["update", "add", "mul"])
    def test_a_row_that_is_not_there_is_an_error(self, name):
        v = tf.Variable([1.0, 2.0, 3.0])
        with pytest.raises(ShapeError):
            getattr(v, f"scatter_{name}")(tf.IndexedSlices([1.0], [3]))
        with pytest.raises(ArgumentError, match="IndexedSlices"):
            getattr(v, f"scatter_{name}")([1.0])
        assert v.numpy().tolist() == [1.0, 2.0, 3.0]


def test_adding_keeps_the_shape_where_any_is_open():
    v = tf.Variable([1.0], shape=tf.TensorShape(None))
    for change in (v.assign_add, v.assign_sub):
        with pytest.raises(tf.errors.ShapeError, match="assign a value of another shape"):
            change([1.0, 2.0])
    assert v.assign_add([2.0]).numpy().tolist() == [3.0]
    assert v.assign([1.0, 2.0]).numpy().shape == (2,)
