"""A profile as a PDF, set by Typst: tagged (PDF/UA-1, PDF/A-2a), with Typst's embedded fonts."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import typst

from pipelines.declarations.reports import ProfileReport
from pipelines.errors import GorodError
from pipelines.reporting.profiles.narrative import figure, missing, reason_of, sentences
from pipelines.reporting.profiles.phrases import Language, Phrases
from pipelines.reporting.profiles.read_profile import SERIES, Profile, Row, day_of

STANDARDS: list[Literal["ua-1", "a-2a"]] = ["ua-1", "a-2a"]
COLUMNS = ("indicator", "period", "value", "country", "rank", "spine", "year", "trend")
PLAN_COLUMNS = ("indicator", "period", "plan", "fact", "gap", "state")
MARKS = "PEUIB"
# peers that are named
PEERS = 6
# a scale of two figures has both at its ends
LEAST_ON_SPINE = 3


def write_document(profile: Profile, report: ProfileReport, language: Language, path: Path) -> None:
    """Write the PDF. The same profile gives the same bytes.

    Raises:
        GorodError: Typst makes no document of it.
    """
    template = files("pipelines.reporting.profiles").joinpath("profile.typ").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "profile.typ").write_text(template, encoding="utf-8")
        data = json.dumps(document_data(profile, report, language), ensure_ascii=False)
        (root / "data.json").write_text(data, encoding="utf-8")
        pdf = typst.compile(
            str(root / "profile.typ"),
            root=str(root),
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=[*STANDARDS],
            timestamp=int(profile.publication.created_at.timestamp()),
        )
    if not isinstance(pdf, bytes):
        raise GorodError(f"report {report.report}: Typst produced no document", "Check profile.typ.")
    path.write_bytes(pdf)


def document_data(profile: Profile, report: ProfileReport, language: Language) -> dict[str, Any]:
    """The template's data: text, and places on scales."""
    say = Phrases(language)
    return {
        "language": language,
        "title": getattr(report.title, language),
        "territory": profile.names[language],
        "project": say("project"),
        "made_from": _made_from(profile, say),
        "page": say("page", page="{page}", pages="{pages}"),
        "banner": say("banner") if profile.synthetic else "",
        "headings": {key: say(key) for key in ("in_short", "figures", "plans", "missing", "reading")},
        "peers": _peers(profile, say),
        "sentences": sentences(profile, say),
        "columns": [say(f"column_{name}") for name in COLUMNS],
        "rows": _rows(profile, say),
        "step_limit": 1.5 / (SERIES - 1),
        "plan_columns": [say(f"column_{name}") for name in PLAN_COLUMNS],
        "plans": [_plan(row, say) for row in profile.plans],
        "missing": missing(profile, say),
        "reading": _reading(profile, say),
        "contact": f"{say('contact')}: {getattr(report.contact, language)}.",
    }


def _made_from(profile: Profile, say: Phrases) -> str:
    publication = profile.publication
    if publication.period is not None:
        return say("of_release", release=publication.id)
    return say("of_publication", day=f"{day_of(publication):%d.%m.%Y}")


def _peers(profile: Profile, say: Phrases) -> str:
    if not profile.peers:
        return ""
    names = [row[f"peer_{say.language}"] for row in profile.peers]
    return say("peers", group=profile.peers[0][f"size_group_{say.language}"], items=say.items(names, PEERS))


def _rows(profile: Profile, say: Phrases) -> list[dict[str, Any]]:
    rows, theme = [], ""
    for row in profile.known:
        rows.append(
            {
                "theme": profile.themes[row["theme"]][say.language] if row["theme"] != theme else "",
                "name": row[f"indicator_{say.language}"],
                "unit": row[f"unit_{say.language}"] or "",
                "period": row["time_period"],
                "value": figure(row, "obs_value", say),
                "mark": mark_of(row, say),
                "country": "–" if row["country_value"] is None else figure(row, "country_value", say),
                "rank": f"{row['level_rank']} / {row['rank_of']}" if row["level_rank"] else "–",
                "spine": _spine(row),
                "year": _year(row, say),
                "trend": trend(profile.series.get(row["indicator"], ())),
            }
        )
        theme = row["theme"]
    return rows


def mark_of(row: Row, say: Phrases) -> str:
    """The letters after a figure, as the legend explains them."""
    status = row["obs_status"]
    letters = [say(f"status_{status}").partition(" ")[0]] if status in MARKS else []
    return "".join(letters + ["*"] * row["is_revised"])


def _spine(row: Row) -> dict[str, Any] | None:
    if row["spine_value"] is None or row["figure_count"] < LEAST_ON_SPINE:
        return None
    quartiles = (row["spine_lower_quartile"], row["spine_upper_quartile"])
    group = row["spine_group_median"]
    return {
        "value": float(row["spine_value"]),
        # where less is better, the quartiles change sides
        "band": None if None in quartiles else sorted(map(float, quartiles)),
        "group": None if group is None else float(group),
    }


def _year(row: Row, say: Phrases) -> str:
    """The change on the year; an arrow only if it is significant."""
    if row["year_change"] is None:
        return "–"
    arrow = ""
    if row["year_change_is_significant"]:
        arrow = "↑ " if row["year_change"] > 0 else "↓ "
    return arrow + figure(row, "year_change", say, signed=True)


def trend(series: tuple[Decimal | None, ...]) -> list[tuple[float, float]]:
    """The points of a line in a unit square, the newest at the right; a gap where a period has no figure."""
    known = [value for value in series if value is not None]
    if len(known) < 2:
        return []
    least, reach = min(known), max(known) - min(known)
    offset = SERIES - len(series)
    return [
        (
            round((offset + number) / (SERIES - 1), 4),
            round(float((value - least) / reach), 4) if reach else 0.5,
        )
        for number, value in enumerate(series)
        if value is not None
    ]


def _plan(row: Row, say: Phrases) -> list[str]:
    return [
        row[f"indicator_{say.language}"],
        row["time_period"],
        figure(row, "plan_value", say),
        reason_of(row, say) if row["obs_value"] is None else figure(row, "obs_value", say),
        "–" if row["gap_left"] is None else figure(row, "gap_left", say),
        say(f"state_{row['rag_status']}"),
    ]


def _reading(profile: Profile, say: Phrases) -> list[str]:
    statuses = {row["obs_status"] for row in profile.known}
    marks = [say(f"status_{status}") for status in MARKS if status in statuses]
    marks += [say("revised")] * any(row["is_revised"] for row in profile.known)
    return [
        say("legend_spine"),
        f"{say('legend_rank')} {say('legend_change')}",
        *(["; ".join(marks) + "."] if marks else []),
    ]
