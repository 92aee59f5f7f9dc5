"""The examples of the README and of the pages in docs run, and the README's commands are those of CI."""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gradtape.cli import main

ROOT = Path(__file__).parents[1]


def test_the_examples_of_the_readme_run():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 10 and not failed


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page):
    assert not doctest.testfile(str(page), module_relative=False).failed


def shown_commands():
    """Each command line of a page in docs with what it shows below, as (page, command, lines)."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        for block in re.findall(
            r"^    \$ gradtape .*\n(?:(?:    .*)?\n)*", page.read_text(encoding="utf-8"), re.MULTILINE
        ):
            command, *lines = [line.removeprefix("    ") for line in block.rstrip().splitlines()]
            yield pytest.param(command.removeprefix("$ gradtape "), lines, id=page.name)


@pytest.mark.parametrize(("command", "lines"), list(shown_commands()))
def test_a_page_shows_what_a_command_prints(command, lines, tmp_path, monkeypatch):
    for file in (ROOT / "docs").glob("*.csv"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, shlex.split(command))
    assert result.exit_code == 0, result.stderr
    assert [line.rstrip() for line in result.stdout.splitlines()] == lines


def test_the_readme_in_chinese_is_kept_in_step():
    """The same headings, code, commands and links in the same order; only sentences differ."""
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))

    def parts(text):
        found = re.findall(r"^(?:(#+) .*|(    .*)|(>>> .*|\.\.\. .*)|- .*)$", text, re.MULTILINE)
        return found, re.findall(r"\]\((?!README)([^)]*)\)", text), re.findall(r"`[^`\n]+`", text)

    assert parts(english) == parts(chinese)
    assert sum("一" <= c <= "鿿" for c in chinese) > 400


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    for target in re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", (ROOT / name).read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_ci_runs_the_test_command_of_the_readme():
    commands = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    python3 -m venv")
    ]
    assert len(commands) == 2
    assert "gradtape plot" in commands[0]
    assert "pytest" in commands[1] and ".venv-test" in commands[1]
    assert ".venv-test" in (ROOT / ".ci" / "run").read_text()
