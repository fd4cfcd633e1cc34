"""Whether a person could type a command: its words are read as the command line reads them, and not done."""

from __future__ import annotations

import shlex
from typing import Any

import typer
from typer.core import TyperGroup

from failwhale.verbs import app
from foundation.failure import USAGE, Failure
from operations.catalogue import operation_named
from operations.operation import OnParts
from testbed.described import ROLES, described_parts


def check_command(text: str) -> None:
    """Raises Failure (usage) with what is wrong about it."""
    program, *words = shlex.split(text)
    if program != "failwhale" or not words:
        raise Failure(f"{text!r} is no command of failwhale", "see: failwhale --help", USAGE)
    command: Any = typer.main.get_command(app)
    name: str | None = program
    parent = None
    try:
        while True:
            if isinstance(command, TyperGroup) and not words and not command.invoke_without_command:
                raise Failure("it only shows its help: which command of it?", code=USAGE)
            context = command.make_context(name, list(words), parent=parent)
            if not isinstance(command, TyperGroup):
                _refuse_absent(context)
                return
            rest = [*context._protected_args, *context.args]
            if not rest and command.invoke_without_command:
                return
            name, command, words = command.resolve_command(context, rest)
            parent = context
    except typer.Exit:
        return
    except (Failure, ValueError, typer.TyperException) as error:
        raise Failure(f"{text!r}: {error}", "see: failwhale --help", USAGE) from None


def _refuse_absent(context: Any) -> None:
    """Raise Failure for an operation on parts that the site has not, or that it is not for."""
    if context.parent is None or context.parent.info_name != "ops":
        return
    operation = operation_named(context.info_name)
    target = context.params.get("target") or operation.usual
    if isinstance(operation, OnParts) and target:
        operation.among(target, described_parts(), lambda: ROLES)
