"""The digest's two pictures as SVG: bars by region, and a map of the regions.

Both print their values, so neither depends on distinguishing colours.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
from numpy.typing import NDArray

from pipelines.reporting.figures import Line, Territory, Value
from pipelines.wording import missing, number

FONT = "Libertinus Serif"
INK, GREY, PALE, BAR = "#1f2933", "#5f6b76", "#e4e8ec", "#8fb8d8"
CLASS_COLOURS = ("#dce9f3", "#aac9e2", "#6fa3cc", "#3a78ad")

# equirectangular, true to scale along this parallel, which runs through the middle of the country
PARALLEL = math.radians(53.5)
# an outline whose inscribed circle is smaller than this (degrees) has its label beside it
ROOM_FOR_LABEL = 0.35
# width of the bars with their printed values, px
BARS_WIDTH = 300
# ratio of a label's width to its height: vertical distances weigh more
LABEL_SHAPE = 2.2

Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class MapClass:
    """One class of the map: its colour, minimum and maximum value, and number of regions."""

    colour: str
    least: float
    greatest: float
    regions: int


def quantile_classes(values: dict[str, float], wanted: int = len(CLASS_COLOURS)) -> dict[str, int]:
    """Class (from 0) of each key: classes of equal size by rank; equal values share one."""
    ordered = sorted(values.values())
    number_of_classes = min(wanted, len(set(ordered)))
    ranks = {key: ordered.index(value) * number_of_classes // len(ordered) for key, value in values.items()}
    used = sorted(set(ranks.values()))
    return {key: used.index(rank) for key, rank in ranks.items()}


def map_classes(values: dict[str, float]) -> list[MapClass]:
    """The classes of the map for its legend, from the lowest."""
    classes = quantile_classes(values)
    found = []
    for index in sorted(set(classes.values())):
        members = [values[key] for key, of in classes.items() if of == index]
        found.append(MapClass(CLASS_COLOURS[index], min(members), max(members), len(members)))
    return found


def _room(labels: Sequence[str]) -> float:
    """The width of the longest label at 13 px; a default if there is none."""
    return max([10.0, *(7.2 * len(label) + 10 for label in labels)])


def bar_chart(line: Line, regions: Sequence[Territory], country: Territory | None) -> str:
    """SVG: a bar for each region, longest first, its value printed; the country as a dashed line.

    A region without a figure keeps its place, with the reason in words.
    """
    values = line.figures_of(regions)
    decimals = line.indicator.decimals
    rows: list[dict[str, Any]] = [
        {
            "name": region.name,
            "value": values[region.ref_area],
            "label": printed(line.values[region.ref_area], decimals),
        }
        for region in sorted(regions, key=lambda region: -values.get(region.ref_area, -math.inf))
        if region.ref_area in values
    ]
    absent: list[dict[str, Any]] = [
        {"name": region.name, "value": 0, "label": _why_missing(line, region)}
        for region in regions
        if region.ref_area not in values
    ]
    order = [row["name"] for row in rows + absent]
    # no limit: the renderer does not know the font's widths and would truncate names
    axis = alt.Axis(labelLimit=0, labelFontSize=13, labelPadding=6)
    y = alt.Y(
        "name:N", sort=order, title=None, axis=axis, scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2)
    )
    least, greatest = min([0.0, *values.values()]), max([0.0, *values.values()])
    # room for the printed values at both ends: the regions' names are directly beside them
    before = _room([row["label"] for row in rows if row["value"] < 0])
    after = _room([row["label"] for row in rows if row["value"] >= 0])
    unit = (greatest - least or 1) / (BARS_WIDTH - before - after)
    domain = [least - before * unit, greatest + after * unit]
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(domain=domain, nice=False))

    def data(of: list[dict[str, Any]]) -> alt.InlineData:
        return alt.InlineData(values=of)

    def text(of: list[dict[str, Any]], align: Literal["left", "right"], colour: str) -> Any:
        dx = 4 if align == "left" else -4
        mark = alt.Chart(data(of)).mark_text(align=align, dx=dx, fontSize=13, color=colour)
        return mark.encode(y=y, x=x, text="label:N")

    layers: list[Any] = [
        alt.Chart(data(rows)).mark_bar(color=BAR).encode(y=y, x=x),
        text([row for row in rows if row["value"] >= 0], "left", INK),
        text([row for row in rows if row["value"] < 0], "right", INK),
        text(absent, "left", GREY),
    ]
    mean = line.values.get(country.ref_area) if country else None
    if country and mean and mean.value is not None and domain[0] <= mean.value <= domain[1]:
        marked = data([{"value": mean.value, "label": f"{country.name}: {printed(mean, decimals)}"}])
        layers += [
            alt.Chart(marked).mark_rule(color=INK, strokeDash=[4, 3], strokeWidth=1.2).encode(x=x),
            alt.Chart(marked)
            .mark_text(align="right" if mean.value > (domain[0] + domain[1]) / 2 else "left",
                       baseline="bottom", dy=-4, fontSize=12.5, color=INK)
            .encode(x=x, y=alt.value(0), text="label:N"),
        ]  # fmt: skip
    chart = alt.layer(*layers).properties(width=BARS_WIDTH, height=44 * len(order))
    return _svg(chart, {"left": 140, "right": 6, "top": 24, "bottom": 6})


def region_map(line: Line, regions: Sequence[Territory], boundaries: dict[str, dict[str, Any]]) -> str:
    """SVG: the regions shaded by class, each with its name and value; grey with the reason if it has none."""
    values = line.figures_of(regions)
    classes = quantile_classes(values)
    outlines = {area: [_project(rings) for rings in _polygons(shape)] for area, shape in boundaries.items()}
    features = [
        {
            "type": "Feature",
            "colour": CLASS_COLOURS[classes[area]] if area in classes else PALE,
            "geometry": {"type": "MultiPolygon", "coordinates": outline},
        }
        for area, outline in outlines.items()
    ]
    points = label_points(outlines)
    labels = []
    for region in (region for region in regions if region.ref_area in points):
        x, y = points[region.ref_area]
        shown = region.ref_area in values
        value = (
            printed(line.values[region.ref_area], line.indicator.decimals)
            if shown
            else _why_missing(line, region)
        )
        field = "label" if shown else "reason"
        labels.append({"x": x, "y": y, "name": _short(region.name), "label": "", "reason": "", field: value})
    projection: dict[str, Any] = {"type": "identity", "reflectY": True}
    # the small ones last: they are drawn over those that surround them
    features.sort(key=lambda feature: -len(str(feature["geometry"])))
    shapes = (
        alt.Chart(alt.InlineData(values=features))
        .mark_geoshape(stroke="white", strokeWidth=1.4)
        .encode(color=alt.Color("colour:N", scale=None))
    )
    halo: dict[str, Any] = {"stroke": "white", "strokeWidth": 3, "strokeOpacity": 0.85, "color": "white"}
    styles: dict[str, dict[str, Any]] = {
        "name": {"dy": -7, "fontSize": 11},
        "label": {"dy": 7, "fontSize": 13, "fontWeight": "bold"},
        "reason": {"dy": 6, "fontSize": 10, "fontStyle": "italic"},
    }
    texts = [
        alt.Chart(alt.InlineData(values=labels))
        .mark_text(**style, **paint)
        .encode(longitude="x:Q", latitude="y:Q", text=f"{field}:N")
        for field, style in styles.items()
        for paint in (halo, {"color": INK})
    ]
    layers = [chart.project(**projection) for chart in (shapes, *texts)]
    return _svg(alt.layer(*layers).properties(width=440, height=350), 4)


def label_points(outlines: dict[str, list[list[Ring]]]) -> dict[str, tuple[float, float]]:
    """The position of each outline's label: as far as possible from its own edges and from other labels.

    An outline too small for a label has it just above. Coordinates are those of the outlines.
    """
    best = {area: _inner_point(outline, []) for area, outline in outlines.items()}
    beside = {
        area: (point[0], point[1] + ROOM_FOR_LABEL)
        for area, (point, room) in best.items()
        if room < ROOM_FOR_LABEL
    }
    return {
        area: beside[area] if area in beside else _inner_point(outline, list(beside.values()))[0]
        for area, outline in outlines.items()
    }


def _inner_point(
    outline: list[list[Ring]], obstacles: list[tuple[float, float]]
) -> tuple[tuple[float, float], float]:
    """The point within the largest polygon that is farthest from edges and obstacles, and its distance."""
    rings = [np.array(ring) for ring in max(outline, key=lambda rings: len(rings[0]))]
    low, high = rings[0].min(axis=0), rings[0].max(axis=0)
    xs, ys = (np.linspace(low[axis], high[axis], 41)[1:-1] for axis in (0, 1))
    points = np.array([(x, y) for x in xs for y in ys])
    inside = np.sum([_inside(points, ring) for ring in rings], axis=0) % 2 == 1
    points = points[inside] if inside.any() else rings[0].mean(axis=0, keepdims=True)
    stretch = np.array([1.0, LABEL_SHAPE])

    def distance_to(targets: NDArray[np.float64]) -> NDArray[np.float64]:
        between: NDArray[np.float64] = (points[:, None, :] - targets[None, :, :]) * stretch
        nearest: NDArray[np.float64] = np.linalg.norm(between, axis=2).min(axis=1)
        return nearest

    distances = distance_to(np.vstack(rings))
    if obstacles:
        # another label also needs space
        distances = np.minimum(distances, distance_to(np.array(obstacles)) - 2 * ROOM_FOR_LABEL)
    index = int(distances.argmax())
    return (float(points[index][0]), float(points[index][1])), float(distances[index])


def _inside(points: NDArray[np.float64], ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Even-odd rule: whether a ray to the right of each point crosses the ring an odd number of times."""
    x, y = points[:, 0:1], points[:, 1:2]
    (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
    crosses = (y1 > y) != (y2 > y)
    height = np.where(y2 == y1, 1.0, y2 - y1)
    found: NDArray[np.bool_] = (crosses & (x < (x2 - x1) * (y - y1) / height + x1)).sum(axis=1) % 2 == 1
    return found


def _polygons(geometry: dict[str, Any]) -> Iterator[list[list[list[float]]]]:
    """The polygons (lists of rings) of a GeoJSON Polygon or MultiPolygon."""
    if geometry["type"] == "Polygon":
        yield geometry["coordinates"]
    elif geometry["type"] == "MultiPolygon":
        yield from geometry["coordinates"]


def _project(rings: list[list[list[float]]]) -> list[Ring]:
    """Equirectangular; rounded to 0.01 degree (under 0.2 mm in print), identically on both sides of a border."""
    projected = []
    for ring in rings:
        points = [(round(position[0], 2), round(position[1], 2)) for position in ring]
        kept = [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]
        projected.append([(lon * math.cos(PARALLEL), lat) for lon, lat in kept])
    return projected


def printed(value: Value, decimals: int) -> str:
    """A figure with the letter of its status; empty if there is no figure."""
    return "" if value.value is None else f"{number(value.value, decimals)} {value.mark}".rstrip()


def _why_missing(line: Line, region: Territory) -> str:
    value = line.values.get(region.ref_area)
    return missing(value.missing_reason if value else None)


def _short(name: str) -> str:
    """The name without the word for the type of territory: the map has little room."""
    return name.removesuffix(" область").removeprefix("город ").removeprefix("г. ")


def _svg(chart: Any, padding: int | dict[str, int]) -> str:
    """The picture with fixed instead of measured margins: the same on every machine."""
    configured = (
        chart.configure(font=FONT, background="white", padding=padding, autosize={"type": "none"})
        .configure_view(stroke=None)
        .configure_axis(labelColor=INK, domain=False, ticks=False, grid=False)
    )
    svg = io.StringIO()
    configured.save(svg, format="svg")
    return svg.getvalue()
