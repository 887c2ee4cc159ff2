"""What a delivery is held against: the loads of its feed that are in force when it enters, and what is remembered of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml

from pipelines.deliveries import Delivery, ExpectationResult
from pipelines.loading.history.compare import compare_with_history
from pipelines.loading.history.loads import ELSEWHERE, REPLACES, Incoming, Past
from pipelines.loading.profile import Profile, load_history, profile_of, profile_query, read_profile
from pipelines.loading.validate import Validated
from pipelines.warehouse.base import Row, Warehouse, raw_table

# Of the loads of the same instance and part so many are looked at, those nearest in time, and so many of the same season.
NEAREST, SEASONS = 12, 3
# What a supplier lays beside a file whose delivery is rightly smaller than the one before.
CONFIRMED = "confirmed_smaller"


def compared_with_history(delivery: Delivery, validated: Validated, warehouse: Warehouse) -> Validated:
    """A judgement with what the loads in force say to it.

    Of what its suite has refused, it is also said what it would lose, and whose it is: whoever waives it has to know.
    """
    if validated.profile is None:
        return validated
    results = results_of_history(delivery, validated.profile, warehouse)
    if not validated.validation.accepted:
        results = tuple(one for one in results if one.refuses and one.expectation in (REPLACES, ELSEWHERE))
    return validated.with_results(*results)


def results_of_history(
    delivery: Delivery, profile: Path, warehouse: Warehouse
) -> tuple[ExpectationResult, ...]:
    """Hold a delivery, of whose rows ``profile`` is, against the loads in force.

    A replay is not held against the load that it judges again.
    """
    history = load_history(delivery.source, delivery.feed)
    days = delivery.slice
    given = Incoming(
        delivery.instance,
        days.key,
        days.first_day,
        delivery.sha256,
        read_profile(profile),
        confirmation(delivery),
        delivery.confirmation is not None,
    )
    in_force = warehouse.query(
        "select load_id, instance, part, slice, first_day, last_day, sha256, rows_accepted from ops.effective_load "
        "where source = ? and feed = ? and delivery_id <> ? and not not_retained and rows_accepted > 0",
        [delivery.source, delivery.feed, delivery.delivery_id],
    )
    own = [row for row in in_force if (row["instance"], row["part"]) == (delivery.instance, days.part)]
    replaced = [row for row in own if _covers(delivery, row)]
    stay = sorted(
        (row for row in own if row not in replaced and row["first_day"] and days.first_day),
        key=lambda row: abs((row["first_day"] - days.first_day).days),
    )
    season = [row for row in stay[NEAREST:] if _is_same_month(row["first_day"], days.first_day)]
    past = [*stay[:NEAREST], *season[:SEASONS]]
    shared = _sharing(given.profile, warehouse)
    elsewhere = [
        row
        for row in in_force
        if row not in replaced and (row["sha256"] == delivery.sha256 or row["load_id"] in shared)
    ]
    profiles = _profiles([row["load_id"] for row in (*replaced, *past, *elsewhere)], warehouse)
    for row in replaced:
        if row["load_id"] not in profiles:  # a load of before there were profiles
            profiles[row["load_id"]] = _profile_of_rows(delivery, row["load_id"], warehouse)
    return tuple(
        compare_with_history(
            history,
            given,
            *([_past(row, profiles) for row in rows] for rows in (replaced, past, elsewhere)),
        )
    )


def confirmation(delivery: Delivery) -> str | None:
    """Who confirmed that a delivery is rightly smaller than the one in force, and why; None where nobody has said both."""
    path = delivery.confirmation
    if path is None:
        return None
    try:
        confirmation = yaml.safe_load(path.read_text(encoding="utf-8"))
        who, why = (str(confirmation[key]).strip() for key in ("who", "why"))
        if confirmation[CONFIRMED] is True and who and why:
            return f"{who} – {why}"[:300]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError):
        pass
    return None


def _covers(delivery: Delivery, row: Row) -> bool:
    """Whether the delivery would supersede a load of its instance and part: as ``ops.effective_load`` has it."""
    days = delivery.slice
    if days.first_day is None or days.last_day is None:
        return True
    if row["first_day"] is None:
        return False
    return bool(days.first_day <= row["first_day"] and row["last_day"] <= days.last_day)


def _is_same_month(one: date, two: date | None) -> bool:
    return two is not None and (one.month, one.day) == (two.month, two.day)


def _sharing(profile: Profile, warehouse: Warehouse) -> set[str]:
    """Loads that hold a fifth and more of the rows that the sketch of a delivery shows."""
    sketch = profile.sketch("row")
    if sketch is None or len(sketch.hashes) < 10:
        return set()
    marks = ", ".join(["?"] * len(sketch.hashes))
    rows = warehouse.query(
        f"select load_id, count(*) as found from ops.load_profile where metric = ? and key in ({marks}) group by load_id",
        [f"sketch:row:{sketch.function}", *sorted(sketch.hashes)],
    )
    return {row["load_id"] for row in rows if row["found"] >= 5}


def _profiles(load_ids: list[str], warehouse: Warehouse) -> dict[str, Profile]:
    if not load_ids:
        return {}
    marks = ", ".join(["?"] * len(load_ids))
    rows = warehouse.query(
        f"select load_id, metric, key, value from ops.load_profile where load_id in ({marks})", load_ids
    )
    found: dict[str, list[tuple[str, str, float]]] = {}
    for row in rows:
        found.setdefault(row["load_id"], []).append((row["metric"], row["key"], row["value"]))
    return {load_id: profile_of(values) for load_id, values in found.items()}


def _profile_of_rows(delivery: Delivery, load_id: str, warehouse: Warehouse) -> Profile:
    table = raw_table(delivery.source, delivery.feed)
    history = load_history(delivery.source, delivery.feed)
    rows = warehouse.query(
        f"with given as (select * from {table} where load_id = ?) {profile_query(history)}", [load_id]
    )
    return profile_of([(row["metric"], row["key"], row["value"]) for row in rows])


def _past(row: Row, profiles: dict[str, Profile]) -> Past:
    return Past(
        row["load_id"],
        row["instance"],
        row["slice"],
        row["first_day"],
        row["sha256"],
        row["rows_accepted"],
        profiles.get(row["load_id"], Profile()),
    )
