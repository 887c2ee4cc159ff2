"""Whether the marts know everything that the ledger and the definitions say today. Imports no Dagster."""

from __future__ import annotations

from pipelines.catalogue.definition import definitions_hash
from pipelines.publishing.embargo import ended_embargo
from pipelines.publishing.publication import shown_build
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


def stale_since(warehouse: Warehouse) -> str | None:
    """What the marts should be built from and are not: a version of ledger and definitions; None when they are up to date.

    Waivers and embargoes end by themselves, so the accepted loads and the embargo's end are part of the version.
    """
    if not warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'ops' and table_name = 'build'"
    ):
        return None
    # a waiver ends with a day of Minsk, as the ledger's views see it
    day = "cast(({} at time zone 'UTC') + interval 3 hour as date)"
    now = warehouse.query(
        "select (select count(*) from ops.load_event) as events, (select count(*) from ops.effective_load) as loads, "
        "(select max_by(ok and whole, built_at) from ops.build) as ok, "
        "(select max_by(ledger_version, built_at) from ops.build) as built, "
        "(select max_by(definitions_hash, built_at) from ops.build) as definitions, "
        f"(select {day.format('max(built_at)')} < {day.format('now()')} from ops.build) and exists "
        "(select 1 from ops.accepted_load where waived_until is not null) as waivers_may_have_expired"
    )[0]
    if now["events"] == 0:
        return None
    wanted, ended = definitions_hash(), ended_embargo(warehouse)
    if (
        now["ok"]
        and now["built"] == now["events"]
        and now["definitions"] == wanted
        and not now["waivers_may_have_expired"]
        and ended is None
    ):
        return None
    return f"{now['events']}-{now['loads']}-{wanted[:12]}" + (f"-{ended:%Y%m%dT%H%M}" if ended else "")


def is_unpublished(settings: Settings, warehouse: Warehouse) -> bool:
    """Whether the newest sound build is not what readers see: the publication is gone, or a run was killed before it."""
    rows = warehouse.query(
        "select max_by(invocation_id, built_at) as build from ops.build where ok and whole"
    )
    build = rows[0]["build"] if rows else None
    return build is not None and build != shown_build(settings)
