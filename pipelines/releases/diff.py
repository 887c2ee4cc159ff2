"""What changed between two releases, and why: only from their rows and manifests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb

from pipelines.embedded import connect
from pipelines.moments import format_minsk
from pipelines.publishing.names import Language, Names, names_of
from pipelines.releases.archive import Release
from pipelines.releases.reasons import KEY, Reasons, Why
from pipelines.sql import literal

# a value has changed if any of these differs
COMPARED = ("obs_value", "obs_status", "missing_reason", "numerator", "denominator", "method_version")


@dataclass(frozen=True)
class Change:
    """One value that differs. ``old_…`` is absent if it was added, ``new_…`` if it was removed.

    ``because`` names the cause: loads, corrections, method versions.
    """

    indicator: str
    ref_area: str
    freq: str
    time_period: str
    breakdown: str
    kind: Literal["added", "removed", "changed"]
    old_value: Decimal | None
    new_value: Decimal | None
    old_status: str | None
    new_status: str | None
    old_reason: str | None
    new_reason: str | None
    why: Why
    because: tuple[str, ...]

    def describe(self, names: Names) -> tuple[str, ...]:
        """Indicator, territory, period, part, old and new value, and the reason with its causes, as text."""
        part = names.part(self.breakdown).removeprefix(", ") or names.say("всего", "total")
        return (
            names.of("indicator", self.indicator),
            names.of("territory", self.ref_area),
            self.time_period,
            part,
            _text(self.old_value, self.old_status, self.old_reason, names),
            _text(self.new_value, self.new_status, self.new_reason, names),
            names.say(WHYS_RU[self.why], self.why) + (f": {', '.join(self.because)}" if self.because else ""),
        )


@dataclass(frozen=True)
class Difference:
    """All changes from ``older`` to ``newer``, ordered by key."""

    older: str
    newer: str
    head: tuple[str, ...]
    changes: tuple[Change, ...]
    names: Names


def compare(older: Release, newer: Release, language: Language = "ru") -> Difference:
    """Compare two releases; ``head`` and ``names`` are in ``language``.

    The reason for a change is the first of these that applies: the method has another version; the corrections of the
    observations behind it differ; the loads behind it differ; the definitions differ.
    """
    with connect() as connection:
        for name, release in (("older", older), ("newer", newer)):
            connection.execute(f"attach {literal(str(release.database))} as {name} (read_only)")
        rows = _differing(connection)
        reasons = Reasons(connection, older, newer)
        changes = tuple(_change(row, reasons) for row in rows)
        # names that only one of them has come from that one
        named = {
            **names_of(connection, language, "older").named,
            **names_of(connection, language, "newer").named,
        }
    names = Names(language, named)
    return Difference(older.id, newer.id, _head(older, newer, changes, names), changes, names)


def _differing(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The values that differ, with both sides; also written to a table ``differing``."""
    key = ", ".join(KEY)
    sides = ", ".join(f"{side}.{name} as {side}_{name}" for side in ("old", "new") for name in COMPARED)
    differs = " or ".join(f"old.{name} is distinct from new.{name}" for name in COMPARED)
    connection.execute(
        f"""
        create table differing as
        select
            {", ".join(f"coalesce(old.{name}, new.{name}) as {name}" for name in KEY)},
            case when old.indicator is null then 'added' when new.indicator is null then 'removed' else 'changed' end
            as kind,
            coalesce(old.last_day, new.last_day) as last_day, coalesce(old.first_day, new.first_day) as first_day,
            {sides}
        from older.published.pub_indicator_value_v1 as old
        full join newer.published.pub_indicator_value_v1 as new using ({key})
        where old.indicator is null or new.indicator is null or {differs}
        """
    )
    cursor = connection.execute(f"from differing order by {key}")
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _change(row: dict[str, Any], reasons: Reasons) -> Change:
    why, because = reasons.of(row)
    return Change(
        **{name: row[name] for name in KEY},
        kind=row["kind"],
        old_value=row["old_obs_value"],
        new_value=row["new_obs_value"],
        old_status=row["old_obs_status"],
        new_status=row["new_obs_status"],
        old_reason=row["old_missing_reason"],
        new_reason=row["new_missing_reason"],
        why=why,
        because=because,
    )


def _head(older: Release, newer: Release, changes: tuple[Change, ...], names: Names) -> tuple[str, ...]:
    say = names.say
    lines = [
        f"{release.id}: {release.manifest['period']}, {say('на', 'as of')} "
        + format_minsk(datetime.fromisoformat(release.manifest["as_of"]))
        for release in (older, newer)
    ]
    held = [release.id for release in (older, newer) if release.is_held]
    if held:
        lines.append(
            f"{say('ПОД ЭМБАРГО, не передавать', 'UNDER EMBARGO, not to be passed on')}: {', '.join(held)}"
        )
    if not changes:
        return (*lines, say("значения те же", "the same values"))
    kinds = Counter(one.kind for one in changes)
    whys = Counter(one.why for one in changes)
    lines.append(
        ", ".join(
            say(f"{KINDS_RU[kind]}: {count}", f"{count} {kind}") for kind, count in sorted(kinds.items())
        )
    )
    lines.append(
        f"{say('причины', 'because of')}: "
        + ", ".join(f"{say(WHYS_RU[why], why)} ({count})" for why, count in whys.most_common())
    )
    return tuple(lines)


def _text(value: Decimal | None, status: str | None, reason: str | None, names: Names) -> str:
    if status is None:
        return ""
    if value is None:
        return f"({names.missing(reason)})"
    return names.number(value) if status == "A" else f"{names.number(value)} {status}"


KINDS_RU = {"added": "появилось", "removed": "исчезло", "changed": "изменилось"}
WHYS_RU = {
    "method": "другая версия методики",
    "correction": "корректировка",
    "new delivery": "новая поставка",
    "delivery gone": "поставка больше не действует",
    "definitions": "изменены описания",
    "longer span": "период шире",
    "other indicators": "другой набор показателей",
    "unknown": "не установлено",
}
