"""The sources of appeals, statistics and territories: their samples and, with the mirror, the real files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import Delivery, Slice, ValidationResult, named_slice, parse_slice
from pipelines.formats import read
from pipelines.loading.gate import evaluate
from pipelines.loading.suites import load_suite, parameters_of
from pipelines.settings import PROJECT
from sandbox.samples import appeals_115 as appeals
from sandbox.samples.__main__ import SAMPLES, write
from tests.support.gate_context import REGISTER, beside

pytestmark = pytest.mark.slow

TERRITORIES = PROJECT / "assets" / "territories"
MIRROR = os.environ.get("GOROD_MIRROR")


@dataclass(frozen=True)
class File:
    """One file that an origin has."""

    source: str
    feed: str
    instance: str
    slice: Slice
    path: Path

    @property
    def declared(self) -> Feed:
        return load_sources()[self.source].feeds[self.feed]

    def __str__(self) -> str:
        return f"{self.source}.{self.feed}.{self.instance}.{self.slice.key}"


def files_of(kind: str, root: Path) -> Iterator[File]:
    """Every file that the declared pattern finds, of the sources of this module."""
    for name in SAMPLES:
        source = load_sources()[name]
        for feed_name, feed in source.feeds.items():
            origin = feed.origins.get("sample" if kind == "sample" else "mirror")
            if origin is None or (kind == "mirror" and not isinstance(origin, FileOrigin)):
                continue
            assert isinstance(origin, FileOrigin)
            assert feed.file_pattern is not None
            folder = root / name if kind == "sample" else root
            for instance in [origin.instance] if origin.instance else source.instances:
                place = folder / origin.path.format(instance=instance)
                # one city may deliver a feed that another does not
                if not place.is_dir() and "{instance}" in origin.path:
                    continue
                for path in sorted(place.iterdir()):
                    if found := re.fullmatch(feed.file_pattern, path.name):
                        yield File(name, feed_name, instance, named_slice(found.groupdict(), None), path)


SAMPLE_FILES = list(files_of("sample", SOURCES))
REAL_FILES = list(files_of("mirror", Path(MIRROR))) if MIRROR else []


def read_rows(file: File, out: Path) -> duckdb.DuckDBPyRelation:
    delivery = Delivery(
        "d",
        file.source,
        file.feed,
        file.instance,
        file.slice,
        file.path.parent,
        (file.path.name,),
        "",
        0,
        "",
        "",
        True,
    )
    needed = beside(file.source, file.feed, file.slice, file.instance) if file.declared.beside else {}
    batch = read(delivery, file.declared, out, beside=needed)
    return duckdb.sql(f"select * from '{batch.path}' order by row_no")


def pass_gate(file: File, folder: Path) -> ValidationResult:
    folder.mkdir(parents=True, exist_ok=True)
    delivery = Delivery(
        "d",
        file.source,
        file.feed,
        file.instance,
        file.slice,
        file.path.parent,
        (file.path.name,),
        "",
        0,
        "",
        "",
        True,
    )
    known = beside(file.source, file.feed, file.slice, file.instance, register_beside(file))
    batch = read(delivery, file.declared, folder / "batch.parquet", beside=known)
    suite = load_suite(file.source, file.feed)
    days = {"first_day": str(file.slice.first_day), "last_day": str(file.slice.last_day)}
    register = {"territories": territories_beside(file.path)} if "territories" in parameters_of(suite) else {}
    return evaluate(batch, suite, days | register | batch.facts, folder, known)


def register_beside(file: File) -> Path | None:
    """The register that a file came with: that of the mirror for a real one, else that of the samples.

    None where the file is the first register of all.
    """
    if (file.source, file.feed) == ("territory_register", "territories"):
        return None
    real = bool(MIRROR) and file.path.is_relative_to(str(MIRROR))
    return Path(MIRROR or "") / "territories" / "territories.csv" if real else REGISTER


@cache
def territories_beside(path: Path) -> list[str]:
    """Codes of the register that a file of territories came with."""
    return [row["territory_id"] for row in table(path.parent.parent / "territories" / "territories.csv")]


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@cache
def belstat_names() -> dict[str, str]:
    return {
        line["name"]: line["ref_area"]
        for line in table(TERRITORIES / "names.csv")
        if line["source"] == "belstat"
    }


# The samples


def test_the_samples_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    for path in write(tmp_path):
        committed = SOURCES / path.relative_to(tmp_path)
        assert path.read_bytes() == committed.read_bytes(), committed


def test_nothing_else_lies_among_the_samples(tmp_path: Path) -> None:
    made = {path.relative_to(tmp_path) for path in write(tmp_path)}
    kept = {
        path.relative_to(SOURCES)
        for source in SAMPLES
        for path in (SOURCES / source / "sample").rglob("*")
        if path.is_file()
    }
    assert kept == made


def test_the_samples_are_small_and_say_that_they_are_invented() -> None:
    sizes = [
        path.stat().st_size
        for source in SAMPLES
        for path in (SOURCES / source / "sample").rglob("*")
        if path.is_file()
    ]
    assert sum(sizes) < 7_000_000
    for source in SAMPLES:
        note = (SOURCES / source / "sample" / "README.md").read_text(encoding="utf-8")
        assert "Синтетические данные" in note
        assert "synthetic" in note
        for feed in load_sources()[source].feeds.values():
            assert feed.origins["sample"].synthetic
            assert not any(origin.synthetic for kind, origin in feed.origins.items() if kind == "mirror")


@pytest.mark.parametrize("file", SAMPLE_FILES, ids=str)
def test_every_row_of_the_samples_is_read(file: File, tmp_path: Path) -> None:
    rows = read_rows(file, tmp_path / "batch.parquet")
    unread = rows.filter("parse_errors is not null").fetchall()
    expected = (
        1 if str(file) == "appeals_115.requests.barysau.2026-03" else 0
    )  # a date in another form is seeded
    assert len(unread) == expected
    if file.source == "appeals_115":
        assert len(rows) == len(table(file.path))
    if file.path.suffix == ".json" and file.source == "belstat":
        answer = json.loads(file.path.read_text(encoding="utf-8"))
        assert len(rows) == len(answer["tableRows"]) * len(answer["tableHeader"][0])


def test_seven_regions_have_a_city_with_requests() -> None:
    towns = {
        line["territory_id"]: line["parent_id"]
        for line in table(SOURCES / "territory_register/sample/territories/territories.csv")
    }
    instances = load_sources()["appeals_115"].instances.values()
    assert {towns[instance.ref_area] for instance in instances} == {
        "BY-BR", "BY-VI", "BY-HO", "BY-HR", "BY-HM", "BY-MI", "BY-MA",
    }  # fmt: skip


def test_no_person_passes_the_reader(tmp_path: Path) -> None:
    file = next(file for file in SAMPLE_FILES if str(file) == "appeals_115.requests.barysau.2025-05")
    assert "Тест" in file.path.read_text(encoding="utf-8")
    rows = read_rows(file, tmp_path / "batch.parquet")
    assert not {"author", "name", "address"} & set(rows.columns)
    for row in rows.fetchall():
        assert not any("Тест" in str(value) or "Примерная" in str(value) for value in row)


SEEDED = {
    "appeals_115.requests.brest.2026-07": {"lat_in_country": 1, "lng_in_country": 1, "point_near_city": 1},
    "appeals_115.requests.homiel.2026-08": {"status_known": 1},
    "appeals_115.requests.hrodna.2026-07": {"planned_not_before_opened": 1},
    "appeals_115.requests.viciebsk.2026-09": {"category_is_code": 1},
    "appeals_115.requests.mahilou.2026-08": {"id_unique": 2},
    "appeals_115.requests.barysau.2026-03": {"row.readable": 1, "opened_given": 1},
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_defect_goes_to_quarantine_and_the_rest_passes(name: str, tmp_path: Path) -> None:
    validation = pass_gate(next(file for file in SAMPLE_FILES if str(file) == name), tmp_path)
    found = {
        result.expectation: result.unexpected_count
        for result in validation.results
        if result.unexpected_count
    }
    assert validation.accepted
    assert found == SEEDED[name]
    assert validation.quarantined == max(SEEDED[name].values())


def test_of_the_next_day_s_deliveries_one_corrects_a_month_and_one_is_refused(tmp_path: Path) -> None:
    """Beside what is in force, the gate lets the one in and tells the supplier of the other what is wrong, in Russian."""
    validated = {}
    for name, text in appeals.next_day().items():
        source, feed, instance, file_name = name.split("/")
        path = tmp_path / instance / file_name
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8", newline="")
        month = parse_slice(file_name.removeprefix("opendata-115-").removesuffix("-01.csv"), None)
        file = File(source, feed, instance, month, path)
        before = next(one for one in SAMPLE_FILES if str(one) == str(file))
        validated[instance] = (pass_gate(file, tmp_path / "gate" / instance), table(before.path), table(path))
    corrected, before, after = validated["brest"]
    assert corrected.accepted and corrected.quarantined == 0
    assert [row for row in after if row in before] == before
    assert 0 < len(after) - len(before) < len(before) / 5
    refused, before, after = validated["homiel"]
    assert not refused.accepted
    assert [(row["lat"], row["lng"]) for row in after] == [(row["lng"], row["lat"]) for row in before]
    told = {result.expectation: result.remedy for result in refused.results if not result.success}
    assert "не переставлены ли широта и долгота" in told["lat_in_country"]


@pytest.mark.parametrize("file", [file for file in SAMPLE_FILES if file.source != "appeals_115"], ids=str)
def test_the_other_samples_pass_the_gate_without_a_remark(file: File, tmp_path: Path) -> None:
    validation = pass_gate(file, tmp_path)
    assert [
        result.expectation for result in validation.results if not result.success or result.unexpected_count
    ] == []


def test_deleted_months_are_headers_alone() -> None:
    empty = [str(file) for file in SAMPLE_FILES if file.source == "appeals_115" and not table(file.path)]
    assert empty == ["appeals_115.requests.barysau.2026-07"]


def test_sample_districts_without_their_towns_add_up_in_both_sources(tmp_path: Path) -> None:
    """Belstat's districts exclude the towns that the register's include: the people are the same."""
    rows = {
        (line["territory_id"], line["year"]): int(line["population"])
        for line in table(SOURCES / "territory_register/sample/territories/population.csv")
    }
    file = next(file for file in SAMPLE_FILES if file.feed == "population_by_age")
    ages = read_rows(file, tmp_path / "batch.parquet")
    totals = ages.filter("sex = 'Оба пола' and locality = 'Всего по типам местности'").aggregate(
        "territory, period, sum(value)::bigint"
    )
    for territory, period, people in totals.fetchall():
        if period != "2020":
            assert rows[belstat_names()[territory], period] == people


# The lists of territories


def test_codes_of_territories_are_texts_of_the_right_shape() -> None:
    lines = table(TERRITORIES / "codes.csv")
    assert Counter(line["level"] for line in lines) == {"country": 1, "region": 7, "city": 17}
    assert len({line["ref_area"] for line in lines}) == 25
    for line in lines:
        assert bool(line["soato"]) == bool(line["soato_status"])
        assert re.fullmatch(r"([1-7]\d{9})?", line["soato"])
        assert line["soato_status"] in ("", "found", "pattern", "to_be_verified")
        if line["level"] == "city":
            assert line["iso_3166_2"] == ""
        else:
            assert line["iso_3166_2"] == line["ref_area"]


def test_names_are_unique_and_name_each_territory_once() -> None:
    lines = table(TERRITORIES / "names.csv")
    names = [line["name"] for line in lines]
    areas = [line["ref_area"] for line in lines if line["ref_area"]]
    assert len(names) == len(set(names)) == 137
    assert len(areas) == len(set(areas)) == 1 + 7 + 118 + 10
    assert [line["name"] for line in lines if not line["ref_area"]] == [
        "Не распределено по районам Минской области"
    ]
    assert all(name == name.strip() for name in names)


def test_the_towns_beside_their_districts_are_those_that_the_names_list() -> None:
    towns = {line["ref_area"]: line["district"] for line in table(TERRITORIES / "subordination.csv")}
    assert set(towns) == {area for area in belstat_names().values() if area.startswith("c-")}
    assert set(towns.values()) <= set(belstat_names().values())


# The real files


@pytest.mark.mirror
def test_every_real_file_is_found() -> None:
    counts = Counter(f"{file.source}.{file.feed}" for file in REAL_FILES)
    assert counts == {
        "appeals_115.requests": 45,
        "belstat.wages": 2,
        "belstat.wages_by_activity": 4,
        "belstat.employment": 2,
        "belstat.grp_per_capita": 2,
        "belstat.population_by_age": 1,
        "belstat.migration": 8,
        "territory_register.territories": 1,
        "territory_register.population": 1,
        "territory_register.town_districts": 1,
        "territory_register.town_areas": 1,
        "territory_register.boundaries": 2,
    }


@pytest.mark.mirror
@pytest.mark.parametrize("file", [file for file in REAL_FILES if file.path.suffix == ".json"], ids=str)
def test_every_cell_of_a_real_answer_is_accounted_for(file: File, tmp_path: Path) -> None:
    answer = json.loads(file.path.read_text(encoding="utf-8"))
    dimensions = len(answer["tableHeaderDimColumns"])
    cells = [cell["value"] for row in answer["tableRows"] for cell in row[dimensions:]]
    rows = read_rows(file, tmp_path / "batch.parquet")
    assert len(rows) == len(cells)
    assert not rows.filter("parse_errors is not null").fetchall()
    expected = [
        None if cell is None else Decimal(cell.replace("\u00a0", "").replace(",", ".")) for cell in cells
    ]
    assert [value for (value,) in rows.project("value").fetchall()] == expected
    unknown = {territory for (territory,) in rows.project("territory").fetchall()} - set(belstat_names())
    assert not unknown


@pytest.mark.mirror
def test_every_territory_that_the_lists_name_is_in_the_real_register() -> None:
    register = {
        line["territory_id"] for line in table(Path(MIRROR or "") / "territories" / "territories.csv")
    }
    named = {line["ref_area"] for line in table(TERRITORIES / "codes.csv")} | set(
        belstat_names().values()
    ) - {""}
    assert named <= register
    districts = {code for code in register if code.startswith("r-")}
    assert districts <= named


@pytest.mark.mirror
@pytest.mark.parametrize("file", [file for file in REAL_FILES if file.source != "appeals_115"], ids=str)
def test_the_real_tables_pass_the_gate(file: File, tmp_path: Path) -> None:
    validation = pass_gate(file, tmp_path)
    remarks = {
        result.expectation for result in validation.results if not result.success or result.unexpected_count
    }
    assert validation.accepted
    assert validation.quarantined == 0
    known: dict[str, set[str]] = {
        # one Latin letter in a Belarusian name; two countries of 2017 that Belstat's regions do not add up to
        "territory_register.territories.by.snapshot": {"name_be_cyrillic"},
        "belstat.migration.by.net_oblast@2010..2019": {"regions_add_up_by_country"},
    }
    assert remarks == known.get(str(file), set())


@pytest.mark.mirror
def test_all_real_requests_are_accounted_for(tmp_path: Path) -> None:
    for number, file in enumerate(file for file in REAL_FILES if file.source == "appeals_115"):
        batch = tmp_path / f"{number}.parquet"
        read_rows(file, batch)
    whole: Any = duckdb.sql(f"select * from '{tmp_path}/*.parquet'")
    assert len(whole) == 105_097
    assert len(whole.filter("parse_errors is not null")) == 0
    outside = len(whole.filter("not (lat between 51.25 and 56.19 and lng between 23.16 and 32.79)"))
    assert outside == 6
    assert dict(whole.aggregate("status, count(*)").fetchall()) == {"5": 88_882, "7": 13_278, "4": 2_937}
