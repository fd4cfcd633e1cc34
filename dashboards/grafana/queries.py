"""Every question that Grafana asks Prometheus for a dashboard, for checks that have no Grafana."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCRAPE_SECONDS = 1
"""How often Prometheus looks; the data source says the same as `timeInterval`."""

_LABEL_VALUES = re.compile(r"label_values\((?P<expr>.+), (?P<label>\w+)\)")


@dataclass(frozen=True)
class Question:
    """A query in a dashboard. `label` is whose values are asked for, of the series that `expr` names."""

    where: str
    kind: Literal["instant", "range", "values"]
    expr: str
    step: int = SCRAPE_SECONDS
    """Seconds that points are apart, at least."""
    label: str = ""

    def asked(self, range_seconds: int) -> str:
        """The expression as Prometheus gets it for a time range of so many seconds, all services chosen."""
        rate_interval = max(self.step + SCRAPE_SECONDS, 4 * self.step)
        expr = self.expr.replace("$__rate_interval", f"{rate_interval}s")
        expr = expr.replace("$__interval", f"{self.step}s").replace("$__range", f"{range_seconds}s")
        return re.sub(r"\$(service|place)\b", ".+", expr)


def questions(dashboard: Mapping[str, Any]) -> Iterator[Question]:
    """All of them, as the JSON of a dashboard has them: of panels, annotations and variables."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            where = f"{panel['title']} {target['refId']}"
            step = _step(target.get("interval"))
            yield Question(where, "instant" if target["instant"] else "range", target["expr"], step)
    for annotation in dashboard["annotations"]["list"]:
        yield Question(annotation["name"], "range", annotation["expr"], _step(annotation["step"]))
    for variable in dashboard["templating"]["list"]:
        found = _LABEL_VALUES.fullmatch(variable["query"]["query"])
        assert found is not None, variable["query"]
        yield Question(variable["name"], "values", found["expr"], label=found["label"])


def _step(interval: str | None) -> int:
    return int(interval.removesuffix("s")) if interval else SCRAPE_SECONDS
