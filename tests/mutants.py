"""Whether the tests notice a fault in the code that judges or undoes: `make mutants`.

mutmut changes one expression at a time and runs the module's own unit tests. A mutant that no test notices
has survived, and so has one whose turn did not come in time. Which modules, by which tests, and the share
that must be killed stand in pyproject.toml. Of one module: `make mutants MODULE=chaos/execution.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = Path("pyproject.toml")
WORK = Path(".mutants")
"""Here each module gets a copy of the project. Git ignores it, and it stays for a look at the mutants."""
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
NOTICED = {"killed", "timeout", "segfault", "caught by type check"}
STOPPING = 30.0
"""Seconds that mutmut gets to end its workers when its time is over."""


@dataclass(frozen=True)
class Outcome:
    """What became of one module's mutants: those that were noticed, and the others with the reason."""

    killed: list[str]
    survived: dict[str, str]

    @property
    def share(self) -> float:
        """Percent of the mutants that were noticed."""
        return 100 * len(self.killed) / max(1, len(self.killed) + len(self.survived))


def main() -> int:
    """The exit code: 1 when a module has too many survivors."""
    settings = tomllib.loads(SETTINGS.read_text())["tool"]["failwhale"]["mutants"]
    modules = settings["modules"]
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument(
        "module", nargs="*", help="for example chaos/execution.py; all of them if none is named"
    )
    chosen = parser.parse_args().module or list(modules)
    if unknown := set(chosen) - set(modules):
        parser.error(
            f"{SETTINGS} names no tests for {', '.join(sorted(unknown))}; it knows {', '.join(modules)}"
        )
    outcomes = {}
    for module in chosen:
        outcomes[module] = examine(module, modules[module], 60 * settings["minutes"])
    return conclude(outcomes, settings["at_least"])


def examine(module: str, tests: list[str], seconds: float) -> Outcome:
    """Run mutmut over one module in a copy of the project, for at most so long.

    Raises SystemExit when it cannot begin, for example because a test fails without any mutant.
    """
    print(f"== {module}, by {' '.join(tests)}", flush=True)
    folder = copy_project(module, tests)
    said = folder / "mutmut.log"
    with said.open("wb") as log:
        running = subprocess.Popen(
            [MUTMUT, "run"], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"   not done after {seconds / 60:.0f} minutes", flush=True)
            end(running)
        except BaseException:
            end(running)
            raise
    if running.returncode > 0:
        raise SystemExit(said.read_text(errors="replace").replace("\r", "\n")[-4000:])
    outcome = read_outcome(folder)
    for name, why in outcome.survived.items():
        print(f"   {why}: {name}\n{difference(folder, name)}", flush=True)
    return outcome


def copy_project(module: str, tests: list[str]) -> Path:
    """What git tracks or would track, with mutmut's settings narrowed to one module."""
    folder = WORK / module.removesuffix(".py").replace("/", ".")
    shutil.rmtree(folder, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0"):
        if name and Path(name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)
    narrowed = {"only_mutate": [module], "pytest_add_cli_args_test_selection": tests}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in narrowed.items())
    copied = folder / SETTINGS
    copied.write_text(copied.read_text().replace("[tool.mutmut]\n", f"[tool.mutmut]\n{lines}"))
    return folder


def end(running: subprocess.Popen[Any]) -> None:
    """End mutmut, which keeps what it knows so far, and all its workers."""
    running.send_signal(signal.SIGINT)
    try:
        running.wait(STOPPING)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(running.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        running.wait()


def read_outcome(folder: Path) -> Outcome:
    said = subprocess.run(
        [MUTMUT, "results", "--all", "true"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    verdicts = dict(line.strip().rsplit(": ", 1) for line in said.stdout.splitlines() if ": " in line)
    killed = [name for name, verdict in verdicts.items() if verdict in NOTICED]
    return Outcome(killed, {name: verdict for name, verdict in verdicts.items() if verdict not in NOTICED})


def difference(folder: Path, name: str) -> str:
    """The lines that the mutant changed."""
    said = subprocess.run(
        [MUTMUT, "show", name], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    changed = [
        line for line in said.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return "\n".join(f"      {line}" for line in changed)


def conclude(outcomes: dict[str, Outcome], at_least: float) -> int:
    print(f"\n{'':32} killed survived")
    for module, outcome in outcomes.items():
        print(f"{module:32} {len(outcome.killed):6} {len(outcome.survived):8} {outcome.share:5.0f} %")
    lacking = [module for module, outcome in outcomes.items() if outcome.share < at_least]
    if lacking:
        print(f"less than {at_least} % killed: {', '.join(lacking)}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
