"""Schema ``published`` on a server: one version at a time, nobody waits, nothing that stands on it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import GorodError, WarehouseBusyError
from pipelines.progress import on_progress
from pipelines.publishing.server import publish_on_server
from pipelines.warehouse.server import Server
from tests.support.databases import Databases
from tests.support.examples import examples

ABOUT = {
    "publication_id": "p", "created_at": datetime(2026, 1, 1, tzinfo=UTC), "content_hash": "c", "definitions_hash": "d",
    "synthetic": True,
}  # fmt: skip
Session = psycopg.Connection[Any]


class Build:
    """What dbt would have built: one contract of a number, a word and a figure."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.server = Server(dsn, busy_timeout_s=1.5)
        with psycopg.connect(dsn, autocommit=True) as session:
            session.execute("create schema published_next")
            session.execute(
                "create table published_next.pub_x_v1 (n integer, word varchar, figure numeric(24, 6))"
            )
            session.execute("comment on table published_next.pub_x_v1 is 'a contract'")
            session.execute("comment on column published_next.pub_x_v1.word is 'слово'")

    def of(self, rows: list[tuple[Any, ...]]) -> None:
        with psycopg.connect(self.dsn) as session:
            session.execute("truncate published_next.pub_x_v1")
            with session.cursor() as cursor:
                cursor.executemany("insert into published_next.pub_x_v1 values (%s, %s, %s)", rows)

    def publish(self, name: str = "p") -> dict[str, int]:
        return publish_on_server(self.server, {**ABOUT, "publication_id": name})

    def shown(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as session:
            return session.execute(
                "select n, word, figure from published.pub_x_v1 order by 1, 2, 3"
            ).fetchall()


@pytest.fixture
def build(dsn: str) -> Build:
    return Build(dsn)


@pytest.fixture(scope="module")
def lasting(databases: Databases) -> Build:
    return Build(databases.new())


@pytest.fixture
def reader(build: Build) -> Iterator[Session]:
    build.of([(1, "а", 1)])
    build.publish("first")
    with psycopg.connect(build.dsn, application_name="superset") as session:
        yield session


words = st.one_of(st.none(), st.sampled_from(["", "а", "ё", "a,b", '"', "null", "\\"]))
rows = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 2)), words, st.sampled_from([None, 0, 1])), max_size=8
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(40)
)
@given(first=rows, second=rows)
def test_what_is_shown_is_what_was_built_with_every_copy_of_a_row(
    lasting: Build, first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> None:
    for given_rows in (first, second):
        lasting.of(given_rows)
        lasting.publish()
        assert sorted(lasting.shown(), key=repr) == sorted(
            [(n, word, figure) for n, word, figure in lasting_rows(lasting)], key=repr
        )
    assert lasting.publish() == {"published.pub_x_v1": 0}


def lasting_rows(build: Build) -> list[tuple[Any, ...]]:
    with psycopg.connect(build.dsn) as session:
        return session.execute("select n, word, figure from published_next.pub_x_v1").fetchall()


def test_only_what_differs_is_written(build: Build) -> None:
    build.of([(n, "а", n) for n in range(100)])
    assert build.publish() == {"published.pub_x_v1": 100}
    build.of([(n, "а", n) for n in range(1, 101)])
    assert build.publish() == {"published.pub_x_v1": 2}


def test_an_open_transaction_keeps_what_it_saw_and_nobody_waits(build: Build, reader: Session) -> None:
    reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    before = reader.execute("select count(*) from published.publication").fetchall()
    build.of([(2, "б", 2), (3, "в", 3)])
    build.server = Server(build.dsn, busy_timeout_s=0)  # a publication that had to wait once would fail
    build.publish("second")
    assert before == [(1,)]
    assert reader.execute("select n from published.pub_x_v1").fetchall() == [(1,)]
    assert reader.execute("select publication_id from published.publication").fetchall() == [("first",)]
    reader.rollback()
    assert reader.execute("select n from published.pub_x_v1 order by 1").fetchall() == [(2,), (3,)]


def test_views_and_rights_on_a_contract_outlive_a_publication(build: Build, reader: Session) -> None:
    reader.execute("create view public.of_an_analyst as select word from published.pub_x_v1")
    reader.execute("grant select on published.pub_x_v1 to public")
    reader.commit()
    build.of([(7, "ж", 7)])
    build.publish("second")
    assert reader.execute("select word from public.of_an_analyst").fetchall() == [("ж",)]
    assert reader.execute(
        "select has_table_privilege('pg_monitor', 'published.pub_x_v1', 'select')"
    ).fetchall() == [(True,)]


def test_comments_follow(build: Build, reader: Session) -> None:
    def comments() -> list[tuple[Any, ...]]:
        return reader.execute(
            "select obj_description('published.pub_x_v1'::regclass, 'pg_class'),"
            " col_description('published.pub_x_v1'::regclass, 2)"
        ).fetchall()

    assert comments() == [("a contract", "слово")]
    with psycopg.connect(build.dsn) as session:
        session.execute("comment on column published_next.pub_x_v1.word is 'другое слово'")
    build.publish("second")
    assert comments() == [("a contract", "другое слово")]


def test_new_columns_wait_for_a_reader_and_then_say_who_it_is(build: Build, reader: Session) -> None:
    reader.execute("select * from published.pub_x_v1")  # and the analyst goes to lunch
    with psycopg.connect(build.dsn) as session:
        session.execute("alter table published_next.pub_x_v1 add column more varchar default 'new'")
    with pytest.raises(WarehouseBusyError, match="superset") as caught:
        build.publish("second")
    assert f"session {reader.info.backend_pid}" in caught.value.message
    assert "what was published before stays" in caught.value.remedy
    assert build.shown() == [(1, "а", 1)]
    reader.rollback()
    build.publish("second")
    assert reader.execute("select more from published.pub_x_v1").fetchall() == [("new",)]


def test_new_columns_are_shown_as_soon_as_the_reader_ends(build: Build, reader: Session) -> None:
    reader.execute("select * from published.pub_x_v1")
    with psycopg.connect(build.dsn) as session:
        session.execute("alter table published_next.pub_x_v1 add column more varchar default 'new'")
    said: list[str] = []

    def hear(step: str) -> None:
        said.append(step)
        reader.rollback()

    on_progress(hear)
    try:
        publish_on_server(Server(build.dsn, busy_timeout_s=60), ABOUT)
    finally:
        on_progress(None)
    (waiting,) = said
    assert f"session {reader.info.backend_pid} of " in waiting
    assert reader.execute("select more from published.pub_x_v1").fetchall() == [("new",)]


def test_new_columns_under_somebodys_view_are_told(build: Build, reader: Session) -> None:
    reader.execute("create view public.of_an_analyst as select word from published.pub_x_v1")
    reader.commit()
    with psycopg.connect(build.dsn) as session:
        session.execute("alter table published_next.pub_x_v1 add column more varchar")
    with pytest.raises(GorodError, match="of_an_analyst") as caught:
        build.publish("second")
    assert caught.value.remedy
    assert build.shown() == [(1, "а", 1)]


def test_a_contract_that_is_gone_is_no_longer_shown(build: Build, reader: Session) -> None:
    with psycopg.connect(build.dsn) as session:
        session.execute("drop table published_next.pub_x_v1")
    build.publish("second")
    assert reader.execute("select to_regclass('published.pub_x_v1')").fetchall() == [(None,)]
