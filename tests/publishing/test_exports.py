"""What holds of every product: the same bytes again, whole or not at all, nothing that is not published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import GorodError
from pipelines.publishing.exports import sdmx
from pipelines.publishing.exports.products import PRODUCTS, export
from pipelines.publishing.folders import sha256_of
from pipelines.publishing.publication import Publication
from pipelines.settings import Settings, get_settings

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_same_publication_gives_the_same_bytes(home: Settings, tmp_path: Path) -> None:
    done = export(home, tmp_path / "one")
    again = export(home, tmp_path / "two")
    assert [one.product for one in done] == list(PRODUCTS)
    assert [one.files for one in done] == [one.files for one in again]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_what_was_exported_is_replaced_as_a_whole(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path)
    before = contents(tmp_path)
    (tmp_path / "fiware" / "BY-XX.json").write_text("left over from another publication")
    export(home, tmp_path)
    assert contents(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PRODUCTS)


def test_each_product_says_what_it_is_made_from(
    home: Settings, publication: Publication, tmp_path: Path
) -> None:
    for one in export(home, tmp_path):
        described = json.loads((tmp_path / one.product / "export.json").read_text(encoding="utf-8"))
        assert described["publication_id"] == publication.id
        assert described["content_hash"] == publication.content_hash
        assert described["synthetic"] is True
        listed = {file["name"]: file["sha256"] for file in described["files"]}
        there = {name for name in contents(tmp_path / one.product) if name != "export.json"}
        assert set(listed) == there
        assert all(sha256_of(tmp_path / one.product / name) == sha256 for name, sha256 in listed.items())


def test_a_folder_of_somebody_else_is_left_alone(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "sdmx").mkdir()
    (tmp_path / "sdmx" / "thesis.txt").write_text("mine")
    with pytest.raises(GorodError, match="is there already"):
        export(home, tmp_path, ["sdmx"])
    assert contents(tmp_path) == {"sdmx/thesis.txt": b"mine"}


def test_a_failed_export_leaves_what_was_there(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(home, tmp_path, ["sdmx"])
    before = contents(tmp_path)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sdmx, "data_query", fail)
    with pytest.raises(GorodError, match="No space left"):
        export(home, tmp_path, ["sdmx"])
    assert contents(tmp_path) == before


def test_nothing_but_the_published_file_is_read(
    home: Settings, publication: Publication, tmp_path: Path
) -> None:
    """The file alone, carried away from its warehouse, gives the same products."""
    export(home, tmp_path / "here")
    alone = tmp_path / "alone" / "gorod.duckdb"
    alone.parent.mkdir()
    shutil.copy(publication.database, alone)
    export(Settings(home=tmp_path / "nowhere"), tmp_path / "there", file=alone)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_errors_say_what_to_do(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(GorodError, match="nothing is published yet"):
        export(Settings(home=tmp_path / "empty"), tmp_path / "out")
    with pytest.raises(GorodError, match="no region 'BY-XX'") as unknown:
        export(home, tmp_path / "out", region="BY-XX")
    assert "BY-BR" in unknown.value.remedy
    with pytest.raises(GorodError, match="there is no such file"):
        export(home, tmp_path / "out", file=tmp_path / "none.duckdb")
    with pytest.raises(GorodError, match="not a publication"):
        export(home, tmp_path / "out", file=Path(home.warehouse))
    text = tmp_path / "text.duckdb"
    text.write_text("not a database")
    with pytest.raises(GorodError, match="cannot be opened"):
        export(home, tmp_path / "out", file=text)
    old = tmp_path / "old.duckdb"
    with duckdb.connect(str(old)) as connection:
        connection.execute(
            "create schema published; create table published.publication as select 'p' as publication_id,"
            " now() as created_at, 'h' as content_hash, null::varchar as region, false as synthetic"
        )
    with pytest.raises(GorodError, match="not what this version publishes"):
        export(home, tmp_path / "out", ["sdmx"], file=old)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_command(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOROD_HOME", str(home.home))
    get_settings.cache_clear()
    try:
        done = CliRunner().invoke(app, ["export", "all", "-o", str(tmp_path), "--region", "BY-VI", "--json"])
        assert done.exit_code == 0, done.output
        assert [(one["product"], one["region"]) for one in json.loads(done.stdout)] == [
            (product, "BY-VI") for product in PRODUCTS
        ]
        wrong = CliRunner().invoke(app, ["export", "fiware", "-o", str(tmp_path), "--region", "BY-XX"])
        assert wrong.exit_code == 1
        assert "Traceback" not in wrong.output
    finally:
        get_settings.cache_clear()


def test_the_asset_makes_them_of_the_current_publication(
    home: Settings, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from assets.exports import EXPORTS, exports
    from assets.resources import RESOURCES

    monkeypatch.setenv("GOROD_HOME", str(home.home))
    get_settings.cache_clear()
    try:
        done = dg.materialize([exports], resources=RESOURCES)
    finally:
        get_settings.cache_clear()
    (made,) = done.asset_materializations_for_node(exports.node_def.name)
    assert made.asset_key == EXPORTS
    assert made.metadata["publication"].value == publication.id
    assert {path.name for path in (home.home / "exports").iterdir()} == set(PRODUCTS)
