"""The front end put together: what its two listeners serve."""

from typing import NamedTuple

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from services.frontend.documents import Documents
from services.frontend.edge import Edge
from services.frontend.failed_logins import FailedLogins
from services.frontend.failed_logins import router as failed_logins
from services.frontend.options import Options
from services.frontend.pages import router_for
from services.frontend.passthrough import Admission, PassThrough
from services.frontend.routes import EdgeRouteTable
from services.platform.app import build
from services.platform.clients import Clients
from services.platform.settings import Settings
from services.platform.site import Site
from services.platform.store import Store


class FrontEnd(NamedTuple):
    """`internal` has the control endpoints and is for the site's own parts; `public` is for everybody, within
    the limits of `clients`."""

    internal: FastAPI
    public: ASGIApp
    clients: Clients


def front_end(settings: Settings, store: Store | None = None) -> FrontEnd:
    """Build both applications on one site. Raises SettingsError."""
    options = Options.of(settings)
    table = EdgeRouteTable()
    pages = router_for(Documents(table, settings.release))
    passed = [(route.method, route.template) for route in table.routes]
    app = build(settings, [pages, failed_logins], sessions=True, more_routes=passed, store=store)
    site: Site = app.state.site
    # A broken store hurts what needs it, and the page, the problem documents and whatever is cached stay up.
    site.ready_checks.pop("store")
    # Innermost, so that what passes through is admitted, hurt and measured like any other request.
    admission = Admission.of(options, site)
    for one in admission:
        site.configuration.follow(one.apply)
    app.state.failed_logins = FailedLogins(site.metrics.registry)
    app.user_middleware.append(
        Middleware(
            PassThrough,
            site=site,
            options=options,
            table=table,
            admission=admission,
            failed_logins=app.state.failed_logins,
        )
    )
    return FrontEnd(app, Edge(app, site, options.deadline), Clients(site.metrics))
