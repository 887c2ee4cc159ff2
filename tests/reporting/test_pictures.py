"""Classes of the map, and places of its labels."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reporting.figures import Indicator, Line, Territory, Value
from pipelines.reporting.pictures import BARS_WIDTH, bar_chart, label_points, map_classes, quantile_classes

VALUES = st.dictionaries(st.text(min_size=1), st.floats(-1e6, 1e6).map(lambda x: x + 0.0), max_size=12)


@given(VALUES)
def test_classes_follow_the_order_of_values(values: dict[str, float]) -> None:
    classes = quantile_classes(values)
    assert classes.keys() == values.keys()
    for one in values:
        for other in values:
            if values[one] == values[other]:
                assert classes[one] == classes[other]
            elif values[one] < values[other]:
                assert classes[one] <= classes[other]
    assert sorted(set(classes.values())) == list(range(len(set(classes.values()))))


@given(VALUES)
def test_the_legend_covers_every_value_once(values: dict[str, float]) -> None:
    legend = map_classes(values)
    assert sum(found.regions for found in legend) == len(values)
    for value in values.values():
        assert len([found for found in legend if found.least <= value <= found.greatest]) == 1


def test_seven_different_values_make_four_classes() -> None:
    classes = quantile_classes({str(n): float(n) for n in range(7)})
    assert [list(classes.values()).count(index) for index in range(4)] == [2, 2, 2, 1]


def square(west: float, south: float, size: float) -> list[tuple[float, float]]:
    east, north = west + size, south + size
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def test_labels_stand_inside_and_apart() -> None:
    points = label_points(
        {"large": [[square(0, 0, 4), square(1.9, 1.9, 0.2)]], "small": [[square(1.9, 1.9, 0.2)]]}
    )
    (x, y), (small_x, small_y) = points["large"], points["small"]
    assert 0 < x < 4 and 0 < y < 4
    assert 1.9 < small_x < 2.1 and small_y > 2.1
    assert abs(x - small_x) > 0.5 or abs(y - small_y) > 0.3


@pytest.mark.parametrize("sign", [1, -1])
def test_a_printed_value_does_not_run_into_a_name(sign: int) -> None:
    """The longest bar's value, with two letters behind it, stays within the bars' own space; names are left of it."""
    areas = ["BY-BR", "BY-VI"]
    territories = [Territory(area, "region", area) for area in areas]
    values = {
        area: Value(area, sign * figure, "U", None, 20.0, 100.0, "1", False, None, 1.0)
        for area, figure in zip(areas, (12345.67, 3.0), strict=True)
    }
    indicator = Indicator("i", "i", "", "", "", "", 2, "", "1", "", "", "")
    svg = bar_chart(Line(indicator, "2025", "2025", values), territories, None)
    places = {
        text: (float(x), anchor)
        for anchor, x, text in re.findall(
            r'text-anchor="(\w+)" transform="translate\(([-\d.]+),[^>]*>([^<]+)</text>', svg
        )
    }
    (text, (x, anchor)) = next((text, place) for text, place in places.items() if "12" in text)
    assert text.endswith("н у")
    narrowest = 6.0 * len(text)
    assert anchor == ("start" if sign > 0 else "end")
    assert x + narrowest <= BARS_WIDTH if sign > 0 else x - narrowest >= 0
