"""Questions that an interval cannot answer, such as x > 0 for x between -1 and 2: both answers are followed.

A formula of the table is called once for each way through its questions; the results together hold all values. Where
the question is on which side of a number an argument is, it is narrowed to that side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from gradtape.study.certify.reals import NotEnclosed, Outside

MOST_WAYS = 64
"""Ways through the questions of one formula that are followed."""


class _State(local):
    def __init__(self) -> None:
        self.answers: list[bool] = []
        self.asked = 0
        self.forked = False
        self.singular = False
        self.written: list[Any] | None = None
        self.read: Iterator[Any] | None = None


state = _State()


def ask() -> bool:
    """The answer on this way."""
    state.forked = True
    if state.asked == len(state.answers):
        state.answers.append(True)
    state.asked += 1
    return state.answers[state.asked - 1]


@contextmanager
def writing() -> Iterator[list[Any]]:
    """Write down what is answered inside the block."""
    state.written = []
    try:
        yield state.written
    finally:
        state.written = None


@contextmanager
def reading(answers: list[Any]) -> Iterator[None]:
    """Give these answers inside the block, whatever is compared."""
    state.read = iter(answers)
    try:
        yield
    finally:
        state.read = None


def answered(known: Any) -> Any:
    """What is known by itself; or the answer that is read; written down if that is asked for."""
    if state.read is not None:
        return next(state.read)
    if state.written is not None:
        state.written.append(known)
    return known


def ways(formula: Callable[[], Any]) -> list[Any]:
    """The results of a formula on all ways. NotEnclosed if there is no value on one of them, Outside if on none.

    Afterwards `state.forked` says whether there was a question, and `state.singular` whether an argument came to where
    a function is not analytic, as a root at 0.
    """
    results: list[Any] = []
    failures: list[NotEnclosed] = []
    state.forked = state.singular = False
    waiting: list[list[bool]] = [[]]
    while waiting:
        start = waiting.pop()
        state.answers, state.asked = list(start), 0
        try:
            results.append(formula())
        except NotEnclosed as failure:
            failures.append(failure)
        for i in range(len(start), len(state.answers)):
            waiting.append([*state.answers[:i], not state.answers[i]])
        if len(results) + len(failures) + len(waiting) > MOST_WAYS:
            raise NotEnclosed("too many cases")
    if failures and results:
        raise NotEnclosed("a function that is not defined everywhere here")
    for kept in failures:
        if not isinstance(kept, Outside):
            raise kept
    if failures:
        raise failures[0]
    return results


class Either:
    """A condition that holds at some of the numbers."""

    def __bool__(self) -> bool:
        return ask()

    def __eq__(self, other: Any) -> bool:
        return ask()

    def __ne__(self, other: Any) -> bool:
        return ask()

    __hash__ = None  # type: ignore[assignment]


class Compared:
    """The comparisons of a kind of intervals."""

    __slots__ = ()

    def above(self, other: Any) -> bool | None:
        """Whether each of its numbers is larger (True), none is (False), or neither can be told."""
        raise NotImplementedError

    def below(self, other: Any) -> bool | None:
        """The same for smaller."""
        raise NotImplementedError

    def narrow(self, other: Any, upwards: bool, without: bool) -> None:
        """On this way it is above the other number (or below), and with `without` not equal to it."""

    def equals(self, other: Any) -> bool | None:
        raise NotImplementedError

    def __gt__(self, other: Any) -> bool:
        known = answered(self.above(other))
        if known is None:
            known = ask()
            self.narrow(other, known, known)
        return known

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __lt__(self, other: Any) -> bool:
        known = answered(self.below(other))
        if known is None:
            known = ask()
            self.narrow(other, not known, known)
        return known

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __eq__(self, other: Any) -> bool:
        known = answered(self.equals(other))
        return ask() if known is None else known

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return self != 0

    __hash__ = None  # type: ignore[assignment]
