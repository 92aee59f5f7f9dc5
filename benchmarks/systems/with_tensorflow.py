"""The cases in TensorFlow: eagerly, in `tf.function`, and compiled by XLA.

TensorFlow computes on the processor before it returns, so its tensors are results; `.numpy()` would copy them.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

import inputs
from systems.tape import Tape


class System(Tape):
    def __init__(self, mode):
        wrap = {
            "eager": lambda function: function,
            "function": tf.function,
            "xla": lambda function: tf.function(function, jit_compile=True),
        }[mode]
        self.loops_inside = mode != "eager"
        super().__init__(tf, wrap, lambda results: results)

    def labels(self, labels, classes):
        return tf.constant(labels)

    def cross_entropy(self, logits, labels):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

    def logsumexp(self, x, axis):
        return tf.reduce_logsumexp(x, axis=axis)

    def _training(self, loss_of, rate, rows, columns, classes):
        """In a function the loop is inside, and what it carries are tensors: faster than variables."""
        if not self.loops_inside:
            return super()._training(loss_of, rate, rows, columns, classes)
        x, y = inputs.table(rows, columns, classes=classes)

        def train(x, y):
            w, b = tf.zeros([columns, 1]), tf.constant(0.0)
            for _ in tf.range(inputs.STEPS):
                with tf.GradientTape() as tape:
                    tape.watch([w, b])
                    loss = loss_of(tf.matmul(x, w) + b, y)
                dw, db = tape.gradient(loss, [w, b])
                w, b = w - rate * dw, b - rate * db
            return [w, b]

        return self._work(train, tf.constant(x), tf.constant(y[:, None]))
