"""Compiled code on disk: what one process compiled, the next one loads.

An entry is a file ``objects/ab/cdef….o`` in the cache's folder, named after its key: a digest of everything that the
code depends on (see `engine.compile`). What holds, whatever happens to the files:

* An entry is written into a file of its own that then takes its place, so it is there whole or not at all, and any
  number of processes may read, write and remove at once without waiting for each other.
* An entry is used only if it is a regular file of this user, names the key that was asked for, and has the checksum of
  its content. Anything else counts as not there; the next write replaces it.
* The folder stays below its limit: what was not read for the longest time goes first. All entries are looked at only
  when an eighth of the limit was written since the last time, which the length of the file ``written-…`` tells.
* A folder that cannot be used costs one CacheWarning per process, and nothing else.
"""

from __future__ import annotations

import os
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from gradtape.config import settings
from gradtape.errors import CacheWarning, OutputError

try:
    from _blake2 import blake2b  # as the standard library's random does: hashlib loads OpenSSL, which takes 2 ms
except ImportError:
    from hashlib import blake2b

MAGIC = b"gradtape object 1\n"
DIGEST = 32
"""Bytes of a key and of a checksum."""

_UNIT = 1024  # bytes that one byte in the file `written-…` stands for
_ABANDONED = 3600  # seconds after which an unfinished file is nobody's
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
# Never a link, and never waiting: what is in the place of an entry may be a pipe.
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def digest(text: bytes) -> bytes:
    """The key or checksum of a text."""
    return blake2b(text, digest_size=DIGEST).digest()


class Info(NamedTuple):
    """What the cache holds.

    folder     where it is
    entries    how many kernels, and `bytes` in all of them
    limit      how many bytes there may be
    enabled    whether the settings say that it is used
    problem    why nothing can be stored in the folder, or ""
    """

    folder: str
    entries: int
    bytes: int
    limit: int
    enabled: bool
    problem: str


def read(key: bytes) -> bytes | None:
    """The code that was stored under a key, if it is there, whole and ours."""
    return _store(_root()).read(key)


def write(key: bytes, code: bytes) -> None:
    """Store code under a key, as far as the folder allows."""
    _store(_root()).write(key, code, settings().cache_size)


def info() -> Info:
    """What is in the folder of the settings."""
    now = settings()
    store = _store(_root())
    entries = [file.size for file in store.files() if file.is_entry]
    return Info(store.root, len(entries), sum(entries), now.cache_size, now.cache, store.problem() or store.closed())


def clear() -> tuple[int, int]:
    """Remove all entries, and nothing that is not the cache's. Returns how many there were, and their bytes.

    Raises OutputError if one cannot be removed.
    """
    return _store(_root()).clear()


def _root() -> str:
    folder = settings().cache_dir
    return _users_folder() if folder is None else str(folder)


@cache
def _users_folder() -> str:
    from platformdirs import user_cache_dir

    return user_cache_dir("gradtape", appauthor=False)


class _File(NamedTuple):
    """A file of the cache: an entry, or what a writer that was killed has left."""

    path: str
    size: int
    used: float
    is_entry: bool


class Store:
    """The entries in one folder."""

    def __init__(self, root: str):
        self.root = root
        self.folder = os.path.join(root, "objects")
        self.refused = False  # writing failed before: it is not tried again

    def path(self, key: bytes) -> str:
        """Where the entry of a key is."""
        name = key.hex()
        return os.path.join(self.folder, name[:2], f"{name[2:]}.o")

    def read(self, key: bytes) -> bytes | None:
        """The code under a key, or None."""
        path = self.path(key)
        try:
            if self.problem():
                return None
            descriptor = os.open(path, _READ)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or _is_foreign(status):
                    return None
                with open(descriptor, "rb", closefd=False) as file:
                    entry = file.read()
            finally:
                os.close(descriptor)
        except OSError:
            return None
        start = len(MAGIC) + 2 * DIGEST
        if entry[:start] != _header(key, entry[start:]):
            return None
        with suppress(OSError):  # a folder that is only read has no use for it
            os.utime(path)
        return entry[start:]

    def write(self, key: bytes, code: bytes, limit: int) -> None:
        """Store code under a key. Warns, once, if that cannot be done."""
        entry = _header(key, code) + code
        if self.refused or len(entry) > limit - limit // 8:
            return
        try:
            problem = self.problem()
            if not problem:
                self._make_folder()
                problem = self.problem()  # somebody else may have made it
            if not problem:
                self._replace(self.path(key), entry)
                self._account(len(entry), limit)
        except FileNotFoundError:  # the folder was removed just now
            return
        except OSError as error:
            problem = _reason(error)
        if problem:
            self.refused = True
            _warn(self.root, problem)

    def problem(self) -> str:
        """Why the folder is not one to load code from, or "". One that does not exist yet is fine."""
        if not os.path.isabs(self.root):
            return "this user has no home directory"
        try:
            status = os.lstat(self.folder)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return _reason(error)
        if not stat.S_ISDIR(status.st_mode):
            return "objects in it is not a folder"
        return "others than this user may write to it" if _is_foreign(status) else ""

    def closed(self) -> str:
        """Why nothing can be written, or "", as far as can be told without trying."""
        place = self.folder
        while not os.path.lexists(place) and os.path.dirname(place) != place:
            place = os.path.dirname(place)
        if not os.path.isdir(place):
            return "not a directory"
        return "" if os.access(place, os.W_OK | os.X_OK) else "permission denied"

    def files(self) -> Iterator[_File]:
        """All files that are the cache's, in no order."""
        for folder in _scan(self.folder):
            if len(folder.name) == 2 and folder.is_dir(follow_symlinks=False):
                for file in _scan(folder.path):
                    is_entry = len(file.name) == 2 * DIGEST and file.name.endswith(".o")
                    if is_entry or file.name.endswith(".tmp"):
                        with suppress(OSError):  # removed meanwhile
                            status = file.stat(follow_symlinks=False)
                            yield _File(file.path, status.st_size, status.st_mtime, is_entry)

    def clear(self) -> tuple[int, int]:
        """Remove all files of the cache; entries and bytes that it were."""
        if problem := self.problem():
            raise OutputError(f"nothing is removed from {self.root}: {problem}")
        removed = [0, 0]
        for file in self.files():
            try:
                os.unlink(file.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise OutputError(f"cannot remove {file.path}: {_reason(error)}") from None
            if file.is_entry:
                removed[0] += 1
                removed[1] += file.size
        with suppress(OSError):  # folders in which something else is stay
            self._forget_notes()
            for found in _scan(self.folder):
                if found.is_dir(follow_symlinks=False):
                    os.rmdir(found.path)
            os.rmdir(self.folder)
        return removed[0], removed[1]

    def _make_folder(self) -> None:
        os.makedirs(self.root, 0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(self.folder, 0o700)

    def _replace(self, path: str, entry: bytes) -> None:
        """Put an entry in its place, whole."""
        from tempfile import mkstemp

        folder = os.path.dirname(path)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        descriptor, temporary = mkstemp(".tmp", "", folder)  # for this user alone
        try:
            with open(descriptor, "wb") as file:
                file.write(entry)
            os.replace(temporary, path)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary)
            # Windows does not replace a file that is being read: another process has just stored the same.
            if not (os.name == "nt" and isinstance(error, PermissionError)):
                raise

    def _account(self, size: int, limit: int) -> None:
        """Note that something was written; remove entries when it may have become too much."""
        notes = os.path.join(self.folder, f"written-{limit}")
        try:
            descriptor = os.open(notes, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            self._shrink(limit - limit // 8)
        else:
            try:
                os.write(descriptor, b"." * (1 + size // _UNIT))
                written = os.fstat(descriptor).st_size * _UNIT
            finally:
                os.close(descriptor)
            if written <= limit // 8:
                return
            self._shrink(limit - limit // 8)
        self._forget_notes()
        os.close(os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))

    def _forget_notes(self) -> None:
        for found in _scan(self.folder):
            if found.name.startswith("written-"):
                _remove(found.path)

    def _shrink(self, size: int) -> None:
        """Remove what was used longest ago, until no more than `size` bytes are there."""
        entries = []
        for file in self.files():
            if file.is_entry:
                entries.append(file)
            elif file.used < time.time() - _ABANDONED:
                _remove(file.path)
        entries.sort(key=lambda file: file.used)
        total = sum(file.size for file in entries)
        for file in entries:
            if total <= size:
                break
            _remove(file.path)
            total -= file.size


_store = cache(Store)
_warned = False


def _warn(folder: str, problem: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"compiled code is not kept on disk: {folder}: {problem}; set GRADTAPE_CACHE_DIR to a folder of your own, "
            "or GRADTAPE_CACHE=0",
            CacheWarning,
            stacklevel=2,
        )


def _header(key: bytes, code: bytes) -> bytes:
    """What an entry starts with."""
    return MAGIC + key + digest(key + code)


def _is_foreign(status: os.stat_result) -> bool:
    """Whether somebody else than this user may have written a file or folder."""
    return hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or bool(status.st_mode & _OTHERS_WRITE))


def _scan(folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _remove(path: str) -> None:
    with suppress(OSError):  # another process was faster, or Windows has it open
        os.unlink(path)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
