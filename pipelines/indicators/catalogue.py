"""Compiles the declarations into the tables of schema ``catalogue``, which the models read."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.declarations.corrections import Correction, load_corrections
from pipelines.declarations.frameworks import check_answers, load_frameworks
from pipelines.declarations.indicators import (
    QUALITIES,
    Catalogue,
    Indicator,
    Method,
    check_sources,
    load_catalogue,
)
from pipelines.declarations.methods import load_methods
from pipelines.declarations.plausibility import load_plausibility
from pipelines.declarations.releases import load_calendar
from pipelines.declarations.sources import Source, load_sources
from pipelines.declarations.targets import load_programmes
from pipelines.errors import DeclarationError
from pipelines.indicators.frameworks import FRAMEWORK_TABLES, framework_rows
from pipelines.indicators.index_methods import INDEX_TABLES, index_rows
from pipelines.indicators.plausibility import PLAUSIBILITY_TABLES, plausibility_rows
from pipelines.indicators.release_calendar import RELEASE_TABLES, release_rows
from pipelines.indicators.targets import TARGET_TABLES, target_rows
from pipelines.settings import PROJECT
from pipelines.warehouse.tables import replace_rows

TERRITORIES = PROJECT / "assets" / "territories"

# What decides the figures besides the data: declarations, code lists, and the SQL of the models and macros.
DEFINING = (
    ("assets", ("*.yml", "territories/*.csv")),
    ("dbt", ("models/**/*.sql", "models/**/*.yml", "macros/**/*.sql", "snapshots/*.yml", "dbt_project.yml")),
)

Rows = list[dict[str, Any]]

# name -> columns with their types; the order is the order of the columns
TABLES: dict[str, dict[str, str]] = {
    "definition": {"definitions_hash": "text"},
    "source": {
        "source": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "owner": "text",
        "address": "text",
        "licence": "text",
        "attribution": "text",
    },
    "feed": {
        "source": "text",
        "feed": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "cadence": "text",
        "empty_delivery": "text",
        "licence": "text",
        "attribution": "text",
    },
    "instance": {
        "source": "text",
        "instance": "text",
        "ref_area": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
    },
    "control_total": {
        "source": "text",
        "feed": "text",
        "instance": "text",
        "period_from": "date",
        "period_to": "date",
        "expected_rows": "bigint",
        "reference": "text",
    },
    "measure": {
        "measure": "text",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
        "definition_ru": "text",
        "unit_measure": "text",
        "unit_ru": "text",
        "unit_be": "text",
        "unit_en": "text",
        "kind": "text",
        "source": "text",
        "feed": "text",
        "freq": "text",
        "territory": "text",
        "time_rule": "text",
        "absence": "text",
        "absent_reason": "text",
        "reporting": "text",
        "constant": "boolean",
        "carry_forward_years": "integer",
        "minimum_cell": "integer",
        "quality_rank": "integer",
        "breakdown_ru": "text",
    },
    "quality_class": {
        "quality_class": "text",
        "quality_rank": "integer",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
    },
    # figures of the territory ``whole`` hold those of ``part``, which lies beside it
    "measure_part": {"measure": "text", "whole": "text", "part": "text"},
    "measure_member": {
        "measure": "text",
        "breakdown": "text",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
    },
    "indicator": {
        "indicator": "text",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
        "definition_ru": "text",
        "definition_be": "text",
        "definition_en": "text",
        "rationale_ru": "text",
        "rationale_be": "text",
        "rationale_en": "text",
        "unit_measure": "text",
        "unit_ru": "text",
        "unit_be": "text",
        "unit_en": "text",
        "decimals": "integer",
        "direction": "text",
        "theme": "text",
        "theme_ru": "text",
        "theme_be": "text",
        "theme_en": "text",
        "frequencies": "text",
        "levels": "text",
        "rolled_up_levels": "text",
        "minimum_time_coverage_pct": "decimal",
        "minimum_population_coverage_pct": "decimal",
        "roll_up": "text",
        "percentile": "decimal",
        "own_figures": "boolean",
        "imputation": "text",
        "imputation_freq": "text",
        "imputation_limit": "integer",
        "imputation_indicator": "text",
        "is_measured": "boolean",
        "method_version": "text",
        "owner": "text",
    },
    "indicator_method": {
        "indicator": "text",
        "method_version": "text",
        "valid_from": "date",
        "valid_to": "date",
        "is_first": "boolean",
        "is_newest": "boolean",
        "legal_act": "text",
        "note_ru": "text",
        "note_be": "text",
        "note_en": "text",
        "scale": "decimal",
        "numerator_ru": "text",
        "numerator_be": "text",
        "numerator_en": "text",
        "denominator_ru": "text",
        "denominator_be": "text",
        "denominator_en": "text",
    },
    "indicator_metadata": {
        "indicator": "text",
        "concept": "text",
        "text_ru": "text",
        "text_be": "text",
        "text_en": "text",
    },
    "indicator_not_applicable": {"indicator": "text", "ref_area": "text"},
    "indicator_term": {
        "indicator": "text",
        "method_version": "text",
        "side": "text",
        "term_no": "integer",
        "measure": "text",
        "times_measure": "text",
        "breakdown": "text",
        "weight": "decimal",
        "taken_at": "text",
    },
    "indicator_frequency": {"indicator": "text", "freq": "text"},
    "indicator_level": {"indicator": "text", "level": "text", "rolled_up": "boolean"},
    "correction": {
        "correction": "text",
        "measure": "text",
        "ref_area": "text",
        "time_period": "text",
        "breakdown": "text",
        "expected": "decimal",
        "action": "text",
        "value": "decimal",
        "reason_ru": "text",
        "reason_be": "text",
        "reason_en": "text",
        "decided_by": "text",
        "decided_on": "date",
        "upstream": "text",
        "reference": "text",
    },
    "territory_code": {
        "ref_area": "text",
        "level": "text",
        "soato": "text",
        "soato_status": "text",
        "iso_3166_2": "text",
        "name_en": "text",
    },
    "territory_name": {"source": "text", "name": "text", "ref_area": "text", "note": "text"},
    "subordination": {"ref_area": "text", "district": "text"},
    "territory_parent": {
        "ref_area": "text",
        "parent": "text",
        "valid_from": "date",
        "valid_to": "date",
        "act": "text",
    },
    **FRAMEWORK_TABLES,
    **INDEX_TABLES,
    **TARGET_TABLES,
    **PLAUSIBILITY_TABLES,
    **RELEASE_TABLES,
}

ARROW = {
    "text": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "decimal": pa.decimal128(24, 6),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
}


@lru_cache(maxsize=1)
def definitions_hash() -> str:
    """SHA-256 over the names and contents of everything that defines the figures."""
    digest = hashlib.sha256()
    for folder, patterns in DEFINING:
        root = PROJECT / folder
        files = {path for pattern in patterns for path in root.rglob(pattern) if path.is_file()}
        for path in sorted(files):
            if "sample" in path.relative_to(root).parts:
                continue
            digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def write_catalogue(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source] | None = None
) -> bool:
    """Replace the tables of ``catalogue`` if the definitions changed; True if they were replaced.

    Runs in the transaction of the caller, if there is one.

    Raises:
        DeclarationError: a declaration or code list is wrong.
    """
    wanted = definitions_hash()
    connection.execute("create schema if not exists catalogue")
    if _stored_hash(connection) == wanted:
        return False
    declared = load_sources() if sources is None else sources
    catalogue = load_catalogue()
    check_sources(catalogue, declared)
    frameworks = load_frameworks()
    check_answers(frameworks, catalogue.indicators)
    rows = {
        "definition": [{"definitions_hash": wanted}],
        **source_rows(declared),
        **measure_rows(catalogue, declared),
        **indicator_rows(catalogue),
        **framework_rows(frameworks),
        **index_rows(load_methods()),
        **target_rows(load_programmes(catalogue)),
        **plausibility_rows(load_plausibility(catalogue), catalogue),
        **release_rows(load_calendar(catalogue), catalogue),
        "correction": correction_rows(load_corrections(catalogue)),
        **territory_rows(TERRITORIES),
    }
    for name, columns in TABLES.items():
        schema = pa.schema([(column, ARROW[kind]) for column, kind in columns.items()])
        incoming = pa.Table.from_pylist(rows[name], schema=schema)
        connection.register("incoming_catalogue", incoming)
        replace_rows(connection, f"catalogue.{name}", "incoming_catalogue")
        connection.unregister("incoming_catalogue")
    return True


def _stored_hash(connection: duckdb.DuckDBPyConnection) -> str | None:
    known = connection.execute(
        "select count(*) from information_schema.tables "
        "where table_schema = 'catalogue' and table_name = 'definition'"
    ).fetchone()
    if known is None or known[0] == 0:
        return None
    row = connection.execute("select definitions_hash from catalogue.definition").fetchone()
    return None if row is None else str(row[0])


def source_rows(sources: Mapping[str, Source]) -> dict[str, Rows]:
    """Rows of ``source``, ``feed``, ``instance``, ``control_total``.

    A feed without licence and attribution of its own has its source's.
    """
    tables: dict[str, Rows] = {"source": [], "feed": [], "instance": [], "control_total": []}
    for code, source in sources.items():
        tables["source"].append(
            {
                "source": code,
                **_titles(source.title),
                "owner": source.owner,
                "address": source.public_origin.address,
                "licence": source.public_origin.licence,
                "attribution": source.public_origin.attribution,
            }
        )
        for instance, about in source.instances.items():
            tables["instance"].append(
                {"source": code, "instance": instance, "ref_area": about.ref_area, **_titles(about.title)}
            )
        for name, feed in source.feeds.items():
            origin = feed.public_origin or source.public_origin
            tables["feed"].append(
                {
                    "source": code,
                    "feed": name,
                    **_titles(feed.title),
                    "cadence": feed.cadence,
                    "empty_delivery": feed.empty_delivery,
                    "licence": origin.licence,
                    "attribution": origin.attribution,
                }
            )
            tables["control_total"] += [
                {
                    "source": code,
                    "feed": name,
                    "instance": total.instance,
                    "period_from": date.fromisoformat(total.period_from),
                    "period_to": date.fromisoformat(total.period_to),
                    "expected_rows": total.rows,
                    "reference": total.reference,
                }
                for total in feed.control_totals
            ]
    return tables


def measure_rows(catalogue: Catalogue, sources: Mapping[str, Source]) -> dict[str, Rows]:
    """Rows of ``measure``, its members and parts, and of the code list of quality classes.

    ``absent_reason`` says why a territory has no figure at all: where several instances deliver, or an accepted
    delivery without a row means zero, its own has not delivered; else the one source publishes nothing of it.
    """
    tables: dict[str, Rows] = {"measure": [], "measure_member": [], "measure_part": []}
    ranks = {code: rank for rank, code in enumerate(QUALITIES, start=1)}
    for code, measure in catalogue.measures.items():
        tables["measure"].append(
            {
                "measure": code,
                **_names(measure.name),
                "definition_ru": measure.definition_ru,
                "unit_measure": measure.unit.code,
                **_names(measure.unit, "unit"),
                "kind": measure.kind,
                "source": measure.source,
                "feed": measure.feed,
                "freq": measure.freq,
                "territory": measure.territory,
                "time_rule": measure.time,
                "absence": measure.absence,
                "absent_reason": "not_delivered"
                if measure.absence == "zero" or len(sources[measure.source].instances) > 1
                else "not_published",
                "reporting": measure.reporting,
                "constant": measure.constant,
                "carry_forward_years": measure.carry_forward_years,
                "minimum_cell": measure.minimum_cell,
                "quality_rank": ranks[measure.quality],
                "breakdown_ru": measure.breakdown_ru,
            }
        )
        tables["measure_member"] += [
            {"measure": code, "breakdown": member, **_names(names)}
            for member, names in measure.members.items()
        ]
        tables["measure_part"] += [
            {"measure": code, "whole": whole, "part": part}
            for whole, parts in measure.holds.items()
            for part in parts
        ]
    tables["quality_class"] = [
        {"quality_class": code, "quality_rank": ranks[code], "name_ru": ru, "name_be": be, "name_en": en}
        for code, (ru, be, en) in QUALITIES.items()
    ]
    return tables


def indicator_rows(catalogue: Catalogue) -> dict[str, Rows]:
    """Rows of ``indicator`` and of what belongs to it: methods, terms, frequencies, levels, metadata."""
    tables: dict[str, Rows] = {name: [] for name in TABLES if name.split("_")[0] == "indicator"}
    for code, indicator in catalogue.indicators.items():
        tables["indicator"].append(
            {
                "indicator": code,
                **_names(indicator.name),
                **_names(indicator.definition, "definition"),
                **_names(indicator.rationale, "rationale"),
                "unit_measure": indicator.unit.code,
                **_names(indicator.unit, "unit"),
                "decimals": indicator.decimals,
                "direction": indicator.direction,
                "theme": indicator.theme,
                **_names(catalogue.themes[indicator.theme], "theme"),
                "frequencies": " ".join(indicator.frequencies),
                "levels": " ".join(indicator.levels),
                "rolled_up_levels": " ".join(indicator.rolled_up) or None,
                "minimum_time_coverage_pct": indicator.minimum_time_coverage_pct,
                "minimum_population_coverage_pct": indicator.minimum_population_coverage_pct,
                "roll_up": indicator.roll_up,
                "percentile": indicator.percentile,
                "own_figures": indicator.own_figures,
                "imputation": indicator.imputation.rule if indicator.imputation else None,
                "imputation_freq": indicator.imputation.freq if indicator.imputation else None,
                "imputation_limit": indicator.imputation.limit if indicator.imputation else None,
                "imputation_indicator": indicator.imputation.indicator if indicator.imputation else None,
                "is_measured": indicator.is_measured,
                "method_version": indicator.method.version,
                "owner": indicator.owner,
            }
        )
        for method in indicator.methods:
            tables["indicator_method"].append(_method_row(code, indicator, method))
            tables["indicator_term"] += _term_rows(code, method)
        tables["indicator_frequency"] += [{"indicator": code, "freq": freq} for freq in indicator.frequencies]
        tables["indicator_level"] += [
            {"indicator": code, "level": level, "rolled_up": level in indicator.rolled_up}
            for level in indicator.levels
        ]
        tables["indicator_metadata"] += [
            {"indicator": code, "concept": concept, **_names(text, "text")}
            for concept, text in indicator.metadata.items()
        ]
        tables["indicator_not_applicable"] += [
            {"indicator": code, "ref_area": ref_area} for ref_area in indicator.not_applicable
        ]
    return tables


def _method_row(code: str, indicator: Indicator, method: Method) -> dict[str, Any]:
    absent = dict.fromkeys(("ru", "be", "en"))
    denominator = method.denominator.words.model_dump() if method.denominator else absent
    note = method.note.model_dump() if method.note else absent
    return {
        "indicator": code,
        "method_version": method.version,
        "valid_from": method.valid_from,
        "valid_to": method.valid_to,
        "is_first": method is indicator.methods[0],
        "is_newest": method is indicator.method,
        "legal_act": method.legal_act,
        **{f"note_{language}": text for language, text in note.items()},
        "scale": method.scale,
        **_names(method.numerator.words, "numerator"),
        **{f"denominator_{language}": text for language, text in denominator.items()},
    }


def _term_rows(code: str, method: Method) -> Rows:
    """A term with several members becomes several rows; ``breakdown`` is ``*`` where it follows the indicator's."""
    flat = [
        (side, term, member)
        for side, term in method.terms
        for member in (("*",) if term.members == "same" else term.members)
    ]
    return [
        {
            "indicator": code,
            "method_version": method.version,
            "side": side,
            "term_no": number,
            "measure": term.measure,
            "times_measure": term.times,
            "breakdown": member,
            "weight": term.weight,
            "taken_at": term.at,
        }
        for number, (side, term, member) in enumerate(flat, start=1)
    ]


def correction_rows(corrections: Mapping[str, Correction]) -> Rows:
    """Rows of ``correction``."""
    return [
        {
            "correction": code,
            **{
                name: getattr(correction, name)
                for name in TABLES["correction"]
                if name in Correction.model_fields
            },
            **_names(correction.reason, "reason"),
        }
        for code, correction in corrections.items()
    ]


def territory_rows(folder: Path) -> dict[str, Rows]:
    """Rows of ``territory_code``, ``territory_name``, ``subordination``, ``territory_parent`` from the code lists.

    Raises:
        DeclarationError: a list is absent, lacks a column, or has a key twice.
    """
    return {
        "territory_code": _code_list(folder / "codes.csv", TABLES["territory_code"], ("ref_area",)),
        "territory_name": _code_list(folder / "names.csv", TABLES["territory_name"], ("source", "name")),
        "subordination": _code_list(folder / "subordination.csv", TABLES["subordination"], ("ref_area",)),
        "territory_parent": _parents(folder / "changes.csv"),
    }


def _parents(path: Path) -> Rows:
    """Former parents of territories; the spans of a territory do not overlap, and each ends."""
    rows = _code_list(path, TABLES["territory_parent"], ("ref_area", "valid_to"))
    spans: dict[str, list[tuple[date, date]]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            row["valid_from"] = date.fromisoformat(row["valid_from"] or "0001-01-01")
            row["valid_to"] = date.fromisoformat(row["valid_to"] or "")
        except ValueError as error:
            raise DeclarationError(
                f"{path}:{number}: {error}",
                "valid_from and valid_to are days, 2013-12-31; only valid_from may be empty.",
            ) from error
        known = spans.setdefault(row["ref_area"], [])
        if row["valid_to"] < row["valid_from"] or any(
            row["valid_from"] <= last and first <= row["valid_to"] for first, last in known
        ):
            raise DeclarationError(
                f"{path}:{number}: the span of {row['ref_area']} overlaps another or ends before it begins",
                "A territory has one parent at a time.",
            )
        known.append((row["valid_from"], row["valid_to"]))
    return rows


def _code_list(path: Path, columns: Iterable[str], key: Sequence[str]) -> Rows:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise DeclarationError(
                    f"{path}: columns {missing} are missing", f"The columns are {list(columns)}."
                )
            rows = [{name: (row[name] or "").strip() or None for name in columns} for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(
            f"{path}: cannot be read: {error}", "The file must be CSV in UTF-8."
        ) from error
    seen: set[tuple[Any, ...]] = set()
    for number, row in enumerate(rows, start=2):
        found = tuple(row[name] for name in key)
        if found in seen:
            raise DeclarationError(
                f"{path}:{number}: {' '.join(map(str, found))} stands twice", "Keep one row."
            )
        seen.add(found)
    return rows


def _titles(names: Any) -> dict[str, str]:
    return _names(names, "title")


def _names(names: Any, prefix: str = "name") -> dict[str, str]:
    return {f"{prefix}_ru": names.ru, f"{prefix}_be": names.be, f"{prefix}_en": names.en}
