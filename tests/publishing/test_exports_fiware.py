"""FIWARE: entities that the model's schema accepts, with the published values in them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from pipelines.publishing.exports.fiware import make
from pipelines.publishing.exports.products import export
from pipelines.publishing.exports.snapshot import open_snapshot
from pipelines.publishing.publication import Publication
from pipelines.settings import Settings
from tests.support import invented_warehouse as invented

MIRROR = os.environ.get("GOROD_MIRROR")
SCHEMA = (
    Path(MIRROR or "")
    / "smart_data_models"
    / "KeyPerformanceIndicator"
    / "KeyPerformanceIndicator"
    / "schema.json"
)

# what is asked of an entity here, whether or not the model's own schema is at hand
REQUIRED: dict[str, Any] = {
    "type": "object",
    "required": ["id", "type", "name", "description", "kpiValue", "calculationPeriod", "updatedAt", "synthetic"],
    "properties": {
        "id": {"type": "string", "pattern": r"^urn:ngsi-ld:KeyPerformanceIndicator:[\w\-.:]+$"},
        "type": {"const": "KeyPerformanceIndicator"},
        "name": {"type": "string", "minLength": 1},
        "category": {"type": "array", "items": {"const": "quantitative"}, "minItems": 1},
        "kpiValue": {"type": "number"},
        "calculationFrequency": {"enum": ["monthly", "quarterly", "yearly"]},
        "calculationMethod": {"const": "automatic"},
        "calculationPeriod": {
            "type": "object",
            "required": ["from", "to"],
            "properties": {side: {"type": "string", "format": "date"} for side in ("from", "to")},
        },
        "updatedAt": {"type": "string", "format": "date-time"},
        "dateModified": {"type": "string", "format": "date-time"},
    },
}  # fmt: skip
# stands in for the schema of properties common to all models, which the model refers to by its address
COMMON: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "definitions": {
        "GSMA-Commons": {
            "properties": {
                "id": {"type": "string", "minLength": 1, "maxLength": 256},
                **{name: {"type": "string"} for name in ("name", "alternateName", "description", "source")},
                "dateModified": {"type": "string", "format": "date-time"},
            }
        },
        "Location-Commons": {
            "properties": {
                "address": {
                    "type": "object",
                    "properties": {
                        name: {"type": "string"}
                        for name in ("addressCountry", "addressRegion", "addressLocality")
                    },
                },
                "location": {
                    "type": "object",
                    "required": ["type", "coordinates"],
                    "properties": {"type": {"const": "Point"}, "coordinates": {"minItems": 2}},
                },
            }
        },
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, home: Settings) -> Path:
    out = tmp_path_factory.mktemp("out")
    export(home, out, ["fiware"])
    return out / "fiware"


def entities(folder: Path, name: str) -> list[dict[str, Any]]:
    return list(json.loads((folder / name).read_text(encoding="utf-8")))


def everything(folder: Path) -> list[dict[str, Any]]:
    return [
        one for path in folder.glob("BY*.json") if "." not in path.stem for one in entities(folder, path.name)
    ]


def test_a_file_for_the_country_and_each_region(folder: Path) -> None:
    stems = {"BY", *invented.REGIONS}
    assert {path.name for path in folder.iterdir()} == {
        "export.json",
        *(f"{stem}.json" for stem in stems),
        *(f"{stem}.normalized.jsonld" for stem in stems),
    }
    assert {one["refArea"] for one in entities(folder, "BY.json")} == {"BY"}
    assert {one["refArea"] for one in entities(folder, "BY-BR.json")} == {"BY-BR", "c-brest", "c-baranovichi"}


def test_entities_have_what_is_required(folder: Path) -> None:
    validator = Draft202012Validator(REQUIRED, format_checker=FormatChecker())
    found = everything(folder)
    assert [error.message for one in found for error in validator.iter_errors(one)] == []
    assert len({one["id"] for one in found}) == len(found)


@pytest.mark.mirror
def test_entities_follow_the_schema_of_the_model(folder: Path) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    address = "https://smart-data-models.github.io/data-models/common-schema.json"
    registry: Registry[Any] = Registry().with_resource(address, Resource.from_contents(COMMON))
    validator = Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())
    assert [error.message for one in everything(folder) for error in validator.iter_errors(one)] == []
    broken = everything(folder)[0] | {"calculationFrequency": "half-yearly", "category": ["whatever"]}
    assert len(list(validator.iter_errors(broken))) == 2


def test_the_newest_value_of_each_indicator_and_nothing_else(folder: Path, publication: Publication) -> None:
    with duckdb.connect(str(publication.database), read_only=True) as connection:
        newest = connection.execute(
            "select indicator, ref_area, max_by(obs_value, last_day), max(last_day), max_by(time_period, last_day)"
            " from published.pub_indicator_value_v1 where breakdown = '_T' and obs_value is not null group by all"
        ).fetchall()
    found = {(one["indicator"], one["refArea"]): one for one in everything(folder)}
    assert len(found) == len(newest)
    for indicator, area, value, last_day, period in newest:
        one = found[indicator, area]
        assert one["kpiValue"] == pytest.approx(float(value), abs=1e-6)
        assert (one["calculationPeriod"]["to"], one["timePeriod"]) == (last_day.isoformat(), period)
    # what was not delivered has no entity, zero has one
    assert ("requests_per_1000", "BY-HR") not in found
    assert found["wifi_points_per_10000", "BY-MA"]["kpiValue"] == 0


def test_formula_and_synthetic_are_said(folder: Path) -> None:
    found = {(one["indicator"], one["refArea"]): one for one in everything(folder)}
    ports, wage = found["pon_ports_per_100", "BY-BR"], found["wage_growth_pct", "BY-BR"]
    assert wage["calculationFormula"] == "1000 × (вымышленный числитель) / (вымышленный знаменатель)"
    assert ports["synthetic"] and ports["description"].startswith("СИНТЕТИЧЕСКИЕ ДАННЫЕ")
    assert not wage["synthetic"] and "СИНТЕТИЧЕСКИЕ" not in wage["description"]


def test_a_note_is_there_in_three_languages(folder: Path) -> None:
    noted = {
        (one["indicator"], one["refArea"]): (one["comment"], one["commentBe"], one["commentEn"])
        for one in everything(folder)
        if one.keys() & {"comment", "commentBe", "commentEn"}
    }
    said = (invented.LOW_COVERAGE_NOTE, invented.LOW_COVERAGE_NOTE_BE, invented.LOW_COVERAGE_NOTE_EN)
    assert noted == dict.fromkeys(invented.LOW_COVERAGE, said)


def test_normalized_holds_the_same(folder: Path) -> None:
    plain = {one["id"]: one for one in entities(folder, "BY-BR.json")}
    for one in entities(folder, "BY-BR.normalized.jsonld"):
        context = one.pop("@context")
        assert context[0] == "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
        for name, content in plain[one["id"]].items():
            if name in ("id", "type"):
                assert one[name] == content
            elif re.fullmatch(r"\d{4}-\d\d-\d\dT.*", str(content)):
                assert one[name]["value"] == {"@type": "DateTime", "@value": content}
            else:
                assert one[name] == {"type": "Property", "value": content}


def test_a_region_has_its_own_rows_alone(home: Settings, tmp_path: Path, folder: Path) -> None:
    export(home, tmp_path, ["fiware"], region="BY-BR")
    files = {path.name for path in (tmp_path / "fiware").iterdir()}
    assert files == {"BY-BR.json", "BY-BR.normalized.jsonld", "export.json"}
    own = (tmp_path / "fiware" / "BY-BR.json").read_bytes()
    assert own == (folder / "BY-BR.json").read_bytes()


def test_a_plan_stands_beside_its_value_and_only_there(publication: Publication, tmp_path: Path) -> None:
    file = tmp_path / "gorod.duckdb"
    file.write_bytes(publication.database.read_bytes())
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table if exists published.pub_progress_v1")
        connection.execute(
            "create table published.pub_progress_v1 as select indicator, ref_area, time_period, true as is_newest,"
            " 'plan_2030' as programme, 135::numeric(24, 6) as plan_value, '2030' as target_period,"
            " 'red' as rag_status, 'example' as thresholds_status, true as synthetic from published.pub_indicator_value_v1"
            " where breakdown = '_T' and obs_value is not null"
            " qualify row_number() over (order by last_day desc, indicator, ref_area) = 1"
        )
        key = connection.execute("select indicator, ref_area from published.pub_progress_v1").fetchone()
    out = tmp_path / "out"
    with open_snapshot(file) as snapshot:
        out.mkdir()
        make(snapshot, out, out)
    planned = [one for one in everything(out) if "businessTarget" in one or "currentStanding" in one]
    assert [(one["indicator"], one["refArea"]) for one in planned] == [key]
    assert planned[0]["currentStanding"] == "bad"
    assert "135 " in planned[0]["businessTarget"] and "2030" in planned[0]["businessTarget"]
    assert "пороги условные" in planned[0]["businessTarget"]
    assert planned[0]["businessTarget"].startswith("СИНТЕТИЧЕСКИЕ ДАННЫЕ")
