"""The profiles of all territories, put in place together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.declarations.reports import ProfileReport, load_profile_report
from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.folders import BUILDING, only_writer, remove_leftovers, seal, sha256_of
from pipelines.publishing.publication import Publication, current_publication
from pipelines.reporting.profiles.document import write_document
from pipelines.reporting.profiles.read_profile import opened, read_profile, territories_of
from pipelines.reporting.profiles.workbook import write_workbook
from pipelines.reporting.report_folder import recover, replace
from pipelines.settings import Settings

MANIFEST = "manifest.json"
CURRENT = "current"


@dataclass(frozen=True)
class ProfilesResult:
    """Where the profiles lie. ``is_new`` is False if the same documents were there already."""

    folder: Path
    documents: dict[str, str]
    publication_id: str
    synthetic: bool
    is_new: bool


def make_profiles(
    settings: Settings,
    name: str,
    release: Publication | None = None,
    territories: Collection[str] = (),
    to: Path | None = None,
) -> ProfilesResult:
    """Make the profiles of every territory from the current publication, or from a release.

    Those of the publication are in ``reports/<report>/current``, those of a release in
    ``reports/releases/<id>/<report>``; the set is replaced as a whole. With ``territories`` only theirs are made, into
    ``to``. The same publication gives the same bytes.

    Raises:
        GorodError: nothing is published yet, or there is no such territory.
        WarehouseBusyError: another process is making them.
        WarehouseError: the snapshot cannot be read, or the documents cannot be written; the previous ones stay.
    """
    report = load_profile_report(name)
    publication = release or current_publication(settings)
    if publication is None:
        raise GorodError(
            "no report: nothing is published yet", "Run `gorod run` first: it loads, builds and publishes."
        )
    home = settings.reports / name if release is None else settings.reports / "releases" / release.id
    folder = to or home / (CURRENT if release is None else name)
    beside = folder.with_name(f"{BUILDING}{folder.name}")
    try:
        with only_writer(folder.parent, settings.busy_timeout_s, "making profiles"):
            recover(folder)
            remove_leftovers(folder.parent)
            beside.mkdir()
            synthetic = _write_all(publication, report, territories, beside)
            documents = {path.name: sha256_of(path) for path in sorted(beside.iterdir())}
            is_new = _manifest_of(folder).get("documents") != documents
            if is_new:
                manifest: dict[str, Any] = {
                    "report": name,
                    "publication_id": publication.id,
                    "content_hash": publication.content_hash,
                    "definitions_hash": publication.definitions_hash,
                    "synthetic": synthetic,
                    "documents": documents,
                }
                text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
                (beside / MANIFEST).write_text(text, encoding="utf-8")
                seal(beside)
                replace(folder, beside)
            else:
                shutil.rmtree(beside)
    except OSError as error:
        raise WarehouseError(
            f"{folder}: the profiles cannot be written: {error}",
            "Check free space and permissions, then try again; the previous ones stay.",
        ) from error
    return ProfilesResult(folder, documents, publication.id, synthetic, is_new)


def _write_all(
    publication: Publication, report: ProfileReport, territories: Collection[str], folder: Path
) -> bool:
    """Write every document into the folder; whether any shows invented figures."""
    synthetic = False
    with opened(publication) as connection:
        for ref_area in territories or territories_of(connection, report.levels):
            profile = read_profile(connection, publication, ref_area, report.indicators)
            synthetic |= profile.synthetic
            for language in report.languages:
                write_document(profile, report, language, folder / f"{ref_area}.{language}.pdf")
                write_workbook(profile, report, language, folder / f"{ref_area}.{language}.xlsx")
    return synthetic


def _manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of the documents that are there; empty if they are not whole."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        there = {name: sha256_of(folder / name) for name in manifest["documents"]}
    except (OSError, ValueError, KeyError):
        return {}
    return manifest if there == manifest["documents"] else {}
