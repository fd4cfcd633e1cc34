"""`failwhale chaos ...`: break the site, see what is broken, heal it.

The commands of the faults are made from their register, so that each has `--help` with its own parameters.
"""

from __future__ import annotations

import inspect
import secrets
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from chaos.client import Client
from chaos.engine import DEFAULT_SECONDS, LONGEST_SECONDS, Request, new_id, plan
from chaos.fault import Fault, Parameter, all_faults, fault_named
from chaos.heal import heal as heal_site
from chaos.heal import refuse_unhealed
from chaos.journal import replay
from chaos.progress import Progress
from chaos.site import Site
from chaos.view import show
from failwhale.console import (
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
    print_table,
    share_option,
    spell_duration,
    stdout,
)
from failwhale.state import State
from outages.clock import parse


class _Group(typer.core.TyperGroup):
    """An unknown command is an unknown fault, and the answer lists the faults."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            fault_named(args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Break the site, see what is broken, heal it. Example: failwhale chaos kill post@east --for 10s",
)


# --- what there is, what is in force ---


@app.command("list", help="List the faults. Example: failwhale chaos list --json")
def list_faults(json: JsonOption = False) -> None:
    faults = [fault.describe() for fault in all_faults() if fault.listed]
    if json:
        print_json(faults)
        return
    print_table(("FAULT", "WHAT IT DOES"), [(fault["name"], fault["help"]) for fault in faults])
    stdout().print("\nfailwhale chaos FAULT --help tells its parameters.")


@app.command(help="Show the faults that are not over. Example: failwhale chaos active")
def active(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    # The journal is the truth, also when nobody is alive to be asked.
    journal = State(state).journal
    lines = journal.read_bytes().splitlines() if journal.exists() else []
    faults = [show(entry) for entry in replay(lines).entries.values() if not entry.over]
    if json:
        print_json(faults)
    elif not faults:
        stdout().print("no fault is in force")
    else:
        columns = ("ID", "FAULT", "TARGET", "ENDS IN", "APPLIED", "PROVED", "REVERTED", "GONE")
        print_table(
            columns,
            [
                [
                    *(fault[key] for key in ("id", "fault", "target")),
                    spell_duration(max(parse(fault["until"]) - time.time(), 0.0)),
                    *(_spell_verdict(fault[key]) for key in ("applied", "proved", "reverted", "gone")),
                ]
                for fault in faults
            ],
        )


# --- healing and blocking ---


@app.command(
    help="Undo every fault and make every part well again; may be repeated. Example: failwhale chaos heal"
)
def heal(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    with Progress(quiet=quiet) as progress:
        result = heal_site(State(state), progress.say)
        for fault in result["faults"]:
            progress.tell(fault)
    if json:
        print_json(result)
    refuse_unhealed(result)
    if not json and not quiet:
        count = len(result["faults"]) + len(result["mended"])
        stdout().print(f"healed {count} things, every part is ready" if count else "every part is ready")


@app.command(help="End all faults and refuse new ones, until `unblock`. Example: failwhale chaos block")
def block(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    ended = Client(State(state)).block()
    if json:
        print_json({"blocked": True, "faults": ended})
    elif not quiet:
        stdout().print(f"blocked; {len(ended)} faults were ended (failwhale chaos unblock allows new ones)")
    refuse_unhealed({"faults": ended, "broken": []})


@app.command(help="Allow faults again. Example: failwhale chaos unblock")
def unblock(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    Client(State(state)).unblock()
    if json:
        print_json({"blocked": False})
    elif not quiet:
        stdout().print("faults are allowed")


# --- the faults ---


def _run_fault(
    fault: Fault,
    target: str,
    seconds: float,
    parameters: dict[str, Any],
    *,
    seed: int | None,
    dry_run: bool,
    detach: bool,
    state: State,
    json: bool,
    quiet: bool,
) -> None:
    """Ask for the fault, follow it to its end, and say by the exit code how it went."""
    seed = secrets.randbelow(2**31) if seed is None else seed
    request = Request(fault.name, target, seconds, parameters, seed, new_id(fault.name))
    planned = plan(request, Site(state))  # a mistake is named at once, and without a controller
    if dry_run:
        hurts = sorted({journey for part in planned.parts for journey in fault.hurts(part)})
        _print_plan([part.name for part in planned.parts], hurts, request, dict(planned.parameters), json)
        return
    client = Client(state)
    with Progress(quiet=quiet) as progress:
        now, interrupted = _follow(client, request, progress, _is_proved if detach else _is_settled)
    if json:
        print_json(now)
    _judge(now, detached=detach, interrupted=interrupted)
    if not json and not quiet:
        end = "is in force" if detach else "is over"
        stdout().print(f"{now['id']} {end}: proved on {', '.join(one['target'] for one in now['targets'])}")


def _follow(
    client: Client, request: Request, progress: Progress, until: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any], bool]:
    """The last state of the fault, and whether Ctrl-C ended it; then it is followed until it is gone."""
    try:
        now = client.order(request)
        for now in client.watch(request.id, until):
            progress.tell(now)
        return now, False
    except KeyboardInterrupt:
        progress.say("interrupted: ending the fault")
        now = client.end(request.id)
        for now in client.watch(request.id, _is_settled):
            progress.tell(now)
        return now, True


def _is_settled(fault: dict[str, Any]) -> bool:
    return all(one["gone"] is not None for one in fault["targets"])


def _is_proved(fault: dict[str, Any]) -> bool:
    return all(one["evidence"] or one["failed"] or one["gone"] is not None for one in fault["targets"])


def _judge(fault: dict[str, Any], *, detached: bool, interrupted: bool) -> None:
    """Raise Failure with the exit code that this end of a fault has; nothing when it went as asked."""
    name = f"{fault['id']} ({fault['fault']} on {fault['target']})"
    if not detached and fault["gone"] is not True:
        why = "; ".join(
            f"{one['target']}: {one['why']}" for one in fault["targets"] if one["gone"] is not True
        )
        raise Failure(f"{name} could not be restored: {why}", "failwhale chaos heal", NOT_RESTORED)
    if interrupted:
        raise Failure(f"interrupted: {name} was ended and is gone", code=INTERRUPTED)
    failed = [f"{one['target']}: {one['failed']}" for one in fault["targets"] if one["failed"]]
    if failed:
        raise Failure(f"{name} failed: {'; '.join(failed)}", "see: failwhale status", FAILED)
    if fault["proved"] is not True:
        evidence = [
            str(one["evidence"] or one["why"]) for one in fault["targets"] if one["proved"] is not True
        ]
        raise Failure(f"{name} was not proved to bite: {'; '.join(evidence)}", "", INCONCLUSIVE)


def _print_plan(
    targets: list[str], hurts: list[str], request: Request, parameters: dict[str, Any], json: bool
) -> None:
    if json:
        print_json(
            {
                "fault": request.fault,
                "target": request.target,
                "targets": targets,
                "parameters": parameters,
                "seconds": request.seconds,
                "seed": request.seed,
                "hurts": hurts,
                "dry_run": True,
            }
        )
        return
    stdout().print(f"would {request.fault} {', '.join(targets)} for {spell_duration(request.seconds)}")
    stdout().print(f"may hurt: {', '.join(hurts) or 'no journey'}")


# --- from the register to commands ---


def _command(fault: Fault) -> Callable[..., None]:
    """A function with the signature that Typer makes the fault's options of."""

    def run(**given: Any) -> None:
        _run_fault(
            fault,
            given["target"],
            given["for_"],
            {parameter.name: given[parameter.name] for parameter in fault.parameters},
            seed=given["seed"],
            dry_run=given["dry_run"],
            detach=given["detach"],
            state=State(given["state"]),
            json=given["json"],
            quiet=given["quiet"],
        )

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            _argument("target", Annotated[str, typer.Argument(help=_TARGET_HELP)], inspect.Parameter.empty),
            _argument("for_", _FOR, DEFAULT_SECONDS),
            *(_option(parameter) for parameter in fault.parameters),
            _argument("seed", Annotated[int | None, typer.Option(help="Choice of :any and :50%.")], None),
            _argument(
                "dry_run",
                Annotated[bool, typer.Option("--dry-run", help="Only say what it would hit.")],
                False,
            ),
            _argument(
                "detach",
                Annotated[bool, typer.Option("--detach", help="Return when it is proved; it goes on.")],
                False,
            ),
            _argument("state", StateOption, DEFAULT_STATE),
            _argument("json", JsonOption, False),
            _argument("quiet", QuietOption, False),
        ]
    )
    return run


_TARGET_HELP = "post@east, post:all, post:any, post:50%, store:primary, store:replica, place:east"
_FOR = Annotated[
    float,
    typer.Option(
        "--for",
        parser=duration_option,
        metavar="DURATION",
        show_default=False,
        help=f"When it ends by itself. "
        f"[at most {spell_duration(LONGEST_SECONDS)}, default {spell_duration(DEFAULT_SECONDS)}]",
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
        option = typer.Option(flag, help=text, show_default=False)
        kind = int if parameter.type == "integer" else str
    optional = kind if parameter.default is not None else kind | None
    return _argument(parameter.name, Annotated[optional, option], parameter.default)


def _spell_bounds(parameter: Parameter) -> str:
    """For help: `[1ms to 1m, default 1s]`."""
    spell: Callable[[float], str] = {"duration": spell_duration, "share": _spell_share}.get(
        parameter.type, "{:g}".format
    )
    said = []
    if parameter.type == "share":
        said.append("above 0% to 100%")
    elif parameter.low is not None and parameter.high is not None:
        said.append(f"{spell(parameter.low)} to {spell(parameter.high)}")
    if isinstance(parameter.default, (int, float)):
        said.append(f"default {spell(parameter.default)}")
    return f"[{', '.join(said)}]" if said else ""


def _spell_share(share: float) -> str:
    return f"{share * 100:g}%"


def _spell_verdict(verdict: bool | None) -> str:
    return "-" if verdict is None else "yes" if verdict else "no"


for _fault in all_faults():
    app.command(_fault.name, help=f"{_fault.help} Example: {_fault.example}", hidden=not _fault.listed)(
        _command(_fault)
    )
