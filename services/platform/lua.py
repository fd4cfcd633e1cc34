"""Lua that lies beside the code: `services/NAME/scripts/*.lua`, read once at import."""

from __future__ import annotations

from importlib.resources import files


def fragment(package: str, name: str) -> str:
    """The text of `scripts/NAME.lua` in a package, for a Script or to stand before one (a local function)."""
    return (files(package) / "scripts" / f"{name}.lua").read_text("utf-8") + "\n"
