"""Something to look at: a function and its derivatives as a picture and as a table.

derive     f, f', f'', … at given points
subject    what was given (a function, an expression, text), its names, and the points to look at
tables     numbers at a dozen round points
pictures   with Matplotlib, which loads when the first picture is drawn
partials   a function of several variables at a point: gradient and Hessian by name
formula    the formulas of derivatives, by SymPy, which loads with the first of them
certify    proofs about a graph: bounds of its operations on intervals of real numbers
facts      what is known of a function, proved or sampled
report     facts and a picture as one page; comparison: the facts of several functions beside each other
catalogue  the activation functions of the field: `gradtape.activations`
accuracy   how exact a function and its derivatives are, against mpmath, which loads with the first measurement
"""

from gradtape.study.accuracy_measure import accuracy
from gradtape.study.accuracy_result import Accuracy
from gradtape.study.comparison import Comparison, compare_facts
from gradtape.study.derive import derivatives
from gradtape.study.facts import Fact, Facts, facts
from gradtape.study.partials import Partials, gradient
from gradtape.study.pictures.animate import animate_descent, animate_tangent
from gradtape.study.pictures.compare import compare
from gradtape.study.pictures.curve import plot
from gradtape.study.pictures.depth import depth
from gradtape.study.pictures.descent import descent, regression
from gradtape.study.pictures.field import field
from gradtape.study.pictures.style import STYLES, Style
from gradtape.study.pictures.surface import surface
from gradtape.study.report import Report, report
from gradtape.study.tables import Table, table

__all__ = [
    "STYLES",
    "Accuracy",
    "Comparison",
    "Fact",
    "Facts",
    "Partials",
    "Report",
    "Style",
    "Table",
    "accuracy",
    "animate_descent",
    "animate_tangent",
    "compare",
    "compare_facts",
    "depth",
    "derivatives",
    "descent",
    "facts",
    "field",
    "gradient",
    "plot",
    "regression",
    "report",
    "surface",
    "table",
]
