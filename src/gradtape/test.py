"""TensorFlow's `tf.test`: what checks derivatives."""

from gradtape.modes.check import compute_gradient, max_error

__all__ = ["compute_gradient", "max_error"]
