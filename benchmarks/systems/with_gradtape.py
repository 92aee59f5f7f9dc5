"""The cases in gradtape: plain tape code, or the same in `gradtape.function`."""

import gradtape as tf

import inputs
from systems import LeftOut
from systems.tape import Tape


class System(Tape):
    def __init__(self, mode):
        if mode == "function" and not hasattr(tf, "function"):
            raise LeftOut("this version of gradtape has no function")
        self.compiled = mode == "function"
        wrap = tf.function if mode == "function" else lambda function: function
        super().__init__(tf, wrap, lambda results: [result.numpy() for result in results])

    def seventh(self, size):
        return self._work(lambda x: tf.derivatives(self._wave, x, 7)[7:], tf.constant(inputs.points(size, 3)))

    def tenth(self, size):
        return self._work(lambda x: tf.derivatives(self._wave, x, 10)[1:], tf.constant(inputs.points(size, 3)))

    def hessian_vector(self, size):
        return self._work(lambda x, v: [tf.hvp(self._rosenbrock, (x,), (v,))], *map(tf.constant, inputs.valley(size)))

    def dense_hessian(self, size):
        derivatives = tf.hessian(self._rosenbrock)
        return self._work(lambda x: [derivatives(x)], tf.constant(inputs.valley(size)[0]))

    def sparse_hessian(self, size):
        x = tf.constant(inputs.valley(size)[0])
        return self._sparse_hessian(x, tf.sparsity(self._rosenbrock, x, order=2))

    def found_hessian(self, size):
        return self._sparse_hessian(tf.constant(inputs.valley(size)[0]), True)

    def _sparse_hessian(self, x, pattern):
        if self.compiled:
            raise LeftOut("a SciPy matrix is made outside of traces")
        derivatives = tf.hessian(self._rosenbrock, sparse=pattern)
        return lambda: [derivatives(x).data]

    def labels(self, labels, classes):
        return tf.one_hot(labels, classes)

    def cross_entropy(self, logits, labels):
        return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def logsumexp(self, x, axis):
        return tf.reduce_logsumexp(x, axis=axis)
