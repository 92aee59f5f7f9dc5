"""How far results are from true values that are known as balls of Arb or as integers: in ulps, and what is broken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sweeping.balls import LOWEST, Exact, parts
from sweeping.measure import SLACK, Tally, share, tally


class Errors:
    """The errors of results, from true values that come one by one, each with its slopes in all arguments."""

    def __init__(self, dtype: np.dtype, results: np.ndarray, arguments: int = 1):
        info = np.finfo(dtype)
        self.dtype, self.digits, self.highest, self.lowest = (
            dtype,
            info.nmant + 1,
            info.maxexp,
            info.minexp - info.nmant,
        )
        self.results = results.astype(np.float64)
        self.high, self.low, self.ulps, self.size = (np.zeros(len(results)) for _ in range(4))
        self.slopes, self.allowances = np.zeros((arguments, len(results))), np.zeros((arguments, len(results)))
        self.broken, self.kept = np.zeros(len(results), bool), np.ones(len(results), bool)
        self.unusual: dict[int, tuple[Exact, tuple[Exact, ...]]] = {}
        margin = 60
        self.usual = 2.0 ** (max(self.lowest, -960) + margin), 2.0 ** (self.highest - margin)

    def add(self, i: int, true: Any, *slopes: Any) -> None:
        if true is None or isinstance(true, tuple):
            self.unusual[i] = true, slopes
            return
        high = float(true)
        if self.usual[0] < abs(high) < self.usual[1]:
            self.high[i] = high
            self.low[i] = float(true - high)
            for k, slope in enumerate(slopes):
                self.slopes[k, i] = 0 if slope is None else abs(float(slope))
        else:
            self.unusual[i] = parts(true), tuple(None if slope is None else parts(slope) for slope in slopes)

    def spacing(self, x: np.ndarray) -> np.ndarray:
        """The power of two that is ulp(x)."""
        return np.maximum(np.frexp(x.astype(np.float64))[1] - self.digits, self.lowest)

    def tally(self, at: np.ndarray, spacings: list[np.ndarray], order: int, mixed: bool = False) -> Tally:
        """The tally, where `at` says which place is named; for each argument its spacings. `mixed` counts the mixed
        error whatever the order."""
        for i, (true, slopes) in self.unusual.items():
            result = float(self.results[i])
            self.broken[i] = self.is_broken(result, true)
            if true is not None and not self.broken[i]:
                self.ulps[i], self.size[i] = self.error(result, true)
                for k, spacing in enumerate(spacings):
                    self.allowances[k, i] = self.allowance(int(spacing[i]), true, slopes[k])
        usual = self.high != 0
        high, low, results = self.high[usual], self.low[usual], self.results[usual]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            fraction, exponent = np.frexp(np.abs(high))
            exponent -= (fraction == 0.5) & (np.sign(low) == -np.sign(high))  # just below a power of two
            unit = np.ldexp(1.0, exponent - self.digits)
            self.broken[usual] = ~np.isfinite(results) | (results == 0)
            self.ulps[usual] = np.where(self.broken[usual], 0.0, np.abs((results - high) - low) / unit)
            self.size[usual] = np.abs(high) / unit
            for k, spacing in enumerate(spacings):
                self.allowances[k, usual] = self.slopes[k, usual] / unit * np.ldexp(0.5, spacing[usual])
        ulps = self.ulps[self.kept]
        with np.errstate(over="ignore", invalid="ignore"):
            allowance = np.nan_to_num(self.allowances.sum(0))[self.kept]
            counted = ulps / (1 + (allowance if mixed else share(order, self.size[self.kept], allowance)))
        broken = self.broken[self.kept]
        off = broken | (ulps > 0.5)
        return tally(int(self.kept.sum()), at[self.kept][off], ulps[off], counted[off], broken[off], order)

    def is_broken(self, result: float, true: Exact) -> bool:
        if true is None:
            return math.isfinite(result)
        man, exp = true
        if _float(abs(man), exp - (self.highest - self.digits - 1)) >= 2.0 ** (self.digits + 1) - 1:
            return result != (math.inf if man > 0 else -math.inf)
        vanishes = _float(abs(man), exp + 1 - self.lowest)
        on_edge = abs(vanishes - 1) < SLACK  # the true value is a tie there, which Arb has as a ball
        return not math.isfinite(result) or ((result == 0) != (vanishes <= 1) and not on_edge)

    def unit(self, true: tuple[int, int]) -> int:
        man, exp = true
        return max((exp + man.bit_length() if man else LOWEST) - self.digits, self.lowest)

    def error(self, result: float, true: tuple[int, int]) -> tuple[float, float]:
        """In ulps: the error, and |t|."""
        if math.isinf(result):
            return 0.0, math.inf
        man, exp = true
        unit = self.unit(true)
        fraction, power = math.frexp(result)
        whole, power = int(fraction * 2**53), power - 53
        base = min(power, exp)
        return _float(abs((whole << (power - base)) - (man << (exp - base))), base - unit), _float(abs(man), exp - unit)

    def allowance(self, spacing: int, true: tuple[int, int], slope: Exact) -> float:
        """In ulps: |t'| ulp(x)/2."""
        return 0.0 if slope is None else _float(abs(slope[0]), slope[1] + spacing - 1 - self.unit(true))


def _float(number: int, exp: int) -> float:
    drop = max(number.bit_length() - 64, 0)
    try:
        return math.ldexp(float(number >> drop), exp + drop)
    except OverflowError:
        return math.inf
