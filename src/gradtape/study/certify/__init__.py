"""Proofs about a graph: its operations on intervals of real numbers, with bounds that hold in spite of rounding.

reals       one real number between two bounds: a ball of Arb (python-flint), or an interval of mpmath
interval    all numbers between two ends, each in it or not; what functions make of them
polynomials polynomials with exact coefficients, which say how fast something grows
tail        what stands for all x beyond some point: an interval times a power times an exponential
context     the functions by the names that mpmath has for them, as `exact` of the table calls them
reader      a graph on an interval
signs       where a function is positive, negative and 0, from the signs of its derivatives
"""
