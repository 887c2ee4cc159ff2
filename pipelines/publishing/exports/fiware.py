"""FIWARE: the newest value of each indicator as NGSI-LD entities KeyPerformanceIndicator.

One entity for each indicator, territory and frequency: the total for the newest period that has a value; history
is in SDMX. Model: Smart Data Models, dataModel.KeyPerformanceIndicator 0.2.1. ``<territory>.json`` holds the entities
as key-values, which the model's JSON Schema describes; ``<territory>.normalized.jsonld`` the same as NGSI-LD
properties. ``BY.json`` is only the country; a region's file has its own and its districts' and towns' entities.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.publishing.exports.formula import in_words
from pipelines.publishing.exports.product import write_json
from pipelines.publishing.exports.snapshot import Row, Snapshot
from pipelines.publishing.exports.words import SYNTHETIC

TYPE = "KeyPerformanceIndicator"
CONTEXT = (
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.KeyPerformanceIndicator/master/context.jsonld",
)
# the model has no word for half a year
FREQUENCIES = {"M": "monthly", "Q": "quarterly", "A": "yearly"}
MOMENTS = ("dateModified", "updatedAt")
# the model's words for the statuses of pub_progress_v1; grey has none
STANDINGS = {"green": "good", "yellow": "fair", "red": "bad"}

NEWEST = """
select * from published.pub_indicator_value_v1
where breakdown = '_T' and obs_value is not null
qualify row_number() over (partition by indicator, ref_area, freq order by last_day desc, time_period desc) = 1
order by indicator, ref_area, freq
"""


def make(snapshot: Snapshot, folder: Path, _out: Path) -> None:
    """Write a pair of files for the country and each region that the publication holds."""
    indicators = {row["indicator"]: row for row in snapshot.rows("pub_indicator_v1")}
    territories = {row["ref_area"]: row for row in snapshot.rows("pub_territory_v1")}
    # if there are several plans for a value, the one due first
    progress = {
        (row["indicator"], row["ref_area"], row["time_period"]): row
        for row in sorted(
            snapshot.rows_if_any("pub_progress_v1"), key=lambda row: str(row["target_period"]), reverse=True
        )
        if row["is_newest"] and row["plan_value"] is not None
    }
    by_file: dict[str, list[dict[str, Any]]] = {
        code: [] for code, row in territories.items() if row["level"] in ("country", "region")
    }
    for value in snapshot.ask(NEWEST):
        territory = territories[value["ref_area"]]
        entity = _entity(value, indicators[value["indicator"]], territory, territories, snapshot)
        planned = progress.get((value["indicator"], value["ref_area"], value["time_period"]))
        if planned is not None:
            entity |= _target(planned, indicators[value["indicator"]])
        by_file[territory["region"] or territory["ref_area"]].append(entity)
    for code, entities in by_file.items():
        write_json(entities, folder / f"{code}.json")
        write_json([normalized(one) for one in entities], folder / f"{code}.normalized.jsonld")


def _entity(
    value: Row, indicator: Row, territory: Row, territories: dict[str, Row], snapshot: Snapshot
) -> dict[str, Any]:
    mark = f"{SYNTHETIC.ru}. " if value["synthetic"] else ""
    entity = {
        "id": f"urn:ngsi-ld:{TYPE}:gorod:{value['indicator']}:{value['ref_area']}:{value['freq']}",
        "type": TYPE,
        "name": f"{mark}{indicator['name_ru']}",
        "alternateName": value["indicator"],
        "description": f"{mark}{indicator['definition_ru']}",
        "category": ["quantitative"],
        "process": indicator["theme_ru"],
        "kpiValue": float(value["obs_value"]),
        "calculationPeriod": {
            "from": value["first_day"].isoformat(),
            "to": value["last_day"].isoformat(),
        },
        "calculationFrequency": FREQUENCIES.get(value["freq"]),
        "calculationMethod": "automatic",
        "calculationFormula": in_words(indicator, "ru"),
        "calculatedBy": indicator["owner"],
        "source": indicator["attribution"],
        "area": territory["name_ru"],
        "address": _address(territory, territories),
        "location": _location(territory),
        "updatedAt": _moment(value["last_update"]),
        "dateModified": _moment(snapshot.created_at),
        # not in the model; NGSI-LD allows additional attributes
        "indicator": value["indicator"],
        "refArea": value["ref_area"],
        "freq": value["freq"],
        "timePeriod": value["time_period"],
        "unitMeasure": value["unit_measure"],
        "unit": indicator["unit_ru"],
        "decimals": value["decimals"],
        "obsStatus": value["obs_status"],
        "qualityClass": value["quality_class"],
        "numerator": _number(value["numerator"]),
        "denominator": _number(value["denominator"]),
        "methodVersion": value["method_version"],
        "coveragePopulationPct": _number(value["coverage_population_pct"]),
        "comment": value["note_ru"],
        "commentBe": value.get("note_be"),
        "commentEn": value.get("note_en"),
        "synthetic": value["synthetic"],
        "publication": snapshot.publication_id,
    }
    return {key: content for key, content in entity.items() if content is not None}


def _target(planned: Row, indicator: Row) -> dict[str, Any]:
    """The plan, in words, and the value compared with it; invented and example plans are labelled."""
    mark = f"{SYNTHETIC.ru}. " if planned["synthetic"] else ""
    example = " (пороги условные)" if planned["thresholds_status"] == "example" else ""
    target = {
        "businessTarget": f"{mark}{planned['plan_value'].normalize():f} {indicator['unit_ru']} к {planned['target_period']} году,"
        f" {planned['programme']}{example}",
        "currentStanding": STANDINGS.get(planned["rag_status"]),
    }
    return {key: content for key, content in target.items() if content is not None}


def normalized(entity: dict[str, Any]) -> dict[str, Any]:
    """An entity of key-values as NGSI-LD properties (ETSI GS CIM 009, 4.5)."""
    properties = {
        key: {
            "type": "GeoProperty" if key == "location" else "Property",
            "value": {"@type": "DateTime", "@value": content} if key in MOMENTS else content,
        }
        for key, content in entity.items()
        if key not in ("id", "type")
    }
    return {"id": entity["id"], "type": entity["type"], **properties, "@context": list(CONTEXT)}


def _address(territory: Row, territories: dict[str, Row]) -> dict[str, str]:
    region = territories.get(territory["region"])
    address = {
        "addressCountry": "BY",
        "addressRegion": None if region is None else region["name_ru"],
        "addressLocality": territory["name_ru"] if territory["level"] == "city" else None,
    }
    return {key: content for key, content in address.items() if content is not None}


def _location(territory: Row) -> dict[str, Any] | None:
    if territory["lon"] is None or territory["lat"] is None:
        return None
    return {"type": "Point", "coordinates": [float(territory["lon"]), float(territory["lat"])]}


def _moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC; a moment without a zone is UTC."""
    if value is None:
        return None
    zoned = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return zoned.isoformat(timespec="seconds").replace("+00:00", "Z")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
