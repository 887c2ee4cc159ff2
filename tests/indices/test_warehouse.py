"""A method on rows of the warehouse."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.errors import GorodError
from pipelines.publishing.index_values import COLUMNS, evaluate_method, evaluate_methods, last_day
from tests.indices.small import method

REGIONS = ("BY-BR", "BY-VI", "BY-HO")
METHOD = method(
    {
        "code": "index",
        "absent": "not_reported",
        "normalise": {"kind": "min_max", "low": 0, "high": 10},
        "impute": {"kind": "carry_forward", "limit": 1},
        "nodes": [{"code": "a"}, {"code": "b"}],
    },
    territory_level="region",
    freq="M",
)


def row(area: str, period: str, indicator: str, value: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "ref_area": area, "level": "region", "region": area, "time_period": period, "freq": "M",
        "indicator": indicator, "breakdown": "_T", "obs_value": None if value is None else Decimal(str(value)),
        "obs_status": "O" if value is None else "A", "synthetic": False, **changes,
    }  # fmt: skip


ROWS = [
    *(row(area, "2026-01", "a", value) for area, value in zip(REGIONS, (2, 4, 8), strict=True)),
    row("BY-BR", "2026-01", "b", 6, obs_status="P", synthetic=True),
    row("BY-VI", "2026-01", "b", None),
    row("BY-BR", "2026-02", "a", None),
    row("BY-BR", "2026-02", "b", 6),
    # none of these belongs to it
    row("BY", "2026-01", "a", 9, level="country"),
    row("BY-BR", "2026", "a", 9, freq="A"),
    row("BY-BR", "2026-01", "a", 9, breakdown="M"),
    row("BY-BR", "2026-01", "other", 9),
    row("BY-BR", "2019-12", "a", 9),
]


def found(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {(r["time_period"], r["ref_area"], r["node"]): r for r in evaluate_method(METHOD, rows)}


def test_rows_have_the_declared_columns_and_types() -> None:
    types = {"text": str, "integer": int, "decimal": Decimal, "boolean": bool}
    rows = evaluate_method(METHOD, ROWS)
    assert rows
    for one in rows:
        assert list(one) == list(COLUMNS)
        for name, value in one.items():
            assert value is None or type(value) is types[COLUMNS[name]], name


def test_each_territory_and_period_by_hand() -> None:
    rows = found(ROWS)
    assert {key[:2] for key in rows} == {("2026-01", area) for area in REGIONS} | {("2026-02", "BY-BR")}
    brest = rows["2026-01", "BY-BR", "index"]
    assert (brest["score"], brest["place"]) == (Decimal("0.4"), Decimal(2))
    assert (brest["obs_status"], brest["synthetic"]) == ("P", True)
    vitebsk = rows["2026-01", "BY-VI", "index"]
    assert (vitebsk["score"], vitebsk["share_reported_weight"]) == (Decimal("0.4"), Decimal("0.5"))
    assert rows["2026-01", "BY-VI", "b"]["reason"] == "not_given"
    assert rows["2026-01", "BY-VI", "b"]["obs_status"] == "O"
    assert vitebsk["obs_status"] == "A"
    assert rows["2026-01", "BY-HO", "index"]["place"] == 1


def test_what_is_carried_forward_is_marked() -> None:
    rows = found(ROWS)
    carried = rows["2026-02", "BY-BR", "a"]
    assert (carried["given_value"], carried["score"], carried["imputed"]) == (
        None,
        Decimal("0.2"),
        "carry_forward",
    )
    assert (carried["obs_status"], rows["2026-02", "BY-BR", "index"]["obs_status"]) == ("I", "I")


def test_a_figure_that_the_warehouse_cannot_hold_is_told() -> None:
    index = {
        "code": "index",
        "nodes": [{"code": "a", "transform": [{"kind": "per", "column": "b", "scale": 1e15}]}],
    }
    small = [row("BY-BR", "2026-01", "a", 1000), row("BY-BR", "2026-01", "b", 0.001)]
    with pytest.raises(GorodError, match="cannot hold"):
        evaluate_method(method(index, territory_level="region", freq="M"), small)


def test_order_of_rows_changes_nothing_and_no_row_gives_none() -> None:
    assert evaluate_method(METHOD, reversed(ROWS)) == evaluate_method(METHOD, ROWS)
    assert evaluate_methods([]) == []


def test_only_methods_with_a_territory_level_are_evaluated() -> None:
    without = METHOD.model_copy(update={"territory_level": None})
    assert evaluate_methods(ROWS, {"with": METHOD, "without": without}) == evaluate_method(METHOD, ROWS)
    shipped = {
        row["index_method"] for row in evaluate_methods([row("BY-BR", "2026-01", "pon_ports_per_100", 5)])
    }
    assert shipped == {"digital_development_example"}


def test_a_method_is_for_the_periods_of_its_validity() -> None:
    ended = METHOD.model_copy(update={"valid_to": last_day("2026-01")})
    assert {one["time_period"] for one in evaluate_method(ended, ROWS)} == {"2026-01"}


def test_each_period_has_the_version_that_was_valid_on_its_last_day() -> None:
    older = METHOD.model_copy(update={"valid_to": date(2026, 1, 31)})
    newer = method(
        {"code": "index", "normalise": {"kind": "none"}, "nodes": [{"code": "b"}]},
        version="2.0",
        valid_from="2026-02-01",
        territory_level="region",
        freq="M",
    )
    rows = evaluate_methods(ROWS, {"small": newer, "small-1.0": older})
    assert {(row["time_period"], row["method_version"]) for row in rows} == {
        ("2026-01", "1.0"),
        ("2026-02", "2.0"),
    }
    (root,) = (row for row in rows if row["method_version"] == "2.0" and row["node"] == "index")
    assert (root["ref_area"], root["score"]) == ("BY-BR", Decimal(6))


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("2024", "2024-12-31"),
        ("2024-S1", "2024-06-30"),
        ("2024-Q3", "2024-09-30"),
        ("2024-02", "2024-02-29"),
        ("_Z", "None"),
    ],
)
def test_last_days(period: str, day: str) -> None:
    assert str(last_day(period)) == day
