"""A server that crashes in any phase of a run and comes back: the end is that of an undisturbed run."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pipelines.loading.candidates import load_candidate
from pipelines.loading.pending_markers import has_pending
from pipelines.loading.plan import Wanted, make_plan
from pipelines.publishing.publication import current_publication
from pipelines.releases.archive import list_releases, verify
from pipelines.settings import Settings, get_settings
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from sandbox import postgres
from tests.pipeline.conftest import _lay_mirror
from tests.support.fault_injection import Done, Fault, Running, restart, small_disk
from tests.support.portal import Portal, use_home

RUN = ["run", "--source", "appeals_115"]
RELEASE = ["release", "cut", "--period", "2022-Q1", "--by", "test", "--as-of"]
# the database that others are copies of
COUNTRY = "gorod_country00000"
KINDS = ("killed", "stopped", "dropped")
PHASES = {
    "plan": ("pipelines.loading.plan:last_seen", "before"),
    "landing": ("pipelines.loading.pending_markers:mark_pending", "after"),
    "gate": ("pipelines.loading.validate:gate.evaluate", "after"),
    "load": ("pipelines.warehouse.ledger_rows:insert_batch", "after"),
    "catalogue": ("assets.catalogue:write_catalogue", "after"),
    "dbt": ("assets.marts:report_progress", "before", 12),
    "indices": ("pipelines.publishing.index_contract:evaluate_methods", "after"),
    "publication": ("pipelines.publishing.server:_tell", "before"),
    "release": ("pipelines.releases.cut:enter_releases", "before"),
}


@dataclass(frozen=True)
class Schedule:
    """Which faults are injected, phase by phase, and in which phases the disk is full."""

    loading: dict[str, list[str]]
    full: list[str]
    building: dict[str, list[str]]
    releasing: list[str]


# sessions that are dropped and a disk that is full while loading, a server that is killed while building
SOME = Schedule({"load": ["dropped"]}, ["load"], {"dbt": ["killed"]}, [])
# a run that goes on by itself leaves nothing to build for the next fault: sessions are dropped in the last phase alone
EVERY = Schedule(
    {phase: [*KINDS] for phase in ("plan", "landing", "gate", "load")},
    ["load", "dbt"],
    {
        **{phase: ["killed", "stopped"] for phase in ("catalogue", "dbt", "indices")},
        "publication": ["killed", "stopped", "dropped"],
    },
    [*KINDS],
)


class Place:
    """A home, and a database on a server that crashes."""

    def __init__(
        self, instance: postgres.Instance, folder: Path, database: str, home: str | None = None
    ) -> None:
        self.instance, self.folder = instance, folder / (home or database)
        self.folder.mkdir(exist_ok=True)
        self.dsn = instance.dsn(database)
        self.home = self.folder / "home"
        self.settings = Settings(home=self.home, warehouse=self.dsn)
        self.warehouse = PostgresWarehouse(self.dsn, busy_timeout_s=10)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GOROD_", "DAGSTER_", "PG"))
        }
        self.environment = {
            **kept,
            "GOROD_HOME": str(self.home),
            "GOROD_WAREHOUSE": self.dsn,
            "GOROD_MIRROR": str(folder / "mirror"),
            "GOROD_PSEUDONYM_KEY": "key of the tests",
            "GOROD_BUSY_TIMEOUT_S": "2",
        }

    def start(
        self, *arguments: str, fault: Fault | None = None, builds: bool = True, **environment: str
    ) -> Running:
        return Running(
            self.instance, {**self.environment, **environment}, list(arguments), fault, builds, self.folder
        )

    def gorod(self, *arguments: str, fault: Fault | None = None, builds: bool = True) -> Done:
        return self.start(*arguments, fault=fault, builds=builds).wait()

    def end(self) -> dict[str, Any]:
        """What stands there, but for moments, the order of entry and the names of runs."""
        with psycopg.connect(self.dsn) as session:

            def rows(query: str) -> list[str]:
                return sorted(str(row) for row in session.execute(query).fetchall())

            published = [
                name
                for (name,) in session.execute(
                    "select relname::text from pg_class where relnamespace = 'published'::regnamespace and relkind = 'r'"
                    " and relname like 'pub\\_%' order by 1"
                )
            ]
            found: dict[str, Any] = {
                "loads": rows(
                    "select to_jsonb(l) - array['load_no', 'received_at', 'decided_at', 'seconds', 'waived_until']"
                    " from ops.load_state as l"
                ),
                "events": rows("select load_id, event_no, event, by_whom, why, until from ops.load_event"),
                "offers": rows("select distinct load_id, origin from ops.candidate"),
                # what is held against history depends on what had come before: a fault changes the order
                "results": rows(
                    "select r::text from ops.load_result as r where expectation not like 'history.%'"
                ),
                "quarantine": rows("select q::text from ops.quarantine as q"),
                "flagged": rows("select f::text from ops.flagged_row as f"),
                "raw": rows("select r::text from raw.appeals_115__requests as r"),
                "history": rows(
                    "select to_jsonb(v) - array['known_from', 'known_to', 'history_id', 'recorded_at', 'last_update']"
                    " from history.known_indicator_value as v"
                ),
                "releases": rows("select release, time_period, content_hash, by_whom from ops.release"),
                "shown": session.execute("select content_hash from published.publication").fetchall(),
            }
            for name in published:
                moments = (
                    "array['known_from', 'known_to', 'received_at', 'accepted_received_at', 'decided_at', 'last_update',"
                    " 'load_no', 'seconds']"
                )
                found[name] = session.execute(
                    sql.SQL(
                        "select count(*), md5(string_agg(mark, '' order by mark)) from"
                        " (select md5((to_jsonb(t) - " + moments + ")::text) as mark from {} as t) as marks"
                    ).format(sql.Identifier("published", name))
                ).fetchall()
        publication = current_publication(self.settings)
        assert publication is not None
        found["snapshot"] = publication.content_hash
        found["landed"] = sorted(
            str(path.relative_to(self.home / "landing"))
            for path in (self.home / "landing").rglob("*")
            if path.is_file() and path.name[0] != "."
        )
        return found


@pytest.fixture(scope="module")
def instance() -> Iterator[postgres.Instance]:
    """A server of its own, to be crashed; what it promised it keeps."""
    folder = Path(tempfile.mkdtemp(prefix="gorod-test-"))
    folder.chmod(0o755)
    try:
        # not synced: a process is killed here, never the machine
        with postgres.running(folder, more={"fsync": "off"}) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def country(instance: postgres.Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a mirror and a home whose database knows territories and people."""
    folder = tmp_path_factory.mktemp("crashes")
    _lay_mirror(folder / "mirror")
    postgres.create_database(instance.dsn("postgres"), COUNTRY)
    with pytest.MonkeyPatch.context() as monkeypatch:
        settings = use_home(
            monkeypatch, folder / COUNTRY / "home", folder / "mirror", warehouse=instance.dsn(COUNTRY)
        )
        warehouse = PostgresWarehouse(settings.warehouse)
        warehouse.prepare()
        for wanted in (
            Wanted(source="territory_register"),
            Wanted(source="belstat", feed="population_by_age"),
        ):
            for candidates in make_plan(wanted, settings, warehouse).candidates.values():
                for candidate in candidates:
                    assert load_candidate(candidate, settings, warehouse).state == "accepted"
    get_settings.cache_clear()
    portal = portal_of(folder)
    portal.put("2021-01", portal.rows("2021-01", 5))
    # what a first run makes once (Dagster's tables, dbt's manifest) is made for all
    done = Place(instance, folder, COUNTRY).gorod(*RUN, builds=False)
    assert done.code == 0, done.said[-3000:]
    return folder


def portal_of(country: Path) -> Portal:
    return Portal(Settings(home=country / "unused"), country / "mirror" / "appeals_115")


@pytest.fixture(scope="module")
def disk(instance: postgres.Instance) -> Iterator[bool]:
    """Whether the server has a tablespace that can become full."""
    with small_disk(instance) as there:
        yield there


def new_name() -> str:
    """A name for a database, as long as all of them: dbt's parsed project is then taken from one to the next."""
    return f"gorod_{uuid.uuid4().hex[:12]}"


def place_in(country: Path, instance: postgres.Instance, name: str, tablespace: str = "pg_default") -> Place:
    """A home and a database of its own, which know what the country knows."""
    with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
        session.execute(
            sql.SQL("create database {} template {} tablespace {}").format(
                sql.Identifier(name), sql.Identifier(COUNTRY), sql.Identifier(tablespace)
            )
        )
        # of numbers that are taken from a copied sequence before this, a server that is killed forgets some
        session.execute("checkpoint")
    place = Place(instance, country, name)
    shutil.copytree(country / COUNTRY / "home", place.home)
    return place


def crash(place: Place, kind: str, phase: str, *command: str, builds: bool = True) -> None:
    """Inject a fault into a run, see what it says and how it leaves, and let the server come back."""
    done = place.gorod(*command, fault=Fault(kind, *PHASES[phase]), builds=builds)
    restart(place.instance)
    where = f"{kind} at {phase}: exit code {done.code}\n{done.said[-3000:]}"
    assert done.fault_was_injected, where
    assert "Traceback" not in done.said, where
    if kind == "dropped" and done.code == 0:
        return  # it went on by itself
    assert done.code == 5, where
    assert "PostgreSQL" in done.said, where
    assert "run again" in done.said, where
    assert ("disk is full" in done.said) == (kind == "full"), where


@pytest.mark.slow
def test_a_server_that_crashes_while_a_run_loads(country: Path, instance: postgres.Instance) -> None:
    """The short form of the test below: the next run loads each delivery once, and nothing of the crashed ones stays."""
    place, portal = place_in(country, instance, new_name()), portal_of(country)
    # months of their own: the mirror is the same for all tests of this file
    for month, kind in (("2018-01", "killed"), ("2018-02", "dropped")):
        portal.put(month, portal.rows(month, 30))
        crash(place, kind, "load", *RUN, builds=False)
    done = place.gorod(*RUN, builds=False)
    assert done.code == 0, done.said[-3000:]
    assert place.warehouse.query(
        "select slice, state, rows_accepted from ops.load_state where slice like '2018-%' order by slice"
    ) == [{"slice": f"2018-0{number}", "state": "accepted", "rows_accepted": 30} for number in (1, 2)]
    assert check_warehouse(place.warehouse).findings == []
    assert not has_pending(place.settings)
    assert not list(place.settings.landing.glob(".incoming/*"))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "schedule",
    [SOME, pytest.param(EVERY, marks=pytest.mark.repeated)],
    ids=["some", "every"],
)
def test_a_server_that_crashes_in_any_phase(
    schedule: Schedule, country: Path, instance: postgres.Instance, disk: bool
) -> None:
    place = place_in(country, instance, new_name(), "small" if disk else "pg_default")
    undisturbed = place_in(country, instance, new_name())
    portal = portal_of(country)
    portal.put("2021-01", portal.rows("2021-01", 8))  # a correction
    months = iter(f"{year}-{month:02}" for year in (2022, 2023) for month in range(1, 13))

    def deliver(rows: int = 30) -> None:
        # so many more than in the months before would be refused; before the first nothing is
        month = next(months) if rows < 1_000 else "2016-01"
        portal.put(month, [*portal.rows(month, rows), portal.row(rows + 1, month, category="6,30")])

    for phase, kinds in schedule.loading.items():
        for kind in kinds:
            deliver()
            crash(place, kind, phase, *RUN, builds=False)
    if disk:
        deliver(rows=3_000)
        for phase in schedule.full:
            crash(place, "full", phase, *RUN, builds=phase == "dbt")
    for phase, kinds in schedule.building.items():
        for kind in kinds:
            crash(place, kind, phase, *RUN)
    done = place.gorod(*RUN)
    assert done.code == 0, done.said[-3000:]
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    for kind in schedule.releasing:
        # from the second time on it stands, and only the ledger does not know it
        crash(place, kind, "release", *RELEASE, moment)
    for each, command in ((place, [*RELEASE, moment]), (undisturbed, RUN)):
        done = each.gorod(*command)
        assert done.code == 0, done.said[-3000:]
    done = undisturbed.gorod(*RELEASE, datetime.now(UTC).isoformat(timespec="seconds"))
    assert done.code == 0, done.said[-3000:]
    for each in (place, undisturbed):
        assert check_warehouse(each.warehouse).findings == []
        assert not has_pending(each.settings)
        assert not list(each.settings.landing.glob(".incoming/*"))
        (one,) = list_releases(each.settings)
        assert verify(each.settings, one.id) == (one.id, [])
    assert place.end() == undisturbed.end()


def test_the_servers_disk_can_be_filled_here(disk: bool) -> None:
    """Else the test above has left that fault out, which is to be seen."""
    if not disk:
        pytest.skip("no small disk can be mounted here: a server with a full disk was not tried")
    assert disk


@pytest.mark.slow
def test_two_loaders_at_once(country: Path, instance: postgres.Instance) -> None:
    first = place_in(country, instance, two := new_name())
    second = Place(instance, country, two, home="another")
    portal = portal_of(country)
    portal.put("2020-01", portal.rows("2020-01", 10))
    writing = first.start(*RUN, fault=Fault("paused", *PHASES["load"]), builds=False)
    writing.wait_for_fault()
    turned_away = second.gorod(*RUN, builds=False)
    assert turned_away.code == 4, turned_away.said[-3000:]
    assert f"gorod is the writer {writing.process.pid}@" in turned_away.said
    waiting = second.start(*RUN, builds=False, GOROD_BUSY_TIMEOUT_S="900")
    waiting.wait_until_it_says("waiting: ")
    writing.mark.unlink()
    for done in (writing.wait(), waiting.wait()):
        assert done.code == 0, done.said[-3000:]
    assert f"gorod is the writer {writing.process.pid}@" in waiting.wait().said
    (one,) = first.warehouse.query("select count(*) as loads from ops.load where slice = '2020-01'")
    assert one == {"loads": 1}
    assert check_warehouse(first.warehouse).findings == []
