"""Element types under TensorFlow's name ``tf.dtypes``."""

from gradtape.graph.dtypes import DType, as_dtype, bfloat16, float16, float32, float64, half, int32, int64
from gradtape.graph.dtypes import bool_ as bool
from gradtape.ops.shaping import cast

__all__ = ["DType", "as_dtype", "bfloat16", "bool", "cast", "float16", "float32", "float64", "half", "int32", "int64"]
