"""Functions of a module, as the tests of pickling need them."""

import gradtape as tf
import gradtape.compat.v1 as tf1


def loss(x):
    return tf.reduce_sum(tf.sin(x) ** 2)


traced = tf.function(loss)


@tf.function
def decorated(x):
    return tf.reduce_sum(x**3)


@tf1.contrib.eager.gradients_function
def decorated_slope(x):
    return tf.reduce_sum(x**3)


class Model:
    def __init__(self, factor):
        self.factor = factor

    @tf.function
    def scaled(self, x):
        return self.factor * x

    slopes = tf1.contrib.eager.gradients_function(lambda self, x: self.factor * x**2, params=["x"])
