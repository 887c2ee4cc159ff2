"""Releases: frozen, dated sets of the published tables that never change; reports are made from them.

A release is a folder laid out like a publication. It is written beside the others, sealed and renamed; its ledger row
follows from its manifest, and the next command enters it if a run was killed in between.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.catalogue.definition import definitions_hash
from pipelines.declarations.indicators import IndicatorCatalogue, load_catalogue
from pipelines.declarations.releases import CalendarRelease, load_calendar
from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.loading.plan import run_lock
from pipelines.moments import MINSK, format_minsk
from pipelines.periods import span_of
from pipelines.publishing.contracts import (
    DATABASE,
    MANIFEST,
    Column,
    Contract,
    content_hash_of,
    read_contracts,
    write_contracts,
)
from pipelines.publishing.embargo import embargo_of, require_open
from pipelines.publishing.folders import (
    BUILDING,
    free_name,
    only_writer,
    remove_leftovers,
    seal,
    sha256_of,
    sync,
)
from pipelines.publishing.history import stamp
from pipelines.publishing.publication import (
    Publication,
    read_publication,
    reading_warehouse,
    require_sound_build,
)
from pipelines.releases.frozen import Frozen, freeze, read_models
from pipelines.settings import PROJECT, Settings
from pipelines.sql import quoted
from pipelines.warehouse import open_warehouse

State = Literal["open", "under embargo", "damaged", "missing"]


@dataclass(frozen=True)
class Release:
    """One release on disk; ``manifest`` is its file's contents. ``is_new`` is False if it already existed."""

    id: str
    folder: Path
    manifest: dict[str, Any]
    is_new: bool = False

    @property
    def database(self) -> Path:
        """The DuckDB file with schema ``published``."""
        return self.folder / DATABASE

    @property
    def embargo_until(self) -> datetime | None:
        """Until when it is under embargo, by today's calendar."""
        return embargo_of(self.manifest)

    @property
    def is_held(self) -> bool:
        """Whether it is under embargo now."""
        until = self.embargo_until
        return until is not None and until > datetime.now(UTC)


@dataclass(frozen=True)
class Listed:
    """A release as described by the ledger and the folder."""

    id: str
    release: str
    period: str
    as_of: datetime
    cut_at: datetime
    by: str
    embargo_until: datetime | None
    state: State


def cut(
    settings: Settings, period: str, as_of: datetime, by: str, code: str | None = None, why: str | None = None
) -> Release:
    """Freeze what was known at a moment about the periods that end by the end of ``period``.

    Nothing becomes known between two builds: the same code, period and build, with the same content, are the same
    release, and nothing is written.

    Args:
        code: code of the release in the calendar; by default the one for this period. Without a calendar entry it
            holds all indicators and has no embargo.

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
    with run_lock(settings), _writing(settings):
        warehouse = open_warehouse(settings)
        warehouse.prepare()
        _repair(settings)
        with reading_warehouse(settings) as (connection, name):
            newest = _require_definitions(connection, name)
            known_at, build, then = _build_known(connection, name, as_of)
            indicators = tuple(catalogue.indicators if declared is None else declared.covers(catalogue))
            _require_alone(connection, name, indicators, last_day, declared)
            contracts, of_today = freeze(
                connection,
                name,
                models,
                read_contracts(connection, name),
                Frozen(known_at, last_day, indicators),
            )
            contracts = sorted([*contracts, _index(connection, build)], key=lambda contract: contract.name)
            content_hash = content_hash_of(connection, contracts)
            same = _same(settings, code, period, build, content_hash)
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
                "method_versions": _methods(connection, contracts),
                "code": code_version(),
                "loads": _loads(connection),
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
        found = _read(settings.releases / identity)
        if found is None:
            raise WarehouseError(
                f"{settings.releases / identity}: the release just written is not whole",
                "Check the disk, then try again.",
            )
        _enter(settings, [found])
    return Release(found.id, found.folder, found.manifest, is_new=True)


def _in_calendar(
    catalogue: IndicatorCatalogue, period: str, code: str | None
) -> tuple[str, CalendarRelease | None]:
    calendar = load_calendar(catalogue)
    if code is not None:
        declared = calendar.get(code)
        if declared is None:
            raise GorodError(
                f"there is no release {code!r} in the calendar", f"There are: {', '.join(calendar)}."
            )
        if declared.period != period:
            raise GorodError(
                f"release {code} is of {declared.period}, not of {period}", "Give its own period."
            )
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
        f"{format_minsk(as_of)} has not come yet",
        "A release holds what is known: give a moment that has passed.",
    )


def _require_definitions(connection: duckdb.DuckDBPyConnection, warehouse: str) -> str:
    """The newest build, which must be successful and use today's definitions: their SQL makes the contracts."""
    try:
        built_by, build = require_sound_build(connection, warehouse)
    except GorodError as error:
        raise GorodError(f"no release: {error.message}", error.remedy) from error
    if built_by != definitions_hash():
        raise GorodError(
            "no release: the definitions have changed since the marts were built", "Run `gorod run`."
        )
    return build


def _build_known(
    connection: duckdb.DuckDBPyConnection, warehouse: str, as_of: datetime
) -> tuple[datetime, str, str | None]:
    """End, invocation and definitions' hash of the last successful build before a moment: it determines what was known."""
    row = connection.execute(
        f"select epoch_us(built_at), invocation_id, definitions_hash from {quoted(warehouse)}.ops.build_state"
        " where ok and whole and built_at <= ?::timestamptz order by build_no desc limit 1",
        [as_of.isoformat()],
    ).fetchone()
    if row is None:
        raise GorodError(
            f"nothing was known at {format_minsk(as_of)}: the marts had not been built yet",
            "Give a later moment.",
        )
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row[0]), str(row[1]), row[2]


def _require_alone(
    connection: duckdb.DuckDBPyConnection,
    warehouse: str,
    indicators: tuple[str, ...],
    last_day: date,
    declared: CalendarRelease | None,
) -> None:
    """Check that no other release holds its contents back for longer than its own embargo."""
    row = connection.execute(
        f"""
        select held.indicator, held.time_period, epoch_us(held.held_until)
        from {quoted(warehouse)}.intermediate.int_embargo_indicator as held
        inner join {quoted(warehouse)}.marts.dim_period as periods on held.time_period = periods.time_period
        where
            list_contains($indicators, held.indicator) and periods.last_day <= $last_day
            and held.held_until > now() and held.held_until > $own::timestamptz
        order by all limit 1
        """,
        {
            "indicators": list(indicators),
            "last_day": last_day,
            "own": (declared.embargo_until if declared else datetime.now(UTC)).isoformat(),
        },
    ).fetchone()
    if row is not None:
        until = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row[2])
        raise GorodError(
            f"it would hold {row[0]} of {row[1]}, which another release holds back until {format_minsk(until)}",
            "Cut that release, wait, or name the indicators of this one in the calendar.",
        )


def _index(connection: duckdb.DuckDBPyConnection, build: str) -> Contract:
    """The indices, computed from the frozen values."""
    from pipelines.publishing.index_contract import DESCRIPTION, DESCRIPTIONS, TABLE, publish_index

    connection.execute(
        "create table memory.ops.index_build (invocation_id varchar, built_at timestamptz, rows bigint)"
    )
    publish_index(connection, build)
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = 'memory'"
        " and schema_name = ? and table_name = ? order by column_index",
        TABLE.split("."),
    ).fetchall()
    return Contract(
        TABLE.split(".")[1],
        f"memory.{TABLE}",
        DESCRIPTION,
        tuple(Column(name, kind, DESCRIPTIONS[name]) for name, kind in columns),
    )


def _methods(connection: duckdb.DuckDBPyConnection, contracts: list[Contract]) -> dict[str, list[str]]:
    """Method versions by indicator, from the frozen values."""
    values = next(one for one in contracts if one.name == "pub_indicator_value_v1")
    rows = connection.execute(
        "select indicator, list(distinct method_version order by method_version)"
        f" from {values.read_from} group by indicator order by indicator"
    ).fetchall()
    return dict(rows)


def _loads(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The loads then in force, of the indicators' feeds, that begin by the end of the period."""
    names = (
        "load_id",
        "source",
        "feed",
        "instance",
        "slice",
        "state",
        "received_at",
        "sha256",
        "files",
        "synthetic",
    )
    rows = connection.execute(
        f"select {', '.join(names)} from memory.ops.effective_load"
        " where load_id in (select load_id from memory.main.wanted_load)"
        " order by source, feed, instance, slice, load_id"
    ).fetchall()
    loads = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**load, "received_at": load["received_at"].isoformat()} for load in loads]


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
        _set_modes(building, is_held)
        building.rename(settings.releases / head["publication_id"])
        sync(settings.releases)
    except (OSError, duckdb.Error) as error:
        raise _cannot_write(settings, error) from error


def _set_modes(folder: Path, is_held: bool) -> None:
    """Make it read-only; under embargo, for the owner only. The folder itself is opened last and closed first."""
    paths = [folder, *sorted(folder.rglob("*"))]
    for path in paths if is_held else reversed(paths):
        mode = (0o700 if is_held else 0o755) if path.is_dir() else (0o400 if is_held else 0o444)
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)


@contextmanager
def _writing(settings: Settings) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(only_writer(settings.releases, settings.busy_timeout_s, "cutting a release"))
            remove_leftovers(settings.releases)
        except OSError as error:
            raise _cannot_write(settings, error) from error
        yield


def _cannot_write(settings: Settings, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"{settings.releases}: the release cannot be written: {error}",
        "Check free space and permissions, then try again; releases before stay.",
    )


def repair(settings: Settings) -> None:
    """Finish what a killed run or an ended embargo left: ledger rows, permissions. Now, or the next time."""
    if not settings.releases.exists():
        return
    quick = settings.model_copy(update={"busy_timeout_s": 0.0})
    with suppress(WarehouseBusyError), _writing(quick):
        _repair(quick)


def _repair(settings: Settings) -> None:
    """The same, for the holder of the lock."""
    whole = [found for found in map(_read, _folders(settings)) if found is not None]
    for found in whole:
        _set_modes(found.folder, found.is_held)
    known = {row["release_id"] for row in _ledger(settings)}
    missing = [found for found in whole if found.id not in known]
    if missing:
        _enter(settings, missing)


def _enter(settings: Settings, releases: list[Release]) -> None:
    """The ledger rows, from the manifests."""
    with open_warehouse(settings).connection() as connection:
        for found in releases:
            manifest = found.manifest
            until = manifest["embargo_until"]
            connection.execute(
                "insert into ops.release (release_id, release, time_period, as_of, known_at, cut_at, by_whom, why,"
                " embargo_until, content_hash, manifest_sha256, invocation_id)"
                " select ?, ?, ?, ?::timestamp, ?::timestamp, ?::timestamp, ?, ?, ?::timestamp, ?, ?, ?"
                " where not exists (select 1 from ops.release where release_id = ?)",
                [
                    found.id, manifest["release"], manifest["period"],
                    *(stamp(datetime.fromisoformat(manifest[name])) for name in ("as_of", "known_at", "cut_at")),
                    manifest["by"], manifest["why"], stamp(datetime.fromisoformat(until)) if until else None,
                    manifest["content_hash"], sha256_of(found.folder / MANIFEST), manifest["build"], found.id,
                ],
            )  # fmt: skip


def _ledger(settings: Settings) -> list[dict[str, Any]]:
    warehouse = open_warehouse(settings)
    if not warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'ops' and table_name = 'release'"
    ):
        return []
    return warehouse.query("select * from ops.release order by cut_at, release_id")


def _folders(settings: Settings) -> list[Path]:
    if not settings.releases.exists():
        return []
    return sorted(p for p in settings.releases.iterdir() if p.is_dir() and not p.name.startswith("."))


def _read(folder: Path) -> Release | None:
    """The release in a folder, or None if a file is missing or truncated."""
    if read_publication(folder) is None:
        return None
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Release(folder.name, folder, manifest)


def _same(settings: Settings, code: str, period: str, build: str, content_hash: str) -> Release | None:
    wanted = (code, period, build, content_hash)
    for found in map(_read, _folders(settings)):
        if found is not None and wanted == tuple(
            found.manifest[name] for name in ("release", "period", "build", "content_hash")
        ):
            return found
    return None


def list_releases(settings: Settings) -> list[Listed]:
    """All releases, oldest cut first: those of the ledger, and folders that are not in it yet."""
    folders = {folder.name: folder for folder in _folders(settings)}
    listed = []
    for row in _ledger(settings):
        folder = folders.pop(row["release_id"], None)
        found = _read(folder) if folder is not None else None
        until = row["embargo_until"]
        listed.append(
            Listed(
                row["release_id"],
                row["release"],
                row["time_period"],
                row["as_of"].replace(tzinfo=UTC),
                row["cut_at"].replace(tzinfo=UTC),
                row["by_whom"],
                found.embargo_until if found else until and until.replace(tzinfo=UTC),
                _state(folder, found),
            )
        )
    for folder in folders.values():
        found = _read(folder)
        if found is not None:
            about = found.manifest
            as_of, cut_at = (datetime.fromisoformat(about[name]) for name in ("as_of", "cut_at"))
            listed.append(
                Listed(
                    found.id, about["release"], about["period"], as_of, cut_at, about["by"],
                    found.embargo_until, _state(folder, found),
                )
            )  # fmt: skip
    return listed


def _state(folder: Path | None, found: Release | None) -> State:
    if folder is None:
        return "missing"
    if found is None:
        return "damaged"
    return "under embargo" if found.is_held else "open"


def find_release(settings: Settings, piece: str) -> Release:
    """The release by its id, or by an unambiguous part of it.

    Raises:
        GorodError: there is none, there are several, or its folder is incomplete.
    """
    identity = _named(settings, piece)
    release = _read(settings.releases / identity)
    if release is None:
        raise GorodError(
            f"release {identity}: its folder is not whole", f"See: gorod release verify {identity}"
        )
    return release


def _named(settings: Settings, piece: str) -> str:
    ids = sorted(
        {folder.name for folder in _folders(settings)} | {row["release_id"] for row in _ledger(settings)}
    )
    found = [one for one in ids if one == piece] or [one for one in ids if piece in one]
    if len(found) != 1:
        raise GorodError(
            f"{len(found) or 'no'} releases are called {piece!r}",
            f"There are: {', '.join(found or ids) or 'none yet: gorod release cut'}.",
        )
    return found[0]


def publication_of(settings: Settings, piece: str) -> Publication:
    """A release as a publication, for reports and exports.

    Raises:
        GorodError: there is no such release, or it is under embargo.
    """
    found = find_release(settings, piece)
    require_open(found.folder)
    publication = read_publication(found.folder)
    assert publication is not None
    return publication


def verify(settings: Settings, piece: str) -> tuple[str, list[str]]:
    """The release's id, and what is wrong with it; nothing if it is as it was cut.

    Every file is read and hashed; the manifest is compared with the ledger.

    Raises:
        GorodError: there is no such release.
    """
    rows = {row["release_id"]: row for row in _ledger(settings)}
    identity = _named(settings, piece)
    return identity, _problems(settings.releases / identity, rows.get(identity))


def _problems(folder: Path, row: dict[str, Any] | None) -> list[str]:
    try:
        text = (folder / MANIFEST).read_bytes()
        files = json.loads(text)["files"]
    except (OSError, ValueError, KeyError) as error:
        return [f"{folder / MANIFEST}: cannot be read: {error}"]
    problems = []
    if row is None:
        problems.append("it is not in the ledger yet: the next command enters it")
    elif row["manifest_sha256"] != sha256(text).hexdigest():
        problems.append(f"{MANIFEST}: is not the one that the ledger knows")
    for name, about in files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name}: is missing")
        elif sha256_of(path) != about["sha256"]:
            problems.append(f"{name}: has changed")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    problems += [f"{name}: does not belong to it" for name in sorted(there - {MANIFEST, *files})]
    return problems
