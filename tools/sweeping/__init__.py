"""The sweep: float32 results of every unary function against float64 truth, at every one of the 2³² inputs.

    functions ──► inputs ──► work (measure; oracle, binary, rows, zeros; in processes) ──► state ──► page
    peers ──────────────────────────────────────────────────────────────────────────────────┘

The oracle reads balls of Arb (`balls`), and says how far results are from them (`errors`).

`tools/sweep.py` is the command.
"""
