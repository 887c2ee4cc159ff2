"""What suppliers owe and what came of it: states by period, days of the country, the scorecard by territory."""

from __future__ import annotations

from typing import Any

import pytest

FEED = "appeals_115.requests"
MODELS = (
    "stg_catalogue__feed",
    "int_reporting_delivery",
    "int_reporting_period",
    "int_reporting_due",
    "mart_reporting",
    "mart_supplier_scorecard",
    "pub_reporting",
    "pub_supplier_scorecard",
)
# instance, period, when it arrived in UTC, what the gate decided; a month is due ten days after its end
DELIVERED = (
    ("minsk", "2026-01", "2026-03-05 09:00", "accepted"),
    ("minsk", "2026-02", "2026-03-05 09:00", "accepted"),
    ("minsk", "2026-03", "2026-04-08 09:00", "rejected"),
    ("minsk", "2026-03", "2026-04-12 09:00", "accepted"),
    # half past one at night of the last day, in Minsk
    ("minsk", "2026-04", "2026-05-09 22:30", "accepted"),
    ("minsk", "2026-04", "2026-05-20 09:00", "accepted"),
    ("minsk", "2026-05", "2026-06-02 09:00", "rejected"),
    ("brest", "2026-03", "2026-04-01 09:00", "accepted"),
    # and of the day after it
    ("brest", "2026-04", "2026-05-10 22:30", "accepted"),
)
TODAY = "2026-06-15"


@pytest.fixture(scope="module")
def reported(small: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A warehouse in which nothing but the deliveries above was due."""
    warehouse = small.copy(tmp_path_factory.mktemp("reporting"))
    with warehouse.connect() as connection:
        connection.execute("delete from ops.load where source <> 'territory_register'")
    for instance, period, arrived, outcome in DELIVERED:
        load_id = warehouse.load(FEED, period, [], instance=instance, outcome=outcome)
        with warehouse.connect() as connection:
            connection.execute(f"update ops.load set received_at = '{arrived}' where load_id = '{load_id}'")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GOROD_TODAY", TODAY)
        done = warehouse.dbt("build", "--select", *MODELS)
    assert done.returncode == 0, done.stdout[-3000:]
    return warehouse


def states(warehouse: Any, instance: str) -> dict[str, str]:
    """What came of each month of an instance."""
    return dict(
        warehouse.query(
            "select time_period, reporting_state from published.pub_reporting_v1 "
            "where source = 'appeals_115' and instance = ?",
            instance,
        )
    )


@pytest.mark.slow
def test_each_period_that_is_due_has_a_state(reported: Any) -> None:
    assert states(reported, "minsk") == {
        "2026-01": "history",
        "2026-02": "on_time",
        "2026-03": "late",
        "2026-04": "on_time",
        "2026-05": "refused",
    }
    assert states(reported, "brest") == {"2026-03": "on_time", "2026-04": "late", "2026-05": "missing"}


@pytest.mark.slow
def test_one_that_never_delivered_owes_the_newest_period(reported: Any) -> None:
    assert states(reported, "homiel") == {"2026-05": "missing"}


@pytest.mark.slow
def test_refusals_and_corrections_stand_beside_the_period(reported: Any) -> None:
    rows = reported.query(
        "select time_period, deliveries, deliveries_refused, is_accepted_at_first_try, is_corrected "
        "from published.pub_reporting_v1 where instance = 'minsk' and time_period >= '2026-03' order by 1"
    )
    assert rows == [
        ("2026-03", 2, 1, False, False),
        ("2026-04", 2, 0, True, True),
        ("2026-05", 1, 1, False, False),
    ]


@pytest.mark.slow
def test_the_scorecard_counts_a_territory_with_those_within_it(reported: Any) -> None:
    score = (
        "select periods_expected, periods_accepted, periods_on_time, periods_late, periods_history, periods_refused, "
        "periods_missing, periods_accepted_at_first_try, periods_corrected, accepted_pct, on_time_pct, first_try_pct "
        "from published.pub_supplier_scorecard_v1 where source = 'appeals_115' and ref_area = ? and time_period = '2026'"
    )
    assert [tuple(map(float, row)) for row in reported.query(score, "c-brest")] == [
        (3, 2, 1, 1, 0, 0, 1, 2, 0, 66.67, 33.33, 100)
    ]
    minsk = (5, 4, 2, 1, 1, 1, 0, 3, 1, 80, 50, 60)
    # the capital is a region and a city
    assert [tuple(map(float, row)) for row in reported.query(score, "BY-HM")] == [minsk]
    # the register of this warehouse lists none of the other cities
    country = reported.query(score, "BY")[0]
    assert country[:9] == (8, 6, 3, 2, 1, 1, 1, 5, 1)
