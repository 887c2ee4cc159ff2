"""Thirty readers while others are published: nobody waits, nobody fails, nobody sees two publications at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from pipelines.publishing import server as publishing
from pipelines.publishing.server import publish_on_server
from pipelines.warehouse.server import Server

READERS = 30
AREAS = ("BY", "BY-BR", "BY-VI", "BY-HM")
# Any lock that a reader waits for is an error.
IMPATIENT = "-c lock_timeout=1ms -c statement_timeout=60s"
# The number of a publication, as each of its tables tells it; a mixed one would tell several.
TELLS = {
    "values": "select min(obs_value), max(obs_value), count(*) from published.pub_indicator_value_v1",
    "list": "select min(version), max(version), count(*) from published.pub_indicator_v1",
    "places": "select min(version), max(version), count(*) from published.pub_territory_v1",
    "mart": "select min(obs_value), max(obs_value), count(*) from mart_by_br.indicator_value",
    "name": "select min(publication_id::int), max(publication_id::int), count(*) from published.publication",
}
AT_ONCE = " union all ".join(TELLS.values())


class Country:
    """Contracts of figures, of their names and of places, with their keys, and a mart, as dbt would have built them."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.server = Server(dsn, busy_timeout_s=5)
        with psycopg.connect(dsn) as session:
            session.execute("create schema published_next")
            session.execute("create table published_next.pub_indicator_v1 (indicator varchar, version int)")
            session.execute("create table published_next.pub_territory_v1 (ref_area varchar, version int)")
            session.execute(
                "create table published_next.pub_indicator_value_v1 (indicator varchar, ref_area varchar, freq varchar,"
                " time_period varchar, breakdown varchar, obs_value int)"
            )
            session.execute(
                "create table published_next.mart_by_br__indicator_value (indicator varchar, obs_value int)"
            )

    def build(self, version: int, listed: tuple[str, ...] = AREAS) -> None:
        """Other values, one more indicator each time, and one that is gone."""
        with psycopg.connect(self.dsn) as session:
            for table in ("pub_indicator_v1", "pub_territory_v1", "pub_indicator_value_v1"):
                session.execute(f"truncate published_next.{table}")  # type: ignore[arg-type]
            session.execute(
                "insert into published_next.pub_territory_v1 select unnest(%s::varchar[]), %s",
                [list(listed), version],
            )
            session.execute(
                "insert into published_next.pub_indicator_v1 select 'i' || i, %s from generate_series(%s, 20) as i",
                [version, version],
            )
            session.execute(
                "insert into published_next.pub_indicator_value_v1 select indicator, ref_area, 'A', '2025', '_T', %s"
                " from published_next.pub_indicator_v1, unnest(%s::varchar[]) as ref_area",
                [version, list(AREAS)],
            )
            session.execute("truncate published_next.mart_by_br__indicator_value")
            session.execute(
                "insert into published_next.mart_by_br__indicator_value select indicator, obs_value"
                " from published_next.pub_indicator_value_v1 where ref_area = 'BY-BR'"
            )

    def publish(self, version: int) -> dict[str, int]:
        return publish_on_server(
            self.server,
            {
                "publication_id": str(version), "created_at": datetime(2026, 1, 1, tzinfo=UTC), "content_hash": "c",
                "definitions_hash": "d", "synthetic": True,
            },
        )  # fmt: skip


@pytest.fixture
def country(dsn: str) -> Country:
    made = Country(dsn)
    made.build(0)
    made.publish(0)
    return made


def test_thirty_readers_through_three_publications(country: Country) -> None:
    """Half of them ask all tables in one statement, half ask table by table within one transaction."""
    seen: list[list[tuple[Any, ...]]] = []
    failures: list[str] = []
    over = threading.Event()
    ready = threading.Barrier(READERS + 1, timeout=60)

    def read(number: int) -> None:
        try:
            with psycopg.connect(country.dsn, options=IMPATIENT) as session:
                session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                ready.wait()
                while not over.is_set():
                    if number % 2:
                        answers = session.execute(AT_ONCE).fetchall()
                    else:
                        answers = [session.execute(query).fetchall()[0] for query in TELLS.values()]
                    session.commit()
                    seen.append(answers)
        except (psycopg.Error, threading.BrokenBarrierError) as error:
            failures.append(f"{type(error).__name__}: {error}")

    readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for one in readers:
        one.start()
    ready.wait()
    changed = []
    for version in (1, 2, 3):
        country.build(version)
        changed.append(country.publish(version))
        told = len(seen)
        while len(seen) < told + 2 * READERS and not failures:
            over.wait(0.01)
    over.set()
    for one in readers:
        one.join()
    assert failures == []
    assert all(all(tables.values()) for tables in changed)  # each publication changed rows of each table
    versions = {answers[0][0] for answers in seen}
    assert versions >= {1, 2, 3}
    for answers in seen:
        (version,) = {number for lowest, highest, _ in answers for number in (lowest, highest)}
        listed = 21 - version
        assert [count for *_, count in answers] == [listed * len(AREAS), listed, len(AREAS), listed, 1]


def test_a_key_that_is_taken_away_is_locked_for_a_moment_not_for_a_publication(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = "select count(*) from pg_constraint where contype = 'f' and conrelid = 'published.pub_indicator_value_v1'::regclass"
    with psycopg.connect(country.dsn, autocommit=True, options=IMPATIENT) as session:
        before = session.execute(keys).fetchall()
        country.build(1, listed=AREAS[:-1])  # figures of a place that no list names
        tell, during = publishing._tell, []

        def reading(*arguments: Any) -> None:
            during.extend(session.execute(TELLS["values"]).fetchall())
            tell(*arguments)

        monkeypatch.setattr(publishing, "_tell", reading)
        country.publish(1)
        assert [version for version, *_ in during] == [0]
        assert session.execute(TELLS["values"]).fetchall() == [(1, 1, 80)]
        assert session.execute(keys).fetchall() == [(before[0][0] - 1,)]
