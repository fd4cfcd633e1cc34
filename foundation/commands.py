"""Commands whose help has one form for what a person puts in: `TARGET`, `--delay DURATION`, and nothing
behind a switch. Typer would say `{target}`, `<str>` and `<bool>`, and break lines where the source does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

PLACEHOLDERS = {"bool": "", "str": "TEXT", "int": "NUMBER", "float": "NUMBER", "path": "PATH"}
"""By the type that Typer names; the choices of an enumeration are told as they are: `prober|prometheus`."""


class _Option(TyperOption):
    def display_type_rich(self, ctx: Any) -> str | None:
        if self.metavar is not None:
            return self.metavar
        label = self.display_type(ctx).strip("<>")
        return PLACEHOLDERS.get(label, label)


class _Argument(TyperArgument):
    def display_type_rich(self, ctx: Any) -> str | None:
        return ""

    def _usage_display_name(self) -> str:
        return self.display_name_raw if self.required else f"[{self.display_name_raw}]"


def _in_one_form(params: list[Any]) -> list[Any]:
    """Typer makes the parameters of a command itself, and has no say in their class."""
    for param in params:
        if isinstance(param, TyperOption):
            param.__class__ = _Option
        elif isinstance(param, TyperArgument):
            param.__class__ = _Argument
    return params


def _paragraphs(text: str) -> str:
    """Without the line breaks of the source, except between examples."""
    return "\n\n".join(
        ("\n" if paragraph.startswith("Example") else " ").join(map(str.strip, paragraph.splitlines()))
        for paragraph in inspect.cleandoc(text).split("\n\n")
    )


class Command(TyperCommand):
    """A command with such help."""

    def __init__(self, name: str | None, *, help: str | None = None, **settings: Any) -> None:
        super().__init__(name, help=help and _paragraphs(help), **settings)

    def get_params(self, ctx: Any) -> list[Any]:
        return _in_one_form(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands with such help, which it shows when nothing else is asked for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ([] if self.invoke_without_command else ["--help"]))

    def get_params(self, ctx: Any) -> list[Any]:
        return _in_one_form(super().get_params(ctx))


class App(typer.Typer):
    """A Typer app whose commands have such help."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:
        return super().command(name, **{"cls": Command, **settings})
