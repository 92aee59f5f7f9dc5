"""``tf.contrib`` of TensorFlow 1: its eager functions."""

from gradtape.compat.v1.contrib import eager

__all__ = ["eager"]
