"""What a publication holds, when it is refused, and what readers of it see."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.publishing.publication import Publication, current_publication, shown_build
from pipelines.publishing.publish import publish
from pipelines.settings import Settings
from tests.support import invented_warehouse as invented
from tests.support import other_processes

pytestmark = pytest.mark.slow

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["duckdb", "pipelines.publishing.publication"])


def in_process(target: object, *arguments: object) -> int | None:
    """Run to the end in another process; its exit code."""
    process = forked.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join(60)
    return process.exitcode


def warehouse(settings: Settings, step: int = 0, **how: bool) -> None:
    invented.write(Path(settings.warehouse), step, **how)


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def assert_whole(publication: Publication) -> None:
    """Every file is there, unchanged, read-only, and named in the manifest."""
    manifest = json.loads((publication.folder / "manifest.json").read_text(encoding="utf-8"))
    on_disk = {str(p.relative_to(publication.folder)) for p in publication.folder.rglob("*") if p.is_file()}
    assert on_disk == {*manifest["files"], "manifest.json"}
    for name, file in manifest["files"].items():
        content = (publication.folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content) == file["bytes"]
        assert not stat.S_IMODE((publication.folder / name).stat().st_mode) & 0o222


def names_in(settings: Settings) -> set[str]:
    return {path.name for path in settings.published.iterdir()} - {".lock", "current", ".built-from"}


def test_snapshot_holds_the_contracts_and_nothing_else(settings: Settings) -> None:
    warehouse(settings)
    publication = publish(settings)
    assert publication.is_new
    assert_whole(publication)
    database = settings.published / "current" / "gorod.duckdb"
    tables = query(database, "select schema_name, table_name, comment from duckdb_tables()")
    contracts = {("published", name, f"Контракт {name}: invented") for name in invented.CONTRACTS}
    assert contracts < set(tables)
    assert {name for _, name, _ in tables} == {*invented.CONTRACTS, "publication"}
    for name, content in invented.rows().items():
        assert query(database, f"select count(*) from published.{name}") == [(len(content),)]
        parquet = f"select count(*) from '{publication.folder}/parquet/{name}.parquet'"
        assert duckdb.sql(parquet).fetchall() == [(len(content),)]
    assert query(
        database, "select comment from duckdb_columns() where column_name = 'soato'"
    ) == [("Код СОАТО, it's text",)]  # fmt: skip
    assert query(
        database,
        "select publication_id, region, synthetic, row_counts['pub_load_v1'] from published.publication",
    ) == [(publication.id, None, True, 6)]  # fmt: skip
    assert query(database, "select definitions_hash from published.publication") == [("defs-2",)]
    assert query(
        database, "select count(*) from duckdb_columns() where table_name = 'publication' and comment is null"
    ) == [(0,)]  # fmt: skip


@pytest.mark.parametrize("region", invented.REGIONS)
def test_region_file_holds_its_own_rows_alone(settings: Settings, region: str) -> None:
    warehouse(settings)
    database = publish(settings).folder / "regions" / f"{region}.duckdb"
    own = {region, *(city for city, (_, of) in invented.CITIES.items() if of == region)}
    expected = {
        name: [row for row in content if row["ref_area"] in own]
        for name, content in invented.rows().items()
        if "ref_area" in row_of(content)
    }
    for name in expected.keys() - {"pub_load_v1", "pub_data_quality_v1"}:
        rows = query(database, f"select ref_area, count(*) from published.{name} group by 1")
        assert {area for area, _ in rows} <= own
        assert sum(int(str(number)) for _, number in rows) == len(expected[name]) > 0
    loads = {load for (load,) in query(database, "select load_id from published.pub_load_v1")}
    named = {row["load_id"] for name in ("pub_observation_v1", "pub_boundary_v1") for row in expected[name]}
    delivered = {row["load_id"] for row in expected["pub_load_v1"]}
    assert loads == named | delivered
    # the quality of its own loads, the country-wide among them, and of no other region's
    assert {load for (load,) in query(database, "select load_id from published.pub_data_quality_v1")} == loads
    for catalogue in ("pub_indicator_v1", "pub_period_v1", "pub_measure_v1"):
        assert query(database, f"select count(*) from published.{catalogue}") == [
            (len(invented.rows()[catalogue]),)
        ]
    assert query(database, "select region from published.publication") == [(region,)]
    # no name of a foreign place is left anywhere in the file
    content = database.read_bytes()
    assert not any(city.encode() in content for city in invented.CITIES if city not in own)


def row_of(content: list[dict[str, object]]) -> dict[str, object]:
    return content[0]


def test_same_content_is_not_published_again(settings: Settings) -> None:
    warehouse(settings)
    first = publish(settings)
    warehouse(settings, shuffled=True)
    second = publish(settings)
    assert not second.is_new
    assert second.id == first.id
    assert names_in(settings) == {first.id}


def test_hash_ignores_the_moment_and_sees_every_value(settings: Settings) -> None:
    warehouse(settings)
    first = publish(settings)
    change = duckdb.connect(settings.warehouse)
    change.execute("update published.pub_load_v1 set received_at = received_at + interval 1 day")
    change.close()
    assert publish(settings).id == first.id
    change = duckdb.connect(settings.warehouse)
    change.execute("update published.pub_load_v1 set rows_quarantined = 6 where load_id = 'statistics-all'")
    change.close()
    assert publish(settings).content_hash != first.content_hash


def test_a_row_twice_is_another_content(settings: Settings) -> None:
    warehouse(settings)
    first = publish(settings)
    change = duckdb.connect(settings.warehouse)
    change.execute("insert into published.pub_measure_v1 from published.pub_measure_v1")
    change.close()
    second = publish(settings)
    change = duckdb.connect(settings.warehouse)
    change.execute("insert into published.pub_measure_v1 from published.pub_measure_v1")
    change.close()
    assert len({first.content_hash, second.content_hash, publish(settings).content_hash}) == 3


def test_old_publications_go_and_the_current_stays(settings: Settings) -> None:
    settings = settings.model_copy(update={"keep_publications": 2})
    for step in range(4):
        warehouse(settings, step)
        last = publish(settings)
    assert len(names_in(settings)) == 2
    assert last.id in names_in(settings)
    assert (settings.published / "current").resolve().name == last.id


def test_damaged_publication_is_made_again(settings: Settings) -> None:
    warehouse(settings)
    first = publish(settings)
    (first.folder / "regions" / "BY-BR.duckdb").unlink()
    second = publish(settings)
    assert second.is_new
    assert second.content_hash == first.content_hash
    assert_whole(second)


def test_current_publication_tells_what_readers_see(settings: Settings) -> None:
    assert current_publication(settings) is None
    warehouse(settings)
    publication = publish(settings)
    shown = current_publication(settings)
    assert shown is not None
    assert (shown.id, shown.folder, shown.synthetic) == (publication.id, publication.folder, True)


@pytest.mark.parametrize(
    ("how", "message"),
    [({"ok": False}, "last build of the marts failed"), ({"behind": True}, "older than the loads")],
)
def test_unsound_marts_are_refused(settings: Settings, how: dict[str, bool], message: str) -> None:
    warehouse(settings)
    before = publish(settings)
    warehouse(settings, 1, **how)
    with pytest.raises(GorodError, match=message) as refusal:
        publish(settings)
    assert refusal.value.remedy
    assert names_in(settings) == {before.id}
    shown = current_publication(settings)
    assert shown is not None and shown.id == before.id


def begin(settings: Settings, build: str, number: int = 1, whole: bool = True) -> None:
    with duckdb.connect(settings.warehouse) as change:
        change.execute("insert into ops.build_begun values (?, ?, now(), ?, 5)", [number, build, whole])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("('part', now(), true, false, 'd', 5)", r"a part of the marts, or without rows \(part\)"),
        ("('part', now(), false, false, 'd', 5)", r"failed \(part\)"),
        ("('part', now(), true, true, null, 5)", r"dbt was started by hand.*\(part\)"),
        (None, r"has not ended \(part\)"),
    ],
)
def test_what_began_last_counts_only_if_it_was_whole_sound_and_of_known_definitions(
    settings: Settings, build: str | None, message: str
) -> None:
    warehouse(settings)
    before = publish(settings)
    begin(settings, "part")
    if build is not None:
        with duckdb.connect(settings.warehouse) as change:
            change.execute(f"insert into ops.build values {build}")
    with pytest.raises(GorodError, match=message):
        publish(settings)
    assert names_in(settings) == {before.id}
    begin(settings, "after", 2)
    with duckdb.connect(settings.warehouse) as change:
        change.execute("insert into ops.build values ('after', now(), true, true, 'defs-3', 5)")
        change.execute("insert into ops.index_build values ('after', now(), 1)")
    assert publish(settings).id == before.id


def test_a_build_from_the_future_stands_in_nobodys_way(settings: Settings) -> None:
    """A machine whose clock was wrong for an hour left a failed build of the year 2099."""
    warehouse(settings)
    begin(settings, "wrong")
    begin(settings, "right", 2)
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "insert into ops.build values ('wrong', timestamptz '2099-01-01', false, true, 'd', 5),"
            " ('right', now(), true, true, 'd', 5)"
        )
        change.execute("insert into ops.index_build values ('right', now(), 1)")
        told = change.execute(
            "select invocation_id from ops.build_state where built_at > now() + interval 1 hour"
        ).fetchall()
    assert told == []
    publish(settings)
    assert shown_build(settings) == "right"


def test_a_publication_from_the_future_is_not_the_newest_for_ever(settings: Settings) -> None:
    warehouse(settings)
    first = publish(settings)
    ahead = settings.published / ("2099" + first.id[4:])
    first.folder.rename(ahead)
    (settings.published / "current").unlink()
    (settings.published / "current").symlink_to(ahead.name)
    settings = settings.model_copy(update={"keep_publications": 2})
    ids = []
    for step in (1, 2):
        warehouse(settings, step)
        ids.append(publish(settings).id)
        # the same content again is no new publication
        assert not publish(settings).is_new
    assert names_in(settings) == set(ids)


def lose(settings: Settings, share: float) -> None:
    """Figures go, as when a load that carried them is revoked."""
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "update published.pub_indicator_value_v1 set obs_value = null, obs_status = 'O' where rowid <"
            " (select count(*) from published.pub_indicator_value_v1) * ?",
            [share],
        )


def test_a_publication_that_loses_many_figures_is_refused_unless_told_otherwise(settings: Settings) -> None:
    warehouse(settings)
    before = publish(settings)
    lose(settings, 0.05)
    few = publish(settings)
    assert few.is_new
    told = json.loads((few.folder / "manifest.json").read_text(encoding="utf-8"))
    assert 0 < told["lost"]["pub_indicator_value_v1"] < sum(before.row_counts.values()) * 0.1
    lose(settings, 0.5)
    with pytest.raises(GorodError, match=r"pub_indicator_value_v1 loses \d+ of \d+ figures \(\d+") as refusal:
        publish(settings)
    assert "--accept-loss" in refusal.value.remedy
    assert names_in(settings) == {before.id, few.id}
    shown = current_publication(settings)
    assert shown is not None
    assert shown.id == few.id
    after = publish(settings, accept_loss="портал закрыт")
    manifest = json.loads((after.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["lost_why"] == "портал закрыт"
    # it is the measure of the next
    warehouse(settings)
    assert publish(settings).is_new


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("delete from published.pub_load_v1", r"6 differ|differ, first"),
        ("update ops.load set outcome = 'rejected' where load_id = 'inventory-all'", "is not in force"),
        (
            "insert into catalogue.measure values ('portal', 'requests')",
            r"portal\.requests hold \d+ rows, and not one observation",
        ),
    ],
)
def test_contracts_that_do_not_agree_with_the_ledger_are_refused(
    settings: Settings, harm: str, message: str
) -> None:
    warehouse(settings)
    with duckdb.connect(settings.warehouse) as change:
        change.execute(harm)
    with pytest.raises(GorodError, match=message):
        publish(settings)
    assert names_in(settings) == set()


def test_indices_of_an_older_build_are_not_published(settings: Settings) -> None:
    warehouse(settings)
    with duckdb.connect(settings.warehouse) as change:
        change.execute(
            "update ops.index_build set invocation_id = 'first', built_at = now() + interval 1 day"
        )
    with pytest.raises(GorodError, match="the indices are older"):
        publish(settings)
    with duckdb.connect(settings.warehouse) as change:
        change.execute("insert into ops.index_build values ('last', now(), 1)")
    assert publish(settings).is_new


def test_marts_never_built_are_refused(settings: Settings) -> None:
    with pytest.raises(GorodError, match="no warehouse"):
        publish(settings)
    warehouse(settings)
    change = duckdb.connect(settings.warehouse)
    change.execute("delete from ops.build")
    change.close()
    with pytest.raises(GorodError, match="never been built"):
        publish(settings)
    change = duckdb.connect(settings.warehouse)
    change.execute(
        "insert into ops.build values ('last', now(), true, true, 'd', 5); drop table published.pub_load_v1"
    )
    change.close()
    with pytest.raises(GorodError, match=r"published\.pub_load_v1"):
        publish(settings)


def test_a_busy_warehouse_is_said(settings: Settings) -> None:
    warehouse(settings)
    with duckdb.connect(settings.warehouse), pytest.raises(WarehouseBusyError, match="another process"):
        publish(settings)


def test_a_file_that_is_no_warehouse_is_said(settings: Settings) -> None:
    settings.home.mkdir()
    Path(settings.warehouse).write_text("not a database" * 1000)
    with pytest.raises(WarehouseError, match="cannot be opened"):
        publish(settings)


def test_a_disk_that_cannot_be_written_leaves_what_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse(settings)
    before = publish(settings)
    warehouse(settings, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WarehouseError, match="No space left"):
        publish(settings)
    monkeypatch.undo()
    assert names_in(settings) == {before.id}
    assert publish(settings).is_new


def assert_recovers(settings: Settings, expected: str, before: Publication) -> None:
    """What is shown is whole; the next publish ends where an undisturbed one ends."""
    shown = current_publication(settings)
    assert shown is not None
    assert_whole(shown)
    assert shown.content_hash in (before.content_hash, expected)
    assert in_process(other_processes.publish_in, settings.home) == 0
    shown = current_publication(settings)
    assert shown is not None
    assert shown.content_hash == expected
    assert_whole(shown)
    assert len(names_in(settings)) == 2
    assert not any(name.startswith(".") for name in names_in(settings))


@pytest.mark.slow
# building, the manifest, read-only marks, the rename, the link beside, the swap, the note of the build
@pytest.mark.parametrize(
    "writes",
    [[7, 15, 25], pytest.param([3, 5, 6, 7, 15, *range(24, 40)], marks=pytest.mark.long)],
    ids=["some", "every"],
)
def test_killed_at_any_change_of_the_file_system(
    writes: list[int], settings: Settings, tmp_path: Path
) -> None:
    undisturbed = Settings(home=tmp_path / "undisturbed")
    warehouse(undisturbed, 1)
    expected = publish(undisturbed).content_hash
    settings = settings.model_copy(update={"keep_publications": 2})
    warehouse(settings, 0)
    before = publish(settings)
    warehouse(settings, 1)
    kills = 0
    for write in writes:
        home = tmp_path / str(write)
        shutil.copytree(settings.home, home, symlinks=True)
        copy = Settings(home=home, keep_publications=2)
        if in_process(other_processes.publish_dying_at_write, home, write) == 0:
            break
        kills += 1
        assert_recovers(copy, expected, before)
    if len(writes) == 3:
        assert kills == 3
    else:
        assert 8 <= kills < len(writes), "the last points lie behind the end, or the list is too short"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.3])
def test_killed_at_any_time(settings: Settings, tmp_path: Path, seconds: float) -> None:
    undisturbed = Settings(home=tmp_path / "undisturbed")
    warehouse(undisturbed, 1)
    expected = publish(undisturbed).content_hash
    warehouse(settings, 0)
    before = publish(settings)
    warehouse(settings, 1)
    in_process(other_processes.publish_dying_after, settings.home, seconds)
    assert_recovers(settings, expected, before)


@pytest.mark.slow
def test_a_reader_is_never_blocked_and_sees_whole_publications(settings: Settings) -> None:
    warehouse(settings)
    publish(settings)
    stop, results = forked.Event(), forked.Queue()
    reader = forked.Process(target=other_processes.read_until, args=(settings.home, stop, results))
    reader.start()
    published = {}
    for step in range(1, 11):
        warehouse(settings, step)
        published[publish(settings).content_hash] = f"{10.0 + step}"
    stop.set()
    reads, seen, error = results.get(timeout=60)
    reader.join()
    assert error is None
    assert reads > 10
    assert len(seen) > 2
    for content_hash, values in seen:
        assert published.get(content_hash, "10.0") == values


def test_it_is_known_whose_marts_are_shown(settings: Settings) -> None:
    """A run that was killed between the build and the publication is noticed by the next."""
    warehouse(settings)
    assert shown_build(settings) is None
    publish(settings)
    assert shown_build(settings) == "last"
    (settings.published / "current").unlink()
    assert shown_build(settings) is None
