"""Rounds of timings of several participants, interleaved: a change of the machine's speed meets all of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

REST = 0.03
"""Seconds between two turns: threads of the system before, OpenBLAS's above all, still wait actively for more."""


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    """Timings of each participant, if it is fast."""
    fewest: int
    """Timings of each participant, however slow it is."""
    seconds: float
    """What the timings of one participant may take together, beyond the fewest."""

    def of(self, cost: float) -> int:
        """How many timings of a participant are taken, given the seconds that one of them takes."""
        return min(self.rounds, max(self.fewest, int(self.seconds / max(cost, 1e-9))))


def interleaved(
    turns: Mapping[str, Callable[[], float | None]], costs: Mapping[str, float], effort: Effort
) -> dict[str, list[float]]:
    """What the turns return, round by round. Those that have fewer turns than there are rounds have them spread out.

    Each round has another order, so that nobody always comes after the same one. Who returns None is left out from
    then on.
    """
    order = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in turns}
    counts = {name: effort.of(costs[name]) for name in turns}
    rounds = max(counts.values(), default=0)
    for number in range(rounds):
        for name in order.sample([*times], len(times)):
            if (number + 1) * counts[name] // rounds > number * counts[name] // rounds:
                time.sleep(REST)
                seconds = turns[name]()
                if seconds is None:
                    del times[name]
                else:
                    times[name].append(seconds)
    return times
