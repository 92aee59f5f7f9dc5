"""The table: every primitive, declared once, in a module per family of mathematics.

Importing this package fills `gradtape.graph.node.TABLE` (all primitives) and `PUBLIC` (the functions for users).
"""

from gradtape.ops import (
    activations,
    arithmetic,
    cube_root,
    custom,
    differences,
    exponential,
    hyperbolic,
    linear_algebra,
    losses,
    makers,
    masked,
    normalised,
    operators,
    powers,
    rectifiers,
    reductions,
    selection,
    shaping,
    sinc,
    special,
    trigonometric,
)
from gradtape.ops.declare import PUBLIC

__all__ = [
    "PUBLIC",
    "activations",
    "arithmetic",
    "cube_root",
    "custom",
    "differences",
    "exponential",
    "hyperbolic",
    "linear_algebra",
    "losses",
    "makers",
    "masked",
    "normalised",
    "operators",
    "powers",
    "rectifiers",
    "reductions",
    "selection",
    "shaping",
    "sinc",
    "special",
    "trigonometric",
]
