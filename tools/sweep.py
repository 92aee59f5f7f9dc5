"""Checks derivatives of every unary function of the table: float32 at all 2³² inputs, and writes docs/accuracy.md.

    python tools/sweep.py                         # everything, hours; goes on where it was interrupted
    python tools/sweep.py --only sigmoid tanh     # these functions
    python tools/sweep.py --orders 0 1            # these orders; 0 is the value
    python tools/sweep.py --sample 1000000        # about so many inputs per function and order: minutes
    python tools/sweep.py --double 1000000        # float64 against Arb (pip install "gradtape[sweep]") or mpmath
    python tools/sweep.py --halves                # float16 and bfloat16 at all 65536 inputs: a minute or two
    python tools/sweep.py --high 30000            # orders 4 to 10 of some functions, both types, against Arb
    python tools/sweep.py --binary 30000          # functions of two variables, both types, against Arb
    python tools/sweep.py --zeros 100000          # next to zeros of derivatives, in ulps of the result, against Arb
    python tools/sweep.py --rows 1300             # softmax, its logarithms and norms, both types, against Arb
    python tools/sweep.py --peers 100000          # TensorFlow, PyTorch and JAX, as far as they are installed
    python tools/sweep.py --seconds 300           # stop after this time
    python tools/sweep.py --functions             # list the functions
    python tools/sweep.py --report                # write the page from what was measured so far

Results are kept in tools/sweeping/measured or the folder of --state, for as long as the code of the kernels stays the
same; so every command goes on where the last one ended, and measures only what is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from sweeping import page, peers, work
from sweeping.functions import ORDERS, catalogue, exists
from sweeping.state import FLOAT32, FLOAT64, State


def main(arguments: list[str] | None = None) -> int:
    """The exit status is 0 if everything that was asked for is measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="functions to measure, as --functions lists them")
    parser.add_argument("--orders", nargs="+", type=int, choices=ORDERS, default=list(ORDERS))
    parser.add_argument("--sample", type=int, metavar="N", help="a stratified sample of about N inputs")
    parser.add_argument("--double", type=int, metavar="N", help="float64, about N inputs")
    parser.add_argument("--halves", action="store_true", help="float16 and bfloat16, all inputs")
    parser.add_argument("--high", type=int, metavar="N", help="orders 4 to 10 of some functions, about N inputs")
    parser.add_argument("--binary", type=int, metavar="N", help="functions of two variables, about N pairs")
    parser.add_argument("--zeros", type=int, metavar="N", help="next to zeros, about N inputs")
    parser.add_argument("--rows", type=int, metavar="N", help="functions of rows of numbers, about N rows")
    parser.add_argument("--peers", type=int, metavar="N", help="the peers, on a sample of about N inputs")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, help="stop after so many seconds")
    parser.add_argument("--state", type=Path, help="another folder for the results")
    parser.add_argument("--functions", action="store_true", help="list the functions and end")
    parser.add_argument("--report", action="store_true", help="write the page, measure nothing")
    options = parser.parse_args(arguments)
    unknown = set(options.only or ()) - catalogue().keys()
    if unknown:
        parser.error(f"no such function: {', '.join(sorted(unknown))}; --functions lists them")
    names = options.only or list(catalogue())
    if options.functions:
        for name in names:
            print(f"{name:30} orders {', '.join(str(k) for k in ORDERS if exists(name, k))}")
        return 0
    state = State(options.state)
    complete = True
    if not options.report:
        end = None if options.seconds is None else time.monotonic() + options.seconds
        try:
            for parts, processes in _work(options, names):
                left = None if end is None else max(end - time.monotonic(), 0)
                complete &= work.run(parts, state, processes, left)
        except KeyboardInterrupt:
            print(f"interrupted; the same command goes on from here (results are in {state.folder})", file=sys.stderr)
            return 130
    page.write(state)
    print(f"wrote {page.PATH}")
    return 0 if complete else 1


def _work(options: argparse.Namespace, names: list[str]) -> list[tuple[list, int]]:
    """The parts to carry out, with the number of processes for them. A peer has one process, for its memory."""
    found = []
    if options.sample:
        found.append((list(work.sample_parts(FLOAT32, names, options.orders, options.sample)), options.processes))
    if options.double:
        found.append((list(work.sample_parts(FLOAT64, names, options.orders, options.double)), options.processes))
    if options.halves:
        found.append((list(work.half_parts(names, options.orders)), options.processes))
    if options.high:
        found.append((list(work.high_parts(names, options.high)), options.processes))
    if options.binary:
        found.append((list(work.binary_parts(options.binary)), options.processes))
    if options.zeros:
        found.append((list(work.zero_parts(names, options.zeros)), options.processes))
    if options.rows:
        found.append((list(work.row_parts(options.rows)), options.processes))
    if options.peers:
        for peer in filter(peers.installed, peers.TITLES):
            found.append((list(work.sample_parts(peer, names, options.orders, options.peers)), 1))
    return found or [(list(work.chunk_parts(names, options.orders)), options.processes)]


if __name__ == "__main__":
    sys.exit(main())
