"""What is released: a wheel of pure Python without tests, a source archive that holds what it needs, one version."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import gradtape

ROOT = Path(__file__).parents[1]
LARGEST = 2 * 1024**2
"""Bytes that gradtape itself may take when it is installed."""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the source archive, built without a network by the build system of pyproject.toml."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, archive


def test_the_wheel_is_for_every_machine_and_holds_only_the_package(built):
    wheel, _ = built
    assert wheel.name == f"gradtape-{gradtape.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as inside:
        names = inside.namelist()
        size = sum(info.file_size for info in inside.infolist())
    folders = {name.split("/")[0] for name in names}
    assert folders == {"gradtape", f"gradtape-{gradtape.__version__}.dist-info"}
    assert not [name for name in names if "test" in name.split("/")[-2] or name.endswith((".md", ".ipynb", ".pyc"))]
    assert "gradtape/py.typed" in names and any(name.endswith("licenses/LICENSE") for name in names)
    assert size < LARGEST
    sources = {p.relative_to(ROOT / "src").as_posix() for p in (ROOT / "src").rglob("*.py")}
    assert sources <= set(names)


def test_the_metadata_are_those_of_the_project(built):
    wheel, _ = built
    with zipfile.ZipFile(wheel) as inside:
        (name,) = [n for n in inside.namelist() if n.endswith("METADATA")]
        found = Parser().parsestr(inside.read(name).decode())
        (scripts,) = [n for n in inside.namelist() if n.endswith("entry_points.txt")]
        assert "gradtape = gradtape.cli:main" in inside.read(scripts).decode()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert found["Version"] == gradtape.__version__ and found["Requires-Python"] == wanted["requires-python"]
    assert found["Description-Content-Type"] == "text/markdown" and "GradientTape" in found.get_payload()
    required = [line for line in found.get_all("Requires-Dist") if "extra ==" not in line]
    assert len(required) == len(wanted["dependencies"])
    assert not [line for line in required if "<" in line or "==" in line]  # lower bounds alone


def test_the_source_archive_holds_what_its_tests_need(built):
    _, archive = built
    with tarfile.open(archive) as inside:
        names = {"/".join(name.split("/")[1:]) for name in inside.getnames()}
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "mkdocs.yml", "tests/conftest.py"):
        assert name in names, name
    for folder in ("src/gradtape", "tests/laws", "docs", "notebooks", "tools", "benchmarks"):
        assert any(name.startswith(f"{folder}/") for name in names), folder
    assert not [name for name in names if name.startswith((".venv", "site/")) or name.endswith(".pyc")]


def test_the_changes_name_the_version_or_what_is_to_come():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in text or f"## {gradtape.__version__}" in text
