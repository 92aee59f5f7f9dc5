"""The commands, called in this process: what they print, write and refuse."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from gradtape import __version__, config
from gradtape.cli import main
from gradtape.cli.commands.cache import _size
from gradtape.cli.output import atomic, default_name
from gradtape.engine import disk
from gradtape.errors import OutputError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def done(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_plot_writes_a_picture_and_prints_the_table(folder):
    printed = done("plot", "sigmoid(x)")
    assert [p.name for p in folder.iterdir()] == ["sigmoid_x.png"]
    assert Path("sigmoid_x.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert "written to sigmoid_x.png" in printed
    header, _, *rows = printed.splitlines()
    assert header.split() == ["x", "f(x)", "f'(x)"]
    assert rows[5].split() == ["0", "0.5", "0.25"]


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("SVG", b"<?xml")]
)
def test_plot_writes_the_kind_of_picture_that_is_asked_for(folder, suffix, start):
    path = folder / f"my picture.{suffix}"
    path.write_text("old")
    done("plot", "sin(x)**2", "--order", "3", "--range=-2*pi:2*pi", "--points", "101", "--output", str(path))
    assert path.read_bytes().startswith(start)
    assert list(folder.iterdir()) == [path]


def test_plot_shows_what_is_asked_for(folder):
    done("plot", "gelu(x)", "--mark", "--saturation", "0.01", "--output", "a.svg")
    done("plot", "sin(x)", "--taylor", "-pi/2", "--terms", "4", "--style", "grey", "--output", "b.svg")
    done("plot", "exp(x)", "--tangent", "-1", "--output", "c.svg")
    assert "tangent" not in Path("a.svg").read_text() and "Taylor at -1.5708, degree 4" in Path("b.svg").read_text()
    assert "tangent at -1, slope 0.3679" in Path("c.svg").read_text()


def test_plot_of_two_variables(folder):
    printed = done("plot", "x**2 - y**2", "--range=-2:2,-1:1", "--output", "a.svg")
    assert printed.splitlines() == ["saddle at (0, 0)  0", "", "written to a.svg"]
    done("plot", "x*y", "--surface", "--style", "dark", "-o", "b.png")
    assert "no single critical points" in done("plot", "x + y", "-o", "c.png")
    assert {p.name for p in folder.iterdir()} == {"a.svg", "b.png", "c.png"}


def test_moving_pictures(folder):
    assert done("plot", "sin(t)", "--animate", "t.gif") == "written to t.gif\n"
    printed = done("descent", "x**2 + y**2", "--start", "2,-1", "--steps", "3", "--rate", "0.25", "--animate", "d.gif")
    assert printed.startswith("sgd  f = 0.078125 at (0.25, -0.125)\n")
    for name, frames in (("t.gif", 80), ("d.gif", 4)):
        with Image.open(name) as image:
            assert image.format == "GIF" and image.n_frames == frames


def test_descent_draws_and_says_where_it_ends(folder):
    printed = done("descent", "x**4 + y**4", "--start=-3,1", "--optimizer", "sgd,adam", "--rate", "1", "--steps", "9")
    lines = printed.splitlines()
    assert lines[0].startswith("sgd ") and lines[0].endswith("steps: then it is not finite")
    assert lines[1].startswith("adam ") and lines[-1] == "written to descent_x_pow_4_plus_y_pow_4.png"
    assert [p.name for p in folder.iterdir()] == ["descent_x_pow_4_plus_y_pow_4.png"]


def test_compare_and_depth(folder):
    Path("mine.py").write_text("import gradtape as tf\n\n\ndef bent(x):\n    return tf.tanh(x) + x / 10\n")
    assert done("compare", "sigmoid", "x**2", "mine:bent", "--plot", "a.svg") == "written to a.svg\n"
    assert "bent(x)" in Path("a.svg").read_text()
    assert done("compare", "tanh", "relu") == "written to compare_tanh_relu.png\n"
    options = ("--layers", "4", "--width", "8", "--gain", "sqrt(2)", "-o", "d.svg")
    assert done("depth", "mine:bent", *options) == "written to d.svg\n"
    assert "8 wide" in Path("d.svg").read_text()
    done("depth", "relu", "--layers", "4", "--theory", "-o", "e.png")


def test_table_prints_numbers_alone(folder):
    rows = list(csv.reader(io.StringIO(done("table", "sin(x)", "--csv", "--order", "2", "--range", "-1:1"))))
    assert rows[0] == ["x", "f(x)", "f'(x)", "f''(x)"] and rows[1][0] == "-1.0"
    read = json.loads(done("table", "1/x", "--json", "--dtype", "float64"))
    assert read["dtype"] == "float64" and [0.0, "Infinity", "-Infinity"] in read["rows"]
    assert done("table", "x", "--order", "0").split()[:2] == ["x", "f(x)"]
    assert list(folder.iterdir()) == []


def test_accuracy_prints_figures_and_the_verdict():
    printed = done("accuracy", "exp(x) - cos(x)", "--order", "0", "--domain", "-1", "1", "--points", "200")
    assert printed.startswith("accuracy of f(x) for f(x) = exp(x) - cos(x), float32, -1 to 1\n")
    assert "1 ulp: not met" in printed
    assert "The digits are lost where cos(x) is subtracted from exp(x), at x = " in printed


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_accuracy_draws_when_asked(folder, option):
    assert done("accuracy", "-x**2", "--points", "50", option, "error.png").endswith("written to error.png\n")
    assert Path("error.png").read_bytes().startswith(b"\x89PNG")
    done("accuracy", "-x**2", "--points", "50")
    assert [p.name for p in folder.iterdir()] == ["error.png"]


def test_accuracy_as_json_on_the_whole_line():
    arguments = ("--domain", "-inf", "inf", "--order", "2", "--dtype", "float64", "--points", "50", "--json")
    read = json.loads(done("accuracy", "1/(1 + exp(-x))", *arguments))
    assert read["met"] and read["domain"] is None and read["order"] == 2 and read["dtype"] == "float64"


@pytest.mark.parametrize(
    "arguments",
    [
        ("table", "-x**2", "--range", "-1:1"),
        ("table", "--range", "-1:1", "-x**2"),
        ("table", "--range=-1:1", "--", "-x**2"),
        ("table", "-x**2", "--range=-sqrt(1):cos(0)"),
        ("table", " -x**2 ", "--range", " -1 : 1 "),
    ],
)
def test_expressions_and_ranges_may_start_with_a_minus(arguments):
    assert done(*arguments).splitlines()[2].split() == ["-1", "-1", "2"]


def test_help_and_version():
    assert done("--version") == f"gradtape {__version__}\n"
    for arguments in ((), ("--help",)):
        assert "plot" in done(*arguments) and "table" in done(*arguments)
    text = done("plot", "--help")
    for word in ("--order", "--range", "--points", "--dtype", "--output", "--show", "Examples", "sigmoid"):
        assert word in text


BAD = [
    (("plot", "sigmod(x)"), "did you mean sigmoid"),
    (("plot", "sin(x"), "never closed"),
    (("plot", "x^2"), "for a power write **"),
    (("plot", "2x"), "write 2*x"),
    (("plot", ""), "is empty"),
    (("plot", "sinx"), "write sin(x)"),
    (("table", "x*y"), "functions of one variable, but x*y has 2: x, y"),
    (("plot", "x**99999999"), "exponent 99999999 is too large"),
    (("plot", "9**9**9**9"), "is too large"),
    (("plot", "(" * 500 + "x" + ")" * 500), "nested more than 100 levels"),
    (("plot", "x" * 3000), "3,000 characters"),
    (("plot", "__import__('os').system('touch hacked')"), "quotes"),
    (("plot", "x", "--range", "5:5"), "range 5:5 is empty"),
    (("plot", "x", "--range", "5:-5"), "range 5:-5 is reversed; write the smaller end first, -5:5"),
    (("plot", "x", "--range", "0:inf"), "not finite"),
    (("plot", "x", "--range", "nan:1"), "not finite"),
    (("plot", "x", "--range", "0:1/0"), "not finite"),
    (("plot", "x", "--range", "0"), "written A:B"),
    (("plot", "x", "--range", "0:1:2"), "written A:B"),
    (("plot", "x", "--range", ":"), "written A:B"),
    (("plot", "x", "--range", "0:z"), "unknown name 'z'"),
    (("plot", "x", "--range", "0:1e300"), "use float64"),
    (("plot", "x", "--points", "0"), "2 to 1,000,000 points, not 0"),
    (("plot", "x", "--points", "-3"), "not -3"),
    (("plot", "x", "--points", "99999999"), "not 99999999"),
    (("plot", "x", "--points", "many"), "--points is a whole number, such as --points 3, not 'many'"),
    (("plot", "x", "--points", "9" * 5000), "whole number"),
    (("plot", "x", "--order", "31"), "0 to 30, not 31"),
    (("plot", "x", "--order", "-1"), "0 to 30, not -1"),
    (("plot", "x", "--order", "two"), "not 'two'"),
    (("plot", "x", "--dtype", "int32"), "float32 or float64, not in 'int32'"),
    (("plot", "x*y*z"), "functions of one variable, but x*y*z has 3"),
    (("plot", "x*y", "--order", "2"), "--order is for functions of one variable"),
    (("plot", "x*y", "--animate", "a.gif"), "see gradtape descent"),
    (("plot", "x", "--surface"), "functions of two variables, but x has 1"),
    (("plot", "x*y", "--range", "0:1,0:1,0:1"), "written A:B,C:D"),
    (("plot", "x*y", "--range", "0:1,1:1"), "range 1:1 is empty"),
    (("plot", "x", "--animate", "a.png"), "end it in .gif"),
    (("plot", "x", "--animate", "a.gif", "--output", "a.png"), "leave out --output"),
    (("compare",), "Missing argument"),
    (("compare", "tanh", "nothing:here"), "nothing:here cannot be imported"),
    (("compare", "tanh", "math:nothing"), "math has no function nothing"),
    (("compare", "tanh", "sigmod"), "did you mean sigmoid"),
    (("compare", "tanh", "--plot", "a.gif"), "end it in .png"),
    (("depth", "log"), "not finite for all numbers"),
    (("depth", "relu", "--layers", "0"), "1 to 1000 layers"),
    (("descent", "x*y"), "Missing option '--start'"),
    (("descent", "x*y", "--start", "1"), "starts from two numbers"),
    (("descent", "x*y", "--start", "1,,2"), "such as --start 4,1"),
    (("descent", "x**2", "--start", "1,1"), "functions of two variables"),
    (("descent", "x*y", "--start", "1,1", "--optimizer", "newton"), "one of sgd, momentum"),
    (("plot", "x", "--style", "pink"), "a style is one of light, grey, dark, paper"),
    (("plot", "sqrt(x)", "--tangent", "0"), "no tangent at x = 0"),
    (("plot", "x", "--tangent", "a"), "unknown name 'a'"),
    (("plot", "x", "--taylor", "0", "--terms", "0"), "from 1 to 30, not 0"),
    (("plot", "x", "--saturation", "-1"), "is positive"),
    (("plot", "x", "--output", "missing/x.png"), "there is no folder"),
    (("plot", "x", "--output", "x.gif"), "end it in .png, .svg, .pdf"),
    (("plot", "x", "--output", "x"), "without a suffix"),
    (("plot", "x", "--output", "."), "cannot write"),
    (("plot", "x", "--output", "a" * 300 + ".png"), "cannot write"),
    (("plot", "x", "--show"), "needs a display"),
    (("accuracy", "x", "--order", "12"), "up to derivative 11"),
    (("accuracy", "x", "--domain", "1", "-1"), "range 1:-1 is reversed"),
    (("accuracy", "x", "--domain", "0", "z"), "unknown name 'z'"),
    (("accuracy", "x", "--points", "5"), "10 to 200,000 points, not 5"),
    (("accuracy", "x", "-o", "x.gif"), "end it in .png, .svg, .pdf"),
    (("plot",), "Missing argument"),
    (("plot", "x", "y"), "unexpected extra argument"),
    (("plot", "x", "--ordr", "2"), "--order"),
    (("plot", "x", "--order"), "--order"),
    (("bogus",), "No such command 'bogus'"),
    (("table", "x", "--csv", "--json"), "choose one"),
    (("table", "x", "--range", "1:1"), "is empty"),
    (("table", "x", "--dtype", "nonsense"), "not in 'nonsense'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(a)[:50] for a, _ in BAD])
def test_bad_input_gets_one_sentence_and_leaves_no_file(folder, monkeypatch, arguments, message):
    monkeypatch.setenv("MPLBACKEND", "agg")  # no display, as on a server
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("gradtape: ") and message in result.stderr
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)
    _, *caret = result.stderr.splitlines()
    assert len(caret) in (0, 2) and (not caret or caret[1].strip() == "^")
    assert list(folder.iterdir()) == []


def test_the_caret_points_at_the_column():
    _, shown, caret = run("plot", "1 + sin(yy*y)").stderr.splitlines()
    assert shown[caret.index("^") :] == "yy*y)"


def test_an_existing_file_survives_a_failure(folder, monkeypatch):
    from matplotlib.figure import Figure

    path = folder / "x.png"
    path.write_text("precious")

    def fail(self, *args, **kwargs):
        Path(args[0]).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    result = run("plot", "x", "--output", "x.png")
    assert result.exit_code == 2 and "cannot write x.png: no space left on device" in result.stderr
    assert [p.name for p in folder.iterdir()] == ["x.png"] and path.read_text() == "precious"


def test_files_are_written_whole_or_not_at_all(folder):
    with pytest.raises(KeyboardInterrupt), atomic(Path("a.png")) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert list(folder.iterdir()) == []
    (folder / "target.png").write_text("old")
    (folder / "link.png").symlink_to("target.png")
    with atomic(Path("link.png")) as partial:
        partial.write_text("new")
    assert (folder / "link.png").is_symlink() and (folder / "target.png").read_text() == "new"
    (folder / "folder.png").mkdir()
    with pytest.raises(OutputError, match="it is a folder"), atomic(Path("folder.png")):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_unwritable_folder_or_file_is_reported(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="permission denied"), atomic(closed / "x.png"):
        pass


def test_default_names_are_safe_and_different():
    formulas = [
        "x**2",
        "-x**2",
        "x*2",
        "x/2",
        "x + 2",
        "x - 2",
        "x % 2",
        "x//2",
        "where(x < 1, x, 2)",
        "where(x > 1, x, 2)",
    ]
    names = [default_name(formula) for formula in formulas]
    assert len(set(names)) == len(names)
    names += [default_name("+".join(["sin(x)"] * 100)), default_name("+".join(["sin(x)"] * 101)), default_name("../x")]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.endswith(".png") and len(name) < 80
        assert not name.startswith((".", "-")) and not set(name) & set('/\\:*?"<>| ')


@pytest.fixture
def cache(folder):
    with config.override(cache=True, cache_dir=folder / "cache", cache_size="64M"):
        yield folder / "cache"


def test_cache_info_and_clear(cache):
    read = json.loads(done("cache", "info", "--json"))
    assert read == {
        "folder": str(cache),
        "entries": 0,
        "bytes": 0,
        "limit": 64 << 20,
        "enabled": True,
        "problem": "",
    }
    disk.write(disk.digest(b"one"), b"x" * 2000)
    disk.write(disk.digest(b"two"), b"x")
    printed = done("cache", "info")
    assert [line.split(maxsplit=1) for line in printed.splitlines()] == [
        ["folder", str(cache)],
        ["entries", "2"],
        ["size", "2.114K of 64M"],
        ["state", "on"],
    ]
    (cache / "mine.txt").write_text("precious")
    assert done("cache", "clear") == f"removed 2 entries, 2.114K, from {cache}\n"
    assert [p.name for p in cache.iterdir()] == ["mine.txt"]
    assert done("cache", "clear") == f"removed 0 entries, 0 bytes, from {cache}\n"


def test_cache_info_says_why_nothing_can_be_stored(cache):
    cache.write_text("a file")
    assert "on, but nothing can be stored: not a directory" in done("cache", "info")
    with config.override(cache=False):
        assert done("cache", "info").splitlines()[-1].split()[1] == "off,"


def test_cache_clear_reports_what_it_cannot_remove(cache, monkeypatch):
    disk.write(disk.digest(b"one"), b"x")

    def fail(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", fail)
    result = run("cache", "clear")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.startswith("gradtape: cannot remove ") and "permission denied" in result.stderr


@pytest.mark.parametrize(("arguments", "words"), [((), "clear"), (("--help",), "info"), (("info", "--help"), "--json")])
def test_cache_help(arguments, words):
    assert words in done("cache", *arguments)


def test_a_wrong_command_of_the_cache():
    result = run("cache", "clean")
    assert result.exit_code == 2 and "No such command 'clean'" in result.stderr
    assert "gradtape cache --help" in result.stderr


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1K"), (1 << 20, "1M"), (1000 << 20, "1000M"), (5 << 40, "5120G")],
)
def test_sizes_are_written_as_the_setting_reads_them(count, text):
    assert _size(count) == text
    if count >= 1024:
        assert config.Settings(cache_size=text).cache_size == count


def test_gradient_by_name(folder):
    lines = done("gradient", "3*x**2 + 2*y", "--at", "x=2,y=3").splitlines()
    assert lines[0] == "f(x, y) = 3*x**2 + 2*y  at  x = 2, y = 3"
    assert lines[3].split() == ["df/dx", "12", "6*x"]
    assert done("gradient", "sin(a)", "--at", "a=pi/2", "--latex").splitlines()[1] == (
        r"\frac{\partial f}{\partial a} = \cos{\left(a \right)}"
    )
    found = json.loads(done("gradient", "-x**2", "--at", "x=-2", "--json", "--no-formulas", "--dtype", "float32"))
    assert found == {
        "function": "f(x) = -x**2",
        "at": {"x": -2.0},
        "dtype": "float32",
        "value": -4.0,
        "gradient": {"x": 4.0},
        "hessian": {"x": {"x": -2.0}},
    }


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("x=2,y", "names with their values"),
        ("", "--at x=1"),
        ("x=1,x=2", "x has two values"),
        ("x=one", "unknown name 'one'"),
        ("x=1e400", "x is inf"),
        ("z=1", "x has no value"),
    ],
)
def test_gradient_refuses_what_is_no_point(point, message):
    result = run("gradient", "x**2", "--at", point)
    assert result.exit_code == 2 and message in result.stderr and not result.stdout


@pytest.fixture
def line(folder):
    path = folder / "line.csv"
    path.write_text("x,y\n" + "".join(f"{i},{2 * i + 1 + (-1) ** i * 0.1}\n" for i in range(20)))
    return path


def test_fit_prints_parameters_and_writes_what_is_asked_for(folder, line):
    printed = done("fit", "line.csv", "--model", "w*x + b", "--target", "y", "-o", "fit.png", "--save", "w.json")
    assert printed.startswith("y = w*x + b, fitted to 20 rows\n") and "at the minimum after" in printed
    assert printed.endswith("written to fit.png\nwritten to w.json\n")
    assert (folder / "fit.png").read_bytes().startswith(b"\x89PNG")
    again = json.loads(done("fit", "line.csv", "--model", "w*x + b", "--target", "y", "--resume", "w.json", "--json"))
    assert again["parameters"]["w"]["value"] == pytest.approx(2, abs=0.01) and again["converged"]
    assert len(again["losses"]) == len(again["gradient_norms"])


def test_fit_reads_standard_input(line):
    result = CliRunner().invoke(main, ["fit", "-", "--model", "w*x", "--target", "y"], input=line.read_text())
    assert result.exit_code == 0 and "fitted to 20 rows" in result.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "w*x", "--target", "z"], "no column 'z'"),
        (["--model", "w*x + v*y"], "which one is to be predicted"),
        (["--model", "w*t + v"], "which of x, y is to be predicted"),
        (["--model", "w*x", "--target", "y", "--steps", "many"], "--steps is a whole number"),
        (["--model", "w*x", "--target", "y", "--start", "w"], "names with their values"),
        (["--model", "w*x", "--target", "y", "--optimizer", "sgd", "--rate", "100"], "the training diverges"),
        (["--model", "w*x", "--target", "y", "--save", "no/such/folder"], "there is no folder"),
        (["--model", "w*x", "--target", "y", "--resume", "line.csv"], "not a file that --save wrote"),
    ],
)
def test_fit_refuses_in_one_sentence(folder, line, options, message):
    result = run("fit", "line.csv", *options)
    assert result.exit_code == 2 and message in result.stderr and not result.stdout
    assert [p.name for p in folder.iterdir()] == ["line.csv"]


def test_gradient_asks_for_the_point():
    result = run("gradient", "3*x**2 + 2*y")
    assert result.exit_code == 2 and "--at x=1,y=1" in result.stderr


def test_fit_predicts_the_column_that_is_left(line):
    assert done("fit", "line.csv", "--model", "w*x + b", "--steps", "9").startswith("y = w*x + b, fitted to 20 rows")
