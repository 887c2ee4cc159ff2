"""One product in its own folder: written beside the target, described, renamed into place."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.exports.snapshot import Snapshot
from pipelines.publishing.folders import BUILDING, sha256_of

DESCRIPTION = "export.json"
SYNTHETIC = "Синтетические данные, не для использования / synthetic data: the figures are invented"

# writes a product's files into an empty folder; the folder with the other products is for links
Maker = Callable[[Snapshot, Path, Path], None]


@dataclass(frozen=True)
class File:
    """A written file: its name within the product."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Export:
    """A written product. The same publication gives the same files."""

    product: str
    folder: str
    publication_id: str
    region: str | None
    synthetic: bool
    files: tuple[File, ...]


def write_product(name: str, make: Maker, snapshot: Snapshot, out: Path) -> Export:
    """Make ``out/name`` from a published file, replacing an earlier export.

    Raises:
        GorodError: there is a folder of that name that is not an export.
        WarehouseError: it cannot be written; the earlier export stays.
    """
    folder = out / name
    if folder.exists() and not (folder / DESCRIPTION).is_file():
        raise GorodError(
            f"{folder}: is there already, and is no export of Gorod",
            "Name another folder by -o: nothing is overwritten that was not exported.",
        )
    building, old = (out / f"{BUILDING}{what}{name}-{os.getpid()}" for what in ("", "old-"))
    try:
        building.mkdir(parents=True)
        make(snapshot, building, out)
        files = tuple(
            File(path.relative_to(building).as_posix(), path.stat().st_size, sha256_of(path))
            for path in sorted(building.rglob("*"))
            if path.is_file()
        )
        export = Export(
            name,
            str(folder),
            snapshot.publication_id,
            snapshot.region,
            snapshot.synthetic,
            files,
        )
        _describe(export, snapshot, building / DESCRIPTION)
        _swap(building, folder, old)
    except OSError as error:
        raise WarehouseError(
            f"{folder}: cannot be written: {error}", "Check free space and permissions, then try again."
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return export


def _swap(building: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        building.rename(folder)
        return
    folder.rename(old)
    try:
        building.rename(folder)
    except OSError:
        old.rename(folder)
        raise


def _describe(export: Export, snapshot: Snapshot, path: Path) -> None:
    described = {
        "product": export.product,
        "publication_id": export.publication_id,
        "created_at": snapshot.created_at.isoformat(),
        "content_hash": snapshot.content_hash,
        "region": export.region,
        "synthetic": export.synthetic,
        **({"notice": SYNTHETIC} if export.synthetic else {}),
        "files": [asdict(file) for file in export.files],
    }
    write_json(described, path)


def write_json(value: object, path: Path) -> None:
    """Write readable JSON: UTF-8, indented."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
