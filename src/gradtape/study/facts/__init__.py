"""What is known of a function of one variable, and how: proved with bounds, or seen at samples.

fact        one fact: a value, a sentence, proved or sampled
analysis    what the facts of one function rest on
shape       domain, range, limits, zeros, where it rises and bends
smooth      symmetry, smoothness, breakpoints
slopes      how steep it is, where it saturates, and what floating-point numbers make of that
averages    means for normally distributed inputs
collection  all facts of one function
"""

from gradtape.study.facts.collection import Facts, facts
from gradtape.study.facts.fact import Fact

__all__ = ["Fact", "Facts", "facts"]
