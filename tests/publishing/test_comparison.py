"""The tables that answer: ranks, quartiles, changes, intervals and peers against computations of their own."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import duckdb
import pytest

from pipelines.settings import PROJECT

pytestmark = pytest.mark.slow

QUESTIONS = re.findall(
    r"## (\d+)\. .*?```sql\n(.*?)```",
    (PROJECT / "docs" / "questions.ru.md").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)
Z = 1.959964


@pytest.fixture(scope="module")
def published(samples: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(
        str(samples / "published" / "current" / "gorod.duckdb"), read_only=True
    ) as connection:
        connection.execute("set search_path = 'published'")
        yield connection


@pytest.fixture(scope="module")
def figures(published: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of the wide table with a figure."""
    rows = published.execute("select * from pub_indicator_wide_v1 where obs_value is not null")
    names = [column[0] for column in rows.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def test_it_has_every_figure_once(published: duckdb.DuckDBPyConnection) -> None:
    key = "indicator, ref_area, freq, time_period, breakdown, obs_value, obs_status, missing_reason, note_ru"
    for one, other in (("wide", "value"), ("value", "wide")):
        extra = published.execute(
            f"select {key} from pub_indicator_{one}_v1 except all select {key} from pub_indicator_{other}_v1"
        ).fetchall()
        assert extra == []


def test_ranks_medians_and_counts_are_those_of_the_level(figures: list[dict[str, Any]]) -> None:
    directions = {row["indicator"]: row["direction"] for row in figures}
    levels: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in figures:
        levels[
            tuple(row[name] for name in ("indicator", "level", "freq", "time_period", "breakdown"))
        ].append(row)
    seen = 0
    for (indicator, level, *_), rows in levels.items():
        values = [row["obs_value"] for row in rows]
        median = quantiles(map(Fraction, values), n=4, method="inclusive")[1] if len(values) > 2 else None
        for row in rows:
            better = [
                v
                for v in values
                if (v < row["obs_value"]) == (directions[indicator] == "down") and v != row["obs_value"]
            ]
            assert (row["level_rank"], row["rank_of"]) == (
                (None, None) if level == "country" else (len(better) + 1, len(values))
            )
            assert (row["level_median"] is None) == (median is None)
            if median is not None:
                assert abs(Fraction(row["level_median"]) - median) <= Fraction(1, 1_000_000)
                seen += 1
    assert seen > 1000


def test_groups_are_ranked_among_themselves(figures: list[dict[str, Any]]) -> None:
    rows = [
        row
        for row in figures
        if (row["indicator"], row["freq"], row["breakdown"]) == ("pon_ports_per_100", "M", "_T")
        and row["is_latest"]
    ]
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["level"] == "city":
            groups[row["size_group"]].append(row)
    assert len(groups) > 1
    for members in groups.values():
        values = sorted((row["obs_value"] for row in members), reverse=True)
        assert sorted(row["group_rank"] for row in members) == [values.index(value) + 1 for value in values]
        assert {row["group_rank_of"] for row in members} == {len(members)}


def test_the_country_and_the_year_before_stand_beside_each_figure(figures: list[dict[str, Any]]) -> None:
    key = ("indicator", "freq", "breakdown")
    by_place = {(*(row[name] for name in key), row["ref_area"], row["time_period"]): row for row in figures}
    compared = 0
    for (*about, _, period), row in by_place.items():
        country = by_place.get((*about, "BY", period))
        assert row["country_value"] == (country["obs_value"] if country else None)
        year_before = by_place.get((*about, row["ref_area"], f"{int(period[:4]) - 1}{period[4:]}"))
        if year_before is None or year_before["method_version"] != row["method_version"]:
            assert row["year_change"] is None
            continue
        compared += 1
        before, now = year_before["obs_value"], row["obs_value"]
        assert (row["year_before_value"], row["year_change"]) == (before, now - before)
        if before:
            share = Fraction(now - before) * 100 / abs(Fraction(before))
            assert abs(Fraction(row["year_change_pct"]) - share) <= Fraction(1, 1_000_000)
    assert compared > 1000


def test_the_newest_period_of_each_level_is_marked(published: duckdb.DuckDBPyConnection) -> None:
    marked = published.execute(
        "select count(*), count(*) filter (where not is_latest = (time_period = newest)) from (select *, max(time_period)"
        " filter (where obs_value is not null) over (partition by indicator, level, freq) as newest"
        " from pub_indicator_wide_v1) where newest is not null"
    ).fetchone()
    assert marked is not None and marked[0] > 1000 and marked[1] == 0


def poisson_tail(events: int, mean: float) -> float:
    """P(X <= events) of a Poisson variable."""
    return math.fsum(
        math.exp(count * math.log(mean) - mean - math.lgamma(count + 1)) for count in range(events + 1)
    )


def test_the_limits_of_shares_solve_wilsons_equation(figures: list[dict[str, Any]]) -> None:
    """At both limits p the observed share lies 1.96 standard errors of p away."""
    rows = [row for row in figures if row["interval_method"] == "wilson"]
    assert len(rows) > 50
    for row in rows:
        observed, whole = float(row["numerator"] / row["denominator"]), float(row["denominator"])
        for limit in (float(row["interval_lower"]) / 100, float(row["interval_upper"]) / 100):
            distance = (observed - limit) ** 2 - Z**2 * limit * (1 - limit) / whole
            assert abs(distance) < 2e-6
        assert row["interval_lower"] <= row["obs_value"] <= row["interval_upper"]


def test_the_limits_of_rates_are_close_to_the_exact_ones_of_poisson(figures: list[dict[str, Any]]) -> None:
    """Byar's limits leave 2.5 % below and above, within a twentieth of that for ten events and more."""
    rows = [
        row
        for row in figures
        if row["interval_method"] == "byar" and 10 <= row["numerator"] <= 2000 and row["breakdown"] == "_T"
    ][::7]
    assert len(rows) > 20
    for row in rows:
        events = int(row["numerator"])
        means = [
            float(row[limit]) * events / float(row["obs_value"])
            for limit in ("interval_lower", "interval_upper")
        ]
        slack = 0.00125 + 0.02 * events / 2000  # four decimals of a rate are coarse for many events
        assert abs(1 - poisson_tail(events - 1, means[0]) - 0.025) < slack
        assert abs(poisson_tail(events, means[1]) - 0.025) < slack


def test_nothing_is_called_significant_without_an_interval(figures: list[dict[str, Any]]) -> None:
    for row in figures:
        if row["interval_lower"] is None:
            assert (
                row["versus_country"]
                is row["change_is_significant"]
                is row["year_change_is_significant"]
                is None
            )
        elif row["versus_country"] == "higher":
            assert row["country_value"] < row["interval_lower"]
        elif row["versus_country"] == "lower":
            assert row["country_value"] > row["interval_upper"]
    assert {row["versus_country"] for row in figures} >= {"higher", "lower", "similar", None}
    assert {row["change_is_significant"] for row in figures} == {True, False, None}


def test_intervals_that_lie_apart_differ_and_figures_inside_the_other_interval_do_not(
    figures: list[dict[str, Any]],
) -> None:
    by_place = {
        tuple(row[name] for name in ("indicator", "ref_area", "freq", "breakdown", "time_period")): row
        for row in figures
    }
    apart = 0
    for (*about, _), row in by_place.items():
        before = by_place.get((*about, row["previous_period"]))
        if before is None or row["change_is_significant"] is None:
            continue
        if (
            row["interval_lower"] > before["interval_upper"]
            or row["interval_upper"] < before["interval_lower"]
        ):
            assert row["change_is_significant"]
            apart += 1
        if before["interval_lower"] <= row["obs_value"] <= before["interval_upper"]:
            assert not row["change_is_significant"]
    assert apart > 5


def test_values_are_rounded_half_away_from_zero(figures: list[dict[str, Any]]) -> None:
    for row in figures:
        assert row["obs_value_rounded"] == row["obs_value"].quantize(
            Decimal(1).scaleb(-row["decimals"]), rounding="ROUND_HALF_UP"
        )


def test_a_profile_has_each_indicator_of_a_territory_once(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        "select count(*), count(distinct (ref_area, indicator)), count(*) filter (where spine_value not between 0 and 100)"
        " from pub_profile_v1"
    ).fetchone()
    assert rows is not None and rows[0] == rows[1] > 1000 and rows[2] == 0
    ends = published.execute(
        "select pub_profile_v1.direction, obs_value > country_value as above, spine_value > 50 as right_of_country, count(*)"
        " from pub_profile_v1 join pub_indicator_v1 using (indicator) where obs_value <> country_value"
        " and denominator_ru is not null and spine_value <> 50 group by all"
    ).fetchall()
    assert len(ends) >= 4
    # one territory of each scale is furthest from the country: it is at an end, exactly
    at_ends = published.execute(
        "select count(*), count(*) filter (where furthest = 50) from (select max(abs(spine_value - 50)) as furthest"
        " from pub_profile_v1 where spine_value is not null and obs_value <> country_value group by indicator, level)"
    ).fetchone()
    assert at_ends is not None and at_ends[0] == at_ends[1] > 20
    for direction, above, right, _ in ends:
        assert right == (above if direction != "down" else not above)


def test_peers_are_of_one_level_and_one_group(published: duckdb.DuckDBPyConnection) -> None:
    bounds = [0, 20_000, 50_000, 100_000, 250_000, 10**9]
    people = dict(
        published.execute(
            "select ref_area, arg_max(obs_value, time_period) from pub_indicator_value_v1"
            " where indicator = 'population' and freq = 'A' and obs_value is not null group by ref_area"
        ).fetchall()
    )
    cities = {area: number for area, number in people.items() if area.startswith("c-")}
    wanted = {
        (one, other)
        for lower, upper in pairwise(bounds)
        for one in cities
        for other in cities
        if one != other and lower <= cities[one] < upper and lower <= cities[other] < upper
    }
    rows = published.execute(
        "select ref_area, peer, peer_no from pub_peer_v1 where peer_method = 'size_group' and level = 'city'"
    ).fetchall()
    assert {(one, other) for one, other, _ in rows} == wanted
    for area in {one for one, _, _ in rows}:
        nearest = [peer for _, peer in sorted((no, peer) for one, peer, no in rows if one == area)]
        gaps = [abs(cities[area] - cities[peer]) for peer in nearest]
        assert gaps == sorted(gaps)
    alike = published.execute(
        "select count(*), max(peer_no), min(unlikeness_pct), max(unlikeness_pct) from pub_peer_v1 where peer_method = 'similar'"
    ).fetchone()
    assert alike is not None and alike[0] > 20 and alike[1] == 5 and 0 <= alike[2] <= alike[3] <= 100


@pytest.mark.parametrize("query", [query for _, query in QUESTIONS], ids=[number for number, _ in QUESTIONS])
def test_each_question_is_one_short_query_without_a_join(
    published: duckdb.DuckDBPyConnection, query: str
) -> None:
    assert " join " not in query.replace("\n", " ").lower() and len(query.strip().splitlines()) <= 5
    answer = published.execute(query).fetchall()
    if "is_revised" not in query:  # the samples have been published once
        assert answer


def test_there_are_twenty_questions() -> None:
    assert [int(number) for number, _ in QUESTIONS] == list(range(1, 21))
