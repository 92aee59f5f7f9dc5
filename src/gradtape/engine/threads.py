"""Sharing out the units of a kernel among threads.

Small parts are taken by whichever thread is free, the caller first: so a thread that is late, as another process has
its processor, delays nobody by more than a part, and waking the others costs the caller a few microseconds.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

from gradtape.config import settings

PARTS = 8
"""Into how many parts for each thread the work is cut."""


def workers() -> int:
    """How many threads share work, under the present settings."""
    return settings().threads or _processors()


@cache
def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def share_out(call: Callable[[int, int, int], None], units: int, place: int, workers: int) -> None:
    """``call(start, stop, place)`` for all units, by this thread and ``workers - 1`` others.

    When it returns or raises, no thread is in a call any more.
    """
    if workers == 1:
        call(0, units, place)
        return
    job = _Job(call, units, place, min(units, PARTS * workers))
    helpers = _helpers()
    helpers.start(workers - 1)
    for _ in range(workers - 1):
        helpers.jobs.put(job)
    try:
        job.work()
    finally:
        job.finish()


class _Job:
    """A call in parts. Adding to a deque and taking from it are single steps for all threads."""

    def __init__(self, call: Callable[[int, int, int], None], units: int, place: int, number: int):
        self.call = call
        self.place = place
        self.parts = deque([(units * i // number, units * (i + 1) // number) for i in range(number)])
        self.begun: deque[None] = deque()  # one for each helper that began, and one when it ended
        self.ended: deque[None] = deque()
        self.news: SimpleQueue[None] = SimpleQueue()

    def work(self) -> None:
        """Take parts until none is left."""
        parts = self.parts
        while parts:
            try:
                start, stop = parts.popleft()
            except IndexError:  # another thread was faster
                return
            self.call(start, stop, self.place)

    def help(self) -> None:
        """Work, so that the caller can wait for it."""
        self.begun.append(None)
        try:
            self.work()
        finally:
            self.ended.append(None)
            self.news.put(None)

    def finish(self) -> None:
        """Leave nothing to begin, and wait for the helpers that are at it; an interrupt comes after that."""
        interrupted: BaseException | None = None
        self.parts.clear()
        while len(self.ended) < len(self.begun):
            try:
                self.news.get()
            except BaseException as interrupt:
                interrupted = interrupt
        if interrupted is not None:
            raise interrupted


class _Helpers:
    """Threads that wait for jobs."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.number = 0
        self.lock = threading.Lock()

    def start(self, number: int) -> None:
        """Have at least so many threads."""
        while self.number < number:
            with self.lock:
                if self.number < number:
                    threading.Thread(target=self._serve, name="gradtape", daemon=True).start()
                    self.number += 1

    def _serve(self) -> None:
        while True:
            self.jobs.get().help()


@cache
def _helpers() -> _Helpers:
    return _Helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)
