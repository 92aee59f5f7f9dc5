"""``gradtape doctor``: what this installation is, and whether it works."""

from __future__ import annotations

from typing import Annotated

import typer

from gradtape.cli.program import main
from gradtape.cli.shell import Command, Facts, show_table


@main.command(cls=Command, short_help="Say what is installed here and test that it works.")
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for a bug report or a program.")] = False,
) -> None:
    """Print versions, processor, threads and cache, and run a self-test of a few seconds.

    Ends with exit status 1 if a test fails.

    \b
    Examples:
      gradtape doctor
      gradtape doctor --json
    """
    from gradtape.cli.checks import about, checks

    facts, tests = about(), checks()
    failed = [test for test in tests if not test.passed]
    if json:
        from dataclasses import asdict
        from json import dumps

        print(dumps({"about": facts, "checks": [asdict(test) for test in tests]}))
    else:
        results = {t.name: f"works, {t.seconds:.2f} s" if t.passed else f"FAILED: {t.problem}" for t in tests}
        show_table(Facts("This installation", facts))
        print()
        show_table(Facts("Self-test", results))
        print(f"\n{len(failed)} of {len(tests)} tests failed" if failed else "\neverything works")
    if failed:
        raise typer.Exit(1)
