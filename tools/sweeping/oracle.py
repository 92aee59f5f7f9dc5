"""Results against the true value, which comes from what each primitive says it is with mpmath (its `exact`).

Only the function itself is read that way; its derivatives come from power series with Arb's rigorous bounds
(python-flint), so they do not depend on the table's rules. Without python-flint, or for a function that Arb's series
do not have, mpmath differentiates numerically with 400 bits, which takes a thousand times as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from mpmath import mp, mpf

import gradtape as tf
from gradtape.graph.node import TABLE, Node
from gradtape.graph.trace import trace
from sweeping.functions import catalogue, constants, values
from sweeping.inputs import sample, thresholds
from sweeping.measure import SLACK, Tally, share, tally

try:
    import flint
except ImportError:  # the extra `sweep`
    flint = None

SHARE_BY_MPMATH = 1000
"""mpmath takes one input of so many."""
LOWEST, HIGHEST = -1200, 1100
"""Beyond these powers of two a true value is 0 or infinite for every purpose."""
Exact = tuple[int, int] | None
"""man, exp for man·2^exp; None where the function is not finite."""
Taylor = Callable[[float], tuple[Any, Any]]
"""x → the derivative of some order, and the next one, as `Exact` or as balls of Arb. Raises NoTruth."""


class NoTruth(Exception):
    """At a breakpoint of a piecewise function, where its derivative is a convention, or outside of its domain."""


def measured(name: str, order: int, count: int, dtype: str = "float64") -> Tally:
    """The tally of a function and order over about `count` finite inputs of that type."""
    function = catalogue()[name]

    def evaluate(x: np.ndarray) -> np.ndarray:
        return np.asarray(values(function, order, x))

    compared = constants(name, order, dtype)
    x = sample(dtype, count, np.concatenate([thresholds(evaluate, dtype, 64), compared, -compared]))
    x = x[np.isfinite(x)]
    taylor = by_series(name, order) if flint is not None else None
    if taylor is None:
        x = np.random.default_rng(0).permutation(x)[: max(count // SHARE_BY_MPMATH, 100)]
        taylor = by_mpmath(name, order)
    errors = Errors(np.dtype(dtype), evaluate(x))
    for i, at in enumerate(x.tolist()):
        try:
            errors.add(i, *taylor(at))
        except NoTruth:
            errors.kept[i] = False
    return errors.tally(x, [x], order)


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
            self.unusual[i] = _parts(true), tuple(None if slope is None else _parts(slope) for slope in slopes)

    def tally(self, at: np.ndarray, arguments: list[np.ndarray], order: int) -> Tally:
        """The tally, where `at` says which place is named."""
        for i, (true, slopes) in self.unusual.items():
            result = float(self.results[i])
            self.broken[i] = self.is_broken(result, true)
            if true is not None and not self.broken[i]:
                self.ulps[i], self.size[i] = self.error(result, true)
                for k, x in enumerate(arguments):
                    self.allowances[k, i] = self.allowance(float(x[i]), true, slopes[k])
        usual = self.high != 0
        high, low, results = self.high[usual], self.low[usual], self.results[usual]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            fraction, exponent = np.frexp(np.abs(high))
            exponent -= (fraction == 0.5) & (np.sign(low) == -np.sign(high))  # just below a power of two
            unit = np.ldexp(1.0, exponent - self.digits)
            self.broken[usual] = ~np.isfinite(results) | (results == 0)
            self.ulps[usual] = np.where(self.broken[usual], 0.0, np.abs((results - high) - low) / unit)
            self.size[usual] = np.abs(high) / unit
            for k, x in enumerate(arguments):
                exponents = np.frexp(x[usual].astype(np.float64))[1] - self.digits
                self.allowances[k, usual] = (
                    self.slopes[k, usual] / unit * np.ldexp(0.5, np.maximum(exponents, self.lowest))
                )
        ulps = self.ulps[self.kept]
        with np.errstate(over="ignore", invalid="ignore"):
            allowance = np.nan_to_num(self.allowances.sum(0))[self.kept]
            counted = ulps / (1 + share(order, self.size[self.kept], allowance))
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

    def allowance(self, x: float, true: tuple[int, int], slope: Exact) -> float:
        """In ulps: |t'| ulp(x)/2."""
        spacing = max(math.frexp(x)[1] - self.digits, self.lowest)
        return 0.0 if slope is None else _float(abs(slope[0]), slope[1] + spacing - 1 - self.unit(true))


def _float(number: int, exp: int) -> float:
    drop = max(number.bit_length() - 64, 0)
    try:
        return math.ldexp(float(number >> drop), exp + drop)
    except OverflowError:
        return math.inf


@cache
def _program(name: str) -> tuple[Any, list[Node]]:
    """The function as a graph of primitives, whose first leaf is x."""
    x = tf.constant(np.zeros(2))
    program, leaves, _ = trace(catalogue()[name].call(x).node)
    order = [leaf is x.node for leaf in leaves]
    assert sum(order) == 1
    return program, leaves


def read(name: str, context: Any, x: Any) -> Any:
    """The function at x, with the numbers and functions of a context like mpmath's."""
    program, leaves = _program(name)
    known: dict[int, Any] = {-1 - i: x if leaf.shape else context.mpf(leaf.value) for i, leaf in enumerate(leaves)}
    for number, (primitive, params, inputs) in enumerate(program.steps):
        exact = TABLE[primitive].exact
        known[number] = known[inputs[0]] if exact is None else exact(context, *[known[i] for i in inputs], *params)
    return known[program.outputs[0]]


# -- by mpmath ------------------------------------------------------------------------------------------------


def by_mpmath(name: str, order: int) -> Taylor:
    def derivative(x: float, k: int) -> Exact:
        try:
            value = mp.diff(lambda v: read(name, mp, v), mpf(x), k, relative=x != 0) if k else read(name, mp, mpf(x))
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        if isinstance(value, mp.mpc) or not mp.isfinite(value):
            return None
        sign, man, exp, _ = value._mpf_
        return _clamped(-int(man) if sign else int(man), int(exp))

    def taylor(x: float) -> tuple[Exact, Exact]:
        with mp.workprec(400):
            if not order:
                return derivative(x, 0), None
            if derivative(x, 0) is None:
                raise NoTruth
            return derivative(x, order), derivative(x, order + 1)

    return taylor


def _clamped(man: int, exp: int) -> tuple[int, int]:
    top = exp + man.bit_length()
    if not man or top < LOWEST:
        return 0, 0
    return (man, exp) if top <= HIGHEST else (1 if man > 0 else -1, HIGHEST)


# -- by Arb ---------------------------------------------------------------------------------------------------

NEEDED_BITS = 70
PRECISIONS = (160, 640, 2560, 5120)


def by_series(name: str, order: int) -> Taylor | None:
    """By Arb; None where it lacks a function that is needed."""
    last = order + 1 if order else 0

    factorials = [math.factorial(k) for k in range(last + 1)]
    context = Context()

    def taylor(x: float) -> tuple[Any, Any]:
        for precision in PRECISIONS:
            flint.ctx.prec, flint.ctx.cap = precision, last + 1
            series = read(name, context, Series(flint.arb_series([x, 1])))
            found = [series.coefficient(k) for k in range(last + 1)]
            if all(map(_is_known, found)):
                break
            if precision > PRECISIONS[0] and not any(c.is_finite() for c in found):
                break
        exact = [c * f if c.is_finite() else None for c, f in zip(found, factorials, strict=True)]
        if not order:
            return exact[0], None
        if exact[0] is None:
            raise NoTruth
        return exact[order], exact[order + 1]

    try:
        taylor(0.4), taylor(1.7)
    except NoTruth:
        pass
    except (AttributeError, TypeError, NotImplementedError):
        return None
    return taylor


@cache
def _limits() -> tuple[Any, Any]:
    return flint.arb(2) ** LOWEST, flint.arb(2) ** HIGHEST


def _is_known(ball: Any) -> bool:
    return ball.rel_accuracy_bits() >= NEEDED_BITS or (ball.is_finite() and bool(abs(ball) < _limits()[0]))


def _parts(ball: Any) -> tuple[int, int]:
    lowest, highest = _limits()
    if abs(ball) < lowest:
        return 0, 0
    if abs(ball) > highest:
        return (1 if ball > 0 else -1), HIGHEST
    man, exp = ball.mid().man_exp()
    return _clamped(int(man), int(exp))


class Series:
    """A power series of Arb with the operators of a number; it is compared by its constant term."""

    def __init__(self, series: Any):
        self.series = series

    def coefficient(self, k: int) -> Any:
        return self.series[k]

    @property
    def start(self) -> Any:
        return self.series[0]

    def __add__(self, other: Any) -> Series:
        return Series(self.series + _series(other))

    def __sub__(self, other: Any) -> Series:
        return Series(self.series - _series(other))

    def __rsub__(self, other: Any) -> Series:
        return Series(_series(other) - self.series)

    def __mul__(self, other: Any) -> Series:
        return Series(self.series * _series(other))

    def __truediv__(self, other: Any) -> Series:
        divisor = _series(other)
        return Series(self.series / divisor if divisor[0] != 0 else _nan())

    def __rtruediv__(self, other: Any) -> Series:
        return Series(_series(other)) / self

    def __pow__(self, n: Any) -> Series:
        if isinstance(n, int):
            power = Series(flint.arb_series([1]))
            for _ in range(abs(n)):
                power = power * self
            return power if n >= 0 else 1 / power
        return Context().exp(Context().log(self) * n)

    def __neg__(self) -> Series:
        return Series(-self.series)

    def __abs__(self) -> Series:
        return self if self > 0 else -self

    __radd__, __rmul__ = __add__, __mul__

    def _apart(self, other: Any) -> bool:
        """Whether it is more than the other; a tie is a breakpoint."""
        mine, theirs = self.start, other if isinstance(other, (int, float)) else _series(other)[0]
        if mine > theirs:
            return True
        if mine < theirs:
            return False
        raise NoTruth

    def __gt__(self, other: Any) -> bool:
        return self._apart(other)

    __ge__ = __gt__

    def __lt__(self, other: Any) -> bool:
        return not self._apart(other)

    __le__ = __lt__

    def __eq__(self, other: Any) -> bool:
        self._apart(other)
        return False

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return self != 0


def _nan() -> Any:
    return flint.arb_series([flint.arb.nan()] * flint.ctx.cap)


def _series(x: Any) -> Any:
    if isinstance(x, Series):
        return x.series
    return flint.arb_series([flint.arb(x) if not isinstance(x, mpf) else flint.arb(x.man_exp)])


class Context:
    """The functions of mpmath's context, on `Series`. What is missing here is asked of Arb by the same name."""

    zero = property(lambda self: self.mpf(0))
    one = property(lambda self: self.mpf(1))
    half = property(lambda self: self.mpf(0.5))
    pi = property(lambda self: Series(flint.arb_series([flint.arb.pi()])))
    ln2 = property(lambda self: self.log(self.mpf(2)))
    ln10 = property(lambda self: self.log(self.mpf(10)))
    nan = property(lambda self: Series(_nan()))
    inf = property(lambda self: Series(_nan()))  # neither is a truth

    def mpf(self, x: Any) -> Series:
        return x if isinstance(x, Series) else Series(_series(x))

    def convert(self, x: Any) -> Series:
        return self.mpf(x)

    def __getattr__(self, name: str) -> Callable[[Any], Series]:
        if name.startswith("_"):
            raise AttributeError(name)
        function = getattr(flint.arb_series, name)
        return lambda x: Series(function(_series(x)))

    def isnan(self, x: Any) -> bool:
        return False

    def isinf(self, x: Any) -> bool:
        return False

    def isfinite(self, x: Any) -> bool:
        return True

    def fabs(self, x: Any) -> Series:
        return abs(x)

    def factorial(self, n: int) -> int:
        return math.factorial(n)

    def sign(self, x: Series) -> Series:
        return self.mpf(1 if x > 0 else -1)

    def _constant(self, x: Series, method: str) -> Series:
        return Series(flint.arb_series([getattr(x.start, method)()]))

    def floor(self, x: Series) -> Series:
        return self._constant(x, "floor")

    def ceil(self, x: Series) -> Series:
        return self._constant(x, "ceil")

    def nint(self, x: Series) -> Series:
        if x.start * 2 == (x.start * 2).floor():  # ties and integers, exactly
            return self.mpf(round(float(x.start)) if abs(x.start) < 2**53 else x.start)
        return self._constant(x + 0.5, "floor")

    def _from_slope(self, x: Series, method: str, slope: Callable[[], Series]) -> Series:
        """f(x) by Arb's function for numbers and its derivative, without cancellation."""
        constant = flint.arb_series([getattr(x.start, method)()])
        if not constant[0].is_finite():
            return self.nan
        return Series(constant + (slope().series * x.series.derivative()).integral())

    def expm1(self, x: Series) -> Series:
        return self._from_slope(x, "expm1", lambda: self.exp(x))

    def log1p(self, x: Series) -> Series:
        return self._from_slope(x, "log1p", lambda: 1 / (1 + x))

    def cosh(self, x: Series) -> Series:
        if len(x.series) > 2:
            e = self.exp(x)
            return (e + 1 / e) * 0.5
        # cosh(a + bh) has no cancellation in the coefficients cosh(a), b sinh(a), b² cosh(a)/2, …
        even_odd, factor, terms = x.start.sinh_cosh()[::-1], flint.arb(1), []
        for k in range(flint.ctx.cap):
            terms.append(even_odd[k % 2] * factor)
            factor = factor * x.coefficient(1) / (k + 1)
        return Series(flint.arb_series(terms))

    def sinh(self, x: Series) -> Series:
        return self._from_slope(x, "sinh", lambda: self.cosh(x))

    def tanh(self, x: Series) -> Series:
        return self._from_slope(x, "tanh", lambda: 1 / (self.cosh(x) * self.cosh(x)))

    def sech(self, x: Series) -> Series:
        return 1 / self.cosh(x)

    def asinh(self, x: Series) -> Series:
        return self._from_slope(x, "asinh", lambda: 1 / self.sqrt(1 + x * x))

    def acosh(self, x: Series) -> Series:
        return self._from_slope(x, "acosh", lambda: 1 / self.sqrt((x - 1) * (x + 1)))

    def atanh(self, x: Series) -> Series:
        return self._from_slope(x, "atanh", lambda: 1 / ((1 - x) * (1 + x)))

    def exp(self, x: Any) -> Series:
        return Series(_series(x).exp())

    def log(self, x: Any) -> Series:
        return Series(_series(x).log())

    def sqrt(self, x: Any) -> Series:
        series = _series(x)
        return Series(series.sqrt() if flint.ctx.cap > 1 else flint.arb_series([series[0].sqrt()]))

    def cbrt(self, x: Series) -> Series:
        root = self.exp(self.log(abs(x)) / 3)
        return root if x > 0 else -root

    def sinpi(self, x: Series) -> Series:
        return Series(x.series.sin_pi())

    def cospi(self, x: Series) -> Series:
        return Series((x.series * flint.arb.pi()).cos())

    def loggamma(self, x: Series) -> Series:
        """Its real part: log|Γ(x)|."""
        if x > 0:
            return Series(x.series.lgamma())
        return self.log(self.pi / abs(self.sinpi(x))) - self.loggamma(1 - x)

    def re(self, x: Series) -> Series:
        return x

    def psi(self, order: int, x: Series) -> Series:
        if order or (flint.ctx.cap > 1 and x.series[1] != 1):
            raise NotImplementedError
        flint.ctx.cap += 1
        try:
            point = Series(flint.arb_series([x.start, 1]))
            return Series(self.loggamma(point).series.derivative())
        finally:
            flint.ctx.cap -= 1

    @property
    def prec(self) -> int:
        return flint.ctx.prec

    def workprec(self, bits: int) -> Any:
        """Nothing: balls say when more bits are needed."""
        return nullcontext()

    def mag(self, x: Series) -> int:
        return math.frexp(float(x.start))[1]
