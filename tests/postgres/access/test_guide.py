"""Every query of the analysts' guide to the server runs there, as an analyst of a region."""

from __future__ import annotations

import re

import pytest

from pipelines.settings import PROJECT
from tests.postgres.access.conftest import Served

GUIDE = (PROJECT / "docs" / "postgresql-analysts.ru.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"### (\d+)\. .*?```sql\n(.*?)```", GUIDE, flags=re.DOTALL))
# The small warehouse knows neither two Januaries nor a plan for the territories of Brest.
MAY_BE_EMPTY = {"10", "17"}


def test_there_are_twenty() -> None:
    assert list(QUERIES) == [str(number) for number in range(1, 21)]


@pytest.mark.slow
@pytest.mark.parametrize("number", QUERIES)
def test_query_answers(served: Served, number: str) -> None:
    rows = served.rows("test_brest", QUERIES[number])
    assert rows or number in MAY_BE_EMPTY
