"""What must hold of the list of towns and the districts that they lie in."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import DISTRICT, TOWN, code, listed, unique
from expectations.vocabulary import row

SUITE: list[Any] = [
    *code("city_id", TOWN, "c-…"),
    listed("city_id"),
    *code("raion_id", DISTRICT, "r-…"),
    listed("raion_id"),
    unique(["city_id"], "Город лежит только в одном районе."),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="method",
        value_set=["native", "pip", "manual"],
        severity="warning",
        name="method_known",
        dimension="validity",
        says="Способ – native, pip или manual.",
        remedy="Сообщите, что означает новый способ.",
    ),
]
