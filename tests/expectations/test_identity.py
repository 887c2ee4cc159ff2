"""A delivery is what it says, not what its name or its folder says: through the reader and the gate, as they stand.

Each is a sample that is otherwise sound, with one thing wrong as a supplier or a portal gets it wrong.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines import moments
from pipelines.declarations.formats import PivotJsonFormat
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import Delivery, ValidationResult, parse_slice
from pipelines.loading.candidates import load_candidates
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from pipelines.loading.validate import Validated, validate
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from tests.support.gate_context import REGISTER, TODAY, beside
from tests.support.portal import use_home

BELSTAT = SOURCES / "belstat" / "sample"
TERRITORIES = SOURCES / "territory_register" / "sample"
Answer = dict[str, Any]
NET = "Миграционный прирост, убыль (-) по территории Республики Беларусь"


def take(
    folder: Path,
    source: str,
    feed: str,
    name: str,
    content: str,
    *,
    instance: str | None = None,
    register: Path | None = REGISTER,
    today: date = TODAY,
    **in_force: pa.Table,
) -> Validated:
    """Judge a file as it would be if it had just landed."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")
    declared = load_sources()[source].feeds[feed]
    found = re.fullmatch(declared.file_pattern or "", name)
    assert found is not None
    days = parse_slice(found.groupdict().get("period"), found.groupdict().get("part"))
    delivery = Delivery("d", source, feed, instance or "by", days, folder, (name,), "", 0, "", "", True)
    known = beside(source, feed, days, instance, register, today) | in_force
    codes = known["register"]["territory_id"].to_pylist() if "register" in known else register_codes()
    parameters = {
        "first_day": str(days.first_day),
        "last_day": str(days.last_day),
        "today": today.isoformat(),
        "territories": codes,
    }
    return validate(delivery, declared, parameters, known, "key", folder, folder / "work")


def register_codes() -> list[str]:
    return [row["territory_id"] for row in csv.DictReader(REGISTER.open(encoding="utf-8", newline=""))]


def failed(validation: ValidationResult) -> set[str]:
    return {result.expectation for result in validation.results if result.refuses}


def words(validation: ValidationResult, expectation: str) -> str:
    (result,) = [result for result in validation.results if result.expectation == expectation]
    return f"{result.says} {result.remedy}"


# What an answer of the statistical portal says of itself


def migration(table: str) -> Answer:
    path = BELSTAT / "migration" / f"belstat_{table}_2024-2025.json"
    answer: Answer = json.loads(path.read_text(encoding="utf-8"))
    return answer


def validate_migration(folder: Path, part: str, answer: Answer) -> ValidationResult:
    name = f"belstat_{part}_2024-2025.json"
    return take(folder, "belstat", "migration", name, json.dumps(answer, ensure_ascii=False)).validation


@pytest.mark.parametrize("part", ["net_oblast", "net_raion", "arrivals_oblast", "arrivals_raion"])
@pytest.mark.parametrize("told", ["net_oblast", "net_raion", "arrivals_oblast", "arrivals_raion"])
def test_a_table_counts_only_under_its_own_name(part: str, told: str, tmp_path: Path) -> None:
    validation = validate_migration(tmp_path, part, migration(told))
    if part == told:
        assert validation.accepted
    elif part.split("_")[0] != told.split("_")[0]:
        assert failed(validation) == {"answer.title"}
        assert "таблица другой части" in words(validation, "answer.title")
    else:
        assert failed(validation) == {"answer.levels"}


@pytest.mark.parametrize(
    ("title", "place"),
    [
        # the portal words it anew
        ("Общий миграционный прирост (убыль) населения по территории Республики Беларусь", "знак 1,"),
        # a Latin letter, an end that is cut off, a unit that was never asked for
        (
            "Миграционный прирocт, убыль (-) по территории Республики Беларусь",
            "U+006F (LATIN SMALL LETTER O)",
        ),
        ("Миграционный прирост", "дано: конец названия"),
        (
            "Миграционный прирост, убыль (-) по территории Республики Беларусь, тыс. человек",
            "ожидается конец названия",
        ),
    ],
)
def test_a_title_in_other_words_is_refused_with_what_is_declared(
    title: str, place: str, tmp_path: Path
) -> None:
    validation = validate_migration(tmp_path, "net_raion", migration("net_raion") | {"tableName": title})
    assert failed(validation) == {"answer.title"}
    told = words(validation, "answer.title")
    assert f"«{NET}»" in told
    assert place in told
    assert "source.yml" in told
    assert title not in told or NET.startswith(title)


def test_a_new_wording_is_one_line_of_the_declaration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = load_sources()
    feed = sources["belstat"].feeds["migration"]
    assert isinstance(feed.format, PivotJsonFormat)
    title = "Общий миграционный прирост (убыль) населения по территории Республики Беларусь"
    tables = [
        one.model_copy(update={"titles": (*one.titles, title)}) if one.parts == "net_raion" else one
        for one in feed.format.tables
    ]
    told = feed.model_copy(update={"format": feed.format.model_copy(update={"tables": tuple(tables)})})
    monkeypatch.setitem(sources["belstat"].feeds, "migration", told)
    assert validate_migration(tmp_path, "net_raion", migration("net_raion") | {"tableName": title}).accepted


def relabelled(answer: Answer, was: str, label: str, territory: str | None = None) -> Answer:
    rows = [
        [
            {**cell, "value": label}
            if cell["value"] == was and territory in (None, row[0]["value"])
            else cell
            for cell in row
        ]
        for row in answer["tableRows"]
    ]
    return answer | {"tableRows": rows}


TOTALS = [
    ("Всего по странам", "Все страны"),
    ("всего по уровням образования", "Всего по уровням образования"),
    ("Всего по всем потокам миграции", "Все потоки"),
    ("По всем возрастам", "Все возраста"),
    ("Оба пола", "оба пола"),
    ("Всего по типам местности", "Всего по типу местности"),
]


@pytest.mark.parametrize(("was", "label"), TOTALS)
@pytest.mark.parametrize("part", ["arrivals_raion", "net_oblast"])
def test_a_total_in_other_words_is_refused(part: str, was: str, label: str, tmp_path: Path) -> None:
    validation = validate_migration(tmp_path, part, relabelled(migration(part), was, label))
    assert {"totals_present", "row.counts"} <= failed(validation)


def test_a_total_that_one_territory_lacks_is_refused_by_name(tmp_path: Path) -> None:
    spoilt = relabelled(migration("net_oblast"), "Всего по странам", "Все страны", "г. Минск")
    validation = validate_migration(tmp_path, "net_oblast", spoilt)
    assert "г. Минск, 2024; г. Минск, 2025" in words(validation, "totals_present")
    assert "Минская" not in words(validation, "totals_present")


def test_a_new_flow_and_a_new_sex_are_not_taken_in_silence(tmp_path: Path) -> None:
    spoilt = relabelled(migration("net_oblast"), "Межобластная миграция", "Миграция между областями")
    assert {"flow_known", "row.counts"} <= failed(validate_migration(tmp_path / "flow", "net_oblast", spoilt))
    ages = json.loads((BELSTAT / "population" / "dataportal_age5_2019-2026.json").read_text(encoding="utf-8"))
    spoilt = relabelled(ages, "мужчины", "мужской")
    validation = take(
        tmp_path / "sex", "belstat", "population_by_age", "dataportal_age5_2019-2026.json", json.dumps(spoilt)
    ).validation
    assert {"sex_known", "row.counts"} <= failed(validation)


# Bounds by year and level


def changed(answer: Answer, change: Callable[[str, str, float], float]) -> str:
    """The answer with each figure changed, given its territory and year."""
    years = answer["tableHeader"][0]
    for row in answer["tableRows"]:
        cells = row[len(answer["tableHeaderDimColumns"]) :]
        for year, cell in zip(years, cells, strict=True):
            if cell["value"] is not None:
                value = float(cell["value"].replace("\u00a0", "").replace(",", "."))
                figure = change(row[0]["value"], year, value)
                cell["value"] = f"{figure:.6f}".rstrip("0").rstrip(".").replace(".", ",")
    return json.dumps(answer, ensure_ascii=False)


def belstat(file: str) -> Answer:
    answer: Answer = json.loads((BELSTAT / file).read_text(encoding="utf-8"))
    return answer


EARLIER, LATER = "wage_10218000003_2015-2019.json", "wage_10218000003_2020-2026.json"
AGES = "dataportal_age5_2019-2026.json"
REGION = "Минская область"

WRONG: dict[str, tuple[str, str, Callable[[str, str, float], float], set[str]]] = {
    "2015 in new roubles": (
        "wages", EARLIER, lambda _, year, value: value / 10_000 if year == "2015" else value,
        {"value_old_roubles", "growth_possible"},
    ),
    "2016 and later in old roubles": (
        "wages", EARLIER, lambda _, year, value: value * 10_000 if year > "2015" else value,
        {"value_roubles", "growth_possible"},
    ),
    "thousands of old roubles in 2015": (
        "wages", EARLIER, lambda _, year, value: value / 1_000 if year == "2015" else value,
        {"value_old_roubles", "growth_possible"},
    ),
    "one region three times as much in one year": (
        "wages", LATER, lambda place, year, value: value * 3 if (place, year) == (REGION, "2023") else value,
        {"growth_possible"},
    ),
    "employed in thousands": (
        "employment", "empl_person_10102000017_2020-2026.json", lambda _, __, value: value / 1_000, {"value_possible"},
    ),
    "employed in thousands in one year": (
        "employment", "empl_person_10102000017_2020-2026.json",
        lambda _, year, value: value / 1_000 if year == "2022" else value, {"value_possible"},
    ),
    "product in thousands": (
        "grp_per_capita", "grp_pc_10202100055_2020-2026.json", lambda _, __, value: value / 1_000, {"value_roubles"},
    ),
    "one region's people in thousands": (
        "population_by_age", AGES, lambda place, _, value: value / 1_000 if place == REGION else value,
        {"value_region", "persons_whole", "regions_add_up"},
    ),
    "people in thousands": (
        "population_by_age", AGES, lambda _, __, value: value / 1_000, {"value_country", "value_region", "persons_whole"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_figures_in_another_unit_are_refused(name: str, tmp_path: Path) -> None:
    feed, file, change, expected = WRONG[name]
    folder = "population" if feed == "population_by_age" else "wages"
    validation = take(
        tmp_path, "belstat", feed, file, changed(belstat(f"{folder}/{file}"), change)
    ).validation
    assert not validation.accepted
    assert expected <= failed(validation)


def in_force(period: str, value: float) -> pa.Table:
    duckdb_value = f"select '{period}' as period, 'Республика Беларусь' as territory, 0 as territory_level"
    return duckdb.sql(f"{duckdb_value}, {value}::decimal(18, 6) as value").to_arrow_table()


def test_a_year_is_held_against_the_years_in_force(tmp_path: Path) -> None:
    """The sample's wage of the country in 2020 is 1273.2: 1140.5 a year before can be, 114.05 cannot."""
    content = (BELSTAT / "wages" / LATER).read_text(encoding="utf-8")
    sound = take(tmp_path / "a", "belstat", "wages", LATER, content, in_force=in_force("2019", 1140.5))
    assert sound.validation.accepted
    spoilt = take(tmp_path / "b", "belstat", "wages", LATER, content, in_force=in_force("2019", 114.05))
    assert failed(spoilt.validation) == {"growth_possible"}
    assert "Республика Беларусь, 2019–2020" in words(spoilt.validation, "growth_possible")
    # a year that it replaces says nothing against it, nor does one that lies further back
    for year in ("2021", "2018"):
        again = take(tmp_path / year, "belstat", "wages", LATER, content, in_force=in_force(year, 114.05))
        assert again.validation.accepted


def test_of_two_answers_in_one_run_the_second_is_held_against_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All years of the later answer are doubled: each alone can be, but not 2020 after 2019."""
    mirror = tmp_path / "mirror" / "belstat" / "wages"
    mirror.mkdir(parents=True)
    (mirror / EARLIER).write_text((BELSTAT / "wages" / EARLIER).read_text(encoding="utf-8"), encoding="utf-8")
    doubled = changed(belstat(f"wages/{LATER}"), lambda _, __, value: value * 2)
    (mirror / LATER).write_text(doubled, encoding="utf-8")
    settings = use_home(monkeypatch, tmp_path / "home", tmp_path / "mirror")
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    (candidates,) = make_plan(Wanted(source="belstat", feed="wages"), settings, warehouse).candidates.values()
    outcomes = [outcome for _, outcome in load_candidates(candidates, settings, warehouse)]
    get_settings.cache_clear()
    assert [outcome.state for outcome in outcomes if isinstance(outcome, LoadOutcome)] == [
        "accepted",
        "rejected",
    ]
    assert isinstance(outcomes[1], LoadOutcome)
    assert [one.expectation for one in outcomes[1].results if one.refuses] == ["growth_possible"]


def people(change: Callable[[str, int, int], float | None]) -> str:
    """The sample's series, each figure changed, given its territory and year; None leaves the row out."""
    with (TERRITORIES / "territories" / "population.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        figure = change(row["territory_id"], int(row["year"]), int(row["population"]))
        if figure is not None:
            writer.writerow({**row, "population": round(figure)})
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda _, __, value: value / 1_000, {"population_country", "population_region"}),
        (
            lambda code, _, value: value / 1_000 if code == "BY-MI" else value,
            {"population_region", "regions_add_up"},
        ),
        (lambda code, _, value: value / 1_000 if code[:2] == "r-" else value, {"population_district"}),
        (lambda code, year, value: value * 1_000 if year == 2024 and code != "BY" else value, {"population_region"}),
    ],
    ids=["all", "one region", "districts", "all but the country times a thousand"],
)  # fmt: skip
def test_population_in_another_unit_is_refused(
    change: Callable[[str, int, int], float], expected: set[str], tmp_path: Path
) -> None:
    validation = take(
        tmp_path, "territory_register", "population", "population.csv", people(change)
    ).validation
    assert expected <= failed(validation)


def test_one_town_s_year_in_thousands_is_kept_back(tmp_path: Path) -> None:
    content = people(lambda code, year, value: value / 1_000 if (code, year) == ("c-brest", 2024) else value)
    found = take(tmp_path, "territory_register", "population", "population.csv", content)
    assert found.validation.accepted
    assert found.validation.quarantine is not None
    kept = duckdb.sql(
        f"select record ->> 'territory_id', record ->> 'year' from '{found.validation.quarantine}'"
    ).fetchall()
    assert kept == [("c-brest", "2024")]


def test_people_of_a_year_to_come_are_no_figures(tmp_path: Path) -> None:
    content = people(lambda *given: given[2]) + "c-brest,2027,340000,e\n"
    validation = take(tmp_path, "territory_register", "population", "population.csv", content).validation
    (found,) = [result for result in validation.results if result.expectation == "year_possible"]
    assert found.unexpected_count == 1


# Periods

THIS_MONTH = moments.today().replace(day=1)
NEXT_MONTH = (THIS_MONTH + timedelta(days=31)).replace(day=1)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("opendata-115-2062-10-01.csv", False),
        (f"opendata-115-{NEXT_MONTH}.csv", False),
        ("opendata-115-2015-10-01.csv", False),  # the month before the first
        ("opendata-115-2015-11-01.csv", True),
        ("opendata-115-2026-10-01.csv", True),
        (f"opendata-115-{THIS_MONTH}.csv", True),
    ],
)
def test_a_header_alone_is_not_retained_only_of_a_month_that_has_been(
    name: str, accepted: bool, tmp_path: Path
) -> None:
    header = "id,category,author,name,address,lat,lng,status,rating,opened,planned,organisation_id\n"
    found = take(tmp_path, "appeals_115", "requests", name, header, instance="minsk")
    assert found.validation.accepted is accepted
    assert found.not_retained is accepted
    if not accepted:
        assert failed(found.validation) == {"delivery.period"}


@pytest.mark.parametrize(
    ("years", "accepted"), [("2020-2027", False), ("2024-2062", False), ("2009-2015", False), ("2020-2026", True)]
)  # fmt: skip
def test_an_answer_is_of_years_that_have_begun(years: str, accepted: bool, tmp_path: Path) -> None:
    first, last = (int(year) for year in years.split("-"))
    answer = belstat(f"wages/{LATER}")
    answer["tableHeader"] = [[str(year) for year in range(first, last + 1)]]
    width = len(answer["tableHeader"][0])
    answer["tableRows"] = [
        [row[0], *(row[1 + min(n, len(row) - 2)] for n in range(width))] for row in answer["tableRows"]
    ]
    name = f"wage_10218000003_{years}.json"
    validation = take(tmp_path, "belstat", "wages", name, json.dumps(answer)).validation
    assert ("delivery.period" in failed(validation)) is not accepted


# Requests and their city


def requests(city: str, month: str = "2026-08") -> list[dict[str, str]]:
    path = SOURCES / "appeals_115" / "sample" / "requests" / city / f"opendata-115-{month}-01.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def validate_requests(
    folder: Path, city: str, rows: list[dict[str, str]], register: Path | None = REGISTER
) -> Validated:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    name = "opendata-115-2026-08-01.csv"
    return take(folder, "appeals_115", "requests", name, out.getvalue(), instance=city, register=register)


@pytest.mark.parametrize(("of", "under"), [("minsk", "brest"), ("barysau", "minsk"), ("minsk", "barysau")])
def test_requests_of_another_city_are_refused(of: str, under: str, tmp_path: Path) -> None:
    assert validate_requests(tmp_path / "own", of, requests(of)).validation.accepted
    validation = validate_requests(tmp_path / "other", under, requests(of)).validation
    assert failed(validation) == {"point_near_city"}


def test_a_few_points_far_away_are_kept_back(tmp_path: Path) -> None:
    rows = requests("minsk")
    assert len(rows) >= 40
    for row in rows[:2]:
        row.update(lat="54.2279", lng="28.5050")  # Borisov
    validation = validate_requests(tmp_path, "minsk", rows).validation
    assert validation.accepted
    assert validation.quarantined == 2


def test_what_no_register_can_judge_is_told(tmp_path: Path) -> None:
    validation = validate_requests(tmp_path, "brest", requests("minsk"), register=None).validation
    assert validation.accepted
    (found,) = [result for result in validation.results if result.expectation == "city_has_a_place"]
    assert not found.success
    assert "c-brest" in found.says
    assert validation.warnings == 1


@pytest.mark.parametrize("planned", ["2099-12-31", "9999-12-31", "2030-09-30"])
def test_a_term_without_end_is_kept_back(planned: str, tmp_path: Path) -> None:
    """Four years from August 2026 end before the last of these."""
    rows = requests("minsk")
    rows[0]["planned"] = planned
    rows[1]["planned"] = "2030-07-31"
    validation = validate_requests(tmp_path, "minsk", rows).validation
    assert validation.accepted
    assert validation.quarantine is not None
    ((number, reasons),) = duckdb.sql(f"select row_no, reasons from '{validation.quarantine}'").fetchall()
    assert number == 1
    assert [(one["expectation"], one["value"]) for one in json.loads(reasons)] == [("planned_soon", planned)]


def test_a_day_to_come_is_kept_back_in_the_month_that_runs(tmp_path: Path) -> None:
    rows = [{**row, "opened": "2026-11-15 2026", "planned": "2026-12-01"} for row in requests("minsk")]
    rows[0]["opened"] = "2026-11-17 2026"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    found = take(
        tmp_path, "appeals_115", "requests", "opendata-115-2026-11-01.csv", out.getvalue(), instance="minsk",
        today=date(2026, 11, 16),
    )  # fmt: skip
    assert found.validation.accepted
    assert found.validation.quarantined == 1


# Layers


def layer(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TERRITORIES / "geo" / f"{part}.geojson").read_text(encoding="utf-8"))
    return found


def validate_layer(folder: Path, part: str, content: dict[str, Any]) -> ValidationResult:
    return take(folder, "territory_register", "boundaries", f"{part}.geojson", json.dumps(content)).validation


def test_a_layer_holds_its_level_whole(tmp_path: Path) -> None:
    for part in ("adm1", "adm2"):
        assert validate_layer(tmp_path / part, part, layer(part)).accepted
    regions_as_districts = validate_layer(tmp_path / "a", "adm2", layer("adm1"))
    told = words(regions_as_districts, "layer_whole")
    assert failed(regions_as_districts) == {"layer_whole"}
    assert "лишний BY-BR" in told
    assert failed(validate_layer(tmp_path / "b", "adm1", layer("adm2"))) == {"layer_whole"}


def test_a_district_that_is_missing_is_named(tmp_path: Path) -> None:
    cut = layer("adm2")
    gone = cut["features"].pop(4)
    told = words(validate_layer(tmp_path, "adm2", cut), "layer_whole")
    assert f"Получено: нет {gone['properties']['id']}." in told
