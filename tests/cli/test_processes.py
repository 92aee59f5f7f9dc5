"""The program as people start it: in a process of its own."""

import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-W", "error", "-m", "gradtape"]


def run(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **options}
    return subprocess.run([*PROGRAM, *arguments], check=False, **options)


def test_draws_without_a_display(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")}
    result = run("plot", "-sigmoid(x)", "--range", "-8:8", cwd=tmp_path, env=environment)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"written to minus_sigmoid_x.png" in result.stdout
    assert (tmp_path / "minus_sigmoid_x.png").stat().st_size > 10_000


def test_answers_bad_input_without_a_traceback(tmp_path):
    result = run("plot", "sin(x", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().splitlines() == [
        "gradtape: '(' was never closed; it needs its partner (column 4)",
        "    sin(x",
        "       ^",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_any_terminal_encoding_will_do(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    good = run("table", "π*x", "--order", "4", env=environment)
    assert (good.returncode, good.stderr) == (0, b"")
    bad = run("table", "é^x", env=environment)
    assert bad.returncode == 2 and b"for a power write **" in bad.stderr and b"Traceback" not in bad.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
def test_a_reader_who_leaves_and_a_full_disk_are_no_crash():
    reading, writing = os.pipe()
    os.close(reading)
    result = run("table", "x", stdout=writing)
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, b"")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            result = run("table", "x", stdout=full)
        assert result.returncode == 2
        assert result.stderr == b"gradtape: the output cannot be written: no space left on device\n"


def test_help_and_tables_load_neither_matplotlib_nor_more_than_they_need():
    for arguments, unwanted in (
        (["table", "x"], "matplotlib"),
        (["--help"], "llvmlite"),
        (["cache", "info"], "llvmlite"),
        (["plot", "--help"], "gradtape.study"),
    ):
        code = (
            "import sys; from gradtape.cli import main\n"
            f"try: main({arguments!r})\n"
            f"finally: assert {unwanted!r} not in sys.modules"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert (result.returncode, result.stderr) == (0, b""), unwanted


def test_a_bad_variable_is_answered_in_one_sentence():
    result = run("cache", "info", env={**os.environ, "GRADTAPE_CACHE_SIZE": "much"})
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"gradtape: the environment variable GRADTAPE_CACHE_SIZE must be a number of bytes")
    assert result.stderr.count(b"\n") == 1


def test_a_million_rows(tmp_path):
    count = 1_000_000
    x = [i % 1000 for i in range(count)]
    (tmp_path / "big.csv").write_text("x,name,y\n" + "".join(f"{v},row,{3 * v + 1}\n" for v in x))
    command = ("fit", "big.csv", "--model", "w*x + b", "--target", "y", "--optimizer", "lbfgs", "--steps", "50")
    result = run(*command, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"fitted to 1,000,000 rows" in result.stdout and b"R\xc2\xb2 1\n" in result.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_is_read_and_written(tmp_path):
    result = run("fit", "-", "--model", "w*x", "--target", "y", "--json", input=b"x,y\n1,2\n2,4\n3,6.1\n", cwd=tmp_path)
    assert result.returncode == 0 and result.stdout.startswith(b'{"model": "w*x"')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user who may not do everything")
def test_a_folder_that_nobody_may_write_to(tmp_path):
    tmp_path.chmod(0o500)
    result = run("plot", "x", cwd=tmp_path)
    tmp_path.chmod(0o700)
    assert result.returncode == 2 and b"permission denied" in result.stderr and b"Traceback" not in result.stderr


@pytest.mark.parametrize("command", [("plot",), ("table",), ("gradient", "--at", "x=1"), ("accuracy",)])
@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "(" * 5000 + "x", "x**" * 400 + "x", "__import__('os').system('true')", "\x00", "9**9**9**9"],
)
def test_hostile_expressions_are_refused_by_every_command(command, text, tmp_path):
    if "\x00" in text:
        text = "x\u0000".replace("\u0000", "\u2028\u202e")  # no program can be given a null character
    result = run(command[0], text, *command[1:], cwd=tmp_path)
    assert result.returncode == 2 and result.stdout == b"" and b"Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
