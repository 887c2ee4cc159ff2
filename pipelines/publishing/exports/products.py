"""The products by name, and how to make them from a publication."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from pipelines.errors import GorodError
from pipelines.publishing.embargo import require_open_file
from pipelines.publishing.exports.product import Export, write_product
from pipelines.publishing.exports.snapshot import open_snapshot
from pipelines.publishing.publication import current_publication
from pipelines.settings import Settings

# methodology pages link to the others, so they come last
PRODUCTS = ("sdmx", "fiware", "datapackage", "methodology")


def export(
    settings: Settings,
    out: Path,
    products: Sequence[str] = (),
    *,
    region: str | None = None,
    file: Path | None = None,
) -> list[Export]:
    """Make the named products, or all if none is named, each in ``out/<product>``.

    Args:
        region: ref_area of a region, whose own file is read instead of the country's.
        file: a published ``gorod.duckdb``; by default the current publication's.

    Raises:
        GorodError: nothing is published, there is no such region, the file is not a publication, or it belongs to a
            release under embargo.
        WarehouseError: a product cannot be written; the earlier export stays.
    """
    with open_snapshot(_published_file(settings, region, file)) as snapshot:
        if file is not None:
            require_open_file(settings, snapshot.path, snapshot.publication_id, snapshot.connection)
        if region not in (None, snapshot.region):
            raise GorodError(
                f"{snapshot.path}: is not the file of region {region}",
                "Name the region's own file, regions/<region>.duckdb of the publication.",
            )
        return [
            write_product(name, import_module(f"pipelines.publishing.exports.{name}").make, snapshot, out)
            for name in (products or PRODUCTS)
        ]


def _published_file(settings: Settings, region: str | None, file: Path | None) -> Path:
    if file is not None:
        beside = file.parent / "regions" / f"{region}.duckdb"
        return beside if region is not None and beside.is_file() else file
    publication = current_publication(settings)
    if publication is None:
        raise GorodError("nothing is published yet", "Run: gorod run")
    if region is None:
        return publication.database
    files = {path.stem: path for path in sorted((publication.folder / "regions").glob("*.duckdb"))}
    if region not in files:
        raise GorodError(f"there is no region {region!r}", f"Regions: {', '.join(files)}.")
    return files[region]
