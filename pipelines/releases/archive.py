"""Releases: frozen, dated sets of the published tables that never change; reports are made from them.

A release is a folder laid out like a publication. It is written beside the others, sealed and renamed; its ledger row
follows from its manifest, and the next command enters it if a run was killed in between.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.publishing.contracts import DATABASE, MANIFEST
from pipelines.publishing.embargo import embargo_of, require_open
from pipelines.publishing.folders import only_writer, remove_leftovers, sha256_of
from pipelines.publishing.history import stamp
from pipelines.publishing.publication import Publication, read_publication
from pipelines.settings import Settings
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


def set_modes(folder: Path, is_held: bool) -> None:
    """Make it read-only; under embargo, for the owner only. The folder itself is opened last and closed first."""
    paths = [folder, *sorted(folder.rglob("*"))]
    for path in paths if is_held else reversed(paths):
        mode = (0o700 if is_held else 0o755) if path.is_dir() else (0o400 if is_held else 0o444)
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)


@contextmanager
def only_cutter(settings: Settings) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(only_writer(settings.releases, settings.busy_timeout_s, "cutting a release"))
            remove_leftovers(settings.releases)
        except OSError as error:
            raise cannot_write(settings, error) from error
        yield


def cannot_write(settings: Settings, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"{settings.releases}: the release cannot be written: {error}",
        "Check free space and permissions, then try again; earlier releases stay.",
    )


def repair(settings: Settings) -> None:
    """Finish what a killed run or an ended embargo left: ledger rows, permissions. Now, or the next time."""
    if not settings.releases.exists():
        return
    quick = settings.model_copy(update={"busy_timeout_s": 0.0})
    with suppress(WarehouseBusyError), only_cutter(quick):
        repair_folders(quick)


def repair_folders(settings: Settings) -> None:
    """The same, for the holder of the lock."""
    whole = [found for found in map(read_release, _folders(settings)) if found is not None]
    for found in whole:
        set_modes(found.folder, found.is_held)
    known = {row["release_id"] for row in _ledger(settings)}
    missing = [found for found in whole if found.id not in known]
    if missing:
        enter_releases(settings, missing)


def enter_releases(settings: Settings, releases: list[Release]) -> None:
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


def read_release(folder: Path) -> Release | None:
    """The release in a folder, or None if a file is missing or truncated."""
    if read_publication(folder) is None:
        return None
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Release(folder.name, folder, manifest)


def releases_with(settings: Settings, load_id: str, counted_since: datetime) -> list[str]:
    """Ids of the releases that were made from a load, by their manifests.

    Of a release whose folder is not here or cannot be read nobody knows: it counts as one of them if it shows what was
    known after ``counted_since`` (UTC).
    """
    found, known = set(), {row["release_id"]: row["known_at"] for row in _ledger(settings)}
    for folder in _folders(settings):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            loads = {load["load_id"] for load in manifest["loads"]}
        except (OSError, ValueError, KeyError):
            continue
        known.pop(folder.name, None)
        if load_id in loads:
            found.add(folder.name)
    return sorted(found | {name for name, known_at in known.items() if known_at >= counted_since})


def same_release(settings: Settings, code: str, period: str, build: str, content_hash: str) -> Release | None:
    wanted = (code, period, build, content_hash)
    for found in map(read_release, _folders(settings)):
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
        found = read_release(folder) if folder is not None else None
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
        found = read_release(folder)
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
    release = read_release(settings.releases / identity)
    if release is None:
        raise GorodError(
            f"release {identity}: its folder is incomplete", f"See: gorod release verify {identity}"
        )
    return release


def _named(settings: Settings, piece: str) -> str:
    ids = sorted(
        {folder.name for folder in _folders(settings)} | {row["release_id"] for row in _ledger(settings)}
    )
    found = [one for one in ids if one == piece] or [one for one in ids if piece in one]
    if len(found) != 1:
        raise GorodError(
            f"{len(found) or 'no'} releases match {piece!r}",
            f"Releases: {', '.join(found or ids) or 'none yet: gorod release cut'}.",
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
        problems.append(f"{MANIFEST}: is not the one recorded in the ledger")
    for name, about in files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name}: is missing")
        elif sha256_of(path) != about["sha256"]:
            problems.append(f"{name}: has changed")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    problems += [f"{name}: does not belong to it" for name in sorted(there - {MANIFEST, *files})]
    return problems
