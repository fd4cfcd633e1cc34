"""The commands of the faults, made from the register, so that each has `--help` with its own parameters."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from chaos.aftermath import WELL_LIMIT, wait_well
from chaos.catalogue import fault_named
from chaos.client import Client, UnknownFault
from chaos.fault import Fault, Parameter
from chaos.fault_rows import active, is_judged, is_over, is_settled, spell_from
from chaos.injector import DEFAULT_SECONDS, LONGEST_SECONDS, Plan, Request, new_id, plan
from chaos.progress import FaultProgress, spell_targets
from chaos.target import named
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    INCONCLUSIVE,
    INTERRUPTED,
    NOT_RESTORED,
    Failure,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    print_json,
    share_option,
    spell_duration,
    stdout,
)
from foundation.options import whole_number
from foundation.state import State
from testbed.instruments import journeys_now
from testbed.sentinels import spell_failover
from testbed.site import Site


def command_of(fault: Fault) -> Callable[..., None]:
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
        )
        state = State(given["state"])
        site = Site(state)
        planned = plan(request, site)  # a mistake is named at once, and without a controller
        if given["dry_run"]:
            for part in planned.parts:
                fault.precondition(site, part)
            _print_plan(request, planned, _failover_of(site, planned), json=given["json"])
        else:
            _carry_out(request, state, detach=given["detach"], json=given["json"], quiet=given["quiet"])

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _argument("target", Annotated[str, typer.Argument(help=_TARGET_HELP)], inspect.Parameter.empty),
            _argument("for_", _FOR, DEFAULT_SECONDS),
            *([_argument("from_", _FROM, None)] if fault.of_calls else []),
            *(_option(parameter) for parameter in fault.parameters),
            _argument("seed", Annotated[int | None, _SEED], None),
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
        ]
    )
    return run


_TARGET_HELP = "post@east, post:all, post:any, post:50%, store:primary, store:replica, place:east"
_FROM = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="SELECTOR",
        help="Only calls that come from these parts, such as frontend@east.",
        show_default=False,
    ),
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
    flag = f"--{parameter.name.replace('_', '-')}"
    text = f"{parameter.help} {_spell_bounds(parameter)}".strip()
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


def _spell_bounds(parameter: Parameter) -> str:
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


def _carry_out(request: Request, state: State, *, detach: bool, json: bool, quiet: bool) -> None:
    """Ask for the fault, follow it to its end, and say by the exit code how it went."""
    client = Client(state)
    with FaultProgress(quiet=quiet) as progress:
        try:
            progress.note("asking the controller")
            client.order(request)
            now = _follow(client, request.id, progress, is_judged if detach else is_settled)
            interrupted = False
        except KeyboardInterrupt:
            progress.say("interrupted: ending the fault")
            now = _end(client, request.id, progress)
            interrupted = True
        ended = not detach and not interrupted and is_over(now)
        now["not_well"], excused = _wait_well(now, state, progress) if ended else (None, False)
    if json:
        print_json(now)
    _judge(now, detached=detach and not interrupted, interrupted=interrupted)
    if now["not_well"] and not excused:
        raise Failure(
            f"{now['id']} is over, but not all is well: {', '.join(now['not_well'])}",
            "see: failwhale status, failwhale watch",
            NOT_RESTORED,
        )
    if not json and not quiet:
        end = "is in force" if detach else "is over"
        stdout().print(f"{now['id']} {end}: verified on {spell_targets(now)}")
        if now["not_well"]:
            stdout().print(f"not well yet, as other faults are in force: {', '.join(now['not_well'])}")


def _wait_well(fault: dict[str, Any], state: State, progress: FaultProgress) -> tuple[list[str], bool]:
    """What is not well again, and whether other faults that are in force excuse it: what they hurt does not
    end with this one. They may end while it is looked at: then there is no excuse, but time to wait."""
    site = Site(state)
    known = (named(one["target"], site.inventory, fault["callers"]) for one in fault["targets"])
    targets = [target for target in known if target is not None]
    kind = fault_named(fault["fault"])
    hurts = {journey for target in targets for journey in kind.hurts(target, fault["parameters"])}
    store = any(part.kind in ("store", "sentinel") for target in targets for part in target.parts)
    wait = partial(wait_well, site, partial(journeys_now, state), hurts, store=store, note=progress.note)
    if active(state):
        not_well = wait(seconds=0.0)
        if not not_well or active(state):
            return not_well, True
    return wait(seconds=WELL_LIMIT), False


def _follow(
    client: Client, identifier: str, progress: FaultProgress, until: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    now: dict[str, Any] = {}
    for now in client.watch(identifier, until, progress.tick):
        progress.tell(now)
    return now


def _end(client: Client, identifier: str, progress: FaultProgress) -> dict[str, Any]:
    try:
        client.end(identifier)
    except UnknownFault:
        raise Failure("interrupted before the fault began", code=INTERRUPTED) from None
    return _follow(client, identifier, progress, is_settled)


def _judge(fault: dict[str, Any], *, detached: bool, interrupted: bool) -> None:
    """Raise Failure with the exit code that this end of a fault has; nothing when it went as asked."""
    name = f"{fault['id']} ({fault['fault']} on {fault['target']}{spell_from(fault)})"
    if not detached and not is_over(fault):
        why = "; ".join(
            f"{one['target']}: {one['end_evidence']}" for one in fault["targets"] if not is_over(one)
        )
        raise Failure(f"{name} could not be restored: {why}", "failwhale chaos heal", NOT_RESTORED)
    if interrupted:
        raise Failure(f"interrupted: {name} was ended and is undone", code=INTERRUPTED)
    failed = [f"{one['target']}: {one['failed']}" for one in fault["targets"] if one["failed"]]
    if failed:
        raise Failure(f"{name} failed: {'; '.join(failed)}", "see: failwhale status", FAILED)
    if fault["verified"] is not True:
        evidence = [
            str(one["evidence"] or one["end_evidence"])
            for one in fault["targets"]
            if one["verified"] is not True
        ]
        raise Failure(f"{name} was not verified: {'; '.join(evidence)}", "", INCONCLUSIVE)


def _failover_of(site: Site, planned: Plan) -> str | None:
    """Why a loss of the primary would not be failed over now, empty when it would; None if it is not hit."""
    hit = any(site.store_role(part) == "primary" for part in planned.parts if part.kind == "store")
    return site.failover_hindrance() if hit else None


def _print_plan(request: Request, planned: Plan, failover: str | None, *, json: bool) -> None:
    targets = [target.name for target in planned.targets]
    hurts = sorted(
        {journey for target in planned.targets for journey in planned.fault.hurts(target, planned.parameters)}
    )
    if not json:
        how, callers = planned.fault.spell(planned.parameters), ", ".join(planned.callers)
        stdout().print(
            f"would {request.fault} {', '.join(targets)}"
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
