"""What a compose file becomes as plain processes, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.runtimes import ports
from testbed.runtimes.interpolation import read_dotenv
from testbed.runtimes.lifecycle import Moved, PlannedPart, Wishes
from testbed.runtimes.processes import compose, plan
from testbed.runtimes.processes.compose import Compose
from testbed.runtimes.processes.running import parts_running
from testbed.sitefile import LeftOut, SiteFile


@dataclass(frozen=True)
class ProcessesOutlook:
    """Implements testbed.runtimes.lifecycle.Outlook."""

    compose: Compose
    site: plan.PlannedSite
    variables: Mapping[str, str]  # the settings of the compose file that were chosen, to be kept

    @property
    def parts(self) -> Sequence[PlannedPart]:
        return [
            PlannedPart(name=spec.name, addresses=spec.addresses, command=spec.words)
            for spec in self.site.plan.specs
        ]

    @property
    def left_out(self) -> Sequence[LeftOut]:
        return self.site.left_out

    @property
    def moved(self) -> Sequence[Moved]:
        return self.site.moved

    @property
    def set_aside(self) -> Sequence[tuple[str, str]]:
        return self.compose.set_aside

    @property
    def project(self) -> None:
        return None


def look_ahead(state: State, wishes: Wishes, environment: Mapping[str, str]) -> ProcessesOutlook:
    """Read the compose file and work out the plan. What was chosen at the last `up` (ports above all) holds
    until it is chosen anew. Raises Failure for all that cannot be honoured."""
    previous = SiteFile.read_if_made(state)
    chosen = {f"FAILWHALE_{name.upper()}_PORT": str(port) for name, port in wishes.ports.items()}
    variables = {
        **read_dotenv(wishes.file.parent / ".env"),
        **(previous.variables if previous else {}),
        **environment,
        **chosen,
    }
    content = compose.read(wishes.file, variables)
    for name, variable in zip(wishes.ports, chosen, strict=True):
        if variable not in content.variables:
            known = sorted(
                variable.removeprefix("FAILWHALE_").removesuffix("_PORT").lower()
                for variable in content.variables
                if variable.startswith("FAILWHALE_") and variable.endswith("_PORT")
            )
            raise Failure(f"no port is named {name!r}", f"ports: {', '.join(known) or 'none'}", USAGE)
    site = plan.make(
        content,
        state,
        environment=variables,
        without=wishes.without,
        remembered=previous.processes.ports if previous and previous.processes else {},
        running_now=parts_running(state),
    )
    ports.refuse_twins((part.rpartition("@")[2], port) for part, (_, port) in site.published.items())
    kept = {name: variables[name] for name in content.variables if name in variables}
    return ProcessesOutlook(content, site, kept)
