"""What a good program does: help that fits, completion, colours only where wanted, a bar only where somebody looks."""

import json
import os
import pty
import select
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gradtape.cli import checks, main
from gradtape.cli.program import main as program

PROGRAM = [sys.executable, "-W", "error", "-m", "gradtape"]
COMMANDS = sorted(command.name or command.callback.__name__ for command in program.registered_commands)


def on_a_terminal(*arguments, **environment):
    """What the program writes to a terminal, and its exit status."""
    leader, follower = pty.openpty()
    names = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment}
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=follower, stderr=follower, env=names)
    os.close(follower)
    written = b""
    while True:
        try:
            ready, _, _ = select.select([leader], [], [], 120)
            part = os.read(leader, 65536) if ready else b""
        except OSError:  # the other end is closed
            break
        if not part:
            break
        written += part
    os.close(leader)
    return written.decode(), process.wait()


def test_help_fits_a_screen():
    shown = CliRunner().invoke(main, ["--help"]).stdout
    assert len(shown.splitlines()) <= 40 and max(map(len, shown.splitlines())) <= 100
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "Exit status" in shown and "NO_COLOR" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_page_has_examples_that_name_the_command(name):
    shown = CliRunner().invoke(main, [name, "--help"]).stdout
    assert "Example" in shown and f"gradtape {name}" in shown
    assert len(shown.splitlines()) <= 75


def test_completion_knows_commands_and_options():
    def completed(words, at):
        environment = {**os.environ, "_GRADTAPE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        code = "from gradtape.cli import main; main(prog_name='gradtape')"
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert completed("gradtape gr", 1).stdout.split() == ["gradient"]
    assert "--order" in completed("gradtape plot --o", 2).stdout.split()


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_colours_are_for_terminals_that_want_them():
    coloured, status = on_a_terminal("table", "x", "--range", "0:1")
    plain, _ = on_a_terminal("table", "x", "--range", "0:1", NO_COLOR="1")
    assert status == 0 and "\x1b[1;36m" in coloured
    assert "36m" not in plain and "f'(x)" in plain


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_a_bar_is_only_where_somebody_looks():
    slow = ("accuracy", "lgamma(sin(x)) * digamma(x)", "--points", "400", "--order", "2")
    with_bar, status = on_a_terminal(*slow)
    assert status == 0 and "exact values" in with_bar
    assert "exact values" not in on_a_terminal(*slow, "--quiet")[0]
    piped = subprocess.run([*PROGRAM, *slow], capture_output=True, check=True)
    assert piped.stderr == b"" and b"\x1b" not in piped.stdout


def test_doctor_says_what_is_here_and_that_it_works():
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0 and result.stdout.endswith("everything works\n")
    found = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).stdout)
    assert {"gradtape", "Python", "processor", "threads", "cache"} <= set(found["about"])
    assert [check["passed"] for check in found["checks"]] == [True] * 6


def test_doctor_says_what_is_broken(monkeypatch):
    def broken():
        raise ImportError("no LLVM here")

    monkeypatch.setattr(
        checks, "_TESTS", {"a gradient": broken, "the sum": lambda: "1 + 1 is 3", "all else": lambda: ""}
    )
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "FAILED: ImportError: no LLVM here" in result.stdout and "FAILED: 1 + 1 is 3" in result.stdout
    assert "2 of 3 tests failed" in result.stdout
