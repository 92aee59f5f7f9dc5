"""Linear algebra under TensorFlow's name ``tf.linalg``."""

from gradtape.ops.clipping import global_norm
from gradtape.ops.linear_algebra import matmul
from gradtape.ops.makers import eye
from gradtape.ops.normalised import l2_normalize, norm

__all__ = ["eye", "global_norm", "l2_normalize", "matmul", "norm"]
