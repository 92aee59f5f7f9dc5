"""TensorFlow 1 eager code: everything of `gradtape`, and the names that only TensorFlow 1 had.

>>> import gradtape.compat.v1 as tf
>>> tf.enable_eager_execution()
>>> tfe = tf.contrib.eager
>>> [g.numpy() for g in tfe.gradients_function(lambda x: x * x)(3.0)]
[np.float32(6.0)]

Programs that build a graph first (placeholder, feed_dict) have no place here; asking for
these names says what to write instead.
"""

import gradtape
from gradtape.compat.v1 import contrib, losses, train
from gradtape.compat.v1.names import (
    assign,
    assign_add,
    assign_sub,
    div,
    lin_space,
    mod,
    to_bfloat16,
    to_double,
    to_float,
    to_int32,
    to_int64,
    truediv,
)
from gradtape.compat.v1.session import (
    InteractiveSession,
    Session,
    disable_v2_behavior,
    enable_eager_execution,
    enable_v2_behavior,
    executing_eagerly,
    global_variables_initializer,
    local_variables_initializer,
)

__all__ = [
    "InteractiveSession",
    "Session",
    "assign",
    "assign_add",
    "assign_sub",
    "contrib",
    "disable_v2_behavior",
    "div",
    "enable_eager_execution",
    "enable_v2_behavior",
    "executing_eagerly",
    "global_variables_initializer",
    "lin_space",
    "local_variables_initializer",
    "losses",
    "mod",
    "to_bfloat16",
    "to_double",
    "to_float",
    "to_int32",
    "to_int64",
    "train",
    "truediv",
]
__all__ += gradtape.__all__

_GRAPH_MODE = {
    "placeholder": "write a function with an argument in its place",
    "get_variable": "use Variable",
    "disable_eager_execution": "there is no graph mode; leave the call out",
    "Graph": "there is no graph mode; leave it out",
}


def __getattr__(name: str) -> object:
    """What is not TensorFlow 1's alone is gradtape's, also what that loads when it is used."""
    if name in _GRAPH_MODE:
        raise AttributeError(f"gradtape.compat.v1 runs eagerly and has no {name!r}: {_GRAPH_MODE[name]}")
    if name in gradtape.__all__:
        return getattr(gradtape, name)
    raise AttributeError(f"module 'gradtape.compat.v1' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
