"""Transforms walk over what was recorded once for each structure; what they give does not depend on that."""

import numpy as np
import pytest

import gradtape as tf
from gradtape.graph import trace
from gradtape.modes import collapse, functional, jacobians, vmap

A = tf.constant(np.linspace(-1, 1, 12).reshape(4, 3))
ONES = np.ones(3)


def many(x):
    return tf.tanh(tf.reshape(tf.matmul(A, tf.reshape(x, [3, 1])), [4]))


def one(x):
    return tf.reduce_sum(tf.exp(x) * x[::-1]) ** 2


TRANSFORMS = {
    "jvp": lambda x: tf.jvp(many, (x,), (ONES,))[1],
    "linearize": lambda x: tf.linearize(many, x)[1](ONES),
    "hvp": lambda x: tf.hvp(one, (x,), (ONES,)),
    "jacfwd": lambda x: tf.jacfwd(many)(x),
    "jacrev": lambda x: tf.jacrev(many)(x),
    "hessian": lambda x: tf.hessian(one)(x),
    "vmap": lambda x: tf.vmap(lambda a: tf.sin(a) * 2.0 + x[0])(x),
    "vmap of grad": lambda x: tf.vmap(tf.grad(lambda a: tf.sin(a) * a))(x),
    "vmap of vmap": lambda x: tf.vmap(tf.vmap(lambda a: a * a), 1, 1)(tf.reshape(x, [3, 1])),
    "laplacian": lambda x: tf.laplacian(one)(x),
    "derivatives": lambda x: tf.derivatives(tf.tanh, x, 4)[4],
    "jvp of jacobian": lambda x: tf.jvp(tf.jacobian(many), (x,), (ONES,))[1],
}
WALKS = {
    "jvp": (functional, "push_forward"),
    "linearize": (functional, "push_forward"),
    "hvp": (functional, "push_forward"),
    "jacfwd": (jacobians, "push_forward"),
    "jacrev": (jacobians, "pull_back"),
    "vmap": (vmap, "batched"),
    "laplacian": (collapse, "_collapsed"),
}
POINTS = [tf.constant(np.array(x)) for x in ([0.5, 1.0, -0.25], [0.125, -2.0, 1.5], [3.0, 0.0, -1.0])]
each = pytest.mark.parametrize("name", TRANSFORMS)


def afresh(f, x):
    """f(x) with nothing known from before."""
    trace._tree.grow_anew()
    trace.thread.trace = trace.Trace()
    return f(x).numpy()


@each
def test_the_same_bits_whether_known_or_not(name):
    f = TRANSFORMS[name]
    wanted = [afresh(f, x) for x in POINTS]
    for x, value in [*zip(POINTS, wanted, strict=True)] * 2:
        found = f(x).numpy()
        assert found.dtype == value.dtype and found.tobytes() == value.tobytes()


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_is_made_once(name, monkeypatch):
    f, (module, walk), walked = TRANSFORMS[name], WALKS[name], []
    original = getattr(module, walk)
    monkeypatch.setattr(module, walk, lambda *args: walked.append(0) or original(*args))
    afresh(f, POINTS[0])
    assert walked
    f(POINTS[1]).numpy()
    walked.clear()
    for x in POINTS:
        f(x).numpy()
    assert not walked


@each
def test_a_tape_sees_what_is_known(name):
    f, x = TRANSFORMS[name], POINTS[0]

    def slope():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x, unconnected_gradients="zero").numpy()

    wanted = afresh(lambda _: tf.constant(slope()), x)
    f(x).numpy()
    for _ in range(3):
        assert slope().tobytes() == wanted.tobytes()


def ways(f):
    return {
        "jvp": lambda x: tf.jvp(f, (x,), (np.array(1.0),))[1],
        "jacobian": tf.jacobian(f),
        "derivatives": lambda x: tf.derivatives(f, x, 1)[1],
        "vmap": lambda x: tf.vmap(tf.grad(f))(tf.reshape(x, [1]))[0],
        "laplacian": lambda x: tf.laplacian(f)(x),
    }


@pytest.mark.parametrize("way", ways(None))
def test_numbers_that_are_read_as_part_of_a_formula(way):
    """1/(c + exp(-x)) is a sigmoid for c = 1 alone."""
    x = tf.constant(np.array(-700.0))

    def found(c):
        return ways(lambda x: 1.0 / (c + tf.exp(-x)))[way](x).numpy()

    ones = afresh(lambda _: tf.constant(found(1.0)), x)
    twos = afresh(lambda _: tf.constant(found(2.0)), x)
    assert [found(c).tobytes() for c in (1.0, 2.0, 1.0, 2.0)] == [ones.tobytes(), twos.tobytes()] * 2
    c = tf.constant(np.array(1.0))
    with tf.GradientTape() as tape:
        tape.watch(c)
        y = ways(lambda x: 1.0 / (c + tf.exp(-x)))[way](tf.constant(np.array(0.5)))
    assert tape.gradient(y, c).numpy() != 0


@pytest.mark.parametrize("way", [way for way in ways(None) if way != "laplacian"])
def test_rules_of_users_are_asked_each_time(way):
    factor = [1.0]

    @tf.custom_jvp
    def f(x):
        return tf.sin(x)

    f.defjvp(lambda primals, tangents: (tf.sin(*primals), factor[0] * tangents[0]))
    slope = ways(f)[way]
    for factor[0] in (1.0, 2.0, 3.0, 2.0):
        assert slope(tf.constant(np.array(0.5))).numpy() == factor[0]


def test_a_linear_map_that_is_asked_later():
    """After something was computed, what was recorded stands in no open Trace any more."""
    value, slope = tf.linearize(lambda x: x**3, tf.constant(np.array(2.0)))
    for t in (1.0, 2.0, -1.0):
        assert slope(np.array(t)).numpy() == 12 * t
    assert value.numpy() == 8
    assert slope(np.array(3.0)).numpy() == 36
