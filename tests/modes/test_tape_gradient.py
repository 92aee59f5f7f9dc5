"""What GradientTape.gradient answers: structures, weights, missing dependence, higher orders."""

import math
from typing import NamedTuple

import numpy as np
import pytest

import gradtape as tf
from gradtape.errors import ArgumentError, DTypeError, ShapeError


class Pair(NamedTuple):
    first: object
    second: object


class TestSources:
    @pytest.fixture
    def made(self):
        x, y = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape() as tape:
            z = x * x * y
        return tape, z, x, y

    def test_a_list_gives_a_list(self, made):
        tape, z, x, y = made
        result = tape.gradient(z, [x, y])
        assert isinstance(result, list) and [g.numpy() for g in result] == [12.0, 4.0]

    def test_a_tuple_gives_a_tuple(self, made):
        tape, z, x, y = made
        result = tape.gradient(z, (y, x))
        assert isinstance(result, tuple) and [g.numpy() for g in result] == [4.0, 12.0]

    def test_a_dict_gives_a_dict_with_its_keys_in_order(self, made):
        tape, z, x, y = made
        result = tape.gradient(z, {"y": y, "x": x})
        assert {k: g.numpy() for k, g in result.items()} == {"y": 4.0, "x": 12.0}
        assert list(result) == ["y", "x"]

    def test_nests_and_named_tuples_come_back_whole(self, made):
        tape, z, x, y = made
        result = tape.gradient(z, {"all": Pair(x, [y, (x,)])})
        assert isinstance(result["all"], Pair) and result["all"].first.numpy() == 12.0
        assert result["all"].second[0].numpy() == 4.0 and result["all"].second[1][0].numpy() == 12.0

    def test_an_empty_list_gives_an_empty_list(self, made):
        tape, z, *_ = made
        assert tape.gradient(z, []) == []

    def test_a_source_named_twice_has_its_gradient_twice(self, made):
        tape, z, x, _ = made
        assert [g.numpy() for g in tape.gradient(z, [x, x])] == [12.0, 12.0]

    def test_an_intermediate_value_can_be_the_source(self):
        x = tf.Variable(2.0)
        with tf.GradientTape(persistent=True) as tape:
            y = x * x
            z = 3.0 * y
        assert tape.gradient(z, y).numpy() == 3.0
        assert tape.gradient(z, x).numpy() == 12.0

    def test_a_gradient_has_the_shape_and_type_of_its_source(self):
        x = tf.Variable(np.ones((2, 1, 3)))
        b = tf.Variable(np.float32(2.0))
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(x * np.ones((4, 1))) * b
        by_x, by_b = tape.gradient(y, [x, b])
        assert by_x.shape == (2, 1, 3) and by_x.dtype == tf.float64
        assert by_b.shape == () and by_b.dtype == tf.float32

    @pytest.mark.parametrize("source", [np.ones(2), 3.0, None, "x"])
    def test_what_is_no_tensor_cannot_be_a_source(self, made, source):
        tape, z, *_ = made
        with pytest.raises(ArgumentError, match="source of a gradient"):
            tape.gradient(z, source)

    def test_an_integer_cannot_be_a_source(self):
        n = tf.constant(3)
        with tf.GradientTape() as tape:
            y = tf.cast(n, tf.float32) * 2.0
        with pytest.raises(DTypeError, match="int32"):
            tape.gradient(y, n)

    def test_a_variable_assigned_in_between_counts_with_every_value_that_was_read(self):
        v = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = v * v  # at 2
            v.assign(10.0)
            z = y + 3.0 * v  # at 10
        assert z.numpy() == 34.0
        assert tape.gradient(z, v).numpy() == 7.0

    def test_a_variable_assigned_after_the_block_keeps_the_gradient_of_what_was_computed(self):
        v = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = v * v
        v.assign(100.0)
        assert tape.gradient(y, v).numpy() == 4.0


class TestTargets:
    def test_elements_of_a_target_are_summed(self):
        x = tf.Variable([1.0, 2.0])
        with tf.GradientTape() as tape:
            y = tf.constant([[1.0], [10.0]]) * x
        assert tape.gradient(y, x).numpy().tolist() == [11.0, 11.0]

    def test_several_targets_are_summed(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            targets = {"square": x * x, "others": [3.0 * x, x * x]}
        assert tape.gradient(targets, x).numpy() == 11.0

    def test_a_target_named_twice_counts_twice(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = x * x
        assert tape.gradient([y, y], x).numpy() == 8.0

    def test_a_target_that_is_the_source_has_gradient_one(self):
        x = tf.Variable([2.0, 3.0])
        with tf.GradientTape() as tape:
            y = x + 0.0
        assert tape.gradient([y, y, x], x).numpy().tolist() == [3.0, 3.0]

    def test_a_watched_tensor_is_its_own_target(self):
        x = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
        assert tape.gradient(x, x).numpy() == 1.0

    def test_a_target_that_does_not_depend_on_the_source_gives_none(self):
        x, y = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape() as tape:
            z = y * y
            _ = x * x
        assert tape.gradient(z, x) is None

    def test_an_integer_target_gives_none(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as tape:
            y = tf.cast(x * x, tf.int32)
        assert tape.gradient(y, x) is None

    @pytest.mark.parametrize("target", [np.ones(2), 3.0, None])
    def test_what_is_no_tensor_cannot_be_a_target(self, target):
        with tf.GradientTape() as tape:
            x = tf.Variable(2.0)
        with pytest.raises(ArgumentError, match="target of a gradient"):
            tape.gradient(target, x)


class TestOutputGradients:
    @pytest.fixture
    def made(self):
        x = tf.Variable([1.0, 2.0])
        with tf.GradientTape() as tape:
            y = x * x
        return tape, y, x

    @pytest.mark.parametrize("weights", [tf.constant([10.0, 0.5]), np.array([10.0, 0.5])], ids=["Tensor", "array"])
    def test_weigh_the_elements(self, made, weights):
        tape, y, x = made
        assert tape.gradient(y, x, output_gradients=weights).numpy().tolist() == [20.0, 2.0]

    def test_of_several_targets_have_their_structure(self, made):
        tape, y, x = made
        result = tape.gradient([y, x], x, output_gradients=[tf.ones(2), tf.constant([5.0, 7.0])])
        assert result.numpy().tolist() == [7.0, 11.0]

    def test_of_another_shape_are_an_error(self, made):
        tape, y, x = made
        with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
            tape.gradient(y, x, output_gradients=tf.ones(3))

    def test_of_another_number_are_an_error(self, made):
        tape, y, x = made
        with pytest.raises(ShapeError, match="2 targets"):
            tape.gradient([y, y], x, output_gradients=[tf.ones(2)])

    def test_can_be_differentiated_by(self):
        x, w = tf.Variable(3.0), tf.Variable(1.0)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = x * x
            pulled = inner.gradient(y, x, output_gradients=w * 1.0)
        assert outer.gradient(pulled, w).numpy() == 6.0


class TestUnconnectedGradients:
    @pytest.mark.parametrize("zero", ["zero", tf.UnconnectedGradients.ZERO])
    def test_zero_gives_zeros_of_the_source(self, zero):
        x, y = tf.Variable(np.ones((2, 3))), tf.Variable(2.0)
        with tf.GradientTape() as tape:
            z = y * y
        result = tape.gradient(z, x, unconnected_gradients=zero)
        assert result.shape == (2, 3) and result.dtype == tf.float64 and not result.numpy().any()

    @pytest.mark.parametrize("none", ["none", tf.UnconnectedGradients.NONE])
    def test_none_gives_none(self, none):
        with tf.GradientTape() as tape:
            x = tf.Variable(2.0)
        assert tape.gradient(x * x, x, unconnected_gradients=none) is None

    def test_it_is_an_enumeration(self):
        assert tf.UnconnectedGradients("zero") is tf.UnconnectedGradients.ZERO
        assert [one.value for one in tf.UnconnectedGradients] == ["none", "zero"]

    def test_anything_else_is_an_error(self):
        with tf.GradientTape() as tape:
            x = tf.Variable(2.0)
        with pytest.raises(ArgumentError, match="'nil'"):
            tape.gradient(x, x, unconnected_gradients="nil")


class TestNesting:
    def test_to_order_4(self):
        x = tf.Variable(0.5)
        with tf.GradientTape() as t4:
            with tf.GradientTape() as t3:
                with tf.GradientTape() as t2:
                    with tf.GradientTape() as t1:
                        y = tf.sin(2.0 * x)
                    d1 = t1.gradient(y, x)
                d2 = t2.gradient(d1, x)
            d3 = t3.gradient(d2, x)
        d4 = t4.gradient(d3, x)
        exact = [2 * math.cos(1), -4 * math.sin(1), -8 * math.cos(1), 16 * math.sin(1)]
        assert [float(d) for d in (d1, d2, d3, d4)] == pytest.approx(exact, rel=2e-7)

    def test_each_tape_follows_what_it_watches(self):
        x, y = tf.constant(2.0), tf.constant(3.0)
        with tf.GradientTape() as outer, tf.GradientTape() as inner:
            outer.watch(x)
            inner.watch(y)
            z = x * x * y
        assert outer.gradient(z, x).numpy() == 12.0
        assert inner.gradient(z, y).numpy() == 4.0

    def test_the_inner_gradient_taken_inside_the_inner_block(self):
        x = tf.Variable(2.0)
        with tf.GradientTape() as outer, tf.GradientTape() as inner:
            y = x**3
            slope = inner.gradient(y, x)
        assert outer.gradient(slope, x).numpy() == 12.0

    def test_mixed_derivatives_agree(self):
        x, y = tf.Variable(2.0), tf.Variable(3.0)
        with tf.GradientTape(persistent=True) as outer:
            with tf.GradientTape() as inner:
                z = x * x * y * y * y
            by_x, by_y = inner.gradient(z, [x, y])
        assert outer.gradient(by_x, y).numpy() == outer.gradient(by_y, x).numpy() == 108.0

    def test_the_gradient_of_a_gradient_s_square(self):
        x = tf.Variable([1.0, 2.0])
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = tf.reduce_sum(x**3)
            penalty = tf.reduce_sum(inner.gradient(y, x) ** 2)  # (3x²)²
        assert outer.gradient(penalty, x).numpy().tolist() == [36.0, 288.0]


class TestReasonsForNone:
    """Why there is no gradient is one question away."""

    @staticmethod
    def reasons(compute, watch=True):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            if watch:
                tape.watch(x)
            y = compute(x)
        assert tape.gradient(y, [x]) == [None]
        return tape.none_reasons

    def test_a_source_that_was_not_watched(self):
        assert "not watched" in self.reasons(tf.sin, watch=False)[0]

    def test_a_target_that_left_the_graph(self):
        assert "does not depend on anything" in self.reasons(lambda x: tf.constant(x.numpy() * 2.0))[0]

    def test_a_target_that_depends_on_something_else(self):
        v = tf.Variable(1.0)
        assert "without the source" in self.reasons(lambda x: v * 2.0)[0]

    def test_there_is_no_reason_where_there_is_a_gradient(self):
        x, y = tf.Variable(1.0), tf.Variable(2.0)
        with tf.GradientTape() as tape:
            z = tf.sin(x)
        assert tape.gradient(z, {"x": x, "y": y})["y"] is None
        assert tape.none_reasons[0] is None and "was not read" in tape.none_reasons[1]

    def test_a_target_that_is_none_points_to_the_reasons(self):
        with tf.GradientTape() as tape:
            x = tf.Variable(1.0) * 2.0
        with pytest.raises(ValueError, match="none_reasons"):
            tape.gradient(None, x)
