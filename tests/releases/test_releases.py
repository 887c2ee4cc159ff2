"""Releases: what was known is frozen and never changes; why two of them differ; what survives a kill."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.declarations.common import Names
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.releases import CalendarRelease, load_calendar
from pipelines.declarations.reports import load_report
from pipelines.errors import DeclarationError, GorodError
from pipelines.periods import span_of
from pipelines.publishing import embargo
from pipelines.publishing.exports.products import export
from pipelines.publishing.index_contract import newest_build, publish_index
from pipelines.publishing.publication import read_publication
from pipelines.releases.archive import Release, find_release, list_releases, publication_of, repair, verify
from pipelines.releases.cut import cut
from pipelines.releases.diff import compare
from pipelines.releases.diff_workbook import write_workbook
from pipelines.releases.frozen import read_models
from pipelines.reporting.digest import make_digest
from pipelines.settings import Settings, get_settings
from tests.support import forked
from tests.support.small_warehouse import SmallWarehouse, fill, requests

PERIOD = "2019-Q2"
VALUES = "published.pub_indicator_value_v1"


def build(small: SmallWarehouse) -> datetime:
    """A whole build without dbt's tests, and the indices; the moment after it."""
    done = small.dbt("build", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    return after_build(small)


def after_build(small: SmallWarehouse) -> datetime:
    """The indices of what is built; the moment after it."""
    with small.connect() as connection:
        connection.execute("update ops.build set whole = true")
        publish_index(connection, newest_build(connection))
    return datetime.now(UTC)


def deliver(small: SmallWarehouse, month: str, groups: list[str]) -> str:
    """Another delivery of Minsk's requests, decided now."""
    load_id = small.load("appeals_115.requests", month, requests(groups, month), instance="minsk")
    with small.connect() as connection:
        connection.execute(
            "update ops.load set decided_at = now() at time zone 'UTC' where load_id = ?", [load_id]
        )
    return load_id


def ask(release: Release, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(release.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def calendar(embargo_until: datetime) -> dict[str, CalendarRelease]:
    title = Names(ru="Выпуск", be="Выпуск", en="Release")
    return {"spring": CalendarRelease(period=PERIOD, title=title, embargo_until=embargo_until)}


def set_calendar(patch: pytest.MonkeyPatch, found: dict[str, CalendarRelease]) -> None:
    for module in ("pipelines.releases.cut", "pipelines.publishing.embargo"):
        patch.setattr(f"{module}.load_calendar", lambda _: found)


@pytest.fixture(scope="module")
def story(built_small: SmallWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Cut; June of Minsk delivered again; cut as of now, and once more as of before."""
    small: Any = built_small.copy(tmp_path_factory.mktemp("releases"))
    small.first = after_build(small)
    small.settings = Settings(home=small.folder / "home", warehouse=str(small.path), busy_timeout_s=0)
    models = read_models(small.settings)  # it takes seconds, and is the same each time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.releases.cut.read_models", lambda _: models)
        set_calendar(patch, {})
        freeze = partial(cut, small.settings, PERIOD, by="А. Иванова")
        small.before = freeze(small.first)
        small.again = freeze(small.first)
        small.corrected = deliver(small, "2019-06", ["6"] * 7)
        small.second = build(small)
        small.after = freeze(small.second, why="new figures")
        small.before_later = freeze(small.first)
        yield small


@pytest.mark.slow
def test_a_release_has_the_contracts_and_their_form(story: Any) -> None:
    describe = "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = 'published'"
    contracts = story.query(f"{describe} and starts_with(table_name, 'pub_') order by all")
    frozen = ask(story.before, f"{describe} and starts_with(table_name, 'pub_') order by all")
    assert frozen == contracts
    publication = read_publication(story.before.folder)
    assert publication is not None
    assert publication.id == story.before.id
    assert {path.stem for path in (story.before.folder / "parquet").iterdir()} == set(publication.row_counts)


@pytest.mark.slow
def test_approvals_count_from_their_moment_and_what_was_released_cannot_be_revoked(
    story: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The corrected load as if its feed had needed approval: given before the second build, or after it."""
    releases = {}
    for name, offset in (("in time", "- interval 1 second"), ("too late", "+ interval 1 second")):
        small = story.copy(tmp_path / name)
        found = Settings(home=small.folder / "home", warehouse=str(small.path), busy_timeout_s=0)
        shutil.rmtree(found.releases, ignore_errors=True)
        with small.connect() as connection:
            connection.execute("delete from ops.release")
            connection.execute("insert into ops.approval_step values (?, 1, 'ministry')", [story.corrected])
            connection.execute(
                "insert into ops.approval select ?, 1, 'ministry', 'approved',"
                f" (select max(built_at) at time zone 'UTC' {offset} from ops.build), 'x', null",
                [story.corrected],
            )
            # as if the builds had known of it
            connection.execute("update ops.build set ledger_version = ledger_version + 1")
        releases[name] = cut(found, PERIOD, story.second, by="А. Иванова")
        # what the ledger says today does not change what was known
        again = cut(found, PERIOD, story.first, by="А. Иванова")
        assert again.manifest["content_hash"] == story.before_later.manifest["content_hash"]
    used = {name: {load["load_id"] for load in one.manifest["loads"]} for name, one in releases.items()}
    assert story.corrected in used["in time"]
    assert story.corrected not in used["too late"]
    for name, says in (("in time", "is in release"), ("too late", "revoked by x")):
        monkeypatch.setenv("GOROD_HOME", str(tmp_path / name / "home"))
        monkeypatch.setenv("GOROD_WAREHOUSE", str(tmp_path / name / story.path.name))
        get_settings.cache_clear()
        revoke = ["survey", "revoke", story.corrected, "--step", "ministry", "--by", "x"]
        done = CliRunner().invoke(app, revoke)
        assert says in " ".join(done.output.split()), done.output
    # its folder is gone: nobody knows what it was made from
    shutil.rmtree(releases["in time"].folder.parent)
    monkeypatch.setenv("GOROD_HOME", str(tmp_path / "in time" / "home"))
    monkeypatch.setenv("GOROD_WAREHOUSE", str(tmp_path / "in time" / story.path.name))
    get_settings.cache_clear()
    assert "is in release" in " ".join(CliRunner().invoke(app, revoke).output.split())
    get_settings.cache_clear()


@pytest.mark.slow
def test_values_are_those_known_then_in_periods_that_end_in_time(story: Any) -> None:
    june = (
        f"select numerator from {VALUES} where indicator = 'appeals_per_1000' and ref_area = 'c-minsk'"
        " and time_period = '2019-06' and breakdown = '_T'"
    )
    assert [ask(one, june) for one in (story.before, story.before_later, story.after)] == [
        [(10,)],
        [(10,)],
        [(7,)],
    ]
    _, last_day = span_of(PERIOD)
    assert ask(story.after, f"select max(last_day) <= date '{last_day}' from {VALUES}") == [(True,)]
    # nothing else is left out, and the figures are the mart's
    same = story.query("select count(*) from marts.mart_indicator_value where last_day <= ?", last_day)
    assert ask(story.after, f"select count(*) from {VALUES}") == same
    observed = ask(story.after, "select max(time_period) from published.pub_observation_v1 where freq = 'M'")
    assert observed == [("2019-06",)]
    years = "select count(*) from published.pub_indicator_value_v1 where freq = 'A' and time_period = '2019'"
    assert ask(story.after, years) == [(0,)]
    # an index is computed from these values, and the way back leads to these loads
    assert set(ask(story.before, "select distinct time_period from published.pub_index_value_v1")) <= set(
        ask(story.before, f"select distinct time_period from {VALUES}")
    )
    held = "select count(*) from published.pub_load_v1 where load_id = '{}'"
    assert [ask(one, held.format(story.corrected)) for one in (story.before, story.after)] == [[(0,)], [(1,)]]


@pytest.mark.slow
def test_the_same_knowledge_is_one_release(story: Any) -> None:
    assert (story.before.is_new, story.again.is_new) == (True, False)
    assert story.again.id == story.before.id
    assert story.after.id != story.before.id
    # cut later: the values are the same, the observations are of the later time, and the manifest says so
    assert story.before.manifest["of_the_cut"] == []
    assert "pub_observation_v1" in story.before_later.manifest["of_the_cut"]
    assert "pub_indicator_value_v1" not in story.before_later.manifest["of_the_cut"]


@pytest.mark.slow
def test_a_release_knows_a_build_of_its_own_second(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ((built,),) = story.query("select epoch_us(max(built_at)) from ops.build")
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=built + 1)

    class ThatMoment(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> ThatMoment:
            return cls.fromtimestamp(moment.timestamp(), tz).replace(microsecond=moment.microsecond)

    monkeypatch.setattr("pipelines.releases.cut.datetime", ThatMoment)
    set_calendar(monkeypatch, {})
    # until the end of the day that goes on: now
    known = cut(story.settings, PERIOD, moment + timedelta(seconds=1), by="x")
    assert known.id == story.after.id


@pytest.mark.slow
def test_the_manifest_says_what_it_was_made_from(story: Any) -> None:
    about = story.before.manifest
    assert (about["period"], about["by"], about["why"]) == (PERIOD, "А. Иванова", None)
    assert story.after.manifest["why"] == "new figures"
    assert about["synthetic"]
    assert about["method_versions"]["appeals_per_1000"] == ["1.0"]
    loads = {load["load_id"]: load for load in about["loads"]}
    assert loads[
        story.query("select load_id from ops.load where slice = '2019-06' and instance = 'minsk'")[0][0]
    ]
    assert story.corrected not in loads
    assert story.corrected in {load["load_id"] for load in story.after.manifest["loads"]}
    assert all(len(load["sha256"]) == 64 for load in loads.values())
    assert len(about["code"]["requirements_sha256"]) == 64


@pytest.mark.slow
def test_the_ledger_and_the_list_know_them(story: Any) -> None:
    rows = story.query(
        "select release_id, time_period, by_whom, why, content_hash from ops.release order by cut_at, release_id"
    )
    cut_ones = {one.id: one for one in (story.before, story.after, story.before_later)}
    assert {row[0] for row in rows} == set(cut_ones)
    assert all(row[4] == cut_ones[row[0]].manifest["content_hash"] for row in rows)
    listed = list_releases(story.settings)
    assert {(one.id, one.state) for one in listed} == {(id_, "open") for id_ in cut_ones}
    assert find_release(story.settings, story.after.id[-6:]).id == story.after.id
    with pytest.raises(GorodError, match="3 releases match"):
        find_release(story.settings, PERIOD)
    with pytest.raises(GorodError, match="no releases match"):
        find_release(story.settings, "1999")


@pytest.mark.slow
def test_nothing_of_a_release_can_be_written(story: Any) -> None:
    files = [path for path in story.before.folder.rglob("*") if path.is_file()]
    assert len(files) == 2 + len(story.before.manifest["row_counts"])
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}


@pytest.mark.slow
def test_verify_sees_every_change(story: Any, tmp_path: Path) -> None:
    assert verify(story.settings, story.before.id) == (story.before.id, [])
    home = tmp_path / "home"
    shutil.copytree(story.settings.releases, home / "releases")
    settings = Settings(home=home, warehouse=str(story.path))
    folder = home / "releases" / story.before.id
    values = folder / "parquet" / "pub_indicator_value_v1.parquet"
    changed = bytearray(values.read_bytes())
    changed[len(changed) // 2] ^= 1
    for path in (values, folder / "parquet" / "pub_load_v1.parquet", folder / "manifest.json"):
        path.chmod(0o644)
    values.write_bytes(changed)
    (folder / "parquet" / "pub_load_v1.parquet").unlink()
    (folder / "note.txt").write_text("left here")
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + " ")
    assert verify(settings, story.before.id)[1] == [
        "manifest.json: is not the one recorded in the ledger",
        "parquet/pub_indicator_value_v1.parquet: has changed",
        "parquet/pub_load_v1.parquet: is missing",
        "note.txt: does not belong to it",
    ]
    states = {one.id: one.state for one in list_releases(settings)}
    assert states[story.before.id] == "damaged"
    shutil.rmtree(folder)
    states = {one.id: one.state for one in list_releases(settings)}
    assert states[story.before.id] == "missing"
    assert "cannot be read" in verify(settings, story.before.id)[1][0]


@pytest.mark.slow
@pytest.mark.parametrize("older", ["before", "before_later"])
def test_a_new_delivery_is_the_reason(story: Any, older: str, tmp_path: Path) -> None:
    releases_ = getattr(story, older), story.after
    found = compare(*releases_)
    assert {one.ref_area for one in found.changes} == {"c-minsk", "BY-HM", "BY"}
    assert {one.time_period for one in found.changes} == {"2019-06", "2019-Q2"}
    assert {(one.why, one.because) for one in found.changes} == {("new delivery", (story.corrected,))}
    change = next(
        one
        for one in found.changes
        if (one.indicator, one.ref_area, one.time_period, one.breakdown)
        == ("appeals_per_1000", "c-minsk", "2019-06", "_T")
    )
    # 10 and 7 requests for 200 people
    assert (change.kind, change.old_value, change.new_value) == ("changed", 50, 35)
    told = change.describe(found.names)
    assert told[4:6] == ("50", "35")
    assert told[0] == f"{found.names.named['indicator', change.indicator]} ({change.indicator})"
    assert re.search("[А-Я]", told[0]) and told[6].startswith("новая поставка: ")
    write_workbook(found, releases_, tmp_path / "changes.xlsx")
    assert (tmp_path / "changes.xlsx").stat().st_size > 5000


@pytest.mark.slow
def test_no_change_is_told_too(story: Any) -> None:
    found = compare(story.before, story.before_later)
    assert found.changes == ()
    assert found.head[-1] == "значения те же"


@pytest.mark.slow
def test_a_report_of_a_release_is_the_same_bytes_each_time(story: Any) -> None:
    source = publication_of(story.settings, story.before.id)
    report = load_report("country_digest")
    first = make_digest(story.settings, "2019-06", report, source)
    bytes_ = first.document.read_bytes(), first.workbook.read_bytes()
    shutil.rmtree(first.folder)
    second = make_digest(story.settings, "2019-06", report, source)
    assert (second.document.read_bytes(), second.workbook.read_bytes()) == bytes_
    assert (
        second.folder == story.settings.reports / "releases" / story.before.id / "country_digest" / "2019-06"
    )
    other = make_digest(story.settings, "2019-06", report, publication_of(story.settings, story.after.id))
    assert other.workbook.read_bytes() != bytes_[1]


@pytest.mark.slow
def test_the_digest_of_a_release_keeps_the_figures_that_were_revised_since(story: Any) -> None:
    """Of its own quarter; Minsk's 10 requests of June became 7 after the cut."""

    def shown(release: Release) -> tuple[str, dict[str, float | None]]:
        digest = make_digest(story.settings, release=publication_of(story.settings, release.id)).digest
        line = next(line for line in digest.lines if line.indicator.code == "appeals_per_1000")
        assert line.time_period == PERIOD
        return digest.period, {area: value.value for area, value in line.values.items()}

    def frozen(release: Release) -> dict[str, float | None]:
        rows = ask(
            release,
            f"select v.ref_area, cast(obs_value as double) from {VALUES} as v"
            " inner join published.pub_territory_v1 as t on v.ref_area = t.ref_area and t.level in ('country', 'region')"
            f" where indicator = 'appeals_per_1000' and time_period = '{PERIOD}' and breakdown = '_T'",
        )
        return dict(rows)

    before, after = shown(story.before), shown(story.after)
    assert before == (PERIOD, frozen(story.before))
    assert after == (PERIOD, frozen(story.after))
    assert before[1]["BY-HM"] > after[1]["BY-HM"]  # type: ignore[operator]


@pytest.mark.slow
def test_what_cannot_be_cut_is_told(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = partial(cut, story.settings, by="x")
    with pytest.raises(GorodError, match="is in the future"):
        wrong(PERIOD, datetime.now(UTC) + timedelta(days=2))
    with pytest.raises(GorodError, match="nothing was known"):
        wrong(PERIOD, story.first - timedelta(days=400))
    with pytest.raises(GorodError, match="is not a period"):
        wrong("2019-Q5", story.first)
    with pytest.raises(GorodError, match="no release 'autumn'"):
        wrong(PERIOD, story.first, code="autumn")
    past = datetime(2020, 1, 1, tzinfo=UTC)
    set_calendar(monkeypatch, calendar(past) | {"summer": calendar(past)["spring"]})
    with pytest.raises(GorodError, match="several releases"):
        wrong(PERIOD, story.first)
    with pytest.raises(GorodError, match="is for 2019-Q2"):
        wrong("2019-Q1", story.first, code="spring")
    monkeypatch.setattr("pipelines.releases.contents.definitions_hash", lambda: "other")
    with pytest.raises(GorodError, match="definitions have changed"):
        wrong(PERIOD, story.first, code="spring")
    assert len(list_releases(story.settings)) == 3


@pytest.mark.slow
def test_a_release_under_embargo(story: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = story.settings.model_copy(update={"home": tmp_path / "home"})
    until = datetime.now(UTC) + timedelta(hours=1)
    set_calendar(monkeypatch, calendar(until))
    held = cut(settings, PERIOD, story.second, by="x")
    assert held.manifest["release"] == "spring"
    modes = {path.stat().st_mode & 0o777 for path in held.folder.rglob("*") if path.is_file()}
    assert (modes, held.folder.stat().st_mode & 0o777) == ({0o400}, 0o700)
    told = "is under embargo until"
    with pytest.raises(GorodError, match=told):
        publication_of(settings, held.id)
    with pytest.raises(GorodError, match=told):
        export(settings, tmp_path / "out", ["datapackage"], file=held.database)
    # nor through a link, nor from a copy under another name, in a home that never knew it
    linked, copied = tmp_path / "link.duckdb", tmp_path / "figures.duckdb"
    linked.symlink_to(held.database)
    shutil.copy(held.database, copied)
    elsewhere = settings.model_copy(
        update={"home": tmp_path / "elsewhere", "warehouse": str(tmp_path / "none.duckdb")}
    )
    for asked in (settings, elsewhere):
        for path in (linked, copied):
            with pytest.raises(GorodError, match=told):
                export(asked, tmp_path / "out", ["datapackage"], file=path)
    # nor when it is no longer in the calendar
    with monkeypatch.context() as patch:
        set_calendar(patch, {})
        with pytest.raises(GorodError, match=told):
            export(settings, tmp_path / "out", ["datapackage"], file=copied)
    assert not (tmp_path / "out").exists()
    difference = compare(held, held)
    assert any("ПОД ЭМБАРГО" in line for line in difference.head)
    with pytest.raises(GorodError, match=told):
        write_workbook(difference, (held, held), tmp_path / "changes.xlsx")
    assert [one.state for one in list_releases(settings) if one.id == held.id] == ["under embargo"]
    monkeypatch.setattr("pipelines.commands.release.get_settings", lambda: settings)
    for more, code in (((), 1), (("--json",), 1), (("--by", "x", "--why", "y"), 0)):
        answer = CliRunner().invoke(app, ["release", "diff", held.id, held.id, *more])
        assert answer.exit_code == code, answer.output
        assert (told in answer.stderr, bool(answer.stdout)) == (bool(code), not code)
    for asked in (("show", held.id), ("show", held.id, "--json")):
        plain = CliRunner().invoke(app, ["release", *asked])
        assert plain.exit_code == 0, plain.output
        assert "pub_observation_v1" not in plain.stdout
        assert "rows_accepted" not in plain.stdout
        admitted = CliRunner().invoke(app, ["release", *asked, "--by", "x", "--why", "y"])
        assert "pub_observation_v1" in admitted.stdout
    with story.connect() as connection:
        noted = connection.execute("select distinct what, by_whom, why from ops.embargoed_read").fetchall()
    assert noted == [(f"release {held.id}", "x", "y")]
    assert verify(settings, held.id)[1] == []

    # the moment comes, and the next command opens it; what it says stays
    set_calendar(monkeypatch, calendar(datetime.now(UTC) - timedelta(seconds=1)))
    repair(settings)
    modes = {path.stat().st_mode & 0o777 for path in held.folder.rglob("*") if path.is_file()}
    assert (modes, held.folder.stat().st_mode & 0o777) == ({0o444}, 0o755)
    assert publication_of(settings, held.id).content_hash == held.manifest["content_hash"]
    assert verify(settings, held.id)[1] == []
    assert export(settings, tmp_path / "out", ["datapackage"], file=held.database)
    with story.connect() as connection:
        connection.execute("delete from ops.release where release_id = ?", [held.id])


@pytest.mark.slow
def test_a_release_holds_what_is_held_back_from_readers_and_no_other_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = SmallWarehouse(tmp_path)
    fill(small)
    until = datetime.now(UTC) + timedelta(hours=1)
    with small.connect() as connection:
        connection.execute("delete from catalogue.release_indicator; delete from catalogue.release")
        connection.execute(
            "insert into catalogue.release (release, time_period, freq, first_day, last_day, title_ru, title_be,"
            " title_en, embargo_until, embargo_until_minsk, example) select 'spring', '2019-Q2', 'Q', '2019-04-01',"
            " '2019-06-30', 't', 't', 't', ?::timestamptz, '', false",
            [until.isoformat()],
        )
        connection.execute(
            "insert into catalogue.release_indicator"
            " select distinct 'spring', indicator from catalogue.indicator_frequency where freq = 'Q'"
        )
    moment = build(small)
    settings = Settings(home=tmp_path / "home", warehouse=str(small.path), busy_timeout_s=0)
    held = "select count(*) from {} where time_period = '2019-Q2' and obs_value is not null"
    assert small.query(held.format(VALUES)) == [(0,)]
    set_calendar(monkeypatch, calendar(until))
    release = cut(settings, PERIOD, moment, by="x")
    assert ask(release, held.format(VALUES))[0][0] > 5
    tables = ("pub_observation_v1", "pub_trace_v1", "pub_indicator_value_history_v1")
    for table in tables:
        count = f"select count(*) from published.{table} where time_period = '2019-06'"
        assert (small.query(count)[0][0] == 0) or table == "pub_observation_v1"
        assert ask(release, count)[0][0] > 0
    assert ask(release, "select count(*) from published.pub_load_v1 where rows_accepted is null") == [(0,)]
    assert small.query("select count(*) from published.pub_load_v1 where rows_accepted is null")[0][0] > 0
    # a longer span, of no release of its own, would give it away
    set_calendar(monkeypatch, {})
    with pytest.raises(GorodError, match="another release holds back until"):
        cut(settings, "2019", moment, by="x")


@pytest.mark.slow
def test_method_and_correction_are_reasons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = SmallWarehouse(tmp_path)
    fill(small)
    with small.connect() as connection:
        connection.execute("update ops.load set synthetic = false; delete from catalogue.correction")
    settings = Settings(home=tmp_path / "home", warehouse=str(small.path), busy_timeout_s=0)
    models = read_models(settings)
    monkeypatch.setattr("pipelines.releases.cut.read_models", lambda _: models)
    set_calendar(monkeypatch, {})
    older = cut(settings, "2019", build(small), by="x")
    with small.connect() as connection:
        for table in ("indicator", "indicator_method", "indicator_term"):
            connection.execute(
                f"update catalogue.{table} set method_version = '2.0' where indicator = 'appeals_rated_pct'"
            )
        connection.execute(
            "update catalogue.indicator_method set scale = 1000 where indicator = 'appeals_rated_pct'"
        )
        connection.execute(
            "insert into catalogue.correction (correction, measure, ref_area, time_period, breakdown, expected, "
            "action, value, upstream) select 'slip', 'wage_nominal_monthly_byn', 'BY-BR', '2016', '_T', 450, "
            "'override', 777, 'reported'"
        )
        # other definitions, of which the hash does not tell: all is computed anew, as after a build of a part
        connection.execute("update ops.build set whole = false")
    newer = cut(settings, "2019", build(small), by="x")
    found = compare(older, newer)
    reasons = {(one.indicator, one.why, one.because) for one in found.changes}
    assert ("appeals_rated_pct", "method", ("1.0", "2.0")) in reasons
    assert ("wage_nominal_byn", "correction", ("slip",)) in reasons
    assert {why for _, why, _ in reasons} == {"method", "correction"}
    wage = [one for one in found.changes if one.indicator == "wage_nominal_byn"]
    assert [(one.ref_area, one.old_value, one.new_value) for one in wage] == [("BY-BR", 450, 777)]
    # a shorter span holds less, and says that this is why
    shorter = cut(settings, "2018", datetime.now(UTC), by="x")
    assert {(one.kind, one.why) for one in compare(shorter, newer).changes} == {("added", "longer span")}
    assert {(one.kind, one.why) for one in compare(newer, shorter).changes} == {("removed", "longer span")}


KILLS = (
    ("pipelines.releases.cut:write_contracts", "after"),
    ("pipelines.releases.cut:seal", "after"),
    ("pipelines.releases.cut:enter_releases", "before"),
    ("pipelines.releases.cut:enter_releases", "after"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("place", "when"), KILLS)
def test_a_kill_leaves_all_or_nothing(story: Any, place: str, when: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = story.settings.model_copy(update={"home": home})
    program = (
        "import sys; from datetime import datetime; from pipelines.releases import cut;"
        " from pipelines.settings import Settings; from tests.support.crash import act_at, die;"
        " place, when, home, warehouse, moment = sys.argv[1:]; cut.load_calendar = lambda _: {};"
        " act_at(place, when, 1, die);"
        " cut.cut(Settings(home=home, warehouse=warehouse), '2019-Q1', datetime.fromisoformat(moment), 'x')"
    )
    done = forked.python(
        {**os.environ, "GOROD_HOME": str(home)},
        program, place, when, str(home), str(story.path), story.second.isoformat(),
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    whole = [one for one in list_releases(settings) if one.period == "2019-Q1"]
    assert len(whole) == (1 if "enter_" in place else 0)
    repair(settings)
    again = cut(settings, "2019-Q1", story.second, by="x")
    assert again.is_new == ("enter_" not in place)
    assert verify(settings, again.id) == (again.id, [])
    assert [path.name for path in settings.releases.iterdir() if path.is_dir()] == [again.id]
    assert story.query("select count(*) from ops.release where release_id = ?", again.id) == [(1,)]
    with story.connect() as connection:
        connection.execute("delete from ops.release where time_period = '2019-Q1'")


def test_the_shipped_calendar() -> None:
    found = load_calendar(load_catalogue())
    assert all(one.example and one.legal_act is None for one in found.values())
    # no date of it holds back anything today
    assert all(one.embargo_until < datetime.now(UTC) for one in found.values())


CALENDAR = """\
releases:
  {code}:
    period: {period}
    title: {{ru: а, be: а, en: a}}
    embargo_until: {until}
    {more}
"""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"period": "2026-Q5"}, "period"),
        ({"until": "2026-11-13"}, "2026-11-13 is not a date and time"),
        ({"until": "soon"}, "soon is not a date and time"),
        ({"more": "indicators: [nonsense]"}, "'nonsense' is not declared"),
        ({"more": "themes: [nonsense]"}, "theme 'nonsense' is not declared"),
        ({"more": "indicators: [population]"}, "none of its indicators has figures of 2026-Q3"),
        ({"code": "осень"}, "Latin letters"),
        ({"more": "embargo: never"}, "there is no such key"),
    ],
)
def test_a_wrong_calendar_is_told(changes: dict[str, str], told: str, tmp_path: Path) -> None:
    given = {"code": "autumn", "period": "2026-Q3", "until": "2026-11-13T10:00", "more": "example: true"}
    path = tmp_path / "calendar.yml"
    path.write_text(CALENDAR.format(**given | changes), encoding="utf-8")
    with pytest.raises(DeclarationError, match=told):
        load_calendar(load_catalogue(), path)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-13T10:00", "2026-11-13T07:00+00:00"),
        ("2026-11-13 10:00:00", "2026-11-13T07:00+00:00"),
        ("2026-11-13T10:00:00+03:00", "2026-11-13T07:00+00:00"),
        ("2026-11-13T10:00:00Z", "2026-11-13T10:00+00:00"),
    ],
)
def test_a_moment_is_of_minsk_unless_it_says_otherwise(written: str, moment: str, tmp_path: Path) -> None:
    path = tmp_path / "calendar.yml"
    path.write_text(CALENDAR.format(code="a", period="2026-Q3", until=written, more="example: true"))
    found = load_calendar(load_catalogue(), path)["a"]
    assert found.embargo_until == datetime.fromisoformat(moment)


def test_a_release_holds_what_has_figures_of_its_length() -> None:
    catalogue = load_catalogue()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    quarter = calendar(past)["spring"]
    year = quarter.model_copy(update={"period": "2019"})
    theme = quarter.model_copy(update={"themes": ["connectivity"]})
    both = theme.model_copy(update={"indicators": ["appeals_per_1000"]})
    assert "population" not in quarter.covers(catalogue)
    assert set(year.covers(catalogue)) == set(catalogue.indicators)
    assert {catalogue.indicators[code].theme for code in theme.covers(catalogue)} == {"connectivity"}
    assert set(both.covers(catalogue)) == {*theme.covers(catalogue), "appeals_per_1000"}


def test_manifests_are_json(tmp_path: Path) -> None:
    """A folder without a manifest, or with a broken one, is no release and holds nobody up."""
    (tmp_path / "manifest.json").write_text("{")
    embargo.require_open(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"publication_id": "x"}))
    embargo.require_open(tmp_path)
