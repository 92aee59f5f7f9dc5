"""The engine: Programs in, values out.

run          what is asked for, and what is computed in the same pass
tiers        op by op, fused, or in pieces
executable   a Program made ready: rewritten, planned, compiled
plan         which operations are one pass over memory
lower        a pass → LLVM IR: frame and loops around the body; combine says how reductions go
machine      values and instructions as Python operators; elementary/ is written on it
compile      LLVM IR → machine code
kernel       calling it: arguments, threads, partial results; buffers is the memory of results
reference    the oracle: the same Program with NumPy
"""
