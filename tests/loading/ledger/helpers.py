"""What the tests of the ledger share: loads that are refused, spans of years, waivers, what counts."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.deliveries import Candidate, Slice
from pipelines.loading.candidates import load_candidate
from pipelines.loading.decisions import waive
from pipelines.loading.load import LoadOutcome
from tests.loading.ledger_model import BAD, TODAY
from tests.support.portal import HEADER, Portal


def effective(portal: Portal) -> list[str]:
    return [
        row["load_id"]
        for row in portal.warehouse.query("select load_id from ops.effective_load order by load_no")
    ]


def refused(portal: Portal, month: str = "2024-01") -> LoadOutcome:
    """A load of which half the rows are of another month: more than may be kept back."""
    return portal.take(month, [*portal.rows(month, 20), *bad_rows(20)])


def bad_rows(count: int) -> list[str]:
    """Rows of another month, which are kept back by the gate, and by what stands in for it."""
    return [Portal.row(21 + number, "2023-12", organisation_id=BAD) for number in range(count)]


def raw_rows(portal: Portal, load_id: str) -> int:
    count = portal.scalar("select count(*) from raw.appeals_115__requests where load_id = ?", load_id)
    assert isinstance(count, int)
    return count


def counted_rows(portal: Portal) -> int:
    found = portal.scalar(
        "select count(*) from raw.appeals_115__requests join ops.effective_load using (load_id)"
    )
    assert isinstance(found, int)
    return found


def wave(portal: Portal, load_id: str, days: int = 0) -> None:
    waive(load_id, "Петров", "test", TODAY + timedelta(days=days), portal.settings, portal.warehouse)


def end_waivers(portal: Portal) -> None:
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.load_event set until = ? where until is not null", [TODAY - timedelta(days=1)]
        )


def years(portal: Portal, first: int, last: int, rows: int, bad: int = 0) -> LoadOutcome:
    """Rows of the first January of a span of years; as many bad ones refuse the load."""
    content = [*portal.rows(f"{first}-01", rows), *bad_rows(bad)]
    text = "\n".join([HEADER, *content]) + "\n"
    candidate = Candidate(
        source="appeals_115", feed="requests", instance="minsk", slice=Slice("", date(first, 1, 1), date(last, 12, 31)),
        origin="test", fingerprint=None, synthetic=True,
        fetch=lambda folder: (folder / "span.csv").write_text(text, encoding="utf-8") and None,
    )  # fmt: skip
    return load_candidate(candidate, portal.settings, portal.warehouse)
