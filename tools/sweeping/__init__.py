"""The sweep: float32 results of every unary function against float64 truth, at every one of the 2³² inputs.

    functions ──► inputs ──► work (measure, oracle, in processes) ──► state ──► page
    peers ────────────────────────────────────────────────────────────┘

`tools/sweep.py` is the command.
"""
