"""The commands of the faults, made from the register, so that each has `--help` with its own parameters."""

from __future__ import annotations

import inspect
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from chaos import dry_run, following
from chaos.client import Client
from chaos.fault import LEAST_INTENSITY, MOST_INTENSITY, Fault, Parameter
from chaos.fault_rows import FaultRow, is_over
from chaos.injector import DEFAULT_SECONDS, Request, new_id, plan
from chaos.progress import FaultProgress, spell_targets
from chaos.safety import LONGEST_SECONDS
from chaos.target import SITE
from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    print_json,
    share_option,
    spell_duration,
    stdout,
)
from foundation.failure import INTERRUPTED, Failure
from foundation.options import whole_number
from foundation.state import State
from testbed.site import Site
from testbed.sitefile import refuse_down

Answer = Callable[[State, FaultRow, float | None], Sequence[str]]
"""Says what users felt of an injection that is over, in the console's markup. The number is since when all is
well again (Unix seconds), None: it is not. Who measures users stands beside this folder, so a floor above
brings the answer."""


def no_answer(state: State, fault: FaultRow, well: float | None) -> Sequence[str]:
    """For who only has this folder."""
    return ()


def command_of(fault: Fault, answer: Answer) -> Callable[..., None]:
    """A function with the signature that Typer makes the fault's options of."""

    def run(**given: Any) -> None:
        names = (parameter.name for parameter in fault.parameters)
        parameters = {name: given[name] for name in names if given[name] is not None}
        seed = secrets.randbelow(2**31) if given["seed"] is None else given["seed"]
        request = Request(
            fault.name,
            given["target"],
            given["for_"],
            parameters,
            seed,
            new_id(fault.name),
            given.get("from_"),
            given["reason"] or "",
            intensity=given.get("intensity"),
            stop_when=given["stop_when"] or "",
        )
        state = State(given["state"])
        try:
            refuse_down(state)
            site = Site(state)
            planned = plan(request, site)  # a mistake is named at once, and without a controller
        except KeyboardInterrupt:
            raise Failure("interrupted before the fault began", code=INTERRUPTED) from None
        if given["dry_run"]:
            Client(state).look_ahead(request)
            dry_run.show(request, planned, site, json=given["json"])
        else:
            shown = Shown(given["json"], given["quiet"], given["verbose"])
            _carry_out(request, state, shown, answer, detach=given["detach"])

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _argument(
                "target",
                Annotated[str, typer.Argument(metavar="TARGET", help=_TARGET_HELP)],
                SITE if fault.targets == (SITE,) else inspect.Parameter.empty,
            ),
            _argument("for_", _FOR, DEFAULT_SECONDS),
            *([_argument("from_", _FROM, None)] if fault.of_calls else []),
            *(_option(parameter) for parameter in fault.parameters),
            *([_argument("intensity", _intensity(fault), None)] if fault.dialled else []),
            _argument("seed", Annotated[int | None, _SEED], None),
            _argument("stop_when", _STOP_WHEN, None),
            _argument("reason", _REASON, None),
            _argument(
                "dry_run",
                Annotated[bool, typer.Option("--dry-run", help="Only say what it would hit.")],
                False,
            ),
            _argument(
                "detach",
                Annotated[bool, typer.Option("--detach", help="Return when it is verified; it goes on.")],
                False,
            ),
            _argument("state", StateOption, DEFAULT_STATE),
            _argument("json", JsonOption, False),
            _argument("quiet", QuietOption, False),
            _argument("verbose", Annotated[bool, typer.Option("--verbose", help="Say each step.")], False),
        ]
    )
    return run


_TARGET_HELP = (
    "post@east, post:all, post:any, post:50%, store:primary, store:replica, place:east; "
    "or several: post@east,auth@east"
)
_FROM = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="SELECTOR",
        help="Only calls that come from these parts, such as frontend@east.",
        show_default=False,
    ),
]
_STOP_WHEN = Annotated[
    str | None,
    typer.Option(
        "--stop-when",
        metavar="CONDITION",
        help="End it early once users are hurt so: 'down > 6 journeys', 'login down', 'slow > 2 for 5s'.",
        show_default=False,
    ),
]
_REASON = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why, for the history.", show_default=False),
]
_SEED = typer.Option(parser=whole_number(), metavar="NUMBER", help="Choice of :any and :50%.")
_FOR = Annotated[
    float,
    typer.Option(
        "--for",
        parser=duration_option,
        metavar="DURATION",
        show_default=False,
        help=f"When it ends by itself. "
        f"(at most {spell_duration(LONGEST_SECONDS)}, default {spell_duration(DEFAULT_SECONDS)})",
    ),
]


def _argument(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option(parameter: Parameter) -> inspect.Parameter:
    flag = parameter.flag
    text = f"{parameter.help} {spell_bounds(parameter)}".strip()
    kind: Any
    if parameter.type == "duration":
        option = typer.Option(flag, parser=duration_option, metavar="DURATION", help=text, show_default=False)
        kind = float
    elif parameter.type == "share":
        option = typer.Option(flag, parser=share_option, metavar="SHARE", help=text, show_default=False)
        kind = float
    else:
        whole = parameter.type == "integer"
        option = typer.Option(
            flag,
            parser=whole_number(*parameter.bounds) if whole else None,
            metavar="NUMBER" if whole else "TEXT",
            help=text,
            show_default=False,
        )
        kind = int if whole else str
    # What is not given is filled in where all parameters are checked: it may depend on the intensity.
    return _argument(parameter.name, Annotated[kind | None, option], None)


def _intensity(fault: Fault) -> Any:
    option = typer.Option(
        parser=whole_number(LEAST_INTENSITY, MOST_INTENSITY),
        metavar="NUMBER",
        help=f"How strong it is, instead of that: {fault.spell_dial()}.",
        show_default=False,
    )
    return Annotated[int | None, option]


def spell_bounds(parameter: Parameter) -> str:
    """For help: `(1ms to 1m, default 1s)`; in brackets it would be taken for markup."""
    said = []
    if parameter.type == "share":
        said.append("above 0% to 100%")
    elif parameter.low is not None and parameter.high is not None:
        said.append(f"{parameter.spell(parameter.low)} to {parameter.spell(parameter.high)}")
    if isinstance(parameter.default, (int, float)):
        said.append(f"default {parameter.spell(parameter.default)}")
    return f"({', '.join(said)})" if said else ""


# --- doing it ---


@dataclass(frozen=True)
class Shown:
    """How much of it is shown, and in which form."""

    as_json: bool
    quiet: bool
    verbose: bool


def _carry_out(request: Request, state: State, shown: Shown, answer: Answer, *, detach: bool) -> None:
    """Have the fault done, follow it to its end, and say by the exit code how it went."""
    with FaultProgress(quiet=shown.quiet, verbose=shown.verbose) as progress:
        try:
            now = following.begin(state, request, detach=detach, listener=progress)
            interrupted = False
        except KeyboardInterrupt:
            progress.say("interrupted: ending the fault, if it has begun")
            now = following.end_interrupted(state, request.id, progress)
            interrupted = True
        ended = not detach and not interrupted and is_over(now)
        not_well, others = following.wait_until_well(state, now, progress) if ended else (None, [])
    now["not_well"] = not_well
    well = time.time() if not not_well else None
    if shown.as_json:
        print_json(now)
    elif ended and not shown.quiet:
        for line in answer(state, now, well):
            stdout().print(line)
        if others and not_well:  # which may have ended while that was asked
            not_well, others = following.wait_until_well(state, now)
            now["not_well"] = not_well
    following.judge(now, detached=detach and not interrupted, interrupted=interrupted)
    if not others:
        following.refuse_unwell(now)
    if not shown.as_json and not shown.quiet:
        until = f", until {following.clock_of(now['until'])} UTC" if detach else ""
        end = "is in force" if detach else "is over"
        stdout().print(f"{now['id']} {end}: verified on {spell_targets(now)}{until}")
        if not_well:
            wrong, why = ", ".join(not_well), ", ".join(others)
            stdout().print(f"not well yet, as other faults are in force: {wrong} ({why})")
