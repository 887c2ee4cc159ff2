"""Waivers end at midnight in Minsk whatever the zone of a session (the rest: tests/publishing/test_staleness.py)."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from pipelines import moments
from tests.publishing.test_staleness import waived
from tests.support.portal import Portal


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_ledger_knows_minsk_whatever_the_zone_of_the_session(
    zone: str, session: psycopg.Connection, portal: Portal
) -> None:
    load = waived(portal, until=moments.today())
    name = sql.Identifier(session.info.dbname)
    session.execute(sql.SQL("alter database {} set timezone to {}").format(name, sql.Literal(zone)))
    with psycopg.connect(session.info.dsn, autocommit=True) as there:
        assert there.execute("show timezone").fetchone() == (zone,)
        seen = there.execute("select load_id, state from ops.effective_load").fetchall()
        there.execute(
            "update ops.load_event set until = %s where event = 'waived'",
            [moments.today() - timedelta(days=1)],
        )
        then = there.execute("select load_id, state from ops.effective_load").fetchall()
    assert seen == [(load, "waived")]
    assert then == []
