"""The engine: Programs in, values out.

run          what is asked for, and what is computed in the same pass
tiers        op by op, fused, or in pieces
executable   a Program made ready: rewritten, planned, compiled
plan         which operations are one pass over memory
lower        a pass → LLVM IR: frame and loops around the body; combine says how reductions go
machine      values and instructions as Python operators; elementary/ is written on it
compile      machine code: LLVM IR is compiled, or what another process compiled is loaded from disk
kernel       calling it: arguments, threads, partial results; buffers is the memory of results
reference    the oracle: the same Program with NumPy
"""

import time

LOADED = time.time_ns()
"""When this process began to load the engine: source files that were changed later are not what it runs."""
