"""The dashboard *Is the site up?*: from what users feel, by its cause, down to the parts.

The top row answers the question in one look: up or not, what users cannot do and since when, what was broken
on purpose, what rang. Below stand faults and journeys on one axis of time, the outages as Prometheus recorded
them, the golden signals by service and data centre, and the parts.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from dashboards.grafana.look import (
    BAD,
    GOOD,
    ON_PURPOSE,
    PRIMARY,
    PROMETHEUS,
    REPLICA,
    SLOW,
    alarm_line,
    at,
    big_word,
    every_sample,
    figures,
    levels,
    lines,
    now,
    over_time,
    rows,
    states,
    words,
)

UID = "is-the-site-up"

AnyPanel = stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel

UP = 'up{job="failwhale"}'

FAULTS = f"max by (fault, target) ({every_sample('max', 'chaos_fault_start_time_seconds')})"

_BEFORE = "last_over_time(failwhale_build_info[5s] offset 10s)"
RELEASES = (
    "max by (service, place, release) (failwhale_build_info)"
    f" unless on (service, place, release) {_BEFORE}"
    f" and on (service, place) max by (service, place) ({_BEFORE})"
)
"""One for ten seconds after a part has begun to run another release. A restart with the same one takes less
than the five seconds that are looked at before that, and a part that is new was not there then."""

OPERATIONS = f"max by (operation, target) ({every_sample('max', 'operation_done_time_seconds')})"

# One series for each outage in the time range, whose value is how many seconds of it lie in there.
OUTAGES = (
    "sum_over_time("
    'count_values by (journey, kind) ("began", round(journey:outage:start_time_seconds * 1000))[$__range:1s])'
)

ANSWERS = f"min by (part) ({every_sample('min', UP)})"

CHOSEN = 'service=~"$service", place=~"$place"'
PART = "{{service}}@{{place}}"

FOR_PERCENTILES = "5s"
"""Points are not closer than this, so that a window of rates holds enough requests for a 99th percentile."""


def build() -> models.Dashboard:
    """The dashboard as Grafana reads it."""
    built = (
        dashboard.Dashboard("Is the site up?")
        .uid(UID)
        .description("What users feel, why, and whether the monitoring noticed. Made by dashboards/grafana.")
        .tags(["failwhale"])
        .time("now-15m", "now")
        .refresh("5s")
        .timepicker(dashboard.TimePicker().refresh_intervals(["5s", "10s", "30s", "1m"]))
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .variables([_variable("service", "Service"), _variable("place", "Data centre")])
        .annotations([_faults_as_annotations(), _releases_as_annotations(), _operations_as_annotations()])
        .link(_alert_rules())
    )
    panels: list[AnyPanel | dashboard.Row] = [
        *_in_one_look(),
        *_what_happened(),
        _heading("Golden signals of $service in $place", 21),
        *_golden_signals(22),
        _heading("Parts, store, protections", 38),
        *_parts(39),
    ]
    for number, panel in enumerate(panels, 1):
        if isinstance(panel, dashboard.Row):
            built.with_row(panel.id(number))
        else:
            built.with_panel(panel.id(number))
    return built.build()


# --- what stands above the panels ---


def _variable(name: str, label: str) -> dashboard.QueryVariable:
    query = f"label_values(http_server_active_requests, {name})"
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .definition(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(models.VariableOption(True, "All", "$__all"))
    )


def _faults_as_annotations() -> dashboard.AnnotationQuery:
    """A band over every graph while a fault is in force.

    Grafana asks the target. One before 12 asks the expression, and makes one band of points that are no
    further apart than the step: 10 s are what it asks in for a quarter of an hour.
    """
    return (
        dashboard.AnnotationQuery()
        .name("Faults")
        .datasource(PROMETHEUS)
        .icon_color(ON_PURPOSE)
        .target(prometheus.Dataquery().expr(FAULTS).range().ref_id("Faults"))
        .expr(FAULTS)
        .step("10s")
        .title_format("{{fault}}")
        .text_format("{{target}}")
        .tag_keys("fault,target")
    )


def _releases_as_annotations() -> dashboard.AnnotationQuery:
    """A short band over every graph when a part runs another release than it did."""
    return (
        dashboard.AnnotationQuery()
        .name("Releases")
        .datasource(PROMETHEUS)
        .icon_color(REPLICA)
        .target(prometheus.Dataquery().expr(RELEASES).range().ref_id("Releases"))
        .expr(RELEASES)
        .step("10s")
        .title_format("release {{release}}")
        .text_format(PART)
        .tag_keys("release,service,place")
    )


def _operations_as_annotations() -> dashboard.AnnotationQuery:
    """A short band over every graph when an engineer's operation was done."""
    return (
        dashboard.AnnotationQuery()
        .name("Operations")
        .datasource(PROMETHEUS)
        .icon_color(GOOD)
        .target(prometheus.Dataquery().expr(OPERATIONS).range().ref_id("Operations"))
        .expr(OPERATIONS)
        .step("10s")
        .title_format("{{operation}}")
        .text_format("{{target}}")
        .tag_keys("operation,target")
    )


def _alert_rules() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Alert rules")
        .type(models.DashboardLinkType.LINK)
        .icon("bell")
        .url("/alerting/list")
        .tooltip("Which alerts there are, and what they wait for")
    )


def _heading(title: str, y: int) -> dashboard.Row:
    return dashboard.Row(title).grid_pos(at(0, y, 24, 1))


def _only_this_service() -> dashboard.DashboardLink:
    chosen = "var-service=${__field.labels.service}&var-place=${__field.labels.place}"
    return (
        dashboard.DashboardLink("Only ${__field.labels.service} in ${__field.labels.place}")
        .type(models.DashboardLinkType.LINK)
        .url(f"/d/{UID}?${{__url_time_range}}&{chosen}")
    )


# --- the top row ---


def _in_one_look() -> list[AnyPanel]:
    return [
        big_word(
            "Is the site up?",
            "**Yes**: users can do everything, in time. **Slow**: something takes too long. **No**: "
            "something fails. **Nobody looks**: the prober is down.\n\n"
            "Next: the tables beside it say what, since when and why. `failwhale watch` says the same live; "
            "`failwhale logs prober` if nobody looks.",
            at(0, 0, 4, 6),
        )
        .mappings(words({0: ("Yes", GOOD), 1: ("Slow", SLOW), 2: ("No", BAD)}, nothing="Nobody looks"))
        .thresholds(levels((1, SLOW), (2, BAD)))
        .no_value("Nobody looks")
        .with_target(now("max(journey:state)")),
        rows(
            "What users cannot do now",
            "Journeys that fail (down) or take too long (slow), and for how long already.\n\n"
            "Next: the fault that is in force at that time is the first suspect, on the right. Without one, "
            "the errors and durations below say which service it is.",
            at(4, 0, 6, 6),
            "time() - max by (journey, kind) (journey:outage:start_time_seconds)",
            {"journey": "journey", "kind": "kind"},
            value="for",
            if_empty="Nothing: every journey works",
        ),
        rows(
            "Broken on purpose now",
            "Faults in force, from being applied until seen to be undone, and for how long already.\n\n"
            "Next: `failwhale chaos active` says until when; `failwhale chaos heal` ends them all.",
            at(10, 0, 7, 6),
            "time() - max by (fault, target) (chaos_fault_start_time_seconds)",
            {"fault": "fault", "target": "target"},
            value="for",
            if_empty="Nothing",
        ),
        rows(
            "Alerts that fire",
            "What the monitoring noticed by itself, and since when its condition holds.\n\n"
            "Next: an outage without an alert was missed, an alert without an outage is a false positive: "
            "`failwhale score` counts both. The rules: [alert rules](/alerting/list).",
            at(17, 0, 7, 6),
            "time() - max by (alertname, about, severity) (label_replace(label_join("
            'ALERTS_FOR_STATE and ignoring (alertstate) ALERTS{alertstate="firing"}, '
            '"about", "@", "journey", "http_route", "group", "service", "place"), '
            '"about", "$1", "about", "@*(.*?)@*"))',
            {"alertname": "alert", "about": "about", "severity": "severity"},
            value="for",
            if_empty="None",
        ),
    ]


# --- the last minutes ---


def _what_happened() -> list[AnyPanel]:
    return [
        states(
            "Faults",
            "When which fault was in force on which part.\n\n"
            "Next: compare with the journeys below. `failwhale report` draws both in full.",
            at(0, 6, 17, 4),
            {1: ("in force", ON_PURPOSE)},
            if_empty="No fault was in force",
        ).with_target(over_time(f"({FAULTS}) > bool 0", "{{fault}} {{target}}")),
        states(
            "Journeys",
            "What users can do, as the prober tries it twice a second: green, slow, or down. A gap: no "
            "data.\n\n"
            "Next: `failwhale outages` lists these outages with the causes that the record knows.",
            at(0, 10, 17, 11),
            {0: ("green", GOOD), 1: ("slow", SLOW), 2: ("down", BAD)},
            if_empty="No data",
        ).with_target(over_time(every_sample("max", "journey:state"), "{{journey}}")),
        figures(
            "Outages in this time",
            "Outages as Prometheus recorded them: how many, the longest, and all of them together (journeys "
            "that were down at the same time each count).\n\n"
            "Next: `failwhale score` says how well this record agrees with the prober's.",
            at(17, 6, 7, 4),
        )
        .unit("dthms")
        .thresholds(levels((1, BAD)))
        .override_by_name("outages", [models.DynamicConfigValue("unit", "short")])
        .with_target(now(f"count({OUTAGES}) or vector(0)", ref="A", legend="outages"))
        .with_target(now(f"max({OUTAGES}) or vector(0)", ref="B", legend="longest"))
        .with_target(now(f"sum({OUTAGES}) or vector(0)", ref="C", legend="together")),
        rows(
            "Outages",
            "One row for each outage in the time range, the latest first: when Prometheus saw it begin, and "
            "how long it lasted within the range.\n\n"
            "Next: `failwhale outages --from prometheus` has all of the run, `failwhale outages` what "
            "users felt.",
            at(17, 10, 7, 11),
            OUTAGES,
            {"began": "began", "journey": "journey", "kind": "kind"},
            value="lasted",
            if_empty="No outage in this time",
            latest_first="began",
        ),
    ]


# --- golden signals ---


def _golden_signals(y: int) -> list[AnyPanel]:
    server = "http_server_request_duration_seconds"

    def rate(series: str, by: str = "service, place", more: str = "") -> str:
        return f"sum by ({by}) (rate({series}{{{CHOSEN}{more}}}[$__rate_interval]))"

    def percentile(share: float) -> prometheus.Dataquery:
        buckets = rate(f"{server}_bucket", by="service, place, le")
        return over_time(f"histogram_quantile({share}, {buckets})", PART, step=FOR_PERCENTILES)

    requests = rate(f"{server}_count")
    errors = rate(f"{server}_count", more=', http_response_status_code=~"5.."')
    signals = [
        lines(
            "Rate",
            "Requests per second, by the service that answered them.\n\n"
            "Next: a service without requests is down, cut off or not asked; see *Parts* below.",
            at(0, y, 8, 8),
            "reqps",
        ).with_target(over_time(requests, PART)),
        alarm_line(
            lines(
                "Errors",
                "The share of requests answered with a 5xx. The alert ServiceErrors fires over the line.\n\n"
                "Next: `failwhale logs SERVICE@PLACE` of the one that stands out; of several, the one that "
                "is furthest from the front end.",
                at(8, y, 8, 8),
                "percentunit",
            ).axis_soft_max(0.1),
            0.05,
        ).with_target(over_time(f"({errors} or 0 * {requests}) / ({requests} > 0)", PART)),
        lines(
            "Saturation: refused work",
            "Requests per second refused unseen, because too much was in flight or their time was over.\n\n"
            "Next: less load, or more time for each request: see *requests in flight*. "
            "`failwhale protections shedding off` shows what happens without it.",
            at(16, y, 8, 8),
            "reqps",
        ).with_target(over_time(rate("http_server_refused_total"), PART)),
        lines(
            "Duration: half of the requests are faster (p50)",
            "The median time from the first byte of a request to the last of its answer.\n\n"
            "Next: when the median rises, everything is slow: look for saturation, or a fault in force.",
            at(0, y + 8, 8, 8),
            "s",
        ).with_target(percentile(0.5)),
        alarm_line(
            lines(
                "Duration: 99 of 100 are faster (p99)",
                "The 99th percentile. Over the line, users call it slow.\n\n"
                "Next: when only this rises, some requests wait: for a dead replica, a retry, the store.",
                at(8, y + 8, 8, 8),
                "s",
            ),
            1.0,
        ).with_target(percentile(0.99)),
        lines(
            "Saturation: requests in flight",
            "Requests that are being answered, without streams.\n\n"
            "Next: what keeps rising here is refused soon: find the slow one behind it by its duration.",
            at(16, y + 8, 8, 8),
            "short",
        ).with_target(over_time(f"sum by (service, place) (http_server_active_requests{{{CHOSEN}}})", PART)),
    ]
    return [panel.data_links([_only_this_service()]) for panel in signals]


# --- parts ---


def _parts(y: int) -> list[AnyPanel]:
    return [
        states(
            "Parts",
            "Whether a part answers Prometheus.\n\nNext: `failwhale status`, and `failwhale logs PART`.",
            at(0, y, 12, 13),
            {0: ("silent", BAD), 1: ("answers", GOOD)},
            if_empty="Prometheus asks nobody",
        ).with_target(over_time(ANSWERS, "{{part}}")),
        states(
            "Store",
            "Which store is the primary and which its replica; a gap is one that does not answer.\n\n"
            "Next: without a primary nothing can be written; Sentinel promotes the replica within seconds: "
            "`failwhale logs sentinel@witness`.",
            at(12, y, 9, 5),
            {0: ("replica", REPLICA), 1: ("primary", PRIMARY)},
            if_empty="The controller is not there to ask the stores",
            named=True,
        ).with_target(over_time("max by (store) (store_primary)", "{{store}}")),
        figures(
            "Promotions",
            "How often a replica became the primary in this time.\n\n"
            "Next: one is a failover; several in a row are a store that comes and goes.",
            at(21, y, 3, 5),
        )
        .unit("short")
        .thresholds(levels((1, SLOW)))
        .with_target(
            now("sum(changes(store_primary[$__range]) - resets(store_primary[$__range]))", legend=" ")
        ),
        alarm_line(
            lines(
                "Events not handled yet",
                "How far timelines and notifications are behind what was written. The alert EventsPileUp "
                "fires over the line.\n\n"
                "Next: posts arrive late until this is back at zero; see *timeline* and *notify* in *Parts*.",
                at(12, y + 5, 6, 8),
                "short",
            ).axis_soft_max(10),
            100,
        ).with_target(over_time("max by (group) (events_lag)", "{{group}}")),
        lines(
            "Protections at work",
            "Per second: calls repeated at the other replica, repetitions that the budget refused, requests "
            "hurt by an injection point; and how many replicas are ejected.\n\n"
            "Next: `failwhale protections retries off` shows what one of them is worth.",
            at(18, y + 5, 6, 8),
            "short",
        )
        .with_target(over_time(_per_second('retries_total{outcome="sent"}'), "retries", ref="A"))
        .with_target(over_time(_per_second('retries_total{outcome="refused"}'), "refused retries", ref="B"))
        .with_target(over_time(_per_second("injection_point_hits_total"), "hurt by faults", ref="C"))
        .with_target(over_time("sum(replica_ejected) or vector(0)", "ejected", ref="D")),
    ]


def _per_second(counter: str) -> str:
    """Over all parts; zero when nothing was counted yet."""
    return f"sum(rate({counter}[$__rate_interval])) or vector(0)"
