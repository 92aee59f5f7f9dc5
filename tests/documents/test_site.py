"""The site of the documentation builds, strictly, and says what it should where it should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def page(site, name):
    return (site / name / "index.html").read_text(encoding="utf-8")


def test_worked_examples_show_their_output_and_pictures(site):
    first = page(site, "examples/1-activation-functions")
    assert (
        "4.539581e-05, 4.539581e-05" in first
        and first.count('<img alt="No description has been provided for this image"') >= 2
    )
    assert "<math" in page(site, "examples/4-gradient-tape")


def test_the_reference_shows_public_functions_with_arguments_and_examples(site):
    shown = page(site, "reference/transforms")
    for name in ("GradientTape", "batch_jacobian", "vmap", "derivatives", "hessian", "custom_vjp"):
        assert re.search(rf'<h\d id="[\w.]*\b{name}"', shown), name
    assert "<dt>" in shown and "watch_accessed_variables" in shown
    assert ">>> " in re.sub("<[^>]*>", "", shown).replace("&gt;", ">")


def test_the_help_of_every_command_is_there(site):
    shown = page(site, "reference/command-line")
    for name in ("plot", "table", "gradient", "fit", "accuracy", "doctor"):
        assert f"gradtape {name}</h2>" in re.sub(r'<a class="headerlink.*?</a>', "", shown), name


def test_every_page_of_the_documentation_is_in_the_menu(site):
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert f": {path.name}\n" in menu, path.name


def test_no_page_needs_another_host(site):
    for path in site.rglob("*.html"):
        found = re.findall(
            r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', path.read_text(encoding="utf-8")
        )
        assert not [u for u in found if "gradtape" not in u], path
