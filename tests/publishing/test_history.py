"""What was known when: a history that only grows where something changed, and questions as of a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import GorodError
from pipelines.moments import parse_as_of
from pipelines.publishing.history import known, show_known
from pipelines.publishing.index_contract import newest_build, publish_index
from pipelines.publishing.names import Names
from pipelines.publishing.publish import publish
from pipelines.publishing.query import ask
from pipelines.settings import Settings
from tests.support.small_warehouse import SmallWarehouse, fill, requests

KEY = ("appeals_per_1000", "c-minsk", "2019-06", "_T")


def build(small: SmallWarehouse) -> datetime:
    """A whole build with the indices; the moment after it."""
    done = small.dbt("build", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    return after_build(small)


def after_build(small: SmallWarehouse) -> datetime:
    """The indices of what is built; the moment after it."""
    with small.connect() as connection:
        connection.execute("update ops.build set whole = true")
        publish_index(connection, newest_build(connection))
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def story(built_small: SmallWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Built; built again without a change; June of Minsk delivered again, 7 requests for 10; built."""
    small: Any = built_small.copy(tmp_path_factory.mktemp("vintages"))
    small.first = after_build(small)
    small.settings = Settings(home=small.folder / "home", warehouse=str(small.path))
    small.publications = [publish(small.settings)]
    count = "select count(*) from history.known_indicator_value"
    small.counts = small.query(count)
    build(small)
    small.publications.append(publish(small.settings))
    small.counts += small.query(count)
    small.corrected = small.load(
        "appeals_115.requests", "2019-06", requests(["6"] * 7, "2019-06"), instance="minsk"
    )
    with small.connect() as connection:
        connection.execute(
            "update ops.load set decided_at = now() at time zone 'UTC' where load_id = ?", [small.corrected]
        )
    small.second = build(small)
    small.publications.append(publish(small.settings))
    small.counts += small.query(count)
    return small


@pytest.mark.slow
def test_a_build_without_changes_adds_nothing(story: Any) -> None:
    (first,), (unchanged,), (changed,) = story.counts
    values = story.query("select count(*) from marts.mart_indicator_value")[0][0]
    assert first == unchanged
    assert first < changed
    assert [one.is_new for one in story.publications] == [True, False, True]
    # of what is known now there is one row each, and it is the mart's
    now = "select count(*) from history.known_indicator_value where known_to is null"
    assert story.query(now) == [(values,)]
    same = story.query(
        "select count(*) from history.known_indicator_value as history inner join marts.mart_indicator_value as mart"
        " using (indicator, ref_area, freq, time_period, breakdown)"
        " where known_to is null and history.obs_value is not distinct from mart.obs_value"
        " and history.obs_status = mart.obs_status"
    )
    assert same == [(values,)]


@pytest.mark.slow
def test_only_what_changed_has_two_vintages(story: Any) -> None:
    twice = story.query(
        "select distinct ref_area, time_period from history.known_indicator_value"
        " where known_to is not null order by all"
    )
    # Minsk, its region, the country; June and its quarter: without February there is no half-year
    assert {area for area, _ in twice} == {"c-minsk", "BY-HM", "BY"}
    assert {period for _, period in twice} == {"2019-06", "2019-Q2"}
    vintages = story.query(
        "select numerator, known_from, known_to from history.known_indicator_value where indicator = ?"
        " and ref_area = ? and time_period = ? and breakdown = ? order by known_from",
        *KEY,
    )
    assert [row[0] for row in vintages] == [10, 7]
    assert vintages[0][2] == vintages[1][1]  # nothing between, and no overlap
    assert (
        vintages[0][1] < story.first.replace(tzinfo=None) < vintages[1][1] < story.second.replace(tzinfo=None)
    )


@pytest.mark.slow
def test_a_revised_value_says_so_and_what_it_was(story: Any) -> None:
    """June of Minsk was 10 of 200 inhabitants, and is 7 now; nothing else was another figure before."""
    query = (
        "select distinct obs_value, is_revised, value_before from published.pub_indicator_value_v1"
        " where indicator = 'appeals_per_1000' and ref_area = 'c-minsk' and time_period = '2019-06' and breakdown = '_T'"
    )
    assert story.query(query) == [(35, True, 50)]
    answers = [ask(story.settings, query, moment)[1] for moment in (story.first, story.second, None)]
    assert answers == [[(50, False, None)], [(35, True, 50)], [(35, True, 50)]]
    marked = story.query(
        "select distinct time_period from published.pub_indicator_value_v1 where is_revised order by all"
    )
    assert marked == [("2019-06",), ("2019-Q2",)]
    assert story.query(
        "select count(*) from published.pub_indicator_value_v1 where is_revised <> (value_before is not null)"
    ) == [(0,)]
    # the region's own mart says it, too
    for table in ("mart_by_hm.indicator_value", "mart_by.indicator_value"):
        assert story.query(query.replace("published.pub_indicator_value_v1", table)) == [(35, True, 50)]


@pytest.mark.slow
def test_a_question_as_of_a_moment(story: Any) -> None:
    query = (
        "select numerator from published.pub_indicator_value_v1 where indicator = 'appeals_per_1000'"
        " and ref_area = 'c-minsk' and time_period = '2019-06' and breakdown = '_T'"
    )
    before = story.first - timedelta(days=1)
    answers = [ask(story.settings, query, moment)[1] for moment in (before, story.first, story.second, None)]
    assert answers == [[], [(10,)], [(7,)], [(7,)]]
    every = "select * from pub_indicator_value_v1 order by all"
    as_of_now, today = ask(story.settings, every, story.second), ask(story.settings, every)
    moments = as_of_now[0].index("last_update")  # when a row was last updated is not followed
    assert as_of_now[0] == today[0]
    assert [row[:moments] + row[moments + 1 :] for row in as_of_now[1]] == [
        row[:moments] + row[moments + 1 :] for row in today[1]
    ]
    with pytest.raises(GorodError, match="disabled"):
        ask(story.settings, "select * from read_csv('/etc/passwd')", story.first)


@pytest.mark.slow
def test_what_was_known_and_what_replaced_it(story: Any) -> None:
    with story.connect(read_only=True) as connection:
        then = known(connection, *KEY, story.first)
        now = known(connection, *KEY, story.second)
        never = known(connection, *KEY, story.first - timedelta(days=1))
        with pytest.raises(GorodError, match="never had a value"):
            known(connection, "appeals_per_1000", "c-nowhere", "2019-06", "_T", story.first)
    assert then.then is not None
    assert then.then.numerator == 10
    assert [one.numerator for one in then.later] == [7]
    assert then.then.known_to == then.later[0].known_from
    assert [load.load_id for load in then.loads] == [story.corrected]
    assert any(story.corrected in line for line in show_known(then, Names("en")))
    assert now.then is not None
    assert (now.then.numerator, now.then.known_to, now.later, now.loads) == (7, None, (), ())
    assert (never.then, len(never.later)) == (None, 2)
    assert "nothing was known" in show_known(never, Names("en"))[0]


@pytest.mark.slow
# the short form, on a server: a month that is taken away (postgres/test_vintages.py)
@pytest.mark.long
def test_a_value_that_is_gone_is_no_longer_known(tmp_path: Path) -> None:
    small = SmallWarehouse(tmp_path)
    fill(small)
    build(small)
    with small.connect() as connection:
        connection.execute("delete from catalogue.indicator where indicator = 'appeals_rated_pct'")
    end = build(small)
    open_rows = "select count(*) from history.known_indicator_value where indicator = ? and known_to is null"
    closed = "select count(*) from history.known_indicator_value where indicator = ? and known_to < ?"
    assert small.query(open_rows, "appeals_rated_pct") == [(0,)]
    assert small.query(closed, "appeals_rated_pct", end.replace(tzinfo=None))[0][0] > 0
    assert small.query(open_rows, "appeals_per_1000")[0][0] > 0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1, 20, 59, 59, 999999, tzinfo=UTC)),
        ("2026-11-01T10:00", datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
        ("2026-11-01 10:00:30", datetime(2026, 11, 1, 7, 0, 30, tzinfo=UTC)),
        ("2026-11-01T10:00Z", datetime(2026, 11, 1, 10, 0, tzinfo=UTC)),
        ("2026-11-01T10:00+01:00", datetime(2026, 11, 1, 9, 0, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_as_of(text) == moment


@given(st.text(max_size=12))
def test_what_is_no_moment_is_told(text: str) -> None:
    try:
        assert parse_as_of(text).tzinfo is UTC
    except GorodError as error:
        assert "not a moment" in error.message
