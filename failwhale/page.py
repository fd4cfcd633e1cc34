"""`failwhale open`: the site in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from foundation.console import DEFAULT_STATE, USAGE, Failure, StateOption, stdout
from foundation.state import State


def open_page(
    place: Annotated[str | None, typer.Argument(metavar="PLACE", help="Which data centre.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show the site's page in a browser.

    Examples:
      failwhale open
      failwhale open west
    """
    import webbrowser

    from testbed.sitefile import SiteFile

    site = State(state)
    edges = SiteFile.read(site).edges
    place = place or next(iter(edges), "")
    if place not in edges:
        raise Failure(f"no data centre is named {place!r}", f"data centres: {', '.join(edges)}", USAGE)
    stdout().print(f"{edges[place]}  (certificate authority to trust: {site.ca})")
    webbrowser.open(edges[place])
