"""The README's examples run, and its commands are those of CI."""

import doctest
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_examples_of_the_readme_run():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 10 and not failed


def test_ci_runs_the_test_command_of_the_readme():
    commands = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    python3 -m venv")
    ]
    assert len(commands) == 2
    assert "gradtape plot" in commands[0]
    assert "pytest" in commands[1] and ".venv-test" in commands[1]
    assert ".venv-test" in (ROOT / ".ci" / "run").read_text()
