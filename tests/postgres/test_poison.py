"""What PostgreSQL refuses to hold refuses its delivery, and nothing else; and what is new is told as on DuckDB."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from pipelines.deliveries import Batch, ValidationResult
from pipelines.loading import gate, landing, pending_markers
from pipelines.loading.prefetch import validators
from pipelines.sql import literal
from tests.connectors.test_drop_folder import (
    moved,
    test_an_origin_that_offers_what_it_offered_supersedes_no_correction,
    test_refused_bytes_dropped_again_are_judged_again,
    touch,
)
from tests.loading.test_poison import load_all
from tests.support.portal import Portal

__all__ = [
    "moved",
    "test_an_origin_that_offers_what_it_offered_supersedes_no_correction",
    "test_refused_bytes_dropped_again_are_judged_again",
    "touch",
]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_null_character_refuses_its_delivery_alone(
    ahead: bool, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in ("2024-01", "2024-02", "2024-03"):
        portal.put(month, portal.rows(month, 5))
    evaluate, validated = gate.evaluate, []

    def let_through(batch: Batch, *arguments: Any) -> ValidationResult:
        """The gate, with no rule that a null character would break."""
        validation = evaluate(batch, *arguments)
        validated.append(batch)
        if len(validated) == 2:
            given, other = literal(str(batch.path)), batch.path.with_name("other.parquet")
            with duckdb.connect() as connection:
                connection.execute(
                    f"copy (select * replace (organisation_id || chr(0) as organisation_id) from {given}) "
                    f"to {literal(str(other))} (format parquet)"
                )
            other.replace(batch.path)
        return validation

    monkeypatch.setattr(gate, "evaluate", let_through)
    with validators(0):
        if not ahead:
            for candidate in portal.candidates():
                landing.land(candidate, portal.settings)
        states = {key: outcome.state for key, outcome in load_all(portal).items()}
    assert states == {"2024-01": "accepted", "2024-02": "rejected", "2024-03": "accepted"}
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 10
    assert portal.scalar("select count(*) from ops.load_result where expectation = 'delivery.read'") == 1
    assert not pending_markers.has_pending(portal.settings)
