"""Fifteen expectations of requests: the feed's own suite, and more of the same kinds."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.appeals_115 import requests
from expectations.vocabulary import row

MORE: list[Any] = [
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="organisation_id",
        mostly=0.95,
        name="organisation_given",
        dimension="completeness",
        says="У каждого обращения есть организация.",
        remedy="Укажите код организации.",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="organisation_id",
        regex=r"^[0-9]{1,6}$",
        mostly=0.95,
        name="organisation_is_code",
        dimension="validity",
        says="Организация – код из цифр.",
        remedy="Укажите код организации, а не название.",
    ),
]

SUITE: list[Any] = [*requests.SUITE, *MORE]
