"""`python -m services.link` runs the link to the other data centre, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence

import uvloop

from services.link.control import Control
from services.link.relay import Relay
from services.link.routes import LinkRoute, routes_of
from services.platform.injection.points import InjectionPoints
from services.platform.logs import configure_logging
from services.platform.settings import Settings, SettingsError
from services.platform.tls import credentials_of

logger = logging.getLogger(__name__)

USAGE = 2
"""The exit code when a setting is not as it should be."""
CERTIFICATE_SECONDS = 1.0
"""How often it is looked whether the certificate has changed."""


def main(environment: Mapping[str, str] = os.environ) -> None:
    try:
        routes = routes_of(environment)
        settings = Settings.from_environment(environment)
    except SettingsError as error:
        print(f"link: {error}", file=sys.stderr)
        sys.exit(USAGE)
    configure_logging()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_relay(routes, settings))
    except OSError as error:
        logger.error("link cannot start: %s", error)
        sys.exit(1)


async def _relay(routes: Sequence[LinkRoute], settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    faults = InjectionPoints()
    relay, control = Relay(routes, faults), Control(faults, settings.secrets / "token")
    credentials = credentials_of(settings)
    try:
        await relay.start()
        await control.start(settings.listen, credentials)
        logger.info("link leads to %s", ", ".join(str(route.target) for route in routes))
        gc.freeze()  # memory that is shared with the parent process stays shared
        while not stopping.is_set():
            try:
                async with asyncio.timeout(CERTIFICATE_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                credentials.refresh()
    finally:
        control.close()
        relay.close()


if __name__ == "__main__":
    main()
