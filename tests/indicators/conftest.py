"""One small warehouse with everything that the build holds against its figures, built once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.small_warehouse import SmallWarehouse, fill, requests

WAGE = Decimal(450)  # of Brest region in 2016, as delivered
OTHER_WAGE = Decimal(600)  # of Minsk region


@pytest.fixture(scope="session")
def doubtful(tmp_path_factory: pytest.TempPathFactory) -> SmallWarehouse:
    """As if its deliveries were real; to be copied by a test that changes it.

    One correction fits and one fits no more. Brest rates 9 of 5, which the gate would have kept out; Minsk plans for 10
    days, here held to be unusual.
    """
    small = SmallWarehouse(tmp_path_factory.mktemp("doubtful"))
    fill(small)
    nine = requests(["6"] * 4, "2019-07", rating=9)
    small.ids = {"rated": small.load("appeals_115.requests", "2019-07", nine, instance="brest")}
    with small.connect() as connection:
        connection.execute("update ops.load set synthetic = false")
        connection.execute("delete from catalogue.correction")
        for code, ref_area, expected in (
            ("slip", "BY-BR", WAGE),
            ("outdated", "BY-MI", OTHER_WAGE + 1),
        ):
            connection.execute(
                "insert into catalogue.correction (correction, measure, ref_area, time_period, breakdown, expected, "
                "action, value, upstream) values (?, 'wage_nominal_monthly_byn', ?, '2016', '_T', ?, "
                "'override', 777, 'reported')",
                [code, ref_area, expected],
            )
        connection.execute(
            "update catalogue.plausibility_rule set upper = 9 where rule = 'planned_for_more_than_a_year'"
        )
    done = small.dbt("build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-2000:]
    return small
