"""Names in Latin letters, as the national rules have them, on both engines."""

from __future__ import annotations

import duckdb
import psycopg
import pytest
from jinja2 import Environment

from pipelines.settings import PROJECT

# as the United Nations' list of the Belarusian system and maps have them
NAMES = {
    "Барысаў": "Barysaŭ",
    "Асіповічы": "Asipovičy",
    "Глыбокае": "Hlybokaje",
    "Смалявічы": "Smaliavičy",
    "Бялынічы": "Bialyničy",
    "Рэчыца": "Rečyca",
    "Хойнікі": "Chojniki",
    "Паставы": "Pastavy",
    "Ельск": "Jeĺsk",
    "Гомель": "Homieĺ",
    "Дзяржынск": "Dziaržynsk",
    "Жодзіна": "Žodzina",
    "Столін": "Stolin",
    "Любань": "Liubań",
    "Шчучын": "Ščučyn",
    "Маладзечанскі": "Maladziečanski",
    "Валожын": "Valožyn",
    "Фаніпаль": "Fanipaĺ",
    "Мар'іна Горка": "Marina Horka",
    "Высокае": "Vysokaje",
    "Ўзда-Ёлкі": "Ŭzda-Jolki",
}


def written(name: str) -> str:
    macro = (PROJECT / "dbt" / "macros" / "sql" / "romanised.sql").read_text(encoding="utf-8")
    return Environment().from_string(macro + f"{{{{ romanised({name!r}) }}}}").render()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_written_by_the_rules(name: str) -> None:
    given = duckdb.execute(f"select {written('given')} from (select ? as given)", [name]).fetchone()
    assert given == (NAMES[name],)


def test_a_server_writes_the_same(session: psycopg.Connection) -> None:
    rows = session.execute(
        f"select given, {written('given')} from unnest(%s::text[]) as names(given)", [list(NAMES)]
    )
    assert dict(rows.fetchall()) == NAMES
