"""`failwhale ops ...`: what an engineer on call may do to the site; made from the register of operations."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    print_json,
    print_table,
    stdout,
)
from foundation.progress import Progress
from foundation.state import State
from operations.catalogue import all_operations, operation_named
from operations.operation import Operation, Parameter

ELSEWHERE = {
    "failwhale release roll-back": "let parts run what they ran before",
    "failwhale config set, roll-back": "change what the parts go by, or have an earlier version again",
    "failwhale protections NAME on|off": "switch what guards the site",
}
"""What engineers may do besides, by verbs of its own."""


class _Group(Group):
    """An unknown command is an unknown operation, and the answer lists them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            operation_named(args[0])
        return super().resolve_command(ctx, args)


app = App(
    cls=_Group,
    add_completion=False,
    help="Do what an engineer on call may do: restart, fail over, renew, and so on.\n\n"
    "Example: failwhale ops restart post:all",
)


@app.command("list", help="List the operations.\n\nExample: failwhale ops list")
def list_operations(json: JsonOption = False) -> None:
    if json:
        print_json([operation.describe() for operation in all_operations()])
        return
    print_table(("operation", "what it does"), [(one.name, one.summary) for one in all_operations()])
    stdout().print("\nBesides:", highlight=False)
    for command, what in ELSEWHERE.items():
        stdout().print(f"  {command}: {what}", markup=False)


def command_of(operation: Operation) -> Callable[..., None]:
    """A function with the signature that Typer makes the operation's options of."""

    def run(**given: Any) -> None:
        from operations.carrying_out import carry_out

        parameters = {one.name: given[one.name] for one in operation.parameters}
        with Progress(given["quiet"] or given["json"]) as progress:
            done = carry_out(
                State(given["state"]),
                operation.name,
                given.get("target") or "",
                parameters,
                given["reason"],
                progress.say,
            )
        if given["json"]:
            print_json(asdict(done))
        elif not given["quiet"]:
            stdout().print(f"{done.said} ({done.seconds:.1f} s)", markup=False)

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            *([_target(operation)] if operation.target_help else []),
            *map(_option, operation.parameters),
            _argument("reason", _REASON, ""),
            _argument("state", StateOption, DEFAULT_STATE),
            _argument("json", JsonOption, False),
            _argument("quiet", QuietOption, False),
        ]
    )
    return run


_REASON = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.", show_default=False)
]


def _target(operation: Operation) -> inspect.Parameter:
    told = f"{operation.target_help}." + (f" (default {operation.usual})" if operation.usual else "")
    what = Annotated[str, typer.Argument(metavar="TARGET", help=told, show_default=False)]
    return _argument("target", what, "" if operation.usual else inspect.Parameter.empty)


def _option(parameter: Parameter) -> inspect.Parameter:
    if parameter.type == "switch":
        return _argument(
            parameter.name,
            Annotated[bool, typer.Option(parameter.flag, help=parameter.help)],
            parameter.default,
        )
    duration = typer.Option(
        parameter.flag, parser=duration_option, metavar="DURATION", help=parameter.help, show_default=False
    )
    return _argument(parameter.name, Annotated[float, duration], parameter.default)


def _argument(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


for _operation in all_operations():
    app.command(
        _operation.name,
        help=f"{_operation.help}\n\nExample: {_operation.example}",
        short_help=_operation.summary,
    )(command_of(_operation))
