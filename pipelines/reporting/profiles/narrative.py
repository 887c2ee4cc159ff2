"""What a profile says in words: each sentence follows from figures of the published tables, and names them."""

from __future__ import annotations

from collections import Counter

from pipelines.reporting.profiles.phrases import Phrases
from pipelines.reporting.profiles.read_profile import Profile, Row

# items of a sentence
MOST = 4
# a rank among fewer says little
LEAST_RANKED = 5


def sentences(profile: Profile, say: Phrases) -> list[str]:
    """The paragraph «in short», sentence by sentence; a sentence without items is left out."""
    known = profile.known
    if not known:
        return [say("nothing")]
    # a figure of low reliability, or one of few, gives nobody a place
    firm = [row for row in known if row["obs_status"] != "U" and (row["rank_of"] or 0) >= LEAST_RANKED]
    ranked = [row for row in firm if row["direction"] != "none"]
    moved = sorted(
        (row for row in ranked if row["level_rank_year_before"] not in (None, row["level_rank"])),
        key=lambda row: (-abs(row["level_rank"] - row["level_rank_year_before"]), row["indicator"]),
    )
    found = {
        "best": [_name(row, say) for row in ranked if row["level_rank"] == 1],
        "worst": [_name(row, say) for row in ranked if row["level_rank"] == row["rank_of"]],
        "differs": [
            _item("differs", row, say, value="obs_value", country="country_value")
            for row in known
            if row["versus_country"] in ("higher", "lower")
        ],
        "changed": [
            _item("changed", row, say, value="obs_value", before="year_before_value")
            for row in known
            if row["year_change_is_significant"]
        ],
        "moved": [
            say(
                "moved_item",
                name=_name(row, say),
                rank=row["level_rank"],
                rank_of=row["rank_of"],
                before=row["level_rank_year_before"],
            )
            for row in moved
        ],
        "plan_missed": [
            _item("plan", row, say, value="obs_value", plan="plan_value")
            for row in profile.plans
            if row["rag_status"] == "red"
        ],
    }
    level = say(f"level_{profile.level}")
    said = [say(key, level=level, items=say.items(items, MOST)) for key, items in found.items() if items]
    return [*said, say("counted", known=len(known), unknown=len(profile.figures) - len(known))]


def _item(kind: str, row: Row, say: Phrases, **columns: str) -> str:
    """A figure of a sentence with its name, its period, and the figures of the columns."""
    figures = {key: figure(row, column, say) for key, column in columns.items()}
    return say(f"{kind}_item", name=_name(row, say), period=row["time_period"], **figures)


def missing(profile: Profile, say: Phrases) -> list[tuple[str, list[str]]]:
    """The reasons why figures are missing, the most frequent first, each with the indicators' names."""
    rows = [row for row in profile.figures if row["obs_value"] is None]
    reasons = Counter(reason_of(row, say) for row in rows)
    return [
        (reason, [_name(row, say) for row in rows if reason_of(row, say) == reason])
        for reason, _ in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    ]


def reason_of(row: Row, say: Phrases) -> str:
    """Why a figure is missing, in words."""
    key = f"reason_{row['missing_reason']}"
    return say(key if say.has(key) else "reason_other")


def figure(row: Row, column: str, say: Phrases, *, signed: bool = False) -> str:
    """A figure of a row as it is printed."""
    return say.number(row[column], row["decimals"], signed=signed)


def _name(row: Row, say: Phrases) -> str:
    name: str = row[f"indicator_{say.language}"]
    return f"«{name}»" if say.language != "en" else name
