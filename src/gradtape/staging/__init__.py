"""Staging: a Python function is run once to see its operations, which are then run without it.

capture     what a function that is being traced reads and assigns; what happens if it asks for a value
signature   which calls share a trace
function    `gradtape.function`
control     `cond` and `while_loop`: what depends on values, as operations
loop        the operation that a loop becomes; `loop_derivatives`: the loops that its derivatives are
"""
