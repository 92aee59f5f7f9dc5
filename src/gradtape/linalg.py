"""Linear algebra under TensorFlow's name ``tf.linalg``."""

from gradtape.ops.linear_algebra import matmul
from gradtape.ops.makers import eye

__all__ = ["eye", "matmul"]
