"""An invented warehouse with every contract, with the declared columns and types.

The contents of :mod:`invented_warehouse` are copied by column name; what else products show is added here. All made up.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from pipelines.settings import PROJECT
from tests.support import invented_warehouse as invented

AWKWARD = 'Определение с <b>угловыми</b> скобками & «кавычками», запятой; "и"\nвторой строкой.'


@lru_cache(maxsize=1)
def contracts() -> dict[str, dict[str, str]]:
    """Columns and types of each contract, as the dbt project declares them."""
    found = {}
    for file in sorted((PROJECT / "dbt" / "models" / "published").glob("*.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]:
            columns = {column["name"]: column["data_type"] for column in model["columns"]}
            for version in model["versions"]:
                found[f"{model['name']}_v{version['v']}"] = columns
    return found


def rows(synthetic: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Rows by table; with ``synthetic`` False, no row is marked as invented."""
    content = invented.rows()
    for row in content["pub_indicator_value_v1"]:
        reason = row["missing_reason"]
        row["quality_class"] = None if reason else "measured"
        row["last_update"] = "2026-01-05 06:00:00"
        row["synthetic"] = row["synthetic"] and synthetic
    content["pub_indicator_value_v1"] += _parts()
    for row in content["pub_load_v1"]:
        row["synthetic"] = row["synthetic"] and synthetic
    for row in content["pub_indicator_v1"]:
        code = row["indicator"]
        row |= {
            "definition_be": row["definition_ru"], "definition_en": f"Invented definition of {code}.",
            "rationale_ru": "Зачем", "rationale_be": "Навошта", "rationale_en": "What for",
            "numerator_be": "выдуманы лічнік", "numerator_en": "invented numerator",
            "denominator_be": "выдуманы назоўнік", "denominator_en": "invented denominator",
            "unit_be": row["unit_ru"], "unit_en": row["unit_measure"].lower(), "scale": 1000,
            "theme_be": "Тэма", "theme_en": "Theme", "roll_up": "ratio_of_sums", "is_measured": True,
            "minimum_time_coverage_pct": 100, "minimum_population_coverage_pct": 25,
            "minimum_cell": 3 if code == "wage_byn" else 0,
            "method_version": "1.1" if code == "wage_byn" else "1.0", "owner": "Вымышленное ведомство",
        }  # fmt: skip
    _indicator(content, "wage_byn")["definition_ru"] = AWKWARD
    for quality, load in zip(content["pub_data_quality_v1"], content["pub_load_v1"], strict=True):
        quality["load_id"] = load["load_id"]
    content["pub_measure_v1"] = [
        {
            "measure": name, "name_ru": f"Величина {name}", "name_be": f"Велічыня {name}", "name_en": name,
            "definition_ru": f"Определение {name}", "unit_measure": "COUNT", "unit_ru": "штук", "kind": "flow",
            "freq": "M", "territory_rule": "sum", "time_rule": "sum", "absence": "zero", "minimum_cell": 0,
            "carry_forward_years": 0, "quality_class": "measured", "source": "portal",
            "feed": "requests", "breakdown_ru": "возраст" if name == "appeals" else None,
        }
        for name in ("appeals", "people", "wage_fund")
    ]  # fmt: skip
    content["pub_measure_member_v1"] = [
        {"measure": "appeals", "breakdown": "Y0T4", "name_ru": "0-4 лет", "name_be": "0-4 гадоў",
         "name_en": "aged 0-4"},
    ]  # fmt: skip
    content["pub_method_v1"] = _methods()
    content["pub_indicator_term_v1"] = [
        _term("wage_byn", "1.1", "numerator", 1, "wage_fund"),
        _term("wage_byn", "1.1", "numerator", 2, "appeals", weight=-2, measure_breakdown="Y0T4"),
        _term("wage_byn", "1.1", "denominator", 3, "people", reference="previous_year"),
        _term("rated_share_pct", "1.0", "numerator", 1, "wage_fund", times_measure="people"),
    ]
    content["pub_indicator_metadata_v1"] = [
        {"indicator": "wage_byn", "concept": "REC_USE_LIM", "text_ru": "Ограничение", "text_be": "Абмежаванне",
         "text_en": "Limit of use"},
    ]  # fmt: skip
    content["pub_quality_class_v1"] = [
        {"quality_class": code, "quality_rank": rank, "name_ru": name, "name_be": name, "name_en": code}
        for rank, (code, name) in enumerate(
            {"measured": "измерено", "assumptions": "на допущениях"}.items(), start=1
        )
    ]
    content |= _frameworks() | _indices()
    return content


def write(path: Path, synthetic: bool = True) -> Path:
    """Write the warehouse, built and ready to publish."""
    invented.write(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop schema published cascade; create schema published")
        content = rows(synthetic)
        for table, columns in contracts().items():
            described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            connection.execute(f"create table published.{table} ({described})")
            connection.execute(f"comment on table published.{table} is 'About {table}. / О таблице {table}.'")
            for column in columns:
                connection.execute(
                    f"comment on column published.{table}.{column} is 'About {column}. / О столбце {column}.'"
                )
            if content.get(table):
                batch = pa.Table.from_pylist(content[table])
                connection.register("batch", batch)
                connection.execute(f"insert into published.{table} by name select * from batch")
                connection.unregister("batch")
    return path


def _indicator(content: dict[str, list[dict[str, Any]]], code: str) -> dict[str, Any]:
    return next(row for row in content["pub_indicator_v1"] if row["indicator"] == code)


def _parts() -> list[dict[str, Any]]:
    """A figure of a breakdown, with its total."""
    whole = next(
        row
        for row in invented.rows()["pub_indicator_value_v1"]
        if (row["indicator"], row["ref_area"], row["time_period"])
        == ("requests_per_1000", "c-brest", "2025-12")
    )
    part = {**whole, "quality_class": "measured", "last_update": "2026-01-05 06:00:00"}
    return [
        {**part, "breakdown": "Y0T4", "obs_value": 0.25, "note_ru": "Примечание\nв две строки, с запятой"},
        {**part, "breakdown": "G10", "obs_value": 1.5},
    ]


def _methods() -> list[dict[str, Any]]:
    def method(indicator: str, version: str, **more: Any) -> dict[str, Any]:
        return {
            "indicator": indicator, "method_version": version, "valid_from": None, "valid_to": None,
            "is_newest": True, "legal_act": None, "note_ru": None, "note_be": None, "note_en": None,
            "scale": 1000, "numerator_ru": "вымышленный числитель", "numerator_be": "выдуманы лічнік",
            "numerator_en": "invented numerator", "denominator_ru": "вымышленный знаменатель",
            "denominator_be": "выдуманы назоўнік", "denominator_en": "invented denominator", **more,
        }  # fmt: skip

    plain = [method(code, "1.0") for code in invented.INDICATORS if code != "wage_byn"]
    return [
        *plain,
        method("wage_byn", "1.0", valid_to="2019-12-31", is_newest=False, legal_act="Вымышленный приказ № 1"),
        method("wage_byn", "1.1", valid_from="2020-01-01", note_ru="Новая база", note_en="A new base"),
    ]


def _term(indicator: str, version: str, side: str, number: int, measure: str, **more: Any) -> dict[str, Any]:
    return {
        "indicator": indicator, "method_version": version, "side": side, "term_no": number, "weight": 1,
        "measure": measure, "times_measure": None, "measure_breakdown": "_T", "reference": "same", **more,
    }  # fmt: skip


def _names(text: str, prefix: str = "name") -> dict[str, str]:
    return {f"{prefix}_ru": f"{text} рус", f"{prefix}_be": f"{text} бел", f"{prefix}_en": f"{text} eng"}


def _frameworks() -> dict[str, list[dict[str, Any]]]:
    framework = {
        "framework": "lists", "short": "LIST", **_names("Список", "title"), "publisher": "Вымышленный орган",
        "reference": "Вымышленный документ", "indicator_count": 2, "verified_count": 1, "reported_count": 1,
        "verified_ru": "Сверено одно.", "unverified_ru": "Не сверено другое.", "translation_ru": "Рабочий перевод.",
        "synthetic": False,
    }  # fmt: skip
    common = {
        "framework": "lists", "dimension": "D", **_names("Измерение", "dimension"), "place": "P",
        **_names("Раздел", "place"), **_names("числитель", "numerator"), **_names("знаменатель", "denominator"),
        "multiplier": 100, "unit_measure": "PCT", **_names("%", "unit"), "source_ru": "источник",
        "region_count": 7, "synthetic": False, "direction": "up",
    }  # fmt: skip
    return {
        "pub_framework_v1": [framework],
        "pub_framework_indicator_v1": [
            {**common, "code": "L: 1", "indicator_no": 1, **_names("Первый"), "formula_status": "verified",
             "answered_by": "wage_byn", "match": "close", "answer_note_ru": "близкий", "reporting": "reported",
             "reporting_ru": "представлен", "reporting_be": "прадстаўлены", "regions_reporting": 6,
             "newest_period": "2025"},
            {**common, "code": "L: 2", "indicator_no": 2, **_names("Второй"), "formula_status": "to_be_checked",
             "reporting": "not_reported", "reporting_ru": "не представлен", "reporting_be": "не прадстаўлены",
             "regions_reporting": 0},
        ],
    }  # fmt: skip


def _indices() -> dict[str, list[dict[str, Any]]]:
    method = {
        "index_method": "both", "method_version": "0.1", **_names("Индекс", "title"), **_names("Пояснение", "note"),
        "method_status": "example", "legal_act": None, "reference": "вымышлено", "level": "region", "freq": "A",
        "decimals": 1, "valid_from": date(2025, 1, 1),
    }  # fmt: skip
    before = {
        **method,
        "method_version": "0.0",
        "valid_from": date(2020, 1, 1),
        "valid_to": date(2024, 12, 31),
    }
    node = {
        "index_method": "both",
        "method_version": "0.1",
        "aggregation": None,
        "normalisation": None,
        "direction": None,
    }
    return {
        "pub_index_method_v1": [before, method],
        "pub_index_node_v1": [
            {**node, "method_version": "0.0", "node": "old root", "parent": None, "node_no": 1, "node_level": 1,
             **_names("Прежний корень"), "weight": 1, "aggregation": "geometric"},
            {**node, "node": "root", "parent": None, "node_no": 1, "node_level": 1, **_names("Корень"),
             "weight": 1, "aggregation": "arithmetic"},
            {**node, "node": "wages", "parent": "root", "node_no": 2, "node_level": 0, **_names("Зарплата"),
             "indicator": "wage_byn", "weight": 0.7, "normalisation": "min_max", "direction": "up"},
            {**node, "node": "ports", "parent": "root", "node_no": 3, "node_level": 0, **_names("Порты"),
             "indicator": "pon_used_pct", "weight": 0.3, "normalisation": "min_max", "direction": "up"},
        ],
    }  # fmt: skip
