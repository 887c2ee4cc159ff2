"""Keys on what a server shows: declared where they hold, never in the way of a publication."""

from __future__ import annotations

import pytest

from pipelines.publishing.server import publish_on_server
from tests.postgres.access.conftest import Served, about

pytestmark = pytest.mark.slow

PERIODS = "pub_indicator_value_v1_time_period"


def constraints(served: Served, kind: str) -> set[str]:
    return {
        name
        for (name,) in served.all_rows(
            "select conname from pg_constraint"
            f" where connamespace = 'published'::regnamespace and contype = '{kind}'"
        )
    }


def test_values_are_told_apart_and_name_their_lists(served: Served) -> None:
    assert "pub_indicator_value_v1_pkey" in constraints(served, "p")
    assert constraints(served, "f") >= {
        PERIODS,
        "pub_indicator_value_v1_indicator",
        "pub_indicator_value_v1_ref_area",
        "pub_observation_v1_load_id",
    }


def test_a_key_that_would_not_hold_is_taken_away_and_given_back(served: Served) -> None:
    """A period of a value leaves the list of periods: the figures are published all the same."""
    built = "published_next.pub_period_v1"
    served.owner.execute(f"create table kept as select * from {built}; delete from {built}")
    try:
        publish_on_server(served.server, about(11))
        assert served.all_rows("select count(*) from published.pub_period_v1") == [(0,)]
        assert PERIODS not in constraints(served, "f")
    finally:
        served.owner.execute(f"insert into {built} select * from kept; drop table kept")
        publish_on_server(served.server, about(12))
    assert PERIODS in constraints(served, "f")


def test_a_list_made_anew_keeps_those_that_name_it(served: Served) -> None:
    built = "published_next.pub_period_v1"
    before = constraints(served, "f")
    served.owner.execute(f"alter table {built} add column more integer")
    try:
        publish_on_server(served.server, about(13))
        assert constraints(served, "f") == before
    finally:
        served.owner.execute(f"alter table {built} drop column more")
        publish_on_server(served.server, about(14))
    assert constraints(served, "f") == before


def test_rows_that_name_each_other_change_together(served: Served) -> None:
    """A new code is listed and used in one publication, in whatever order the tables are changed."""
    served.owner.execute(
        "update published_next.pub_quality_class_v1 set quality_class = 'z' where quality_class = 'measured';"
        " update published_next.pub_indicator_value_v1 set quality_class = 'z' where quality_class = 'measured'"
    )
    try:
        publish_on_server(served.server, about(15))
        assert served.all_rows("select 1 from published.pub_indicator_value_v1 where quality_class = 'z'")
        assert "pub_indicator_value_v1_quality_class" in constraints(served, "f")
    finally:
        served.owner.execute(
            "update published_next.pub_quality_class_v1 set quality_class = 'measured' where quality_class = 'z';"
            " update published_next.pub_indicator_value_v1 set quality_class = 'measured' where quality_class = 'z'"
        )
        publish_on_server(served.server, about(16))
