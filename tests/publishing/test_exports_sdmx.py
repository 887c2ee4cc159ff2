"""SDMX: other people's libraries read what was written, and find in it what was published."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sdmx
from pysdmx.io import get_datasets, read_sdmx

from pipelines.publishing.exports.products import export
from pipelines.publishing.publication import Publication
from pipelines.settings import Settings
from tests.support.invented_warehouse import LOW_COVERAGE_NOTE, LOW_COVERAGE_NOTE_BE, LOW_COVERAGE_NOTE_EN

KEY = {
    "FREQ": "freq",
    "REF_AREA": "ref_area",
    "INDICATOR": "indicator",
    "BREAKDOWN": "breakdown",
    "TIME_PERIOD": "time_period",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, home: Settings) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("out")
    export(home, out, ["sdmx"])
    yield out / "sdmx"


@pytest.fixture(scope="module")
def published(publication: Publication) -> list[dict[str, Any]]:
    with duckdb.connect(str(publication.database), read_only=True) as connection:
        cursor = connection.execute("select * from published.pub_indicator_value_v1")
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def csv_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "data.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[column] for column in KEY.values())


def test_structure_follows_the_schema_of_sdmx(folder: Path) -> None:
    # validates against the XML Schema of SDMX 2.1 before it reads
    message = read_sdmx(folder / "structure.xml", validate=True)
    assert [one.id for one in message.get_dataflows()] == ["INDICATORS"]


def test_sdmx1_reads_structure_and_data(folder: Path, published: list[dict[str, Any]]) -> None:
    structure = sdmx.read_sdmx(folder / "structure.xml")
    flow = structure.dataflow["INDICATORS"]
    assert [one.id for one in flow.structure.dimensions] == [*KEY]
    data = sdmx.read_sdmx(folder / "data.csv", structure=flow)
    read = {
        tuple(str(observation.dimension[name].value) for name in KEY): observation.value
        for observation in data.data[0].obs
    }
    assert len(data.data[0].obs) == len(published) == len(read)
    for row in published:
        value = read[key_of(row)]
        assert (Decimal(value) if value else None) == row["obs_value"]


def test_pysdmx_reads_structure_and_data(folder: Path, published: list[dict[str, Any]]) -> None:
    (data,) = get_datasets(folder / "data.csv", folder / "structure.xml")
    read = data.data.set_index([*KEY])
    assert len(read) == len(published)
    for row in published:
        found = read.loc[key_of(row)]
        assert found["OBS_STATUS"] == row["obs_status"]
        assert found["SYNTHETIC"] == row["synthetic"]
        if row["obs_value"] is not None:
            assert found["OBS_VALUE"] == pytest.approx(float(row["obs_value"]), abs=1e-6)


def test_each_code_stands_in_its_list(folder: Path) -> None:
    structure = sdmx.read_sdmx(folder / "structure.xml")
    dsd = structure.structure["DSD_INDICATORS"]
    lists = {
        component.id: set(component.local_representation.enumerated.items)
        for component in (*dsd.dimensions, *dsd.attributes)
        if component.local_representation.enumerated is not None
    }
    assert {"FREQ", "REF_AREA", "INDICATOR", "BREAKDOWN", "UNIT_MEASURE", "OBS_STATUS"} <= set(lists)
    seen = {name: {row[name] for row in csv_rows(folder)} - {""} for name in lists}
    assert {name: codes - lists[name] for name, codes in seen.items() if codes - lists[name]} == {}
    assert seen["MISSING_REASON"] == {"not_delivered", "not_published", "not_retained", "suppressed"}


def test_a_missing_value_is_not_zero(folder: Path) -> None:
    rows = csv_rows(folder)
    missing = [row for row in rows if row["MISSING_REASON"]]
    zeros = [row for row in rows if row["OBS_VALUE"] == "0"]
    assert {row["OBS_VALUE"] for row in missing} == {""}
    assert {(row["INDICATOR"], row["REF_AREA"]) for row in zeros} == {("wifi_points_per_10000", "BY-MA")}
    assert {row["OBS_STATUS"] for row in zeros} == {"A"}


def test_names_in_three_languages_and_territories_in_their_tree(folder: Path) -> None:
    structure = sdmx.read_sdmx(folder / "structure.xml")
    areas = structure.codelist["CL_AREA"]
    assert areas["BY-BR"].name.localizations == {
        "ru": "Брестская область",
        "be": "Брэсцкая вобласць",
        "en": "Brest Region",
    }
    assert areas["c-brest"].parent.id == "BY-BR"
    assert areas["BY-BR"].parent.id == "BY"
    breakdowns = structure.codelist["CL_BREAKDOWN"]
    assert breakdowns["Y0T4"].name.localizations["en"] == "aged 0-4"
    assert breakdowns["G10"].name.localizations["ru"] == "G10"


def test_a_note_of_two_lines_is_one(folder: Path) -> None:
    notes = {row["COMMENT"] for row in csv_rows(folder)} - {""}
    assert notes == {"Примечание в две строки, с запятой", LOW_COVERAGE_NOTE}


def test_a_note_is_there_in_three_languages(folder: Path) -> None:
    told = {
        (row["COMMENT_BE"], row["COMMENT_EN"])
        for row in csv_rows(folder)
        if row["COMMENT"] == LOW_COVERAGE_NOTE
    }
    assert told == {(LOW_COVERAGE_NOTE_BE, LOW_COVERAGE_NOTE_EN)}


def test_synthetic_is_said_in_header_and_name(folder: Path, tmp_path: Path, real_home: Settings) -> None:
    structure = sdmx.read_sdmx(folder / "structure.xml")
    assert structure.header.test is True
    assert structure.dataflow["INDICATORS"].name.localizations["en"].startswith("SYNTHETIC DATA")
    export(real_home, tmp_path, ["sdmx"])
    structure = sdmx.read_sdmx(tmp_path / "sdmx" / "structure.xml")
    assert structure.header.test is False
    assert "SYNTHETIC" not in structure.dataflow["INDICATORS"].name.localizations["en"]


def test_a_region_has_its_own_rows_alone(home: Settings, tmp_path: Path, published: list[Any]) -> None:
    export(home, tmp_path, ["sdmx"], region="BY-BR")
    own = {"BY-BR", "c-brest", "c-baranovichi"}
    rows = csv_rows(tmp_path / "sdmx")
    assert len(rows) == sum(row["ref_area"] in own for row in published)
    assert {row["REF_AREA"] for row in rows} == own
    structure = read_sdmx(tmp_path / "sdmx" / "structure.xml", validate=True)
    areas = next(one for one in structure.get_codelists() if one.id == "CL_AREA")
    assert {code.id for code in areas.codes} == own
    text = (tmp_path / "sdmx" / "structure.xml").read_text(encoding="utf-8")
    assert "BY-VI" not in text
    assert "Витебск" not in text
