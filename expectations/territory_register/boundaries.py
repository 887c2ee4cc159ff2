"""What must hold of the outlines of regions and districts."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, EAST, NORTH, SOUTH, WEST, code, listed, unique
from expectations.vocabulary import History, load, row


def _within(column: str, lowest: float, highest: float, title: str) -> Any:
    return row(
        gxe.ExpectColumnValuesToBeBetween,
        column=column,
        min_value=lowest,
        max_value=highest,
        name=f"{column}_in_country",
        dimension="accuracy",
        says=f"Граница не выходит за пределы Беларуси: {title}.",
        remedy="Проверьте систему координат (WGS 84, градусы) и порядок: сначала долгота, потом широта.",
    )


SUITE: list[Any] = [
    *code("feature_id", ANY, "BY-XX или r-…"),
    listed("feature_id"),
    unique(["feature_id"], "У территории один контур."),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="geometry",
        # a broken outline is told by the reader and kept back alone; a layer of them is refused
        mostly=0.95,
        name="geometry_given",
        dimension="completeness",
        says="У территории есть контур, и он не испорчен.",
        remedy="Добавьте геометрию или исправьте её: причина и место названы у строки.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="geometry_type",
        value_set=["Polygon", "MultiPolygon"],
        name="geometry_is_area",
        dimension="validity",
        says="Контур – Polygon или MultiPolygon.",
        remedy="Сохраните слой площадей, а не линий или точек.",
    ),
    _within("west", WEST, EAST, "западный край – долгота от 23,16 до 32,79"),
    _within("south", SOUTH, NORTH, "южный край – широта от 51,25 до 56,19"),
    _within("east", WEST, EAST, "восточный край – долгота от 23,16 до 32,79"),
    _within("north", SOUTH, NORTH, "северный край – широта от 51,25 до 56,19"),
    load(
        gxe.ExpectTableRowCountToBeBetween,
        min_value=7,
        max_value=150,
        name="contours_count",
        dimension="completeness",
        says="В слое от 7 (области и г. Минск) до 150 контуров (районы).",
        remedy="Передайте слой целиком.",
    ),
]

# The figures of an outline say where it lies: two that are exchanged show by them.
HISTORY = History(
    key=("feature_id",),
    by=("feature_id",),
    quantities={"середина, долгота": "(east + west) / 2", "середина, широта": "(north + south) / 2"},
    counted=False,
    least=0,
)
