"""A published value leads back to rows, or to a delivery that says why there are none.

Here by the command's own trace, for one value in 301 (one in 17 in the long form); ``tests/pipeline/test_samples.py``
walks all of the demo at once.
"""

from __future__ import annotations

from math import prod
from typing import Any

import pytest

from pipelines.operations.trace import trace
from pipelines.operations.trace_text import show
from pipelines.publishing.exports.words import MISSING


@pytest.mark.parametrize("one_in", [301, pytest.param(17, marks=pytest.mark.long)])
def test_a_published_value_ends_at_rows(one_in: int, small: Any) -> None:
    with small.connect(read_only=True) as connection:
        keys = connection.execute(
            "select indicator, ref_area, time_period, breakdown from published.pub_indicator_value_v1 order by all"
        ).fetchall()
        assert len(keys) > 300
        for key in keys[::one_in]:
            found = trace(connection, *key)
            if found.obs_value is None:
                assert found.missing_reason is not None
                assert MISSING[found.missing_reason].en in "\n".join(show(found)) or not found.terms
            for side, total in (("numerator", found.numerator), ("denominator", found.denominator)):
                if total is None or found.missing_reason == "not_applicable":
                    continue
                terms = [
                    term for term in found.terms if term.side == side and _counts(found, term.reported_by)
                ]
                if found.derivation != "percentile":
                    assert sum(term.weight * (term.value or 0) for term in terms) == total, key
                for term in terms:
                    assert term.observations, key
                    observed = [item.obs_value or 0 for item in term.observations]
                    assert (sum(observed) if term.times_measure is None else prod(observed)) == term.value, (
                        key
                    )
                    for item in term.observations:
                        assert item.load is not None, key
                        assert item.obs_value == 0 or (item.rows is not None and item.rows.rows), key


def _counts(found: Any, territory: str) -> bool:
    """Whether all terms of the territory have figures: others are left out of a rolled-up sum."""
    return all(
        term.value is not None and all(item.obs_value is not None for item in term.observations)
        for term in found.terms
        if term.reported_by == territory and term.breakdown != "_U"
    )


@pytest.mark.parametrize("one_in", [30, pytest.param(1, marks=pytest.mark.long)])
def test_a_value_that_was_filled_in_leads_to_the_rows_of_the_values_it_was_filled_in_from(
    one_in: int, small: Any
) -> None:
    key = ("pon_port_utilisation_pct", "c-brest", "2019-07")
    with small.connect(read_only=True) as connection:
        found = trace(connection, *key)
        filled = connection.execute(
            "select indicator, ref_area, time_period, breakdown from published.pub_indicator_value_v1"
            " where imputed_by is not null"
        ).fetchall()
        traced = connection.execute(
            "select distinct indicator, ref_area, time_period, breakdown from published.pub_trace_v1"
            " where donor_period is not null"
        ).fetchall()
        told = connection.execute(
            "select donor_indicator, donor_ref_area, donor_period, load_id from published.pub_trace_v1"
            " where indicator = ? and ref_area = ? and time_period = ? and donor_period is not null",
            list(key),
        ).fetchall()
        for one in sorted(filled)[::one_in]:
            (donor, *_) = trace(connection, *one).donors
            # a nought was counted in no row
            assert (
                any(item.rows for term in donor.terms for item in term.observations) or not donor.obs_value
            ), one
    (donor,) = found.donors
    assert (found.imputed_by, found.obs_value) == ("carry_forward", donor.obs_value)
    assert (donor.ref_area, donor.time_period, donor.imputed_by) == ("c-brest", "2019-06", None)
    assert [load.load_id for load in found.loads] == [small.ids["inventory"]]
    (ports,) = (term for term in donor.terms if term.side == "denominator")
    # eight idle or active ports of Brest, and one that is busy
    assert ports.observations[0].rows is not None
    assert ports.observations[0].rows.row_numbers == tuple(range(1, 10))
    lines = show(found)
    assert "imputed from:" in lines
    assert any(small.ids["inventory"] in line for line in lines)
    assert {row[:3] for row in told} == {(key[0], "c-brest", "2019-06")}
    assert {row[3] for row in told} == {small.ids["inventory"]}
    assert sorted(traced) == sorted(filled) != []


def test_a_trace_shows_the_rows_with_their_kept_columns(small: Any) -> None:
    with small.connect(read_only=True) as connection:
        found = trace(connection, "appeals_per_1000", "BY", "2019-04")
    april = {item.load.load_id: item.rows for term in found.terms for item in term.observations if item.load}
    rows = april[small.ids["brest-04"]]
    assert rows.count == 3
    assert rows.row_numbers == (1, 2, 3)
    assert rows.rows[0]["id"] == "2019-04-1"
    assert not {"author", "name", "address"} & set(rows.rows[0])


def test_a_value_that_is_not_retained_names_the_empty_delivery(small: Any) -> None:
    with small.connect(read_only=True) as connection:
        found = trace(connection, "appeals_per_1000", "c-minsk", "2019-02")
    numerator = next(term for term in found.terms if term.side == "numerator")
    assert [item.load.load_id for item in numerator.observations if item.load] == [small.ids["minsk-02"]]
    assert numerator.observations[0].load is not None
    assert numerator.observations[0].load.not_retained
