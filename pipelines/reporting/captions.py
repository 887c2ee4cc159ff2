"""Texts about a digest that all its formats share, and its terminal output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.moments import MINSK
from pipelines.publishing.publication import Publication
from pipelines.reporting.figures import LOW_COVERAGE, Digest, Line, Value
from pipelines.wording import (
    MISSING,
    MISSING_EXPLAINED,
    NO_DATA,
    REVISED,
    STATUS,
    SYNTHETIC_MARK,
    banner,
    missing,
    number,
)


@dataclass(frozen=True)
class Short:
    """The digest in the terminal: lines above and below a table, whose cells are text."""

    head: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[str]


def in_short(digest: Digest) -> Short:
    """The table of the document's first page, with its notes."""
    partly = not all(line.synthetic for line in digest.lines)
    head = [
        f"{digest.report.title.ru}. Отчётный период: {digest.period_name}",
        f"{made_from(digest.publication)}. {about_periods(digest)}.",
        banner(digest.synthetic, partly),
    ]
    rows = [
        [
            ", ".join([line.indicator.name, *_unit(line)])
            + (f" {SYNTHETIC_MARK}" if line.synthetic and partly else ""),
            f"{line.period_name} ({line.not_by})" if line.not_by else line.period_name or "–",
            *(_cell(line, territory.ref_area) for territory in digest.territories),
        ]
        for line in digest.lines
    ]
    return Short(
        head=[text for text in head if text],
        columns=["Показатель", "Период", *(territory.name for territory in digest.territories)],
        rows=rows,
        foot=[text for text in (legend(digest), low_coverage(digest), outside(digest)) if text],
    )


def _unit(line: Line) -> list[str]:
    """The unit, unless the name contains it."""
    return [] if line.indicator.unit in line.indicator.name else [line.indicator.unit]


def _cell(line: Line, area: str) -> str:
    value = line.values.get(area)
    if value is None or value.value is None:
        return missing(value.missing_reason if value else None)
    return f"{number(value.value, line.indicator.decimals)} {value.mark}".rstrip()


def made_from(publication: Publication) -> str:
    """Its source, in words: «Выпуск 2026-Q3-… от 12.11.2026»."""
    what = "Публикация" if publication.period is None else "Выпуск"
    return f"{what} {publication.id} от {publication.created_at.astimezone(MINSK):%d.%m.%Y}"


def about_periods(digest: Digest) -> str:
    """The periods of the figures."""
    if digest.publication.period is None:
        return "Значения – последние опубликованные за периоды, названные в таблице"
    others = any(line.not_by for line in digest.lines)
    return "Значения выпуска за отчётный период" + (", если в таблице не назван другой" if others else "")


def outside(digest: Digest) -> str:
    """The report's indicators that the release does not contain; empty if it contains all."""
    return f"В выпуске нет показателей: {'; '.join(digest.outside)}." if digest.outside else ""


def _shown(digest: Digest) -> list[Value | None]:
    return [line.values.get(territory.ref_area) for line in digest.lines for territory in digest.territories]


def legend(digest: Digest) -> str:
    """Explanations of only those marks and words that the table uses."""
    values = _shown(digest)
    letters = {value.obs_status for value in values if value and value.value is not None}
    reasons = {value.missing_reason for value in values if value and value.value is None}
    parts = [f"{STATUS[status][0]} – {STATUS[status][1]}" for status in STATUS if status in letters]
    if any(value.is_revised for value in values if value and value.value is not None):
        parts.append(" – ".join(REVISED))
    parts += [f"{MISSING[reason]} – {MISSING_EXPLAINED[reason]}" for reason in MISSING if reason in reasons]
    if None in values or None in reasons:
        parts.append(f"{NO_DATA} – {MISSING_EXPLAINED[None]}")
    return "; ".join(parts) + "." if parts else ""


def low_coverage(digest: Digest) -> str:
    """Whom the table's low-coverage figures cover, by territory; the same coverage is named once."""
    by_territory: dict[str, dict[str, None]] = {}
    for line in digest.lines:
        for territory in digest.territories:
            value = line.values.get(territory.ref_area)
            if value is not None and value.low_coverage is not None:
                by_territory.setdefault(territory.name, {})[
                    value.low_coverage.removeprefix(LOW_COVERAGE).strip(" ,.")
                ] = None
    parts = [f"{name} – {', '.join(whose)}" for name, whose in by_territory.items()]
    return f"{LOW_COVERAGE}: {'; '.join(parts)}." if parts else ""
