"""Every query of the analysts' guide to the server runs there, as an analyst of a region."""

from __future__ import annotations

import re
from typing import Any

import psycopg
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


# words in the order of a Belarusian dictionary
IN_ORDER = [
    "Ашмяны",
    "Ельск",
    "Жлобін",
    "Івянец",
    "Іўе",
    "Ліда",
    "Мінск",
    "Навагрудак",
    "Узда",
    "Ўсход",
    "Фаніпаль",
]


@pytest.mark.parametrize(
    "how", re.findall(r"order by name_be (collate \"be-x-icu\")|order by (translate.*), name_be", GUIDE)
)
def test_words_are_ordered_as_the_guide_says(session: psycopg.Connection[Any], how: tuple[str, str]) -> None:
    collation, key = how
    by = f"word {collation}" if collation else key.replace("name_be", "word")
    values = ", ".join(f"('{word}')" for word in sorted(IN_ORDER))
    ordered = f"select word from (values {values}) as words (word) order by {by}, word"
    known = session.execute("select 1 from pg_collation where collname = 'be-x-icu'").fetchall()
    if collation and not known:
        with pytest.raises(psycopg.Error, match=r'collation "be-x-icu" .* does not exist'):
            session.execute(ordered)
        return
    assert [word for (word,) in session.execute(ordered).fetchall()] == IN_ORDER
