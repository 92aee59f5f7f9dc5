"""The settings: how values are computed, with how many threads, and what is kept on disk.

They are an immutable `Settings`. `update` changes them for the process, `override` for a block of code. To begin with
they come from environment variables, one for each: ``GRADTAPE_`` and the name in capitals. These are read once, when
a setting is first needed, so a bad value is an error there and ``import gradtape`` never fails.

>>> from gradtape import config
>>> with config.override(tier="fused", threads=1):
...     config.settings().threads
1
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from operator import index
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from gradtape.errors import ArgumentError

if TYPE_CHECKING:  # slow to import
    from pathlib import Path

__all__ = ["CheckNumerics", "Settings", "Tier", "override", "settings", "update"]

Tier = Literal["auto", "single", "fused"]
CheckNumerics = Literal[False, True, "record"]

unusual = any(os.environ.get(f"GRADTAPE_{name}") for name in ("CHECK_NUMERICS", "EXPLAIN", "SAFE_SELECTION"))
"""Whether check_numerics, explain or safe_selection may ever have had another value than usual in this process. Until
then nobody who is in a hurry needs to ask for them."""

noticed: list[Callable[[], None]] = []
"""Called after check_numerics or explain was changed, in the thread that changed it."""


rewrites: tuple[str, ...] = ()
"""The names of the rewrites that `stabilise` may switch one by one, from `gradtape.rewrite.rows`."""


def _tier(value: Any) -> Any:
    if not isinstance(value, str) or value not in get_args(Tier):
        raise ValueError
    return value


def _at_least(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        number = index(value)
        if isinstance(value, bool) or number < least:
            raise ValueError
        return number

    return check


def _size(value: Any) -> int:
    if isinstance(value, str):
        number, unit = value.strip(), 1
        if number[-1:].upper() in ("K", "M", "G"):
            unit = 1024 ** (1 + "KMG".index(number[-1].upper()))
            number = number[:-1]
        value = int(number) * unit
    return _at_least(0)(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _rewrites(value: Any) -> bool | frozenset[str]:
    """Whether all rewrites are in use, or none, or the names of those that are."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        raise ValueError
    named = dict(value) if isinstance(value, Mapping) else dict.fromkeys(value, True)
    unknown = [name for name in named if name not in rewrites]
    if unknown:
        raise ArgumentError(f"there is no rewrite {unknown[0]!r}; the rewrites are {', '.join(rewrites)}")
    usual = isinstance(value, Mapping)  # those that a mapping does not name stay on
    on = frozenset([name for name in rewrites if _flag(named.get(name, usual))])
    return on if 0 < len(on) < len(rewrites) else bool(on)


def _read_rewrites(text: str) -> Any:
    """``1``, ``0``, the names of those in use, or, each with a ``-``, of those that are not."""
    if text in _SWITCH:
        return _SWITCH[text]
    names = [name.strip() for name in text.split(",")]
    if all(name.startswith("-") for name in names):
        return {name[1:].strip(): False for name in names}
    return names


def _check_numerics(value: Any) -> Any:
    return value if value == "record" and isinstance(value, str) else _flag(value)


def _folder(value: Any) -> Path:
    from pathlib import Path

    path = os.fspath(value)
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError
    return Path(os.path.abspath(os.path.expanduser(path)))


def _or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


_SWITCH = {"0": False, "1": True}


class _Rule(NamedTuple):
    """What a setting may be: in words, and as a function that gives the value or raises. Then both for the text of
    an environment variable: in words, where they are others, and how it becomes a value."""

    allowed: str
    check: Callable[[Any], Any]
    texts: str = ""
    read: Callable[[str], Any] = str


_COUNT = "a whole number of at least 1"
_RULES = {
    "tier": _Rule("auto, single or fused", _tier),
    "threads": _Rule(f"{_COUNT}, or None for all processors", _or_none(_at_least(1)), _COUNT, int),
    "cache": _Rule("True or False", _flag, "0 or 1", _SWITCH.__getitem__),
    "cache_dir": _Rule("a folder, or None for the user's cache directory", _or_none(_folder), "a folder"),
    "cache_size": _Rule("a number of bytes, such as 1000000, 512K, 256M or 1G", _size),
    "pending_limit": _Rule(_COUNT, _at_least(1), read=int),
    "check_numerics": _Rule(
        "True, False or 'record'", _check_numerics, "0, 1 or record", {**_SWITCH, "record": "record"}.__getitem__
    ),
    "explain": _Rule("True or False", _flag, "0 or 1", _SWITCH.__getitem__),
    "safe_selection": _Rule("True or False", _flag, "0 or 1", _SWITCH.__getitem__),
    "stabilise": _Rule(
        "True, False, names of rewrites, or a mapping of names to True or False",
        _rewrites,
        "0, 1, names of rewrites with commas between them, or such names each with a - in front",
        _read_rewrites,
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A wrong value is an ArgumentError.

    tier            "auto": compile what is seen again or is large; "single": op by op; "fused": always compile
    threads         how many threads a kernel may use; None: as many as the process has processors
    cache           whether compiled code is kept on disk
    cache_dir       the folder for it; None: the user's cache directory
    cache_size      how many bytes it may grow to; "64M" is understood too, with K, M or G
    pending_limit   after how many operations pending values are computed
    check_numerics  True: the first NaN or infinity is a NumericsError; "record": `explain_nan` can say where it arose
    explain         whether it is noted where each Tensor comes from, for `gradtape.explain`; where there is no
                    gradient, a TapeWarning says why
    safe_selection  whether the gradient of what a selection did not choose is zero by structure, not 0 times something
    stabilise       whether formulas such as 1 / (1 + exp(-x)) are computed and differentiated as the exact primitive;
                    {"hypot": False}: all but those named; ["sigmoid"]: none but those named

    >>> Settings(cache_size="64M").cache_size
    67108864
    """

    tier: Tier = "auto"
    threads: int | None = None
    cache: bool = True
    cache_dir: Path | None = None
    cache_size: int = 256 << 20
    pending_limit: int = 1000
    check_numerics: CheckNumerics = False
    explain: bool = False
    safe_selection: bool = True
    stabilise: bool | frozenset[str] = True

    def __post_init__(self) -> None:
        for name, rule in _RULES.items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, rule.check(value))
            except ArgumentError:  # which says more
                raise
            except (TypeError, ValueError):
                raise ArgumentError(f"{name} must be {rule.allowed}, not {value!r}") from None
        if self.observes or not self.safe_selection:
            global unusual
            unusual = True

    @property
    def records(self) -> bool:
        """Whether it is noted what makes each Tensor."""
        return self.explain or self.check_numerics == "record"

    @property
    def observes(self) -> bool:
        """Whether each Tensor is looked at when it is made."""
        return self.explain or bool(self.check_numerics)


_here: ContextVar[Settings | None] = ContextVar("gradtape.config", default=None)
_everywhere: Settings | None = None


def settings() -> Settings:
    """The settings that are in force here: those of the innermost `override`, else those of the process.

    Raises ArgumentError if an environment variable has a value that is not allowed.

    >>> settings().tier
    'auto'
    """
    return _here.get() or _everywhere or _of_process()


def update(**changes: Any) -> None:
    """Change settings for the whole process, from now on.

    Blocks of `override` that are being run keep theirs. Raises ArgumentError for an unknown name or a wrong value,
    and then changes nothing.

    >>> update(pending_limit=500)
    >>> settings().pending_limit
    500
    >>> update(pending_limit=1000)
    """
    global _everywhere
    before = settings()
    _everywhere = _changed(_of_process(), changes)
    _notice(before)


def usual() -> bool:
    """Whether operations and gradients are made as usual here: neither looked at nor with unsafe selections."""
    return not unusual or (settings().safe_selection and not settings().observes)


@contextmanager
def override(**changes: Any) -> Iterator[Settings]:
    """Change settings for a block, in this thread (or asyncio task) alone; afterwards they are what they were.

    Blocks may be nested; what an inner one does not name is as in the outer one. Threads that are started in the
    block have the settings of the process. Raises ArgumentError for an unknown name or a wrong value.

    >>> with override(tier="single"):
    ...     with override(threads=2) as inner:
    ...         inner.tier, inner.threads
    ('single', 2)
    """
    before = settings()
    inside = _changed(before, changes)
    token = _here.set(inside)
    try:
        _notice(before)
        yield inside
    finally:
        _here.reset(token)
        _notice(inside)


def _notice(before: Settings) -> None:
    """Tell whoever must know if check_numerics or explain is another than before."""
    now = settings()
    if (now.check_numerics, now.explain) != (before.check_numerics, before.explain):
        for tell in noticed:
            tell()


def _changed(old: Settings, changes: dict[str, Any]) -> Settings:
    for name in changes:
        if name not in _RULES:
            raise ArgumentError(f"there is no setting {name!r}; the settings are {', '.join(_RULES)}")
    return replace(old, **changes)


def _of_process() -> Settings:
    global _everywhere
    if _everywhere is None:
        _everywhere = _from(os.environ)
    return _everywhere


def _from(environment: Mapping[str, str]) -> Settings:
    """The settings that environment variables name; an empty variable counts as not set."""
    found = {}
    for name, rule in _RULES.items():
        variable = f"GRADTAPE_{name.upper()}"
        text = environment.get(variable, "").strip()
        if text:
            try:
                found[name] = rule.check(rule.read(text))
            except ArgumentError as error:
                raise ArgumentError(f"the environment variable {variable}: {error}") from None
            except (KeyError, ValueError):
                wanted = rule.texts or rule.allowed
                raise ArgumentError(f"the environment variable {variable} must be {wanted}, not {text!r}") from None
    return Settings(**found)
