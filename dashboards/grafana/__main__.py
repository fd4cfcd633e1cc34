"""``python -m dashboards.grafana``: writes every dashboard as JSON for Grafana."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import is_the_site_up

FOLDER = Path(__file__).parent / "dashboards"


def render() -> dict[Path, str]:
    """The content of each file."""
    return {FOLDER / f"{one.uid}.json": _as_json(one) for one in (is_the_site_up.build(),)}


def _as_json(dashboard: Dashboard) -> str:
    content = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    # The SDK would have them in a menu, where nobody looks for them, and takes no other word.
    for one in (*content["links"], *content["annotations"]["list"]):
        del one["placement"]
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for path, content in render().items():
        path.write_text(content)
        print(path)
