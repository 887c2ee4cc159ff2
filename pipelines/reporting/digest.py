"""The country digest: a workbook and a document from published data, put in place together."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.declarations.reports import Report, load_report
from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.folders import BUILDING, only_writer, remove_leftovers, seal, sha256_of
from pipelines.publishing.publication import Publication, current_publication
from pipelines.reporting.document import write_document
from pipelines.reporting.figures import Digest
from pipelines.reporting.read_digest import read_digest
from pipelines.reporting.report_folder import recover, replace
from pipelines.reporting.workbook import write_workbook
from pipelines.settings import Settings

DIGEST = "country_digest"
WORKBOOK, DOCUMENT, MANIFEST = "digest.xlsx", "digest.pdf", "manifest.json"


@dataclass(frozen=True)
class ReportResult:
    """The report's location and contents. ``is_new`` is False if the same documents already existed."""

    folder: Path
    digest: Digest
    is_new: bool

    @property
    def period(self) -> str:
        return self.digest.period

    @property
    def publication_id(self) -> str:
        return self.digest.publication.id

    @property
    def synthetic(self) -> bool:
        return self.digest.synthetic

    @property
    def workbook(self) -> Path:
        return self.folder / WORKBOOK

    @property
    def document(self) -> Path:
        return self.folder / DOCUMENT


def make_digest(
    settings: Settings,
    period: str | None = None,
    report: Report | None = None,
    release: Publication | None = None,
) -> ReportResult:
    """Make the digest of a period from the current publication, or from a release.

    For the publication, a month (``YYYY-MM``), by default the newest with figures; for a release, its own
    period, or one within it. The same publication and period give the same bytes. ``report`` defaults to the
    declared country digest. Reports from a release are in ``reports/releases/<id>/<report>/<period>``.

    Raises:
        GorodError: nothing is published, or nothing for the period; no such indicator; or a document is too long.
        WarehouseBusyError: another process is making reports.
        WarehouseError: the snapshot cannot be read, or the report cannot be written; the previous report stays.
    """
    report = report or load_report(DIGEST)
    publication = release or current_publication(settings)
    if publication is None:
        raise GorodError(
            "no report: nothing is published yet", "Run `gorod run` first: it loads, builds and publishes."
        )
    digest = read_digest(publication, report, period)
    period = digest.period
    home = settings.reports if release is None else settings.reports / "releases" / release.id
    folder = home / report.report / period
    beside = folder.with_name(f"{BUILDING}{period}")
    try:
        with only_writer(folder.parent, settings.busy_timeout_s, "making reports"):
            recover(folder)
            remove_leftovers(folder.parent)
            beside.mkdir()
            write_workbook(digest, beside / WORKBOOK)
            write_document(digest, beside / DOCUMENT)
            _check(beside)
            documents = {name: sha256_of(beside / name) for name in (WORKBOOK, DOCUMENT)}
            is_new = _documents_of(folder) != documents
            if is_new or not is_current(folder, digest.publication, report):
                text = json.dumps(_manifest(digest, documents), ensure_ascii=False, indent=2) + "\n"
                (beside / MANIFEST).write_text(text, encoding="utf-8")
                seal(beside)
                replace(folder, beside)
            else:
                shutil.rmtree(beside)
    except OSError as error:
        raise WarehouseError(
            f"{folder}: the report cannot be written: {error}",
            "Check free space and permissions, then try again; the previous report stays.",
        ) from error
    return ReportResult(folder, digest, is_new)


def is_current(folder: Path, publication: Publication, report: Report) -> bool:
    """Whether the existing report was made from this publication, by this declaration."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    made_of = (publication.content_hash, _declaration_hash(report))
    return (manifest.get("content_hash"), manifest.get("declaration_hash")) == made_of


def _declaration_hash(report: Report) -> str:
    return hashlib.sha256(report.model_dump_json().encode()).hexdigest()


def _manifest(digest: Digest, documents: dict[str, str]) -> dict[str, Any]:
    return {
        "report": digest.report.report,
        "period": digest.period,
        "publication_id": digest.publication.id,
        "content_hash": digest.publication.content_hash,
        "definitions_hash": digest.publication.definitions_hash,
        "declaration_hash": _declaration_hash(digest.report),
        "generated_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "synthetic": digest.synthetic,
        "method_versions": {line.indicator.code: line.indicator.method_version for line in digest.lines},
        "periods": {line.indicator.code: line.time_period for line in digest.lines},
        "documents": documents,
    }


def _documents_of(folder: Path) -> dict[str, str] | None:
    """Hashes of the existing documents, or None if there is no complete report."""
    try:
        json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {name: sha256_of(folder / name) for name in (WORKBOOK, DOCUMENT)}
    except (OSError, ValueError):
        return None


def _check(folder: Path) -> None:
    """Reopen the documents, so that a damaged one is not delivered."""
    with zipfile.ZipFile(folder / WORKBOOK) as workbook:
        damaged = workbook.testzip()
    content = (folder / DOCUMENT).read_bytes()
    if damaged or not content.startswith(b"%PDF-") or b"%%EOF" not in content[-16:]:
        raise WarehouseError(
            f"{folder}: a document was written damaged ({damaged or DOCUMENT})",
            "Check the disk, then try again.",
        )
