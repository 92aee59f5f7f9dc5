"""Sharing out the units of a kernel among threads.

Small parts are taken by whichever thread is free, the caller first: so a thread that is late, as another process has
its processor, delays nobody by more than a part. The handing out is machine code (`engine.crew`). Helpers that nothing
was asked of for a while sleep here.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue
from typing import Any

from gradtape.config import settings
from gradtape.engine.crew import PRESENT, SIZE, STOP, YIELD, source

PARTS = 8
"""Into how many parts for each thread the work is cut."""

ALERT = 1e-3
"""Seconds that a helper waits actively for more."""

PATIENCE = 100e-6
"""Seconds that a caller waits actively for helpers to end, before it lets others have its processor."""

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_SHARE = ctypes.CFUNCTYPE(
    None,
    *[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64],
    ctypes.c_void_p,
)
_SERVE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)


def workers() -> int:
    """How many threads share work, under the present settings."""
    return settings().threads or _processors()


@cache
def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def helpers_wait() -> bool:
    """Whether a helper waits actively, so that sharing out costs next to nothing."""
    return _crew.cache_info().currsize > 0 and _crew().present.value > 0


def share_out(function: int, units: int, argument: int, workers: int) -> None:
    """The machine code at the address `function`, called as ``(start, stop, argument)`` for all units, by this thread
    and ``workers - 1`` others.

    When it returns or raises, no thread is in a call any more.
    """
    if workers == 1:
        _CALLBACK(function)(0, units, argument)
        return
    crew = _crew()
    crew.call_in(workers - 1)
    crew.share(function, argument, units, min(units, PARTS * workers), workers - 1, crew.patience, crew.address)


def share_out_python(call: Callable[[int, int], None], units: int, workers: int) -> None:
    """The same for a Python function, called as ``(start, stop)``; it should release the interpreter's lock mostly."""
    if workers == 1:
        call(0, units)
        return
    errors: list[BaseException] = []
    done: list[int] = []

    def part(start: int, stop: int, _: int) -> None:
        try:
            if not errors:
                call(start, stop)
                done.append(stop - start)
        except BaseException as error:  # machine code cannot pass it on
            errors.append(error)

    callback = _CALLBACK(part)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    assert address is not None
    share_out(address, units, 0, workers)
    if errors:
        raise errors[0]
    if sum(done) < units:  # an interrupt came before a part was entered, and ctypes has reported and dropped it
        raise KeyboardInterrupt


def _yield_address() -> int:
    """The system's function that lets other threads run, or 0."""
    function: Any
    try:
        if sys.platform == "win32":
            function = ctypes.WinDLL("kernel32").SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class _Crew:
    """Helpers, and the numbers in which they meet."""

    def __init__(self) -> None:
        from gradtape.engine.compile import library

        self.code = library(source(platform.machine()))
        memory = (ctypes.c_int64 * SIZE)()
        self.address = ctypes.addressof(memory)
        self.present = ctypes.c_int64.from_buffer(memory, 8 * PRESENT)
        self.stop = ctypes.c_int64.from_buffer(memory, 8 * STOP)
        memory[YIELD] = _yield_address()
        self.share = _SHARE(self.code.address("share"))
        self.serve = _SERVE(self.code.address("serve"))
        self.wake: SimpleQueue[None] = SimpleQueue()
        self.lock = threading.Lock()
        self.number = 0
        look = min(self._time(1000) for _ in range(5)) / 1000
        self.alertness, self.patience = round(ALERT / look), round(PATIENCE / look)
        for thing in (self.code, memory):  # threads may be in it until the process ends
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
        atexit.register(self._dismiss)

    def _time(self, looks: int) -> float:
        start = time.perf_counter()
        self.serve(looks, self.address)
        return time.perf_counter() - start

    def call_in(self, number: int) -> None:
        """Have so many helpers, awake or soon."""
        if self.present.value >= number:
            return
        while self.number < number:
            with self.lock:
                if self.number < number:
                    threading.Thread(target=self._help, name="gradtape", daemon=True).start()
                    self.number += 1
        for _ in range(number - self.present.value - self.wake.qsize()):
            self.wake.put(None)

    def _help(self) -> None:
        while not self.stop.value:
            self.serve(self.alertness, self.address)
            self.wake.get()

    def _dismiss(self) -> None:
        """Let no helper run while the interpreter ends."""
        self.stop.value = 1
        while self.present.value:
            time.sleep(0)


@cache
def _crew() -> _Crew:
    return _Crew()


def _after_fork() -> None:
    if _crew.cache_info().currsize:
        _crew().present.value = 0  # the helpers stayed with the parent
    _crew.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
