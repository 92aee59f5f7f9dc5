"""Compiled code on disk: the next process loads it, unless it is damaged or foreign; bounded, and never in the way."""

import errno
import json
import os
import platform
import subprocess
import sys
import threading
import time
import warnings
from contextvars import copy_context
from pathlib import Path

import llvmlite
import numpy as np
import pytest

import gradtape
from gradtape import config
from gradtape.engine import compile as compiler
from gradtape.engine import disk, kernel
from gradtape.engine.cache import Cache
from gradtape.engine.executable import Executable
from gradtape.engine.plan import plan
from gradtape.errors import CacheWarning, OutputError
from gradtape.graph.node import TABLE, Buffer, Primitive
from gradtape.graph.program import Program

PROGRAM = Program((("float32", (100,)),), (("sin", (), (-1,)), ("square", (), (0,))), (1,))
X = np.linspace(-3, 3, 100, dtype=np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder for the cache of this test, in a process that was not warned before."""
    monkeypatch.setattr(disk, "_warned", False)
    monkeypatch.setattr(compiler, "_sources", lambda: "as they are")  # whoever edits them while the tests run
    with config.override(cache=True, cache_dir=tmp_path / "cache", cache_size=1 << 20):
        yield tmp_path / "cache"


@pytest.fixture
def compiled(monkeypatch):
    """Counts how many kernels are compiled."""
    made = []
    assemble = compiler.assemble
    monkeypatch.setattr(compiler, "assemble", lambda spec: made.append(spec) or assemble(spec))
    return made


def spec_of(program):
    return plan(program).steps[0].spec


def scaled(k):
    """A specification like no other."""
    return spec_of(Program((("float32", (100,)),), (("integer_pow", (k,), (-1,)),), (0,)))


def entries(folder):
    return sorted(folder.glob("objects/??/*.o"))


def leftovers(folder):
    return [path for path in folder.glob("objects/*/*") if path.suffix != ".o"]


def result(monkeypatch):
    """The bits of PROGRAM's result, with nothing in memory."""
    monkeypatch.setattr(kernel, "_kernels", Cache(100))
    return Executable(PROGRAM)([Buffer(X.copy())])[0].array.tobytes()


def key():
    return compiler._key(spec_of(PROGRAM))


# -- what it is for ------------------------------------------------------------------------------------------


def test_what_was_compiled_is_loaded_the_next_time(folder, compiled):
    first, second = (compiler.code(spec_of(PROGRAM)) for _ in range(2))
    assert (first.source, second.source, len(compiled)) == ("compiled", "disk", 1)
    assert first.seconds > 0 and second.seconds > 0
    assert len(entries(folder)) == 1 and not leftovers(folder)


def test_a_kernel_says_where_it_came_from(folder):
    spec = spec_of(PROGRAM)
    assert [kernel.Kernel(spec).source for _ in range(2)] == ["compiled", "disk"]
    assert kernel.Kernel(spec).seconds > 0


def test_the_bits_are_the_same_with_and_without(folder, monkeypatch):
    with config.override(cache=False):
        expected = result(monkeypatch)
    assert not folder.exists()
    assert [result(monkeypatch), result(monkeypatch)] == [expected, expected]
    assert len(entries(folder)) == 1


WORK = """
import json, sys
import numpy as np
import gradtape as tf
from gradtape.engine import kernel
x = tf.constant(np.linspace(-3, 3, 70_000, dtype=np.float32))
with tf.GradientTape() as tape:
    tape.watch(x)
    y = tf.reduce_sum(tf.sin(x) ** 2 * tf.exp(-x))
g = tape.gradient(y, x).numpy()
print(json.dumps([[k.source for k in kernel._kernels._values.values()], g.tobytes().hex(), float(y).hex()]))
"""


def start(folder, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADTAPE_")}
    environment |= {"GRADTAPE_CACHE_DIR": str(folder), "GRADTAPE_TIER": "fused"}
    environment |= {"GRADTAPE_THREADS": "1", **variables}  # more need code of their own
    command = [sys.executable, "-W", "error", "-c", WORK]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0 and not error, error
    return json.loads(out)


def test_a_second_process_compiles_nothing(folder):
    first, second = finish(start(folder)), finish(start(folder))
    assert set(first[0]) == {"compiled"} and set(second[0]) == {"disk"}
    assert first[1:] == second[1:] == finish(start(folder, GRADTAPE_CACHE="0"))[1:]


def test_eight_processes_at_once_on_an_empty_folder(folder):
    results = [finish(p) for p in [start(folder) for _ in range(8)]]
    assert len({json.dumps(r[1:]) for r in results}) == 1
    assert not leftovers(folder)
    assert set(finish(start(folder))[0]) == {"disk"}
    assert disk.info().entries == len(entries(folder)) == len(results[0][0])


def test_many_threads_at_once(folder):
    found, errors = [], []

    def work():
        try:
            for k in range(2, 8):
                found.append(compiler.code(scaled(k)).address("kernel"))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=copy_context().run, args=(work,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and all(found) and len(entries(folder)) == 6 and not leftovers(folder)


# -- damaged and foreign entries -----------------------------------------------------------------------------


def recompiles(monkeypatch, folder, compiled, expected):
    """What is on disk is not used, is replaced, and then serves again."""
    before = len(compiled)
    assert result(monkeypatch) == expected
    assert len(compiled) == before + 1
    assert result(monkeypatch) == expected
    assert len(compiled) == before + 1 and not leftovers(folder)


@pytest.mark.parametrize("keep", [0, 1, 17, 18, 50, 81, 82, 83, 500, -100, -1])
def test_a_truncated_entry_is_replaced(folder, monkeypatch, compiled, keep):
    expected = result(monkeypatch)
    (entry,) = entries(folder)
    entry.write_bytes(entry.read_bytes()[:keep])
    recompiles(monkeypatch, folder, compiled, expected)


@pytest.mark.parametrize("place", [0, 10, 17, 18, 49, 50, 81, 82, 83, 0.3, 0.5, 0.9, -1])
@pytest.mark.parametrize("bit", [0, 7])
def test_an_entry_with_a_flipped_bit_is_replaced(folder, monkeypatch, compiled, place, bit):
    expected = result(monkeypatch)
    (entry,) = entries(folder)
    content = bytearray(entry.read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 1 << bit
    entry.write_bytes(content)
    recompiles(monkeypatch, folder, compiled, expected)


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"\x7fELF" + b"x" * 5000, disk.MAGIC, disk.MAGIC * 300])
def test_other_content_is_replaced(folder, monkeypatch, compiled, content):
    expected = result(monkeypatch)
    entries(folder)[0].write_bytes(content)
    recompiles(monkeypatch, folder, compiled, expected)


def test_an_entry_under_the_name_of_another_is_replaced(folder, monkeypatch, compiled):
    expected = result(monkeypatch)
    (entry,) = entries(folder)
    other = Program((("float32", (100,)),), (("cos", (), (-1,)),), (0,))
    compiler.code(spec_of(other))
    (foreign,) = set(entries(folder)) - {entry}
    entry.write_bytes(foreign.read_bytes())
    recompiles(monkeypatch, folder, compiled, expected)


def test_another_processor_version_or_source_is_another_entry(folder, monkeypatch):
    result(monkeypatch)
    assert disk.read(key())
    cpu, features = compiler.host()
    others = [("host", ("another", features)), ("host", (cpu, "-fma")), ("_versions", "newer"), ("_sources", "edited")]
    for name, value in others:
        with monkeypatch.context() as patched:
            patched.setattr(compiler, name, lambda value=value: value)
            assert disk.read(key()) is None
    assert disk.read(key())
    for version in (gradtape.__version__, llvmlite.__version__, platform.machine().lower().replace("amd64", "x86_64")):
        assert version in compiler._versions()


def test_a_kernel_whose_code_does_not_follow_from_its_key_is_not_stored(folder, monkeypatch):
    monkeypatch.setattr(compiler, "_sources", lambda: None)
    assert compiler.code(spec_of(PROGRAM)).source == "compiled" and not folder.exists()
    monkeypatch.undo()
    name = "mine"
    try:
        Primitive(
            name,
            "constant",
            infer=lambda inputs, params: (inputs[0].shape, inputs[0].dtype),
            lowering=lambda m, x, *params: x + x,
            reference=lambda x, *params: x + x,
        )
        mine = Program((("float32", (100,)),), ((name, (), (-1,)),), (0,))
        assert compiler._key(spec_of(mine)) is None
    finally:
        del TABLE[name]
    odd = Program((("float32", (100,)),), (("cast", (np.str_("float64"),), (-1,)),), (0,))
    assert compiler._key(spec_of(odd)) is None


def test_source_files_that_changed_after_they_were_loaded_make_no_key(monkeypatch):
    monkeypatch.undo()
    compiler._sources.cache_clear()
    monkeypatch.setattr(compiler, "LOADED", 0)
    assert compiler._sources() is None
    compiler._sources.cache_clear()
    monkeypatch.setattr(compiler, "LOADED", time.time_ns() + 10**12)
    assert len(compiler._sources()) == 2 * disk.DIGEST
    compiler._sources.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="links, pipes and owners of POSIX")
class TestHostileFolder:
    def test_a_link_is_not_followed(self, folder, monkeypatch, compiled):
        expected = result(monkeypatch)
        (entry,) = entries(folder)
        elsewhere = folder / "elsewhere"
        entry.rename(elsewhere)
        entry.symlink_to(elsewhere)
        recompiles(monkeypatch, folder, compiled, expected)
        assert elsewhere.exists() and not entry.is_symlink()

    def test_a_pipe_does_not_block(self, folder, monkeypatch, compiled):
        expected = result(monkeypatch)
        (entry,) = entries(folder)
        entry.unlink()
        os.mkfifo(entry)
        recompiles(monkeypatch, folder, compiled, expected)

    def test_an_entry_that_others_may_write_is_replaced(self, folder, monkeypatch, compiled):
        expected = result(monkeypatch)
        entries(folder)[0].chmod(0o620)
        recompiles(monkeypatch, folder, compiled, expected)
        assert entries(folder)[0].stat().st_mode & 0o777 == 0o600

    def test_an_entry_of_another_user_is_not_run(self, folder, monkeypatch, compiled):
        expected = result(monkeypatch)
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        with pytest.warns(CacheWarning, match="others than this user may write to it"):
            assert result(monkeypatch) == expected
        assert len(compiled) == 2

    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
    def test_a_folder_that_others_may_write_to_is_not_used(self, folder, monkeypatch, compiled, mode):
        expected = result(monkeypatch)
        (folder / "objects").chmod(mode)
        with pytest.warns(CacheWarning, match="others than this user may write to it"):
            assert result(monkeypatch) == expected
        assert len(compiled) == 2 and disk.info().problem
        with pytest.raises(OutputError, match="nothing is removed"):
            disk.clear()
        assert len(entries(folder)) == 1

    def test_a_folder_that_is_a_link_is_not_used(self, folder, monkeypatch, tmp_path):
        folder.mkdir()
        (tmp_path / "other").mkdir()
        (folder / "objects").symlink_to(tmp_path / "other")
        with pytest.warns(CacheWarning, match="objects in it is not a folder"):
            result(monkeypatch)
        assert not list((tmp_path / "other").iterdir())

    def test_files_are_for_the_user_alone(self, folder, monkeypatch):
        before = os.umask(0)
        try:
            result(monkeypatch)
        finally:
            os.umask(before)
        for path in [folder, *folder.rglob("*")]:
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


# -- folders that do not work --------------------------------------------------------------------------------


def no_cache(monkeypatch, folder, reason):
    """Everything is computed; one warning says which folder and why."""
    with config.override(cache=False):
        expected = result(monkeypatch)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for k in range(2, 5):
            assert result(monkeypatch) == expected
            assert compiler.code(scaled(k)).source == "compiled"
    (warning,) = seen
    assert warning.category is CacheWarning
    assert str(folder) in str(warning.message) and reason in str(warning.message)
    assert "GRADTAPE_CACHE=0" in str(warning.message)


def failing(error):
    def fail(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    return fail


def test_a_file_where_the_folder_should_be(folder, monkeypatch):
    folder.write_text("precious")
    no_cache(monkeypatch, folder, "not a directory" if os.name == "posix" else "")
    assert folder.read_text() == "precious"
    assert disk.info().problem


def test_a_folder_below_a_file(folder, monkeypatch):
    folder.write_text("precious")
    with config.override(cache_dir=folder / "below"):
        no_cache(monkeypatch, folder, "not a directory" if os.name == "posix" else "")


def test_a_folder_in_the_place_of_an_entry(folder, monkeypatch):
    result(monkeypatch)
    (entry,) = entries(folder)
    entry.unlink()
    entry.mkdir()
    no_cache(monkeypatch, folder, "")
    assert not leftovers(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission(folder, monkeypatch):
    folder.mkdir(mode=0o500)
    try:
        no_cache(monkeypatch, folder, "permission denied")
        assert disk.info().problem == "permission denied"
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_folders_that_cannot_be_made(folder, monkeypatch, error):
    monkeypatch.setattr(os, "makedirs", failing(error))
    no_cache(monkeypatch, folder, os.strerror(error).lower())


@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EMFILE])
def test_files_that_cannot_be_made(folder, monkeypatch, error):
    monkeypatch.setattr("tempfile.mkstemp", failing(error))
    no_cache(monkeypatch, folder, os.strerror(error).lower())
    assert not entries(folder)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["write", "replace"])
def test_a_disk_that_is_full_leaves_nothing_half_written(folder, monkeypatch, call, error):
    if call == "write":
        real = open

        def full(file, mode="r", **options):
            opened = real(file, mode, **options)
            if mode == "wb":
                opened.close()
                raise OSError(error, os.strerror(error))
            return opened

        monkeypatch.setattr(disk, "open", full, raising=False)
    else:
        monkeypatch.setattr(os, "replace", failing(error))
    no_cache(monkeypatch, folder, os.strerror(error).lower())
    assert not entries(folder) and not leftovers(folder)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_disk_that_fills_while_writing(folder, monkeypatch):
    from tempfile import mkstemp

    def on_a_full_disk(*args):
        descriptor, path = mkstemp(*args)
        os.close(descriptor)
        return os.open("/dev/full", os.O_WRONLY), path

    monkeypatch.setattr("tempfile.mkstemp", on_a_full_disk)
    no_cache(monkeypatch, folder, "no space left on device")
    assert not entries(folder) and not leftovers(folder)


def test_a_folder_that_can_only_be_read_still_serves(folder, monkeypatch, compiled):
    result(monkeypatch)
    for name in ("utime", "mkdir", "makedirs", "replace"):
        monkeypatch.setattr(os, name, failing(errno.EROFS))
    result(monkeypatch)
    assert len(compiled) == 1


def test_a_user_without_a_home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(disk, "_users_folder", lambda: os.path.join("~", ".cache", "gradtape"))
    with config.override(cache_dir=None):
        no_cache(monkeypatch, "~", "this user has no home directory")
    assert not list(tmp_path.iterdir())


def test_the_folder_of_the_user_is_below_the_home(monkeypatch):
    assert Path(disk._users_folder()).is_absolute() and "gradtape" in disk._users_folder()


def test_a_folder_that_is_removed_while_it_is_used_is_made_again(folder, monkeypatch, compiled):
    import shutil

    for _ in range(3):
        result(monkeypatch)
        shutil.rmtree(folder)
    assert len(compiled) == 3


def test_a_folder_that_vanishes_during_a_write_is_no_failure(folder, monkeypatch):
    monkeypatch.setattr("tempfile.mkstemp", failing(errno.ENOENT))
    result(monkeypatch)  # a warning would be an error here
    monkeypatch.undo()


# -- bounds --------------------------------------------------------------------------------------------------


def names(count):
    return [disk.digest(str(k).encode()) for k in range(count)]


def test_what_was_not_read_for_the_longest_time_goes_first(folder):
    limit, code = 80_000, b"x" * 900
    keys = names(60)
    store = disk.Store(str(folder))
    for k, one in enumerate(keys):
        store.write(one, code, limit)
        os.utime(store.path(one), (1e9 + k, 1e9 + k))
    for one in keys[:5]:
        assert store.read(one) == code  # these were used just now
    for one in names(200)[60:90]:
        store.write(one, code, limit)
    assert all(store.read(one) for one in keys[:5])
    assert not any(store.read(one) for one in keys[5:15])
    assert sum(path.stat().st_size for path in entries(folder)) <= limit


@pytest.mark.parametrize("limit", [3000, 20_000, 1 << 20])
def test_the_folder_stays_below_its_limit(folder, limit):
    store = disk.Store(str(folder))
    for one in names(300):
        store.write(one, b"x" * 1500, limit)
        assert sum(file.size for file in store.files()) <= limit
    assert 0 < disk.info().entries <= 300 and store.read(names(300)[-1])


def test_the_entries_are_looked_at_rarely(folder, monkeypatch):
    looked = []
    shrink = disk.Store._shrink
    monkeypatch.setattr(disk.Store, "_shrink", lambda self, size: looked.append(size) or shrink(self, size))
    stores = [disk.Store(str(folder)) for _ in range(3)]  # as three processes would have
    for k, one in enumerate(names(400)):
        stores[k % 3].write(one, b"x" * 1000, 1 << 20)
    assert len(looked) <= 1 + 8 * 400 * 2048 // (1 << 20)


def test_a_lower_limit_holds_at_once(folder):
    store = disk.Store(str(folder))
    for one in names(100):
        store.write(one, b"x" * 1000, 1 << 20)
    store.write(names(101)[-1], b"x" * 1000, 10_000)
    assert sum(file.size for file in store.files()) <= 10_000 and store.read(names(101)[-1])


def test_what_is_larger_than_the_limit_is_not_stored(folder):
    store = disk.Store(str(folder))
    store.write(names(1)[0], b"x" * 1000, 1000)
    store.write(names(1)[0], b"", 0)
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_in_time(folder):
    store = disk.Store(str(folder))
    store.write(names(1)[0], b"x", 1 << 20)
    old, new = (entries(folder)[0].parent / name for name in ("old.tmp", "new.tmp"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    store._shrink(1 << 20)
    assert new.exists() and not old.exists()


def test_entries_that_another_process_removes_meanwhile_are_no_failure(folder, monkeypatch):
    store = disk.Store(str(folder))
    for one in names(20):
        store.write(one, b"x" * 1000, 1 << 20)
    found = list(store.files())
    monkeypatch.setattr(store, "files", lambda: iter(found))
    disk.Store(str(folder)).clear()
    store._shrink(0)
    assert store.clear() == (0, 0)


# -- what is said about it -----------------------------------------------------------------------------------


def test_info_and_clear(folder, monkeypatch):
    assert disk.info() == disk.Info(str(folder), 0, 0, 1 << 20, True, "") and not folder.exists()
    assert disk.clear() == (0, 0)
    result(monkeypatch)
    size = entries(folder)[0].stat().st_size
    assert disk.info() == disk.Info(str(folder), 1, size, 1 << 20, True, "")
    (folder / "mine.txt").write_text("precious")
    (entries(folder)[0].parent / "mine.o").write_text("precious")
    assert disk.clear() == (1, size)
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["mine.o", "mine.txt"]
    (folder / "objects").joinpath(next(folder.rglob("mine.o"))).unlink()
    disk.clear()
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_clear_says_what_it_cannot_remove(folder, monkeypatch):
    result(monkeypatch)
    monkeypatch.setattr(os, "unlink", failing(errno.EACCES))
    with pytest.raises(OutputError, match=r"cannot remove .*\.o: permission denied"):
        disk.clear()


def test_without_a_cache_nothing_is_read_or_written(folder, monkeypatch, compiled):
    result(monkeypatch)
    with config.override(cache=False):
        result(monkeypatch)
        assert not disk.info().enabled
    assert len(compiled) == 2
