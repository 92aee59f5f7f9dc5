"""The engine: Programs in, values out.

run          what is asked for, and what is computed in the same pass
tiers        op by op, fused, or in pieces
executable   a Program made ready: rewritten, planned, compiled
plan         which operations are one pass over memory, in steps; unroll writes out short axes before that; layout says
             what views do, space what the loops are
lower        a pass → LLVM IR: frame and loops around the body, access to memory, accumulators (accumulate);
             combine says in which order reductions go
machine      values and instructions as Python operators; elementary/ is written on it
compile      machine code: LLVM IR is compiled, or what another process compiled is loaded from disk
kernel       calling it: arguments, partial results; threads (and crew, their machine code) share out its units; buffers
             is the memory of results
library      matrix products, in parts that threads share out; products calls the BLAS for them
reference    the oracle: the same Program with NumPy
show         what would run, in words: describe says what each step of a plan is and costs
profile      what did run, and how fast: measured has the records and their table
"""

import time

LOADED = time.time_ns()
"""When this process began to load the engine: source files that were changed later are not what it runs."""
