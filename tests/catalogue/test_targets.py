"""Programmes and targets: what is shipped, what is refused, and the way from a declaration to plan and fact."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalogue.targets import target_rows
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.targets import load_programmes, territory_levels
from pipelines.errors import DeclarationError
from tests.declarations.test_texts import flaws, texts_of
from tests.support.small_warehouse import SmallWarehouse

WORDS = {"ru": "слово", "be": "словы", "en": "words"}
CATALOGUE = load_catalogue()


def target(**changes: Any) -> dict[str, Any]:
    return {
        "indicator": "wage_nominal_byn", "territories": ["BY"], "year": 2017, "versions": [{"value": 600}],
        "reference": "-", **changes,
    }  # fmt: skip


def declare(folder: Path, changes: dict[str, Any] | None = None, **targets: dict[str, Any]) -> Path:
    programme = {
        "title": WORDS, "year_from": 2016, "year_to": 2017, "reference": "-", "note": WORDS, "targets": targets,
        "traffic_light": {"green_from_pct": 100, "yellow_from_pct": 90, "status": "example"}, **(changes or {}),
    }  # fmt: skip
    (folder / "plan.yml").write_text(yaml.safe_dump(programme), encoding="utf-8")
    return folder


def test_the_three_published_targets_are_shipped_and_nothing_is_invented() -> None:
    """Besides the programme of the samples, which says that it is invented."""
    shipped = load_programmes(CATALOGUE)
    programmes = {code: programme for code, programme in shipped.items() if not programme.synthetic}
    rows = target_rows(programmes)["target"]
    # resolution by BelTA of 7 February 2026, and no other: Minsk, the other regional centres, the country
    assert {(row["programme"], row["indicator"], row["ref_area"], row["year"], row["plan_value"]) for row in rows} == {
        ("digital_belarus_2026_2030", "mobile_internet_speed_mbps", "BY-HM", 2030, Decimal(135)),
        *(
            ("digital_belarus_2026_2030", "mobile_internet_speed_mbps", city, 2030, Decimal(110))
            for city in ("c-brest", "c-viciebsk", "c-homiel", "c-hrodna", "c-mahilou")
        ),
        ("digital_belarus_2026_2030", "fixed_broadband_100_mbps_pct", "BY", 2030, Decimal(75)),
    }  # fmt: skip
    assert all(row["act"] is None and row["baseline_value"] is None for row in rows)
    older = programmes["digital_development_2021_2025"]
    assert older.act is not None
    assert older.act.endswith("№ 66")
    assert older.adopted_on == date(2021, 2, 2)
    assert [amendment.act.split("№ ")[1] for amendment in older.amendments] == [
        "110", "143", "697", "100", "599",
    ]  # fmt: skip
    assert {programme.traffic_light.status for programme in programmes.values()} == {"example"}


def test_the_programme_of_the_samples_says_in_every_language_that_it_is_invented() -> None:
    (invented,) = [programme for programme in load_programmes(CATALOGUE).values() if programme.synthetic]
    for names in (invented.title, invented.note):
        assert "вымышлен" in names.ru.lower() and "выдуман" in str(names.be).lower()
        assert "invented" in str(names.en).lower()
    assert invented.act is None and not invented.amendments
    assert all("Вымышлено" in one.reference for one in (invented, *invented.targets.values()))


def test_every_text_is_written_in_three_languages() -> None:
    texts = [
        text for code, programme in load_programmes(CATALOGUE).items() for text in texts_of(code, programme)
    ]
    assert {place: found for place, names in texts if (found := flaws(names))} == {}


def test_territories_are_known_with_their_levels() -> None:
    levels = territory_levels()
    assert [levels[code] for code in ("BY", "BY-HM", "c-brest", "r-brescki")] == [
        "country", "region", "city", "district",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ({"a": target(indicator="nothing")}, "targets.a.indicator: indicator 'nothing' is not declared"),
        ({"a": target(indicator="population")}, "its direction is none"),
        ({"a": target(territories=["c-atlantis"])}, "'c-atlantis' is in no code list"),
        ({"a": target(indicator="grp_per_capita_byn")}, "territory BY is a country"),
        ({"a": target(year=2018)}, "2018 lies outside the programme (2016-2017)"),
        ({"a": target(territories=["BY", "BY"])}, "BY is listed twice"),
        ({"a": target(), "b": target()}, "in 2017 is already planned in a"),
        ({"a": target(versions=[])}, "versions"),
        (
            {"a": target(versions=[{"value": 1}, {"value": 2, "valid_from": "2016-05-01"}])},
            "each version ends",
        ),
        (
            {
                "a": target(
                    versions=[
                        {"value": 1, "valid_to": "2016-05-01"},
                        {"value": 2, "valid_from": "2016-05-01"},
                    ]
                )
            },
            "must lie after 2016-05-01",
        ),
        (
            {"a": target(versions=[{"valid_from": "2016-05-02", "valid_to": "2016-05-01"}])},
            "lies before valid_from",
        ),
        ({"a": target(versions=[{"act": "hearsay"}])}, "neither the act of the programme nor an amendment"),
        ({"a": target(baseline={"value": 5})}, "declare value and year together"),
        ({"a": target(baseline={})}, "without a figure needs words"),
        ({"a": target(baseline={"value": 5, "year": 2017})}, "must lie before 2017"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, targets: dict[str, dict[str, Any]], told: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        load_programmes(CATALOGUE, declare(tmp_path, **targets))
    assert told in raised.value.message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"year_to": 2015}, "lies before year_from"),
        ({"act": "No. 1"}, "declare act and adopted_on together"),
        (
            {"traffic_light": {"green_from_pct": 90, "yellow_from_pct": 90, "status": "example"}},
            "must be below",
        ),
        (
            {"traffic_light": {"green_from_pct": 110, "yellow_from_pct": 90, "status": "example"}},
            "green_from_pct",
        ),
        (
            {"traffic_light": {"green_from_pct": 100, "yellow_from_pct": 90, "status": "set"}},
            "required if the thresholds are set",
        ),
        ({"note": None}, "note"),
    ],
)
def test_a_wrong_head_is_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        load_programmes(CATALOGUE, declare(tmp_path, changes))
    assert told in raised.value.message


@pytest.mark.slow
def test_from_a_declaration_to_plan_and_fact(built_small: SmallWarehouse, tmp_path: Path) -> None:
    """The wage of the country was 400 in 2015 and 500 in 2016; the plan of 2017 was 700, then cut to 600."""
    versions = [
        {"value": 700, "valid_to": "2016-05-31"},
        {"value": 600, "valid_from": "2016-06-01", "act": "second"},
    ]
    amended = {"amendments": [{"act": "second", "adopted_on": "2016-05-20"}]}
    programmes = load_programmes(CATALOGUE, declare(tmp_path, amended, wage=target(versions=versions)))
    small = built_small.copy(tmp_path / "small")
    with small.connect() as connection:
        for table, rows in target_rows(programmes).items():
            connection.execute(f"delete from catalogue.{table}")
            for row in rows:
                connection.execute(
                    f"insert into catalogue.{table} values ({', '.join('?' for _ in row)})", [*row.values()]
                )
    models = [f"stg_catalogue__{table}+" for table in target_rows(programmes)]
    done = small.dbt("build", "--exclude", "resource_type:unit_test", "--select", *models)
    assert done.returncode == 0, done.stdout[-4000:]
    progress = small.query(
        "select time_period, version_no, obs_value, missing_reason, plan_value, needed_value, on_track, rag_status "
        "from published.pub_progress_v1 order by time_period, version_no"
    )
    # the line begins at 400 in the year before the programme
    assert progress == [
        ("2016", 1, 500, None, 700, 550, False, "yellow"),  # 90.9 % of what was needed
        ("2016", 2, 500, None, 600, 500, True, "green"),
        (
            "2017",
            1,
            None,
            "not_published",
            700,
            700,
            None,
            "grey",
        ),  # the year is over, and nobody has a wage of it
        ("2017", 2, None, "not_published", 600, 600, None, "grey"),
    ]
    as_of = (
        "select plan_value, legal_act from published.pub_target_v1 where "
        "coalesce(valid_from, date '0001-01-01') <= ? and coalesce(valid_to, date '9999-12-31') >= ?"
    )
    for day, known in ((date(2016, 5, 31), (700, None)), (date(2016, 6, 1), (600, "second"))):
        assert small.query(as_of, day, day) == [known]
