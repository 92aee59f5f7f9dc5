"""The cases in gradtape: plain tape code, no decorator. Every result is forced, once all of it was asked for."""

import numpy as np

import gradtape as tf


def power(size):
    x = tf.Variable(3.0)

    def work():
        with tf.GradientTape() as tape:
            y = x**4
        return [tape.gradient(y, x).numpy()]

    return work


def second(size):
    x = tf.Variable(3.0)

    def work():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = x**3
            first = inner.gradient(y, x)
        return [outer.gradient(first, x).numpy()]

    return work


def regression(size):
    w, b = tf.Variable(0.5), tf.Variable(0.1)
    x = tf.constant(np.arange(1, size + 1, dtype=np.float32))
    y = tf.constant(2 * np.arange(1, size + 1, dtype=np.float32))

    def work():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(w * x + b - y))
        return [g.numpy() for g in tape.gradient(loss, [w, b])]

    return work


def sigmoid(size):
    x = tf.constant(np.linspace(-10, 10, size, dtype=np.float32))

    def work():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sigmoid(x)
        slope = tape.gradient(y, x)
        return [y.numpy(), slope.numpy()]

    return work


def sine(size):
    x = tf.constant(np.linspace(-6, 6, size, dtype=np.float32))

    def work():
        with tf.GradientTape() as third:
            third.watch(x)
            with tf.GradientTape() as second:
                second.watch(x)
                with tf.GradientTape() as first:
                    first.watch(x)
                    y = tf.sin(x) ** 2
                d1 = first.gradient(y, x)
            d2 = second.gradient(d1, x)
        d3 = third.gradient(d2, x)
        return [v.numpy() for v in (y, d1, d2, d3)]

    return work


CASES = {"power": power, "second": second, "regression": regression, "sigmoid": sigmoid, "sine": sine}
