"""What follows from the declarations: which rows count and what they add, the default staging model, what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines import dbt_project
from pipelines.declarations.generated_models import generate
from pipelines.declarations.generated_staging import default_staging_columns
from pipelines.declarations.indicator_catalogue import check_sources, load_catalogue
from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.measure_columns import measure_problems
from pipelines.declarations.measures import Measure, load_measures
from pipelines.declarations.sources import Source, load_sources
from pipelines.errors import DeclarationError

NAMES = {"ru": "и", "be": "і", "en": "i"}
AGREED = ("load_id", "row_no", "ref_area", "time_period")


def measure(**changes: Any) -> Measure:
    return Measure.model_validate(
        {
            "name": NAMES, "definition_ru": "о", "unit": {**NAMES, "code": "PIECES"}, "kind": "flow", "source": "s",
            "feed": "f", "expr": 1, "freq": "M", "territory": "sum", "time": "sum", "absence": "zero", **changes,
        }
    )  # fmt: skip


def source(territories: Mapping[str, str] | None = None, **feed: Any) -> dict[str, Source]:
    return {
        "s": Source.model_validate(
            {
                "source": "s", "title": NAMES, "owner": "в", "territories": territories or {},
                "public_origin": {"address": "a", "licence": "l", "attribution": "a"},
                "instances": {"one": {"title": NAMES, "ref_area": "c-brest"}},
                "feeds": {
                    "f": {
                        "title": NAMES, "description": "d", "cadence": "monthly", "file_pattern": r"(?P<period>.+)\.csv",
                        "origins": {}, "format": {"kind": "csv"},
                        "columns": {
                            "city": {"type": "text", "description": "d"},
                            "taken_on": {"type": "date", "description": "d"},
                            "amount": {"type": "integer", "unbounded": "u", "description": "d"},
                        },
                        **feed,
                    }
                },
            }
        )
    }  # fmt: skip


def run(sql: str, tables: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of a generated model on tables that are given as SELECTs by what the model calls them."""
    sql = re.sub(
        r"{{ (?:ref|source)\((.+?)\) }}", lambda found: re.sub(r"\W+", "_", found[1]).strip("_"), sql
    )
    sql = re.sub(r"{{ fixed\('(\w+)'\) }}", r"cast(\1 as numeric(24, 6))", sql)
    sql = re.sub(r"{{ month_code\('([\w.]+)'\) }}", r"substr(cast(\1 as varchar), 1, 7)", sql)
    with duckdb.connect() as connection:
        for name, select in tables.items():
            connection.execute(f"create view {name} as {select}")
        found = connection.sql(sql)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


STAGED = """select * from (values
    ('l', 1, 'c-a', 'whole', '2026-01', 'x', 5), ('l', 2, 'c-a', 'whole', '2026-01', null, 7),
    ('l', 3, 'BY-A', 'unallocated', '2026-01', 'x', 11), ('l', 4, null, 'unknown', '2026-01', 'x', 13)
) as t (load_id, row_no, ref_area, allocation, time_period, kind, amount)"""
COLUMNS = (*AGREED, "allocation", "kind", "amount")


@pytest.mark.parametrize(
    ("declared", "counted"),
    [
        # a row of no known territory counts nowhere; a part of no territory of the level below is told apart
        ({}, {(1, "_T", 1), (2, "_T", 1), (3, "_U", 1)}),
        ({"expr": "amount * 2"}, {(1, "_T", 10), (2, "_T", 14), (3, "_U", 22)}),
        ({"filter": "kind = 'x' or amount > 6"}, {(1, "_T", 1), (2, "_T", 1), (3, "_U", 1)}),
        ({"filter": "amount > 6"}, {(2, "_T", 1), (3, "_U", 1)}),
        # beside its total a row counts in its member, if it has one
        ({"breakdown": "kind"}, {(1, "_T", 1), (2, "_T", 1), (3, "_U", 1), (1, "x", 1)}),
        ({"breakdown": "coalesce(kind, '_T')", "breakdown_has_total": True}, {(1, "x", 1), (2, "_T", 1)}),
        # a filter that speaks of allocation says it all
        ({"filter": "allocation <> 'whole'"}, {(3, "_U", 1), (4, "_T", 1)}),
    ],
)
def test_rows_count_as_the_measure_says(declared: dict[str, Any], counted: set[tuple[int, str, int]]) -> None:
    files = generate(source(), {"m": measure(**declared)}, {"stg_s__f": COLUMNS})
    sql = files["models/intermediate/observations/contributions/int_s__f__contributions.sql"]
    rows = run(sql, {"stg_s__f": STAGED})
    assert {(row["row_no"], row["breakdown"], row["value"]) for row in rows} == counted
    assert {(row["measure"], row["freq"], row["time_period"], row["load_id"]) for row in rows} == {
        ("m", "M", "2026-01", "l")
    }


def test_a_constant_has_no_period_and_a_status_comes_from_the_row() -> None:
    staged = "select 'l' as load_id, 1 as row_no, 'c-a' as ref_area, null as time_period, 'E' as obs_status, 3 as amount"
    files = generate(
        source(),
        {"m": measure(constant=True, expr="amount")},
        {"stg_s__f": (*AGREED, "obs_status", "amount")},
    )
    (row,) = run(
        files["models/intermediate/observations/contributions/int_s__f__contributions.sql"],
        {"stg_s__f": staged},
    )
    assert (row["time_period"], row["obs_status"], row["value"]) == ("_Z", "E", 3)


LOADS = "select 'l' as load_id, 'one' as instance, 'c-brest' as ref_area, date '2026-02-01' as first_day"
RAW = """select 'l' as load_id, row_no, city, taken_on, 4 as amount from (values
    (1, ' Брест', date '2026-02-28'), (2, 'Нигде', date '2026-03-01')) as t (row_no, city, taken_on)"""
KNOWN = (
    "select 's' as source, 'Брест' as name, 'c-brest' as ref_area union all select 'other', 'Нигде', 'c-x'"
)


@pytest.mark.parametrize(
    ("given", "territories", "freq", "found"),
    [
        # the territory of the instance, the period of the delivery
        ({}, {}, "M", [("c-brest", "2026-02"), ("c-brest", "2026-02")]),
        ({}, {}, "A", [("c-brest", "2026"), ("c-brest", "2026")]),
        ({"time_period": "taken_on"}, {}, "M", [("c-brest", "2026-02"), ("c-brest", "2026-03")]),
        # a name that another source has is not this one's
        ({"territory": "city"}, {"Брест": "c-brest"}, "M", [("c-brest", "2026-02"), (None, "2026-02")]),
        ({"territory": "city"}, {}, "M", [(" Брест", "2026-02"), ("Нигде", "2026-02")]),
    ],
)
def test_a_feed_without_a_staging_model_gets_one(
    given: dict[str, Any], territories: dict[str, str], freq: str, found: list[tuple[str | None, str]]
) -> None:
    sources = source(territories, **given)
    time = "sum" if freq == "M" else "none"
    files = generate(sources, {"m": measure(freq=freq, time=time)}, {})
    rows = run(
        files["models/staging/s/stg_s__f.sql"],
        {"raw_s__f": RAW, "ops_effective_load": LOADS, "stg_catalogue__territory_name": KNOWN},
    )
    rows.sort(key=lambda row: row["row_no"])
    assert [(row["ref_area"], row["time_period"]) for row in rows] == found
    assert tuple(rows[0]) == default_staging_columns(sources["s"].feeds["f"])
    if territories:
        assert [row["allocation"] for row in rows] == ["whole", "unknown"]


def test_what_the_yaml_describes_are_the_columns_of_the_model() -> None:
    sources = source({"Брест": "c-brest"}, territory="city")
    files = generate(sources, {"m": measure()}, {})
    (model,) = yaml.safe_load(files["models/staging/s/_generated.yml"])["models"]
    assert tuple(column["name"] for column in model["columns"]) == default_staging_columns(
        sources["s"].feeds["f"]
    )
    ((table,),) = ([one["tables"] for one in yaml.safe_load(files["models/staging/_raw.yml"])["sources"]],)
    assert [one["name"] for one in table] == ["s__f"]


@pytest.mark.parametrize(
    ("given", "measures", "message"),
    [
        ({"file_pattern": r"a\.csv"}, {"m": measure()}, "feeds.f.time_period: is needed"),
        (
            {},
            {"m": measure(), "n": measure(freq="A", time="none")},
            "measures have different frequencies (A, M)",
        ),
    ],
)
def test_a_staging_model_that_cannot_be_generated_is_refused(
    given: dict[str, Any], measures: dict[str, Measure], message: str
) -> None:
    with pytest.raises(DeclarationError) as raised:
        generate(source(**given), measures, {})
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("declared", "key", "message"),
    [
        ({"filter": "amuont > 3"}, "filter", "stg_s__f has no column 'amuont'; did you mean 'amount'?"),
        ({"expr": "amount / other.amount"}, "expr", "has no column 'other.amount'"),
        ({"breakdown": "kinds"}, "breakdown", "has no column 'kinds'; did you mean 'kind'?"),
        ({"filter": "amount >"}, "filter", "is not a valid SQL expression: syntax error"),
        ({"filter": "amount > (select 1)"}, "filter", "must be computed from one row"),
        ({"expr": "sum(amount)"}, "expr", "must be computed from one row"),
        ({"expr": "row_number() over ()"}, "expr", "must be computed from one row"),
        ({"filter": "amount > 1 -- and more"}, "filter", "must be one SQL expression on one line"),
        ({"filter": "{{ fixed('amount') }} > 1"}, "filter", "must be one SQL expression on one line"),
        ({"expr": None, "models": ("int_s__f__by_hand",)}, "models", "no model 'int_s__f__by_hand'"),
    ],
)
def test_an_expression_that_does_not_fit_the_columns_is_refused(
    declared: dict[str, Any], key: str, message: str
) -> None:
    found = list(measure_problems(source(), {"m": measure(**declared)}, {"stg_s__f": COLUMNS}, {"stg_s__f"}))
    ((path, (location, said)),) = found
    assert path.parts[-2:] == ("s", "measures.yml")
    assert location == ("measures", "m", key)
    assert message in said


def test_a_staging_model_says_of_its_rows_what_is_agreed() -> None:
    found = list(measure_problems(source(), {"m": measure()}, {"stg_s__f": ("load_id", "row_no")}, set()))
    assert [said for _, (_, said) in found] == [
        "the columns of stg_s__f that its YAML describes lack ref_area, time_period"
    ]


def test_a_measure_is_not_written_by_hand_and_generated() -> None:
    models = {"stg_s__f", "int_s__f__contributions"}
    found = list(measure_problems(source(), {"m": measure()}, {"stg_s__f": COLUMNS}, models))
    assert [location for _, (location, _) in found] == [("measures", "m", "expr")]


def test_a_column_that_a_staging_model_has_already_is_refused() -> None:
    columns = {"ref_area": {"type": "text", "description": "d"}}
    found = list(measure_problems(source(columns=columns), {"m": measure()}, {}, set()))
    assert [location for _, (location, _) in found] == [("feeds", "f", "columns", "ref_area")]


@pytest.mark.parametrize("provides", [None, "outlines"])
def test_a_feed_that_is_loaded_and_counts_nowhere_is_refused(tmp_path: Path, provides: str | None) -> None:
    catalogue = IndicatorCatalogue(measures={}, indicators={}, themes={})
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "source.yml").write_text("source: s\nfeeds:\n  f: {}\n", encoding="utf-8")
    if provides is not None:
        check_sources(catalogue, source(provides=provides), tmp_path)
        return
    with pytest.raises(DeclarationError) as raised:
        check_sources(catalogue, source(), tmp_path)
    assert raised.value.message.endswith("s/source.yml:3: feeds.f: is loaded, but no measure uses its rows")
    assert "provides" in raised.value.remedy


def test_a_feed_of_which_no_row_counts_is_refused_though_it_has_a_measure() -> None:
    catalogue = IndicatorCatalogue(measures={"m": measure()}, indicators={}, themes={})
    check_sources(catalogue, source())
    with pytest.raises(DeclarationError, match=r"feeds\.f: is loaded, but no measure uses its rows"):
        check_sources(catalogue, source(counted="false"))


def test_a_feed_that_a_model_written_by_hand_takes_counts() -> None:
    declared = measure(feed="other", expr=None, models=("int_s__f__contributions",))
    assert declared.feeds == {("s", "f"), ("s", "other")}


@pytest.mark.parametrize("key", ["territory", "time_period"])
def test_a_key_that_names_no_kept_column_of_its_type_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"feeds.f.{key}: 'amount' is not a kept column of type"):
        source(**{key: "amount"})


def test_the_declared_measures_are_all_filled() -> None:
    measures, _ = load_measures()
    files = generate(load_sources(), measures, dbt_project.staging_by_hand())
    written = " ".join(files.values())
    assert {
        code for code, one in measures.items() if not one.models and f"'{code}' as measure" not in written
    } == set()
    assert load_catalogue().measures == measures


def test_only_what_differs_is_written_and_what_follows_no_more_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_project, "generated_files", lambda: {"models/a.sql": "one\n", "b.sql": "two\n"})
    assert {path.name for path in dbt_project.write_generated_files(tmp_path)} == {"a.sql", "b.sql"}
    assert dbt_project.write_generated_files(tmp_path) == []
    monkeypatch.setattr(dbt_project, "generated_files", lambda: {"models/a.sql": "other\n"})
    assert {path.name for path in dbt_project.write_generated_files(tmp_path)} == {"a.sql", "b.sql"}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.sql"]
    assert (tmp_path / "models" / "a.sql").read_text() == "other\n"
