"""What is reported of each framework, from the small warehouse: its one point of Wi-Fi stands in Brest, in June 2019."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from pipelines.settings import PROJECT

WIFI = "EC: ICT: ICT: 5C"


def test_an_answer_with_a_figure_is_reported(small: Any) -> None:
    found = small.query(
        "select answered_by, match, reporting, reporting_ru, regions_reporting, region_count, newest_period "
        "from published.pub_framework_indicator_v1 where code = ?",
        WIFI,
    )
    # one region of the three; August is the last month that its branch delivered, and a month is shorter than a quarter
    assert found == [("public_wifi_points", "close", "reported", "представлен", 1, 3, "2019-08")]


def test_what_nothing_answers_is_not_reported(small: Any) -> None:
    rows = small.query(
        "select framework, count(*) from published.pub_framework_indicator_v1 "
        "where reporting = 'not_reported' and reporting_ru = 'не представлен' and regions_reporting = 0 "
        "and newest_period is null and not synthetic group by framework order by framework"
    )
    assert rows == [("iso_37122", 80), ("sdg", 19), ("u4ssc", 90)]


def test_coverage_is_counted_by_territory_and_dimension(small: Any) -> None:
    rows = dict(
        small.query(
            "select ref_area || ' ' || dimension, reported_pct from published.pub_framework_coverage_v1 "
            "where framework = 'u4ssc'"
        )
    )
    assert len(rows) == 4 * 4  # country and three regions; the whole and three dimensions
    assert rows["BY _T"] == rows["BY-BR _T"] == Decimal("1.10")  # 1 of 91
    assert rows["BY EC"] == rows["BY-BR EC"] == Decimal("2.22")  # 1 of 45
    assert sum(rows.values()) == 2 * (Decimal("1.10") + Decimal("2.22"))  # and nothing elsewhere
    counts = small.query(
        "select indicator_count, reported_count, reported_same_count from published.pub_framework_coverage_v1 "
        "where framework = 'u4ssc' and ref_area = 'BY' and dimension = '_T'"
    )
    assert counts == [(91, 1, 0)]  # it is close, not the same


def test_each_framework_says_what_was_compared(small: Any) -> None:
    assert small.query(
        "select framework, indicator_count, verified_count, reported_count "
        "from published.pub_framework_v1 order by framework"
    ) == [("iso_37122", 80, 0, 0), ("sdg", 19, 0, 0), ("u4ssc", 91, 16, 1)]


def test_the_indicator_names_what_it_answers_to(small: Any) -> None:
    named = dict(small.query("select indicator, frameworks from published.pub_indicator_v1"))
    assert named["public_wifi_points"] == f"U4SSC {WIFI} (близкий)"
    declared = "".join(
        path.read_text(encoding="utf-8") for path in (PROJECT / "assets" / "frameworks").glob("*.yml")
    )
    answers = set(re.findall(r"\{indicator: (\w+), match", declared))
    assert {"public_wifi_points", "fixed_broadband_100_mbps_pct"} < answers
    assert {code for code, text in named.items() if text is not None} == answers
