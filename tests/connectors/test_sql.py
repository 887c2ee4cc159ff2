"""Rows of other systems' databases: a real PostgreSQL and a real SQLite, read-only, by slices, and no secret anywhere."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from pydantic import ValidationError

from pipelines import connectors, moments
from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate
from pipelines.errors import OriginError
from pipelines.settings import Settings
from sandbox import postgres
from tests.formats.reading import NAMES, rows

PASSWORD = "s3cret/of:meters@home"
COLUMNS: dict[str, Any] = {
    "meter": {"type": "text", "from_path": "METER_ID", "description": "a"},
    "read_at": {"type": "timestamp", "description": "a"},
    "kwh": {"type": "decimal", "description": "a"},
    "owner": {"type": "text", "description": "a", "personal_data": "drop"},
}
READINGS = [
    ("m-1", "2026-09-30 23:59:59", "0.1", "2026-10-01 00:00:00"),
    ("m-1", "2026-10-01 00:00:00", "1234567890.123456", "2026-10-01 01:00:00"),
    ("m-2", "2026-10-31 23:59:59", "-5.5", "2026-11-01 00:00:00"),
    ("м-3", "2026-11-01 00:00:00", "0.000001", "2026-11-01 01:00:00"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="gorod-test-"))
    try:
        with postgres.running(folder, durable=False) as instance:
            dsn = instance.dsn("postgres")
            with psycopg.connect(dsn, autocommit=True) as session:
                session.execute("create schema billing")
                session.execute(
                    'create table billing.readings ("METER_ID" text, read_at timestamp, kwh numeric, '
                    "owner text, changed timestamp)"
                )
                session.execute(f"create role gorod login password '{PASSWORD}'")
                session.execute(
                    "grant usage on schema billing to gorod; grant select on billing.readings to gorod"
                )
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def filled(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(moments, "today", lambda: date(2026, 11, 15))
    monkeypatch.setattr("pipelines.connectors.sql.today", lambda: date(2026, 11, 15))
    with psycopg.connect(server, autocommit=True) as session:
        session.execute("truncate billing.readings")
        session.cursor().executemany(
            "insert into billing.readings values (%s, %s, %s, 'И. Иванов', %s)", READINGS
        )
    address = server.replace("postgres@", f"gorod:{quote(PASSWORD, safe='')}@", 1)
    monkeypatch.setenv("GOROD_METERS_BREST_DSN", address)
    return server


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipelines.connectors.sql.today", lambda: date(2026, 11, 15))
    path = tmp_path / "billing.sqlite"
    with closing(sqlite3.connect(path)) as session, session:
        session.execute(
            'create table readings ("METER_ID" text, read_at text, kwh real, owner text, changed text)'
        )
        session.executemany("insert into readings values (?, ?, ?, 'И. Иванов', ?)", READINGS)
    monkeypatch.setenv("GOROD_METERS_BREST_DSN", f"sqlite:///{path}")
    return path


def source(**origin: Any) -> Source:
    declared = {
        "kind": "sql",
        "address": "GOROD_METERS_{INSTANCE}_DSN",
        "table": "readings",
        "tries": 2,
        **origin,
    }
    feed = {
        "title": NAMES, "description": "a", "cadence": "monthly", "origins": {"mirror": declared}, "first_month": "2026-09-01",
        "format": {"kind": "parquet"}, "columns": {**COLUMNS, "kwh": {**COLUMNS["kwh"], "unbounded": "a"}},
    }  # fmt: skip
    return Source.model_validate(
        {
            "source": "meters", "title": NAMES, "owner": "a", "feeds": {"readings": feed},
            "public_origin": {"address": "a", "licence": "a", "attribution": "a"},
            "instances": {"brest": {"title": NAMES, "ref_area": "BY"}},
        }
    )  # fmt: skip


BILLING = {"table": "billing.readings", "time_column": "read_at"}


def offers(declared: Source, folder: Path, known: Any = frozenset()) -> list[Candidate]:
    return list(
        connectors.candidates(declared, "readings", Settings(home=folder, origin="mirror"), None, known)
    )


def landed(candidate: Candidate, declared: Source, folder: Path) -> list[dict[str, Any]]:
    target = folder / "landed"
    target.mkdir(exist_ok=True)
    candidate.fetch(target)
    return rows(target / "rows.parquet", declared.feeds["readings"])


@pytest.mark.usefixtures("filled")
def test_each_month_is_read_by_its_own_condition(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    declared = source(**BILLING)
    september, october = offers(declared, tmp_path)
    assert (september.slice.key, october.slice.key, october.fingerprint) == ("2026-09", "2026-10", None)
    found = landed(october, declared, tmp_path)
    assert [(row["meter"], str(row["read_at"]), row["kwh"]) for row in found] == [
        ("m-1", "2026-10-01 00:00:00", Decimal("1234567890.123456")), ("m-2", "2026-10-31 23:59:59", Decimal("-5.5")),
    ]  # fmt: skip
    assert "owner" not in found[0] and "Иванов" not in str((tmp_path / "landed/rows.parquet").read_bytes())
    assert not any(
        secret in caplog.text + repr([october, october.fetch])
        for secret in (PASSWORD, quote(PASSWORD, safe=""))
    )
    assert october.origin == "postgresql://localhost/postgres/billing.readings"


def test_a_watermark_tells_what_has_changed(filled: str, tmp_path: Path) -> None:
    declared = source(**BILLING, watermark="changed")
    before = {candidate.slice.key: candidate.fingerprint for candidate in offers(declared, tmp_path)}
    assert before == {"2026-09": "rows:1:2026-10-01 00:00:00", "2026-10": "rows:2:2026-11-01 00:00:00"}
    with psycopg.connect(filled, autocommit=True) as session:
        session.execute(
            "update billing.readings set kwh = 6, changed = '2026-11-14' where \"METER_ID\" = 'm-2'"
        )
    after = {candidate.slice.key: candidate.fingerprint for candidate in offers(declared, tmp_path)}
    assert after["2026-09"] == before["2026-09"] and after["2026-10"] == "rows:2:2026-11-14 00:00:00"


@pytest.mark.usefixtures("filled")
def test_days_are_slices_where_they_are_declared_so(tmp_path: Path) -> None:
    found = offers(source(**BILLING, by="day", watermark="changed"), tmp_path)
    assert [str(candidate.slice.first_day) for candidate in found] == [
        "2026-09-30",
        "2026-10-01",
        "2026-10-31",
        "2026-11-01",
    ]


@pytest.mark.usefixtures("filled")
def test_a_whole_table_with_a_condition_of_ones_own(tmp_path: Path) -> None:
    declared = source(table="billing.readings", where="\"METER_ID\" like 'm-%' and kwh > 0")
    (candidate,) = offers(declared, tmp_path)
    assert candidate.slice.key == "2026-11"
    assert [row["meter"] for row in landed(candidate, declared, tmp_path)] == ["m-1", "m-1"]


def test_nothing_can_be_written_there(filled: str, tmp_path: Path) -> None:
    with psycopg.connect(filled, autocommit=True) as session:
        session.execute("grant all on billing.readings to gorod")
        session.execute(
            "create or replace function billing.empty() returns boolean language plpgsql as "
            "$$begin delete from billing.readings; return true; end$$"
        )
    declared = source(table="billing.readings", where="billing.empty()")
    (candidate,) = offers(declared, tmp_path)
    with pytest.raises(OriginError, match="read-only transaction"):
        landed(candidate, declared, tmp_path)
    with psycopg.connect(filled) as session:
        assert session.execute("select count(*) from billing.readings").fetchone() == (4,)
    assert list((tmp_path / "landed").iterdir()) == []


@pytest.mark.usefixtures("filled")
def test_a_statement_that_takes_too_long_is_ended_by_the_server(tmp_path: Path) -> None:
    declared = source(table="billing.readings", where="pg_sleep(30) is not null", statement_s=0.2)
    (candidate,) = offers(declared, tmp_path)
    began = time.monotonic()
    with pytest.raises(OriginError, match=r"took longer than 0\.2 s") as caught:
        landed(candidate, declared, tmp_path)
    assert time.monotonic() - began < 20 and "statement_s" in caught.value.remedy


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://gorod:{wrong}@127.0.0.1:1/postgres", "times in a row"),
        ("no address of {wrong}", "is not the address"),
        ("klingon://gorod:{wrong}@localhost/a", "no driver"),
        ("sqlite:////nowhere/{wrong}/a.sqlite?password={wrong}", "database"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_what_cannot_be_asked_is_told_without_secrets(
    address: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("GOROD_METERS_BREST_DSN", address.format(wrong=quote(PASSWORD, safe="")))
    with pytest.raises(OriginError, match=said) as caught:
        for candidate in offers(source(**BILLING, connect_s=1), tmp_path):
            landed(candidate, source(), tmp_path)
    context = repr(caught.value.__cause__) + str(caught.value)
    assert not any(secret in context + caplog.text for secret in (PASSWORD, quote(PASSWORD, safe="")))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": "billing.missing"}, "missing"),
        ({"where": "wrong > 1"}, "wrong"),
        ({"table": "pg_catalog.pg_authid"}, "permission|column"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_what_the_database_refuses_is_told_in_its_words(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    declared = source(**{**BILLING, **changes})
    with pytest.raises(OriginError, match=said) as caught:
        landed(offers(declared, tmp_path)[0], declared, tmp_path)
    assert "GOROD_METERS_{INSTANCE}_DSN" in caught.value.remedy or "address" in caught.value.remedy


@pytest.mark.usefixtures("sqlite")
def test_another_database_through_sqlalchemy(tmp_path: Path) -> None:
    declared = source(time_column="read_at", watermark="changed")
    september, october = offers(declared, tmp_path)
    assert october.fingerprint == "rows:2:2026-11-01 00:00:00"
    found = landed(october, declared, tmp_path)
    assert [(row["meter"], row["kwh"]) for row in found] == [
        ("m-1", Decimal("1234567890.123456")),
        ("m-2", Decimal("-5.5")),
    ]
    (first,) = landed(september, declared, tmp_path)
    assert first["kwh"] == Decimal("0.1")


def test_memory_stays_flat_and_nothing_is_lost(filled: str, tmp_path: Path) -> None:
    with psycopg.connect(filled, autocommit=True) as session:
        session.execute(
            "insert into billing.readings select 'm-' || n, timestamp '2026-10-02' + n * interval '1 second', n / 1000.0, "
            "'a', now() from generate_series(1, 300000) as n"
        )
    declared = source(**BILLING)
    (_, october) = offers(declared, tmp_path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = tmp_path / "landed"
    target.mkdir()
    before = pa.total_allocated_bytes()
    october.fetch(target)
    file = pq.ParquetFile(target / "rows.parquet")
    assert file.metadata.num_rows == 300_002 and pa.total_allocated_bytes() - before < 50_000_000
    assert file.metadata.num_row_groups > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"where": "1=1; drop table a"},
        {"where": "1=1 -- all"},
        {"by": "day"},
        {"address": "postgresql://a"},
        {"table": 'a"b'},
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SqlOrigin.model_validate({"address": "GOROD_A", "table": "a", **changes})
