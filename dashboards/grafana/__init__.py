"""Grafana's dashboards, written in Python and checked in as the JSON that Grafana reads.

`python -m dashboards.grafana` writes `dashboards/*.json` anew; a test fails while they differ.
`provisioning/` tells Grafana where Prometheus is (`PROMETHEUS_URL`) and where the dashboards are.

What has been seen: every query, answered by the real Prometheus of a real site; the layout, drawn by its
numbers. What has not been seen here is a real Grafana with them.

The JSON is of Grafana's classic scheme (schemaVersion 42) and not of the new one (v2), because Grafana 12 and
13.0 refuse to load v2 from files.
"""

import warnings

# The SDK prefers v2.
warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
