"""The data package: valid by the library of the format, complete, and no more than is published."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from frictionless import Package

from pipelines.publishing.exports.products import export
from pipelines.publishing.keys import contract_keys
from pipelines.publishing.publication import Publication
from pipelines.settings import PROJECT, Settings

pytestmark = pytest.mark.slow

KEYS = {name: keys.primary for name, keys in contract_keys().items() if keys.primary}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, home: Settings) -> Path:
    out = tmp_path_factory.mktemp("out")
    export(home, out, ["datapackage"])
    return out / "datapackage"


def described(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "datapackage.json").read_text(encoding="utf-8")))


def problems(folder: Path) -> list[Any]:
    report = Package(str(folder / "datapackage.json")).validate()
    return list(report.flatten(["name", "type", "rowNumber", "note"]))


def test_valid_with_types_keys_and_constraints(folder: Path) -> None:
    assert problems(folder) == []


def test_the_library_sees_a_broken_key_and_a_broken_type(folder: Path, tmp_path: Path) -> None:
    """That it is valid says something: a row that repeats a key, an unknown territory, a word for a number."""
    broken = tmp_path / "datapackage"
    broken.mkdir()
    (broken / "data").mkdir()
    for path in folder.rglob("*.*"):
        (broken / path.relative_to(folder)).write_bytes(path.read_bytes())
    values = broken / "data" / "pub_boundary_v1.csv"
    lines = values.read_text(encoding="utf-8").splitlines()
    areas = broken / "data" / "pub_territory_v1.csv"
    values.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    areas.write_text(areas.read_text(encoding="utf-8").replace("\nBY-BR,", "\nBY-XX,", 1), encoding="utf-8")
    assert {"primary-key", "foreign-key"} <= {kind for _, kind, *_ in problems(broken)}


def test_every_table_with_every_row(folder: Path, publication: Publication) -> None:
    resources = {one["name"]: one for one in described(folder)["resources"]}
    assert set(resources) == set(publication.row_counts)
    with duckdb.connect(str(publication.database), read_only=True) as connection:
        for name, count in publication.row_counts.items():
            with (folder / resources[name]["path"]).open(encoding="utf-8", newline="") as file:
                header, *rows = csv.reader(file)
            columns = connection.execute(
                "select column_name from duckdb_columns() where table_name = ? order by column_index", [name]
            ).fetchall()
            assert (header, len(rows)) == ([column for (column,) in columns], count)


def test_keys_are_those_that_the_models_promise() -> None:
    promised = {}
    for file in (PROJECT / "dbt" / "models" / "published").glob("*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]:
            for test in model.get("data_tests", []):
                if "unique_combination" in test:
                    columns = tuple(test["unique_combination"]["arguments"]["columns"])
                    promised[f"{model['name']}_v1"] = columns
            for column in model["columns"]:
                if "unique" in column.get("data_tests", []):
                    promised[f"{model['name']}_v1"] = (column["name"],)
    known = {name: set(columns) for name, columns in promised.items() if name in KEYS}
    assert known == {name: set(columns) for name, columns in KEYS.items() if name in promised}
    assert set(KEYS) <= set(promised)


def test_relations_types_licences_and_sources(folder: Path) -> None:
    package = described(folder)
    values = next(one for one in package["resources"] if one["name"] == "pub_indicator_value_v1")
    schema = values["schema"]
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert (types["obs_value"], types["first_day"], types["last_update"], types["synthetic"]) == (
        "number",
        "date",
        "datetime",
        "boolean",
    )
    references = {tuple(key["fields"]): key["reference"]["resource"] for key in schema["foreignKeys"]}
    assert references[("ref_area",)] == "pub_territory_v1"
    assert references[("indicator",)] == "pub_indicator_v1"
    assert references[("time_period",)] == "pub_period_v1"
    assert schema["fields"][0]["description"] == "About indicator. / О столбце indicator."
    assert package["licenses"] == [{"name": "CC-BY-4.0", "title": "CC BY 4.0"}]
    assert {source["title"] for source in package["sources"]} == {
        f"Вымышленный источник «{name}», CC BY 4.0" for name in ("portal", "statistics", "inventory")
    }


def test_synthetic_is_said(folder: Path, real_home: Settings, tmp_path: Path) -> None:
    package = described(folder)
    assert package["synthetic"] is True
    assert "SYNTHETIC DATA" in package["title"] and "SYNTHETIC DATA" in package["description"]
    export(real_home, tmp_path, ["datapackage"])
    package = described(tmp_path / "datapackage")
    assert package["synthetic"] is False
    assert "SYNTHETIC" not in package["title"] + package["description"]


def test_a_region_has_its_own_rows_alone(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path, ["datapackage"], region="BY-BR")
    folder = tmp_path / "datapackage"
    assert problems(folder) == []
    assert described(folder)["name"] == "gorod-indicators-by-br"
    for table in ("pub_indicator_value_v1", "pub_territory_v1", "pub_observation_v1", "pub_boundary_v1"):
        with (folder / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            areas = {row["ref_area"] for row in csv.DictReader(file)}
        assert areas <= {"BY-BR", "c-brest", "c-baranovichi"}
        assert "BY-BR" in areas
