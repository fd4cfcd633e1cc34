"""`failwhale incident`: stories that are played on the running site, and judged by what its users felt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    OK,
    USAGE,
    Failure,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
    stdout,
)
from foundation.interruption import interruptible
from foundation.options import one_of, whole_number
from foundation.state import State
from incidents.result import Control

if TYPE_CHECKING:
    from driver.driver import Driver
    from failwhale.run_view import RunView
    from incidents.incident import Incident
    from incidents.result import Manner, Result

app = App(
    cls=Group,
    add_completion=False,
    help="Stories to play: what is broken, what users feel, what ends it; judged.\n\n"
    "Example: failwhale incident run retweets-fail",
)

Named = Annotated[
    str, typer.Argument(metavar="ID", help="One of: failwhale incident list; or a file of your own.")
]


@app.command(
    "list", help="List the incidents: what happens, and whom it hurts.\n\nExample: failwhale incident list"
)
def list_incidents(json: JsonOption = False) -> None:
    from incidents.reading import catalogue
    from incidents.telling import row_of_incident

    found = [_incident(name) for name in catalogue()]
    if json:
        print_json([row_of_incident(incident) for incident in found])
        return
    print_table(
        ("incident", "hurts", "what happens"),
        [(one.id, ", ".join(one.expect.hurt) or "nobody", one.title) for one in found],
    )


@app.command()
def show(name: Named, json: JsonOption = False) -> None:
    """Show an incident: its story, what is done, what is expected, what ends it and what does not.

    Example: failwhale incident show retweets-fail
    """
    from incidents.telling import lines_of_incident, row_of_incident

    incident = _incident(name)
    if json:
        print_json(row_of_incident(incident))
        return
    for line in lines_of_incident(incident):
        stdout().print(line, markup=False)


@app.command()
def run(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Which, or files of your own; or --all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of the catalogue, one after the other.")] = False,
    mitigate: Annotated[
        bool, typer.Option("--mitigate", help="Play what ends it, and judge whether users are well of that.")
    ] = False,
    control: Annotated[
        Control | None,
        typer.Option(
            parser=one_of(Control),
            metavar="no-op|wrong-fix",
            help="Without what is broken: it may not be as expected. With the wrong fix: it may not help.",
        ),
    ] = None,
    noise: Annotated[
        int | None,
        typer.Option(parser=whole_number(0, 2**31), metavar="SEED", help="Harmless small faults beside it."),
    ] = None,
    repeat: Annotated[
        int, typer.Option(parser=whole_number(1, 100), metavar="NUMBER", help="How often each is played.")
    ] = 1,
    ndjson: Annotated[
        bool, typer.Option("--ndjson", help="What happens while it runs, one JSON object a line.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Play incidents on the running site, and judge them by what users felt. Ctrl-C heals.

    Exit code 0: it came out as it has to; 1: otherwise; 3: the site was not well before; 4: it cannot be
    said; 5: not restored.

    Examples:
      failwhale incident run retweets-fail
      failwhale incident run retweets-fail --mitigate
      failwhale incident run retweets-fail --control wrong-fix
      failwhale incident run --all --repeat 3
    """
    from driver.driver import Driver
    from failwhale.run_view import RunView
    from incidents.reading import catalogue
    from incidents.result import Manner
    from incidents.telling import row_of_result

    if bool(names) == every:
        raise Failure("say which incidents, or --all", "see: failwhale incident list", USAGE)
    if mitigate and control is not None:
        raise Failure("a control plays no mitigation", "one of the two: --mitigate, --control", USAGE)
    incidents = [_incident(name) for name in (catalogue() if every else names or ())]
    manner = Manner(mitigate, control, noise)
    driver = Driver(State(state))
    with interruptible():
        results = _play_all(driver, incidents, manner, repeat, RunView(driver.state, ndjson, json or quiet))
    if json:
        print_json([row_of_result(result) for result in results])
    elif not quiet and not ndjson:
        _show_table(results)
    raise typer.Exit(_exit_code(results))


@app.command()
def new(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="Its name: small letters, figures and hyphens.")
    ],
    folder: Annotated[
        Path, typer.Option("--in", metavar="DIR", help="Where to write it (default: here).")
    ] = Path(),
) -> None:
    """Write the file of a new incident, which can be played as it is and shows what there is to say.

    Example: failwhale incident new retweets-fail-twice
    """
    from incidents.reading import IDENTIFIER
    from incidents.telling import first_lines

    if not IDENTIFIER.fullmatch(identifier):
        raise Failure(
            f"{identifier!r} is no name for an incident", "small letters, figures and hyphens", USAGE
        )
    file = folder / f"{identifier}.yaml"
    try:
        with file.open("x", encoding="utf-8") as new_file:
            new_file.write(first_lines(identifier))
    except FileExistsError:
        raise Failure(f"{file} is there already", "choose another name, or edit it", USAGE) from None
    except OSError as error:
        raise Failure(
            f"{file} cannot be written: {error.strerror}", "another folder: --in DIR", USAGE
        ) from None
    stdout().print(f"{file}\nnext: failwhale incident validate {file}; failwhale incident run {file}")


@app.command()
def validate(
    names: Annotated[list[str], typer.Argument(metavar="FILE", help="Files, or names of the catalogue.")],
    json: JsonOption = False,
) -> None:
    """Check incident files, and name everything that is wrong with its line. Plays nothing.

    Example: failwhale incident validate my-incident.yaml
    """
    from failwhale.typed import check_command
    from incidents.reading import examine, file_of

    problems = {name: examine(file_of(name), check_command)[1] for name in names}
    if json:
        print_json([{"file": name, "problems": wrong} for name, wrong in problems.items()])
    else:
        for name, wrong in problems.items():
            for line in wrong or [f"{name}: well formed"]:
                stdout().print(line, markup=False)
    raise typer.Exit(USAGE if any(problems.values()) else OK)


# --- what it is made of ---


def _incident(name: str) -> Incident:
    from failwhale.typed import check_command
    from incidents.reading import anything, file_of, read

    file = file_of(name)
    return read(file, anything if file.stem == name else check_command)


def _play_all(
    driver: Driver, incidents: list[Incident], manner: Manner, repeat: int, view: RunView
) -> list[Result]:
    from incidents.runner import play

    results: list[Result] = []
    for turn in range(1, repeat + 1):
        for incident in incidents:
            with view.of(incident) as tell:
                if repeat > 1:
                    tell("run", f"{turn} of {repeat}")
                results.append(play(driver, incident, manner, tell))
            view.told(results[-1])
    return results


def _show_table(results: list[Result]) -> None:
    from incidents.telling import rows_of_rule_sets, rows_of_runs
    from outages.rule_sets import RULE_SETS

    if len(results) > 1:
        print_table(("incident", "good", "verdict", "longest", "not as it has to be"), rows_of_runs(results))
        if noticed := rows_of_rule_sets(results):
            stdout().print("\nWhat each set of alerting rules noticed of those that hurt users, and when:")
            print_table(("incident", *RULE_SETS), noticed)
        stdout().print("\n[dim]on one page: failwhale report[/dim]")


def _exit_code(results: list[Result]) -> int:
    """Of the worst run; a control that came out as if it were the incident is a failure."""
    from incidents.judge import EXIT_CODES

    codes = [EXIT_CODES[one.outcome] or FAILED for one in results if not one.is_good]
    return max(codes, default=OK)
