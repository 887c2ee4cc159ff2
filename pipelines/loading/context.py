"""What a delivery is validated against: codes of the register, loads in force, its own days."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.declarations.sources import load_sources, provider_of
from pipelines.deliveries import Delivery, Slice
from pipelines.errors import Reason
from pipelines.loading import suites
from pipelines.loading.validate import Validated, validate
from pipelines.moments import today
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse, raw_table

# The parameter of a suite that holds the codes of the register of territories.
REGISTERED = "territories"


def validation_task(
    delivery: Delivery, settings: Settings, warehouse: Warehouse
) -> Callable[[Path], Validated]:
    """The judging of a delivery, given a scratch folder: everything it needs of ledger and settings is in it."""
    with warehouse.session_held():
        parameters, context = _parameters(delivery, warehouse), _context(delivery, warehouse)
    return partial(
        validate,
        delivery,
        load_sources()[delivery.source].feeds[delivery.feed],
        parameters,
        context,
        settings.pseudonym_key.get_secret_value(),
        settings.home,
    )


def cut_of(delivery: Delivery, history: list[dict[str, Any]]) -> Reason | None:
    """A delivery must replace whole slices: days that cut through an accepted load would count twice."""
    for load in history:
        # what is waived and gives way already counts for nothing, and gives way to this one too
        gives_way = load["state"] == "conflicting" and load["outcome"] == "rejected"
        if load["state"] == "rejected" or load["not_retained"] or gives_way:
            continue
        if not _covers(delivery.slice, load["first_day"], load["last_day"]):
            return Reason(
                "delivery.slice",
                f"Период {delivery.slice.key} лишь частично совпадает с принятым периодом "
                f"{load['slice']} ({load['load_id']}).",
                "Передайте период, который совпадает с принятым, целиком его покрывает или не задевает: "
                f"{load['slice']}.",
            )
    return None


def _covers(given: Slice, first: date | None, last: date | None) -> bool:
    """Whether a slice holds all days of another; a snapshot holds all that there are."""
    if given.first_day is None or given.last_day is None:
        return True
    return first is not None and last is not None and given.first_day <= first and last <= given.last_day


def _parameters(delivery: Delivery, warehouse: Warehouse) -> dict[str, Any]:
    """What a suite may ask of the delivery and of the register in force; the batch adds its facts."""
    suite = suites.load_suite(delivery.source, delivery.feed)
    days = delivery.slice
    return {
        "instance": delivery.instance,
        "ref_area": load_sources()[delivery.source].instances[delivery.instance].ref_area,
        "part": days.part,
        "first_day": days.first_day.isoformat() if days.first_day else "0001-01-01",
        "last_day": days.last_day.isoformat() if days.last_day else "9999-12-31",
        "today": today().isoformat(),
        **({REGISTERED: _territories(warehouse)} if REGISTERED in suites.parameters_of(suite) else {}),
    }


def _context(delivery: Delivery, warehouse: Warehouse) -> dict[str, pa.Table]:
    """The tables beside the batch: ``delivery`` (one row), what the suite's ``CONTEXT`` and the feed's reader ask for."""
    days = delivery.slice
    known = {
        "source": delivery.source,
        "feed": delivery.feed,
        "instance": delivery.instance,
        "part": days.part,
        "first_day": days.first_day,
        "last_day": days.last_day,
        "today": today(),
    }
    ref_area = load_sources()[delivery.source].instances[delivery.instance].ref_area
    row = {**known, "ref_area": ref_area, "slice": days.key}
    dated = {name: pa.date32() for name in ("first_day", "last_day", "today")}
    schema = pa.schema([(name, dated.get(name, pa.string())) for name in row])
    return {
        "delivery": pa.Table.from_pylist([row], schema),
        **warehouse.tables(_asked(delivery.source, delivery.feed), known),
    }


def tables_beside(delivery: Delivery, warehouse: Warehouse) -> dict[str, pa.Table]:
    """The tables of the warehouse that the reader of a delivery needs."""
    asked = load_sources()[delivery.source].feeds[delivery.feed].beside
    return warehouse.tables(asked, {}) if asked else {}


def _asked(source: str, feed: str) -> dict[str, str]:
    """What is looked up in the warehouse for a delivery of a feed, by name: for its suite and for its reader."""
    return {**load_sources()[source].feeds[feed].beside, **suites.load_context(source, feed)}


def looks_back(delivery: Delivery) -> bool:
    """Whether the suite looks at loads of its own feed: then what enters before this one may decide about it."""
    own = raw_table(delivery.source, delivery.feed)
    return any(own in sql for sql in suites.load_context(delivery.source, delivery.feed).values())


def no_register() -> str:
    """Why nothing is built before there is a register of territories, and what to do."""
    source, _ = provider_of("territories")
    return (
        "nothing is built: no register of territories is in force yet, and without it no figure has a place\n"
        f"Load it first: gorod run --source {source} (if it was refused: gorod explain {source}). "
        "What was accepted stays, and is built then."
    )


def validated_against(source: str, feed: str) -> list[tuple[str, str]]:
    """The feeds that a suite or a reader looks at beside its own: they are loaded before.

    The register waits for those alone that do not wait for it.
    """
    suite = suites.load_suite(source, feed)
    register = provider_of("territories")
    feeds = {register} if REGISTERED in suites.parameters_of(suite) else set()
    feeds |= _feeds_in(_asked(source, feed)) - {(source, feed)}
    if (source, feed) == register:
        feeds = {other for other in feeds if register not in validated_against(*other)}
    return sorted(feeds)


def read_beside(source: str, feed: str) -> list[tuple[str, str]]:
    """The feeds from whose rows the reader makes this one's, beside the delivery: its figures follow from them, too."""
    return sorted(_feeds_in(load_sources()[source].feeds[feed].beside))


def _feeds_in(asked: dict[str, str]) -> set[tuple[str, str]]:
    """The feeds whose raw tables some SELECTs name."""
    return {found for sql in asked.values() for found in re.findall(r"\braw\.([a-z0-9_]+?)__(\w+)", sql)}


def has_register(warehouse: Warehouse) -> bool:
    """Whether a register of territories is in force: before there is one, nothing can be built."""
    return bool(_territories(warehouse))


def _territories(warehouse: Warehouse) -> list[str]:
    """Codes of the register in force; none before there is one: then what refers to it is refused."""
    rows = warehouse.query(
        f"select distinct territory_id from {raw_table(*provider_of('territories'))}"
        " join ops.effective_load using (load_id) where territory_id is not null order by 1"
    )
    return [row["territory_id"] for row in rows]
