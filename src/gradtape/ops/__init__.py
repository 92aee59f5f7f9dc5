"""The table: every primitive, declared once, in a module per family of mathematics.

Importing this package fills `gradtape.graph.node.TABLE` (all primitives) and `PUBLIC` (the functions for users).
"""

from gradtape.ops import (
    activations,
    arithmetic,
    exponential,
    hyperbolic,
    linear_algebra,
    makers,
    operators,
    powers,
    reductions,
    selection,
    shaping,
    trigonometric,
)
from gradtape.ops.declare import PUBLIC

__all__ = [
    "PUBLIC",
    "activations",
    "arithmetic",
    "exponential",
    "hyperbolic",
    "linear_algebra",
    "makers",
    "operators",
    "powers",
    "reductions",
    "selection",
    "shaping",
    "trigonometric",
]
