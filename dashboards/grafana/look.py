"""How panels look: one way for each kind of panel, so that a colour means the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = common_models.DataSourceRef(type_val="prometheus", uid="prometheus")

GOOD, SLOW, BAD, ON_PURPOSE = "green", "orange", "red", "purple"
PRIMARY, REPLICA = "blue", "super-light-blue"

HOURS_MINUTES_SECONDS = "dthms"
TIME_OF_DAY = "time:HH:mm:ss"

Panel = TypeVar("Panel", stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)

Columns = Mapping[str, str]
"""The labels that a table shows, in this order, and what stands above them."""


def at(x: int, y: int, width: int, height: int) -> models.GridPos:
    """A place on the grid, which is 24 columns wide; a unit of height is about 38 pixels."""
    return models.GridPos(x=x, y=y, w=width, h=height)


# --- queries ---


def over_time(expr: str, legend: str, *, ref: str = "A", step: str = "") -> prometheus.Dataquery:
    """A query for a graph. `step` is the shortest distance of points, when it is not Prometheus' own."""
    query = prometheus.Dataquery().expr(expr).range().legend_format(legend).ref_id(ref).datasource(PROMETHEUS)
    return query.interval(step) if step else query


def now(expr: str, *, ref: str = "A", legend: str = "") -> prometheus.Dataquery:
    """A query for what is true at the end of the time range."""
    return (
        prometheus.Dataquery().expr(expr).instant().legend_format(legend).ref_id(ref).datasource(PROMETHEUS)
    )


def every_sample(aggregate: str, series: str) -> str:
    """A series at any zoom: a point tells of all samples since the point before, so that none is passed over.

    Where no sample fell between two points, it is the latest.
    """
    return f"{aggregate}_over_time({series}[$__interval]) or {series}"


# --- values ---


def words(meanings: Mapping[int, tuple[str, str]], nothing: str = "") -> list[models.ValueMapping]:
    """What to say instead of a number, and its colour; `nothing` is said where there is no value."""
    options = {
        str(value): models.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(meanings.items())
    }
    mappings: list[models.ValueMapping] = [models.ValueMap(options)]
    if nothing:
        result = models.ValueMappingResult(text=nothing, color=ON_PURPOSE, index=len(options))
        match = models.SpecialValueMatch.NULL_AND_NAN
        mappings.append(models.SpecialValueMap(models.DashboardSpecialValueMapOptions(match, result)))
    return mappings


def levels(*steps: tuple[float, str], base: str = GOOD) -> dashboard.ThresholdsConfig:
    """Colours by value: `base`, and from each step on its own."""
    thresholds = [models.Threshold(None, base), *(models.Threshold(value, color) for value, color in steps)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds)


def by_level() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)


# --- panels ---


def big_word(title: str, description: str, place: models.GridPos) -> stat.Panel:
    """One value that is read across the room."""
    return (
        _common(stat.Panel(), title, description, place)
        .color_mode(common_models.BigValueColorMode.BACKGROUND)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .text_mode(common_models.BigValueTextMode.VALUE)
        .reduce_options(_last())
        .color_scheme(by_level())
    )


def figures(title: str, description: str, place: models.GridPos) -> stat.Panel:
    """A few numbers with their names, side by side."""
    return (
        _common(stat.Panel(), title, description, place)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(_last())
        .color_scheme(by_level())
        .decimals(0)
    )


def states(
    title: str,
    description: str,
    place: models.GridPos,
    meanings: Mapping[int, tuple[str, str]],
    *,
    if_empty: str,
    named: bool = False,
) -> statetimeline.Panel:
    """A bar for each series, whose colour is its state; a gap where it was not there. `named`: the state
    is also written on the bar."""
    return (
        _common(statetimeline.Panel(), title, description, place)
        .mappings(words(meanings))
        .thresholds(levels())
        .color_scheme(by_level())
        .no_value(if_empty)
        .show_value(common_models.VisibilityMode.AUTO if named else common_models.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .line_width(0)
        .fill_opacity(85)
        .legend(common.VizLegendOptions().show_legend(False))
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.SINGLE))
    )


def lines(title: str, description: str, place: models.GridPos, unit: str) -> timeseries.Panel:
    """Series over time. The colour comes from the name, so that a part has the same one in every panel."""
    return (
        _common(timeseries.Panel(), title, description, place)
        .unit(unit)
        .min(0)
        .draw_style(common_models.GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(8)
        .show_points(common_models.VisibilityMode.NEVER)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
    )


def alarm_line(panel: timeseries.Panel, value: float) -> timeseries.Panel:
    """A dashed line where an alert begins to fire."""
    style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(levels((value, BAD), base="transparent")).thresholds_style(style)


def rows(
    title: str,
    description: str,
    place: models.GridPos,
    expr: str,
    columns: Columns,
    *,
    value: str,
    if_empty: str,
    latest_first: str = "",
) -> table.Panel:
    """A table of what a query finds now: the labels in `columns`, then its value as h:m:s under `value`.

    `latest_first` names a column with times in milliseconds, by which the rows are sorted.
    """
    order = {name: index for index, name in enumerate([*columns, "Value"])}
    transformations = [
        _transformation(
            "organize",
            excludeByName={"Time": True},
            includeByName={},
            indexByName=order,
            renameByName={**columns, "Value": value},
        )
    ]
    if latest_first:
        to_number = {"targetField": latest_first, "destinationType": "number"}
        transformations += [
            _transformation("convertFieldType", fields={}, conversions=[to_number]),
            _transformation("sortBy", fields={}, sort=[{"field": latest_first, "desc": True}]),
        ]
    panel = (
        _common(table.Panel(), title, description, place)
        .with_target(now(expr).format(PromQueryFormat.TABLE))
        .no_value(if_empty)
        .cell_height(common_models.TableCellHeight.SM)
        .override_by_name(value, _properties(unit=HOURS_MINUTES_SECONDS, custom__width=90))
        .transformations(transformations)
    )
    if latest_first:
        panel = panel.override_by_name(latest_first, _properties(unit=TIME_OF_DAY, custom__width=90))
    return panel


def _common(panel: Panel, title: str, description: str, place: models.GridPos) -> Panel:
    return panel.title(title).description(description).grid_pos(place).datasource(PROMETHEUS)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")


def _transformation(name: str, **options: object) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=name, options=options)


def _properties(**values: object) -> list[models.DynamicConfigValue]:
    return [
        models.DynamicConfigValue(id_val=name.replace("__", "."), value=value)
        for name, value in values.items()
    ]
