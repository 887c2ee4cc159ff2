"""The digest as a two-page PDF, set by Typst: tagged (PDF/UA-1), with Typst's embedded fonts."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import typst

from pipelines.errors import GorodError
from pipelines.reporting.captions import about_periods, legend, low_coverage, made_from, outside
from pipelines.reporting.figures import Digest, Line
from pipelines.reporting.pictures import bar_chart, map_classes, printed, region_map
from pipelines.wording import SYNTHETIC_MARK, banner, missing, number

PAGES = 2
STANDARDS: list[Literal["ua-1", "a-2a"]] = ["ua-1", "a-2a"]
# space above and below a table row, mm: the widest that fits is used
ROW_INSETS = (2.2, 1.8, 1.5, 1.2, 0.9, 0.6)


def write_document(digest: Digest, path: Path) -> None:
    """Write the PDF. The same digest gives the same bytes.

    Raises:
        GorodError: it does not fit on two pages.
    """
    country = next((territory for territory in digest.territories if territory.level == "country"), None)
    charted, mapped = digest.charted, digest.mapped
    template = files("pipelines.reporting").joinpath("digest.typ").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "digest.typ").write_text(template, encoding="utf-8")
        (root / "chart.svg").write_text(bar_chart(charted, digest.regions, country), encoding="utf-8")
        (root / "map.svg").write_text(region_map(mapped, digest.regions, digest.boundaries), encoding="utf-8")
        for row_inset in ROW_INSETS:
            data = {**_data(digest), "row_inset": row_inset}
            (root / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
            compiler = typst.Compiler(str(root / "digest.typ"), root=str(root), ignore_system_fonts=True)
            pictures = compiler.compile(format="svg")
            pages = len(pictures) if isinstance(pictures, list) else 1
            if pages == PAGES:
                break
        else:
            raise GorodError(
                f"report {digest.report.report}: the document has {pages} pages, not {PAGES}",
                f"Declare fewer indicators in assets/reports/{digest.report.report}.yml, or shorter names.",
            )
        pdf = compiler.compile(
            format="pdf", pdf_standards=[*STANDARDS], timestamp=int(digest.publication.created_at.timestamp())
        )
    if not isinstance(pdf, bytes):
        raise GorodError(f"report {digest.report.report}: Typst produced no document", "Check digest.typ.")
    path.write_bytes(pdf)


def _data(digest: Digest) -> dict[str, Any]:
    """The template's data, as text."""
    publication = digest.publication
    partly = not all(line.synthetic for line in digest.lines)
    return {
        "title": digest.report.title.ru,
        "period_name": digest.period_name,
        "made_from": made_from(publication),
        "about_periods": about_periods(digest),
        "outside": outside(digest),
        "content_hash": publication.content_hash,
        "banner": banner(digest.synthetic, partly),
        "territories": [territory.name for territory in digest.territories],
        "rows": _rows(digest, partly),
        "legend": legend(digest),
        "low_coverage": low_coverage(digest),
        "chart": _picture(digest, digest.charted, "Столбиковая диаграмма"),
        "map": _picture(digest, digest.mapped, "Карта регионов"),
        "methods": _methods(digest),
        "sources": _sources(digest),
    }


def _rows(digest: Digest, partly: bool) -> list[dict[str, Any]]:
    rows = []
    theme = ""
    for line in digest.lines:
        rows.append(
            {
                "theme": line.indicator.theme if line.indicator.theme != theme else "",
                "name": line.indicator.name,
                "mark": SYNTHETIC_MARK if line.synthetic and partly else "",
                "about": "; ".join(filter(None, [line.indicator.unit, _coverage(digest, line)])),
                "period": line.period_name or "–",
                "not_by": line.not_by,
                "cells": [_cell(line, territory.ref_area) for territory in digest.territories],
            }
        )
        theme = line.indicator.theme
    return rows


def _cell(line: Line, area: str) -> dict[str, str | None]:
    value = line.values.get(area)
    if value is None or value.value is None:
        return {"number": None, "mark": "", "words": missing(value.missing_reason if value else None)}
    return {"number": number(value.value, line.indicator.decimals), "mark": value.mark, "words": ""}


def _coverage(digest: Digest, line: Line) -> str:
    """The share of the country's population that the figure covers, if not all."""
    country = next((t.ref_area for t in digest.territories if t.level == "country"), "")
    value = line.values.get(country)
    if value is None or value.value is None or value.coverage_pct is None or value.coverage_pct >= 99.95:
        return ""
    return (
        f"охват {number(value.coverage_pct, 1)} % населения"
        if value.coverage_pct
        else "охват населения неизвестен"
    )


def _picture(digest: Digest, line: Line, kind: str) -> dict[str, Any]:
    """Heading, unit and period, the alternative text of the picture, and the map's legend."""
    decimals = line.indicator.decimals
    values = line.figures_of(digest.regions)
    alternative_text = "; ".join(
        f"{region.name} – "
        + (
            printed(line.values[region.ref_area], decimals)
            if region.ref_area in values
            else _words(line, region.ref_area)
        )
        for region in digest.regions
    )
    return {
        "name": line.indicator.name,
        "about": ", ".join(filter(None, [line.indicator.unit, line.period_name])),
        "alt": f"{kind}: {line.indicator.name}, {line.indicator.unit}, {line.period_name}. {alternative_text}.",
        "legend": [
            {"colour": found.colour, "label": _range(found.least, found.greatest, decimals)}
            for found in map_classes(values)
        ],
    }


def _range(least: float, greatest: float, decimals: int) -> str:
    low, high = number(least, decimals), number(greatest, decimals)
    return low if low == high else f"{low} … {high}"


def _words(line: Line, area: str) -> str:
    value = line.values.get(area)
    return missing(value.missing_reason if value else None)


def _methods(digest: Digest) -> list[str]:
    """The methods of the two pictured indicators in full; for the others, where to find them."""
    pictured = [digest.charted] + [digest.mapped] * (digest.mapped is not digest.charted)
    paragraphs = [
        f"{line.indicator.name} (методика {line.indicator.method_version}). {line.indicator.definition}"
        for line in pictured
    ]
    paragraphs.append(
        "Значение региона – отношение сумм, а не среднее отношений. Охват – доля населения территории, за"
        " которую источники передали данные. Классы карты – по квантилям значений регионов."
        " Определения, числители, знаменатели и версии методик всех показателей – в книге Excel, лист"
        " «Методика»."
    )
    return paragraphs


def _sources(digest: Digest) -> list[str]:
    """One line for each attribution with its licence, from the loads that count."""

    def line_of(load: dict[str, Any]) -> str:
        licence = f"Лицензия: {load['licence']}" if load["licence"] else ""
        return ". ".join(filter(None, [str(load["attribution"] or "").rstrip("."), licence]))

    counting = (load for load in digest.loads if load["state"] in ("accepted", "waived"))
    return [line for line in dict.fromkeys(map(line_of, counting)) if line]
