"""Activation functions under TensorFlow's name ``tf.nn``."""

from gradtape.ops.activations import leaky_relu, relu, sigmoid, softplus, tanh

__all__ = ["leaky_relu", "relu", "sigmoid", "softplus", "tanh"]
