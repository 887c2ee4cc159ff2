"""What the newest build held back, in words: how much, by which rule, from which loads, and what to do."""

from __future__ import annotations

from typing import Any

from pipelines.warehouse.base import Warehouse

# how many territories and loads of a rule are named; the rest is in the table
NAMED = 5
TABLE = "marts.mart_held_back"

# what to do, by rule; the others are plausibility rules
REMEDIES = {
    "hierarchy": (
        "Hold the parts against the whole in these loads: ask the source, or correct what is wrong in assets/corrections/."
    ),
    "correction": "Look at the source's new value, then change or delete the correction in assets/corrections/.",
    "city_without_area": "Deliver the areas of towns with that of the city.",
    "below_zero": "Deliver figures of one date for the city and its district.",
    "unknown_territory": "Deliver a register of territories that lists them.",
    "more_people_than_the_whole": (
        "Deliver the population that goes with the newest lists of territories and of towns; where a list is wrong, deliver "
        "it again."
    ),
}
BY_PLAUSIBILITY = (
    "Find where a value comes from (gorod trace); correct it in assets/corrections/, or ask the source."
)


def held_back_by_rule(warehouse: Warehouse) -> list[str]:
    """A sentence for each rule; none if nothing is held back, or nothing is built."""
    if not _there(warehouse, "marts", "mart_held_back"):
        return []
    rows = warehouse.query(
        f"""
        select
            rule,
            any_value(says_en) as says,
            count(*) as figures,
            string_agg(distinct coalesce(measure, indicator), ' ') as whats,
            string_agg(distinct ref_area, ' ') as places,
            min(time_period) as first_period,
            max(time_period) as last_period,
            string_agg(distinct loads, ' ') as loads
        from {TABLE}
        group by rule
        order by rule
        """
    )
    return [_sentence(row) for row in rows]


def differences(warehouse: Warehouse) -> list[str]:
    """A sentence for each territory whose parts add up except for rounding: its figures are published."""
    if not _there(warehouse, "intermediate", "int_hierarchy"):
        return []
    rows = warehouse.query(
        "select measure, parent, count(*) as figures, min(time_period) as first_period, max(time_period) as last_period "
        "from intermediate.int_hierarchy where not is_held group by measure, parent order by measure, parent"
    )
    return [
        f"{row['measure']} of {row['parent']}, {_span(row)}: the parts make it but for rounding"
        for row in rows
    ]


def _sentence(row: dict[str, Any]) -> str:
    remedy = REMEDIES.get(row["rule"], BY_PLAUSIBILITY)
    return (
        f"{row['figures']} figures of {_named(row['whats'])} in {_named(row['places'])}, {_span(row)}: {row['says']}; "
        f'loads: {_named(row["loads"])}. {remedy} All of them: gorod sql "from pub_held_back_v1"'
    )


def _named(words: str | None) -> str:
    each = sorted(set((words or "").split()))
    more = len(each) - NAMED
    return ", ".join(each[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _span(row: dict[str, Any]) -> str:
    first, last = row["first_period"], row["last_period"]
    if last == "_Z":
        return "without period" if first == "_Z" else f"{first} and without period"
    return str(first) if first == last else f"{first} to {last}"


def _there(warehouse: Warehouse, schema: str, table: str) -> bool:
    return bool(
        warehouse.query(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, table],
        )
    )
