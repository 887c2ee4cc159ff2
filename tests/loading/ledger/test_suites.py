"""What the gate itself says, by the suite of today: of a delivery, a replay, a waiver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import great_expectations.expectations as gxe
import pytest

from expectations.vocabulary import row, rule
from pipelines import formats
from pipelines.deliveries import Delivery
from pipelines.errors import DeliveryError, GorodError, Reason
from pipelines.loading import suites
from pipelines.loading.decisions import replay
from pipelines.warehouse.check import check_warehouse
from tests.loading.ledger.helpers import effective, raw_rows, refused, wave
from tests.support.portal import Portal


@pytest.mark.parametrize(("given", "state"), [("minsk/c-minsk", "accepted"), ("brest/c-brest", "rejected")])
def test_a_suite_can_ask_whose_delivery_it_is(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, given: str, state: str
) -> None:
    instance, ref_area = given.split("/")
    words: Any = {"dimension": "validity", "says": "s", "remedy": "r"}
    asked = [
        *(
            row(
                gxe.ExpectColumnValuesToMatchRegex,
                column=column,
                regex={"$PARAMETER": parameter},
                name=parameter,
                **words,
            )
            for column, parameter in (("organisation_id", "instance"), ("category", "ref_area"))
        ),
        rule(
            "organisation_id = (select instance from delivery)",
            columns=["organisation_id"],
            name="by_table",
            **words,
        ),
    ]
    monkeypatch.setattr(suites, "load_suite", lambda *_: asked)
    load = portal.take("2024-01", [portal.row(1, "2024-01", organisation_id=instance, category=ref_area)])
    assert load.state == state
    assert {result.evaluated_count for result in load.results} >= {1}
    assert sum(not result.success for result in load.results) == (0 if state == "accepted" else 3)


def test_a_replay_is_a_load_of_its_own_by_todays_suite(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = refused(portal)
    again = replay(bad.load_id, "nothing changed", portal.settings, portal.warehouse)
    assert (again.load_id, again.state) == (f"{bad.load_id}~2", "rejected")
    suite = suites.load_suite("appeals_115", "requests")
    lenient = [one for one in suite if one.meta["name"] != "opened_in_month"]
    monkeypatch.setattr(suites, "load_suite", lambda *_: lenient)
    mended = replay(bad.load_id, "the suite was wrong", portal.settings, portal.warehouse)
    assert (mended.load_id, mended.state) == (f"{bad.load_id}~3", "accepted")
    assert effective(portal) == [mended.load_id]
    event = portal.warehouse.query(
        "select * from ops.load_event where event = 'replayed' order by happened_at"
    )[-1]
    assert event["why"] == "the suite was wrong"
    assert event["by_whom"]


def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite of a later day, which has nothing against the rows of another month."""
    suite = [
        one for one in suites.load_suite("appeals_115", "requests") if one.meta["name"] != "opened_in_month"
    ]
    monkeypatch.setattr(suites, "load_suite", lambda *_: suite)


def test_what_is_in_quarantine_stays_there_whatever_the_suite_says_now(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = refused(portal)
    lenient(monkeypatch)
    wave(portal, bad.load_id)
    entered = portal.warehouse.query("select row_no from raw.appeals_115__requests order by 1")
    assert [row["row_no"] for row in entered] == list(range(1, 21))
    kept_back = portal.warehouse.query("select row_no from ops.quarantine order by 1")
    assert [row["row_no"] for row in kept_back] == list(range(21, 41))
    assert check_warehouse(portal.warehouse).findings == []


def test_a_waiver_that_lets_no_row_in_is_not_made(portal: Portal) -> None:
    """It would say that there were none."""
    good = portal.take("2024-01", portal.rows("2024-01", 5))
    bad = portal.take("2024-01", portal.rows("2023-12", 40))
    with pytest.raises(GorodError, match="all its 40 rows are in quarantine"):
        wave(portal, bad.load_id)
    assert effective(portal) == [good.load_id]


@pytest.mark.parametrize("changed", ["reader", "columns", "unreadable", "older"])
def test_what_is_read_otherwise_than_it_was_refused_is_replayed_first(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    bad = refused(portal)
    read = formats.read

    def rewritten(delivery: Delivery, feed: Any, out: Any, *more: Any) -> Any:
        if changed == "unreadable":
            raise DeliveryError("f", [Reason("file", "Иванка Выдуманская", "r")])
        batch = read(delivery, feed, out, *more)
        what = {
            "reader": "* replace ('111' as organisation_id)",
            "columns": "*, 1 as one_more",
        }.get(changed, "*")
        with duckdb.connect() as connection:
            connection.execute(f"copy (select {what} from '{out}') to '{out}.new' (format parquet)")
        Path(f"{out}.new").replace(out)
        return batch

    if changed == "older":  # refused by a Gorod that did not note what it had read
        with portal.warehouse.connection() as connection:
            connection.execute("delete from ops.refused_batch")
    else:
        monkeypatch.setattr(formats, "read", rewritten)
    with pytest.raises(GorodError, match="read") as caught:
        wave(portal, bad.load_id)
    assert "gorod replay" in caught.value.remedy
    assert "Выдуманская" not in str(caught.value)
    assert raw_rows(portal, bad.load_id) == 0
    assert portal.states() == {bad.load_id: "rejected"}
    if changed in ("reader", "columns", "older"):
        again = replay(bad.load_id, "read anew", portal.settings, portal.warehouse)
        wave(portal, again.load_id)
        assert portal.states() == {bad.load_id: "rejected", again.load_id: "waived"}
