"""Cut a release: freeze what was known at a moment, write it beside the others, enter it in the ledger."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any

import duckdb

from pipelines.catalogue.definition import definitions_hash
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.releases import CalendarRelease, load_calendar
from pipelines.errors import GorodError, WarehouseError
from pipelines.loading.plan import run_lock
from pipelines.moments import MINSK, format_minsk
from pipelines.periods import span_of
from pipelines.publishing.contract_files import write_contracts
from pipelines.publishing.contracts import Contract, content_hash_of, read_contracts
from pipelines.publishing.folders import BUILDING, free_name, seal, sha256_of, sync
from pipelines.publishing.publication import reading_warehouse
from pipelines.releases.archive import (
    Release,
    cannot_write,
    enter_releases,
    only_cutter,
    read_release,
    repair_folders,
    same_release,
    set_modes,
)
from pipelines.releases.contents import (
    build_known_at,
    index_contract,
    loads_in_force,
    method_versions,
    require_current_build,
    require_not_held_elsewhere,
)
from pipelines.releases.frozen import Frozen, freeze, read_models
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import open_warehouse


def cut(
    settings: Settings, period: str, as_of: datetime, by: str, code: str | None = None, why: str | None = None
) -> Release:
    """Freeze what was known at a moment about the periods that end by the end of ``period``.

    Nothing becomes known between two builds: the same code, period and build, with the same content, are the same
    release, and nothing is written.

    Args:
        code: code of the release in the calendar; by default the one for this period. Without a calendar entry it
            contains all indicators and has no embargo.

    Raises:
        GorodError: the period, the code or the moment is wrong, nothing was known, or it would contain what another
            release still holds back.
        WarehouseBusyError: another process writes the warehouse or cuts a release.
        WarehouseError: the folder cannot be written.
    """
    _, last_day = span_of(period)
    catalogue = load_catalogue()
    code, declared = _in_calendar(catalogue, period, code)
    now = datetime.now(UTC)
    cut_at = now.replace(microsecond=0)
    as_of = _passed(as_of, now)
    models = read_models(settings)
    with run_lock(settings), only_cutter(settings):
        warehouse = open_warehouse(settings)
        warehouse.prepare()
        repair_folders(settings)
        with reading_warehouse(settings) as (connection, name):
            newest = require_current_build(connection, name)
            known_at, build, then = build_known_at(connection, name, as_of)
            indicators = tuple(catalogue.indicators if declared is None else declared.covers(catalogue))
            require_not_held_elsewhere(connection, name, indicators, last_day, declared)
            contracts, of_today = freeze(
                connection,
                name,
                models,
                read_contracts(connection, name),
                Frozen(known_at, last_day, indicators),
            )
            contracts = sorted(
                [*contracts, index_contract(connection, build)], key=lambda contract: contract.name
            )
            content_hash = content_hash_of(connection, contracts)
            same = same_release(settings, code, period, build, content_hash)
            if same is not None:
                return same
            until = declared.embargo_until if declared else None
            more = {
                "release": code,
                "period": period,
                "as_of": as_of.isoformat(),
                "known_at": known_at.isoformat(),
                "build": build,
                "definitions_then": then,
                "cut_at": cut_at.isoformat(),
                "by": by,
                "why": why,
                "embargo_until": until.isoformat() if until else None,
                "of_the_cut": [] if build == newest else of_today,
                "method_versions": method_versions(connection, contracts),
                "code": code_version(),
                "loads": loads_in_force(connection),
            }
            identity = free_name(
                settings.releases, f"{code}-{as_of.astimezone(MINSK):%Y%m%d}-{content_hash[:8]}"
            )
            head = {
                "publication_id": identity,
                "created_at": cut_at.isoformat(),
                "content_hash": content_hash,
                "definitions_hash": definitions_hash(),
            }
            _write(settings, connection, contracts, head, more, is_held=until is not None and until > cut_at)
        found = read_release(settings.releases / identity)
        if found is None:
            raise WarehouseError(
                f"{settings.releases / identity}: the release just written is incomplete",
                "Check the disk, then try again.",
            )
        enter_releases(settings, [found])
    return Release(found.id, found.folder, found.manifest, is_new=True)


def _in_calendar(
    catalogue: IndicatorCatalogue, period: str, code: str | None
) -> tuple[str, CalendarRelease | None]:
    calendar = load_calendar(catalogue)
    if code is not None:
        declared = calendar.get(code)
        if declared is None:
            raise GorodError(
                f"there is no release {code!r} in the calendar", f"Declared: {', '.join(calendar)}."
            )
        if declared.period != period:
            raise GorodError(f"release {code} is for {declared.period}, not for {period}", "Give its period.")
        return code, declared
    found = [name for name, one in calendar.items() if one.period == period]
    if len(found) > 1:
        raise GorodError(f"the calendar has several releases of {period}", f"Name one: --code {found[0]}.")
    return (found[0], calendar[found[0]]) if found else (period, None)


def _passed(as_of: datetime, now: datetime) -> datetime:
    """A moment in the past; the end of the current day counts as now."""
    if as_of <= now:
        return as_of
    if as_of <= datetime.combine(
        now.astimezone(MINSK).date() + timedelta(days=1), datetime.min.time(), MINSK
    ):
        return now
    raise GorodError(
        f"{format_minsk(as_of)} is in the future",
        "A release contains what is known: give a moment in the past.",
    )


def code_version() -> dict[str, str | None]:
    """The code that computed it: package version, git commit if there is one, and the hash of the locked dependencies."""
    commit = None
    if (PROJECT / ".git").exists():
        with suppress(OSError, subprocess.CalledProcessError):
            commit = subprocess.run(
                ["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True
            ).stdout.strip()
    try:
        version: str | None = metadata.version("gorod")
    except metadata.PackageNotFoundError:
        version = None
    lock = PROJECT / "requirements.lock"
    return {
        "version": version,
        "commit": commit,
        "requirements_sha256": sha256_of(lock) if lock.exists() else None,
    }


def _write(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    contracts: list[Contract],
    head: dict[str, Any],
    more: dict[str, Any],
    *,
    is_held: bool,
) -> None:
    """Write the folder beside the others, make it durable, rename it. Meanwhile only the owner can read it."""
    building = settings.releases / f"{BUILDING}{head['publication_id']}"
    try:
        building.mkdir(mode=0o700)
        write_contracts(connection, contracts, building, head, with_regions=False, more=more)
        seal(building)
        set_modes(building, is_held)
        building.rename(settings.releases / head["publication_id"])
        sync(settings.releases)
    except (OSError, duckdb.Error) as error:
        raise cannot_write(settings, error) from error
