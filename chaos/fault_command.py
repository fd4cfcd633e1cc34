"""The commands of the faults, made from the register, so that each has `--help` with its own parameters."""

from __future__ import annotations

import inspect
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from chaos import following
from chaos.fault import Fault, Parameter
from chaos.fault_rows import FaultRow, is_over
from chaos.injector import DEFAULT_SECONDS, LONGEST_SECONDS, Plan, Request, new_id, plan
from chaos.progress import FaultProgress, spell_targets
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
from testbed.sentinels import spell_failover
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
        parameters = {parameter.name: given[parameter.name] for parameter in fault.parameters}
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
        )
        state = State(given["state"])
        try:
            refuse_down(state)
            site = Site(state)
            planned = plan(request, site)  # a mistake is named at once, and without a controller
        except KeyboardInterrupt:
            raise Failure("interrupted before the fault began", code=INTERRUPTED) from None
        if given["dry_run"]:
            for part in planned.parts:
                fault.precondition(site, part)
            _print_plan(request, planned, _failover_of(site, planned), json=given["json"])
        else:
            shown = Shown(given["json"], given["quiet"], given["verbose"])
            _carry_out(request, state, shown, answer, detach=given["detach"])

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _argument(
                "target",
                Annotated[str, typer.Argument(metavar="TARGET", help=_TARGET_HELP)],
                inspect.Parameter.empty,
            ),
            _argument("for_", _FOR, DEFAULT_SECONDS),
            *([_argument("from_", _FROM, None)] if fault.of_calls else []),
            *(_option(parameter) for parameter in fault.parameters),
            _argument("seed", Annotated[int | None, _SEED], None),
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
    optional = kind if parameter.default is not None else kind | None
    return _argument(parameter.name, Annotated[optional, option], parameter.default)


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


def _failover_of(site: Site, planned: Plan) -> str | None:
    """Why a loss of the primary would not be failed over now, empty when it would; None if it is not hit. A
    replica that is hit as well is nobody to promote."""
    hit = [part for part in planned.parts if part.kind == "store"]
    if not any(site.store_role(part) == "primary" for part in hit):
        return None
    left = [part for part in site.stores if part not in hit]
    return site.failover_hindrance() if left else "every store is among the targets"


def _print_plan(request: Request, planned: Plan, failover: str | None, *, json: bool) -> None:
    targets = [target.name for target in planned.targets]
    hurts = sorted(
        {journey for target in planned.targets for journey in planned.fault.hurts(target, planned.parameters)}
    )
    if not json:
        how, callers = planned.fault.spell(planned.parameters), ", ".join(planned.callers)
        stdout().print(
            f"{request.fault} would hit {', '.join(targets)}"
            f"{f' from {callers}' if callers else ''} for {spell_duration(request.seconds)}"
            f"{f' ({how})' if how else ''}"
        )
        stdout().print(f"may hurt: {', '.join(hurts) or 'no journey'}")
        if failover is not None:
            stdout().print(spell_failover(failover))
        return
    print_json(
        {
            "fault": request.fault,
            "target": request.target,
            "from": request.from_selector,
            "callers": list(planned.callers),
            "targets": targets,
            "parameters": dict(planned.parameters),
            "seconds": request.seconds,
            "seed": request.seed,
            "hurts": hurts,
            "failover_hindrance": failover,
            "dry_run": True,
        }
    )
