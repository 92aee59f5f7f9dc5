"""Laws that forward, reverse and batch mode obey together, for every primitive of the table."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph.node import TABLE
from laws.examples import MOVING, differentiable, examples

UNIT = 2.0**-53


def random(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(shape) for shape in shapes)


def like(example, seed):
    return random(seed, *[x.shape for x in example.points])


def same_bits(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def dot(xs, ys):
    """The sum of products, and how large its rounding error can be if each factor is exact to a few hundred ulps."""
    terms = [np.asarray(x, np.float64) * np.asarray(y, np.float64) for x, y in zip(xs, ys, strict=True)]
    total = sum(float(np.sum(t)) for t in terms)
    return total, 256 * UNIT * sum(float(np.sum(np.abs(t))) for t in terms)


def close(a, b, scale=1.0, dtype=np.float64):
    """Equal up to rounding of numbers of this size."""
    a, b = np.asarray(a), np.asarray(b)
    size = np.max(np.abs(a), initial=0) + np.max(np.abs(b), initial=0) + scale
    return a.shape == b.shape and np.max(np.abs(a - b), initial=0) <= 64 * np.finfo(dtype).eps * size


def each(example_list):
    return pytest.mark.parametrize("example", example_list, ids=str)


def test_every_primitive_has_an_example():
    known = {e.name for e in examples()}
    missing = [n for n, p in TABLE.items() if n not in known and n not in ("literal", "ruled", "while_loop")]
    assert missing == []


@each(differentiable())
def test_forward_mode_is_the_transpose_of_reverse_mode(example):
    value, pull_back = tf.vjp(example.of_smooth, *example.points)
    tangents, (weights,) = like(example, 1), random(2, tuple(value.shape))
    weights = weights.astype(value.dtype.dtype)
    _, tangent = tf.jvp(example.of_smooth, example.points, tangents)
    forward, slack = dot([tangent], [weights])
    backward, more = dot(pull_back(weights), tangents)
    unit = 2.0**29 if value.dtype is tf.float32 else 1
    assert abs(forward - backward) <= (slack + more) * unit


@each(differentiable())
def test_a_tangent_is_linear_in_the_direction(example):
    value, slope = tf.linearize(example.of_smooth, *example.points)
    one, other = like(example, 3), like(example, 4)
    together = slope(*[2 * a - 3 * b for a, b in zip(one, other, strict=True)])
    apart = 2 * slope(*one) - 3 * slope(*other)
    assert close(together, apart, np.max(np.abs(slope(*one))) + np.max(np.abs(slope(*other))), value.dtype.dtype)


@each(differentiable())
def test_chain_rule(example):
    points, tangents = example.points, like(example, 5)
    outer = lambda y: tf.sin(y) * y  # noqa: E731
    y, dy = tf.jvp(example.of_smooth, points, tangents)
    z, dz = tf.jvp(outer, (y,), (dy,))
    both, dboth = tf.jvp(lambda *xs: outer(example.of_smooth(*xs)), points, tangents)
    assert same_bits(z, both) and same_bits(dz, dboth)


@each(differentiable())
def test_product_rule(example):
    points, tangents = example.points, like(example, 6)
    f, g = example.of_smooth, lambda *xs: tf.exp(0.1 * example.of_smooth(*xs))
    y, dy = tf.jvp(f, points, tangents)
    z, dz = tf.jvp(g, points, tangents)
    _, both = tf.jvp(lambda *xs: f(*xs) * g(*xs), points, tangents)
    assert close(both, dy * z + y * dz, dtype=y.dtype.dtype)


@each(differentiable())
def test_mixed_partial_derivatives_are_symmetric(example):
    (weights,) = random(7, tuple(example(*example.operands).shape))
    one, other = like(example, 8), like(example, 9)

    def weighed(*xs):
        return tf.reduce_sum(tf.cast(example.of_smooth(*xs), tf.float64) * weights)

    def curved(direction):
        found = tf.hvp(weighed, example.points, direction)
        return found if isinstance(found, tuple) else (found,)

    first, slack = dot(curved(one), other)
    second, more = dot(curved(other), one)
    assert abs(first - second) <= slack + more + 1e-14


@each(differentiable())
def test_second_derivatives_agree_in_every_nesting_of_modes(example):
    (weights,) = random(7, tuple(example(*example.operands).shape))
    direction = like(example, 8)
    places = tuple(range(len(direction)))

    def weighed(*xs):
        return tf.reduce_sum(tf.cast(example.of_smooth(*xs), tf.float64) * weights)

    def along(*xs):
        return tf.jvp(weighed, xs, direction)[1]

    def slopes_along(*xs):
        slopes = tf.grad(weighed, places)(*xs)
        return sum(tf.reduce_sum(s * d) for s, d in zip(slopes, direction, strict=True))

    forward_over_reverse = tf.jvp(tf.grad(weighed, places), example.points, direction)[1]
    reverse_over_forward = tf.grad(along, places)(*example.points)
    reverse_over_reverse = tf.grad(slopes_along, places)(*example.points)
    _, forward_over_forward = tf.jvp(along, example.points, direction)
    for a, b, c in zip(forward_over_reverse, reverse_over_forward, reverse_over_reverse, strict=True):
        assert close(a, b) and close(a, c)
    total, slack = dot(forward_over_reverse, direction)
    assert abs(float(forward_over_forward) - total) <= slack + 1e-13 * (1 + abs(total))


# -- batches --------------------------------------------------------------------------------------------------

NUMBER = 3


def batches(example):
    """Three of each operand that are different where numbers are floats."""
    for flags in product([False, True], repeat=len(example.operands)):
        if any(flags):
            many = [
                np.stack([x if x.dtype.kind != "f" else x * (1 + 0.03 * k) for k in range(NUMBER)]) if flag else x
                for x, flag in zip(example.operands, flags, strict=True)
            ]
            yield flags, many


def rounding_differs(example):
    """Whether a batch is one product of matrices: the BLAS sums in the order that suits the shapes."""
    return TABLE[example.name].library != ""


@each(examples())
def test_a_batch_has_the_bits_of_a_loop(example):
    for flags, many in batches(example):
        axes = tuple(0 if flag else None for flag in flags)
        together = tf.vmap(example, axes)(*many).numpy()
        alone = [
            example(*[x[k] if flag else x for x, flag in zip(many, flags, strict=True)]).numpy() for k in range(NUMBER)
        ]
        if rounding_differs(example):
            depth = example.operands[0].shape[-1 - example.params[0]]
            bound = 2 * depth * UNIT * np.max(np.abs(many[0])) * np.max(np.abs(many[1])) * depth
            assert np.max(np.abs(together - np.stack(alone))) <= bound
        else:
            assert same_bits(together, np.stack(alone))


@each(differentiable())
def test_gradients_of_a_batch_have_the_bits_of_a_loop(example):
    if rounding_differs(example):
        pytest.skip("its batches are compared up to rounding above")
    many = [np.stack([x * (1 + 0.03 * k) for k in range(NUMBER)]) for x in example.points]
    places = tuple(range(len(many)))

    def slopes(*xs):
        return tf.elementwise_grad(example.of_smooth, places)(*xs)

    together = tf.vmap(slopes)(*many)
    for k in range(NUMBER):
        for found, alone in zip(together, slopes(*[x[k] for x in many]), strict=True):
            assert same_bits(found[k], alone)


@each(examples())
def test_axes_of_a_batch_may_stand_anywhere(example):
    operands = example.operands
    if not all(x.ndim for x in operands) or rounding_differs(example):
        pytest.skip("needs axes")
    many = [np.stack([x, x, x], axis=-1) for x in operands]
    last = tf.vmap(example, -1, -1)(*many).numpy()
    alone = example(*operands).numpy()
    assert same_bits(last, np.stack([alone] * 3, axis=-1))


# -- with gradtape.function -----------------------------------------------------------------------------------


@each(differentiable())
def test_transforms_have_the_same_bits_in_a_function(example):
    places = tuple(range(len(example.points)))
    tangents = tuple(map(tf.constant, like(example, 10)))
    points = tuple(map(tf.constant, example.points))
    f = example.of_smooth
    transforms = {
        "gradient": lambda *xs: tf.elementwise_grad(f, places)(*xs),
        "jvp": lambda *xs: tf.jvp(f, xs, tangents)[1],
        "vjp": lambda *xs: tf.vjp(f, *xs)[1](f(*xs)),
        "vmap": lambda *xs: tf.vmap(f)(*[tf.stack([x, x]) for x in xs]),
        "vmap of jvp": lambda *xs: tf.vmap(lambda *ts: tf.jvp(f, xs, ts)[1])(*[tf.stack([t, 2 * t]) for t in tangents]),
    }
    for name, transformed in transforms.items():
        eager, staged = transformed(*points), tf.function(transformed)(*points)
        for a, b in zip(*[x if isinstance(x, tuple) else (x,) for x in (eager, staged)], strict=True):
            assert same_bits(a, b), name
    inside = tf.vmap(tf.function(f))(*[tf.stack([x, x]) for x in points])
    assert same_bits(inside, transforms["vmap"](*points))


def test_moving_primitives_have_more_than_one_example_each():
    assert all(prod(operands[0].shape) for cases in MOVING.values() for operands, _ in cases)
