"""The settings: where they come from, who sees which, and what is refused."""

import asyncio
import dataclasses
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gradtape import config
from gradtape.errors import ArgumentError

DEFAULTS = config.Settings()
NAMES = [one.name for one in dataclasses.fields(config.Settings)]


@pytest.fixture(autouse=True)
def process_settings(monkeypatch):
    """Settings of the process as if no variable were set; what a test does to them is undone."""
    monkeypatch.setattr(config, "_everywhere", DEFAULTS)


def in_new_process(code, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRADTAPE_")} | variables
    command = [sys.executable, "-c", f"import gradtape as tf\n{code}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.settings().threads = 3
    assert not hasattr(config.settings(), "__dict__")


def test_update_changes_the_process():
    config.update(threads=3, tier="single")
    assert (config.settings().threads, config.settings().tier) == (3, "single")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(config.settings().threads))
    thread.start()
    thread.join()
    assert seen == [3]
    config.update(threads=None)
    assert config.settings().threads is None and config.settings().tier == "single"


def test_override_changes_a_block_and_blocks_nest():
    with config.override(tier="fused", threads=4) as outer:
        assert outer is config.settings() and (outer.tier, outer.threads) == ("fused", 4)
        with config.override(threads=1):
            assert (config.settings().tier, config.settings().threads) == ("fused", 1)
        assert config.settings() is outer
    assert config.settings() == DEFAULTS


def test_override_ends_with_an_exception_too():
    with pytest.raises(KeyError), config.override(tier="single"):
        raise KeyError
    assert config.settings() == DEFAULTS


def test_override_may_stand_above_a_function():
    @config.override(threads=2)
    def work():
        return config.settings().threads

    assert (work(), work(), config.settings().threads) == (2, 2, None)


def test_a_block_that_runs_keeps_its_settings_when_the_process_changes():
    with config.override(threads=2):
        config.update(threads=5, pending_limit=7)
        assert (config.settings().threads, config.settings().pending_limit) == (2, DEFAULTS.pending_limit)
    assert (config.settings().threads, config.settings().pending_limit) == (5, 7)


def test_override_is_for_this_thread_alone():
    inside, seen = threading.Barrier(2, timeout=30), {}

    def work(threads):
        with config.override(threads=threads):
            inside.wait()
            seen[threads] = config.settings().threads
            inside.wait()

    others = [threading.Thread(target=work, args=(n,)) for n in (2, 3)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert seen == {2: 2, 3: 3} and config.settings().threads is None


@pytest.mark.skipif(getattr(sys.flags, "thread_inherit_context", 0), reason="here threads inherit the block's context")
def test_a_thread_started_in_a_block_has_the_settings_of_the_process():
    seen = []
    with config.override(threads=2):
        thread = threading.Thread(target=lambda: seen.append(config.settings().threads))
        thread.start()
        thread.join()
    assert seen == [None]


def test_tasks_do_not_see_each_others_settings():
    async def work(threads):
        with config.override(threads=threads):
            await asyncio.sleep(0)
            return config.settings().threads

    async def both():
        return await asyncio.gather(work(2), work(3))

    assert asyncio.run(both()) == [2, 3]


@pytest.mark.parametrize("change", [config.update, lambda **c: config.override(**c).__enter__()])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teir": "auto"}, "there is no setting 'teir'; the settings are tier, threads, cache, cache_dir, "),
        ({"tier": "fast"}, "tier must be auto, single or fused, not 'fast'"),
        ({"tier": ["auto"]}, "tier must be auto, single or fused, not ['auto']"),
        ({"threads": 0}, "threads must be a whole number of at least 1, or None for all processors, not 0"),
        ({"threads": True}, "not True"),
        ({"threads": 2.0}, "not 2.0"),
        ({"threads": "2"}, "not '2'"),
        ({"cache": 1}, "cache must be True or False, not 1"),
        ({"cache": None}, "not None"),
        ({"cache_dir": ""}, "cache_dir must be a folder, or None for the user's cache directory, not ''"),
        ({"cache_dir": 3}, "not 3"),
        ({"cache_dir": "a\0b"}, "not 'a\\x00b'"),
        ({"cache_dir": b"bytes"}, "not b'bytes'"),
        ({"cache_size": -1}, "cache_size must be a number of bytes, such as 1000000, 512K, 256M or 1G, not -1"),
        ({"cache_size": "1T"}, "not '1T'"),
        ({"cache_size": "K"}, "not 'K'"),
        ({"cache_size": 1.5}, "not 1.5"),
        ({"cache_size": None}, "not None"),
        ({"pending_limit": 0}, "pending_limit must be a whole number of at least 1, not 0"),
        ({"threads": 2, "pending_limit": None}, "not None"),
        ({"check_numerics": "yes"}, "check_numerics must be True, False or 'record', not 'yes'"),
        ({"check_numerics": 1}, "not 1"),
        ({"safe_selection": 0}, "safe_selection must be True or False, not 0"),
        (
            {"stabilise": "no"},
            "stabilise must be True, False, names of rewrites, or a mapping of names to True or False, not 'no'",
        ),
    ],
)
def test_a_wrong_name_or_value_is_refused_and_changes_nothing(change, changes, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        change(**changes)
    assert config.settings() == DEFAULTS


def test_values_are_brought_into_one_form(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for given, size in [("64M", 64 << 20), (" 2k ", 2048), ("1G", 1 << 30), ("17", 17), (0, 0)]:
        with config.override(cache_size=given) as now:
            assert now.cache_size == size
    for given in ["here", Path("here"), str(tmp_path / "here"), *(["~/here"] if os.name == "posix" else [])]:
        with config.override(cache_dir=given) as now:
            assert now.cache_dir == tmp_path / "here"  # wherever the process goes later


def test_every_setting_has_a_variable():
    wanted = {
        "tier": ("fused", "fused"),
        "threads": ("3", 3),
        "cache": ("0", False),
        "cache_dir": (os.path.abspath("x"), Path("x").absolute()),
        "cache_size": ("2M", 2 << 20),
        "pending_limit": (" 5 ", 5),
        "check_numerics": ("record", "record"),
        "explain": ("1", True),
        "safe_selection": ("0", False),
        "stabilise": ("0", False),
    }
    assert list(wanted) == NAMES
    variables = {f"GRADTAPE_{name.upper()}": text for name, (text, _) in wanted.items()}
    code = f"s = tf.config.settings(); print(*[str(getattr(s, name)) for name in {NAMES}], sep='|')"
    assert in_new_process(code, **variables).stdout.strip().split("|") == [str(value) for _, value in wanted.values()]
    assert in_new_process(code).stdout.strip().split("|") == [str(getattr(DEFAULTS, name)) for name in NAMES]
    empty = dict.fromkeys(variables, "")
    assert in_new_process(code, **empty).stdout == in_new_process(code).stdout


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("GRADTAPE_TIER", "fast", "auto, single or fused"),
        ("GRADTAPE_THREADS", "0", "a whole number of at least 1"),
        ("GRADTAPE_THREADS", "many", "a whole number of at least 1"),
        ("GRADTAPE_CACHE", "yes", "0 or 1"),
        ("GRADTAPE_CACHE_SIZE", "1T", "a number of bytes, such as 1000000, 512K, 256M or 1G"),
        ("GRADTAPE_PENDING_LIMIT", "-1", "a whole number of at least 1"),
        ("GRADTAPE_CHECK_NUMERICS", "2", "0, 1 or record"),
        ("GRADTAPE_SAFE_SELECTION", "yes", "0 or 1"),
    ],
)
def test_a_bad_variable_is_an_error_at_first_use_and_not_at_import(variable, text, allowed):
    code = "print('imported')\nfor _ in range(2):\n  try: tf.config.settings()\n"
    code += "  except tf.errors.ArgumentError as e: print(e)"
    result = in_new_process(code, **{variable: text})
    sentence = f"the environment variable {variable} must be {allowed}, not {text!r}"
    assert result.stdout.splitlines() == ["imported", sentence, sentence], result.stderr


def test_the_page_on_configuration_lists_every_setting():
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| `(GRADTAPE_\w+)` \|", page, re.MULTILINE)
    assert listed == [(name, f"GRADTAPE_{name.upper()}") for name in NAMES]
