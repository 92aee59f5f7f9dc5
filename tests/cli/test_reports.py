"""``gradtape report`` and ``gradtape compare --facts`` in processes of their own, and their pages in a browser."""

import json
import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("flint")

PROGRAM = [sys.executable, "-W", "error", "-m", "gradtape"]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def run(*arguments, **options):
    return subprocess.run([*PROGRAM, *arguments], check=False, capture_output=True, timeout=300, **options)


def test_a_report_in_plain_text():
    result = run("report", "sigmoid(x)")
    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode()
    assert "range (0, 1)" in text
    assert "|f'| < 0.0067 outside [-5, 5]" in text


def test_a_report_where_only_ascii_can_be_written():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = run("report", "relu", env=environment)
    assert (result.returncode, result.stderr) == (0, b"")
    assert "range [0, inf)" in result.stdout.decode("ascii")


def test_a_report_as_json_of_a_users_function(tmp_path):
    (tmp_path / "mine.py").write_text("import gradtape as tf\n\n\ndef bent(x):\n    return tf.maximum(x, 0.5 * x)\n")
    result = run("report", "mine:bent", "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    found = json.loads(result.stdout)
    assert found["name"] == "bent"
    assert found["facts"]["smallest_slope"]["value"]["slope"] == 0.5
    assert found["facts"]["smoothness"] == {**found["facts"]["smoothness"], "value": "C0", "status": "proved"}


def test_names_of_the_catalogue():
    result = run("report", "squareplus")
    assert result.returncode == 0
    assert "squareplus(x)" in result.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "sin(x"), "was never closed"),
        (("report", "x*y"), "one variable"),
        (("report", "sigmoid", "--html", "a.txt"), "end it in .html"),
        (("report", "sigmoid", "--html", "a.html", "--json"), "choose one"),
        (("report", "sigmoid", "--dtype", "int8"), "float16, bfloat16, float32 or float64"),
        (("report", "nothing:here"), "cannot be imported"),
        (("report", "__import__('os')"), "text in quotes is not part of an expression"),
        (("compare", "sigmoid", "--facts", "--html", "a.html", "--json"), "choose one"),
    ],
)
def test_errors_are_a_sentence(tmp_path, arguments, message):
    result = run(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, b"")
    assert message in result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_facts_beside_each_other(tmp_path):
    result = run("compare", "tanh", "relu", "--facts", "--plot", "two.svg", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode()
    assert "range (-1, 1)" in text
    assert "written to two.svg" in text
    assert (tmp_path / "two.svg").exists()
    result = run("compare", "tanh", "relu", "--json", cwd=tmp_path)
    assert list(json.loads(result.stdout)["functions"]) == ["tanh", "relu"]


def browse(page, *options):
    """What a browser makes of a page, and what it complains about."""
    result = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    return result.stdout, console


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
@pytest.mark.parametrize("arguments", [("report", "gelu(x)"), ("compare", "sigmoid", "relu", "--facts")])
def test_pages_in_a_browser(tmp_path, arguments):
    result = run(*arguments, "--html", "page.html", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == b"written to page.html\n"
    page = tmp_path / "page.html"
    shown, console = browse(page, "--dump-dom", "--host-resolver-rules=MAP * ~NOTFOUND")
    assert console == []
    assert "proved" in shown
    assert ("range [-0.1699712075, ∞)" if arguments[0] == "report" else "range (0, 1)") in shown
    picture = tmp_path / "page.png"
    for size in ("1200,900", "390,844"):
        browse(page, f"--screenshot={picture}", f"--window-size={size}")
        assert picture.stat().st_size > 10_000
        picture.unlink()
