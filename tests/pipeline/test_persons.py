"""No person and no address is in anything that a run leaves behind, whatever became of the delivery that names them."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from pypdf import PdfReader

from pipelines.loading.answer import answer
from pipelines.loading.candidates import load_candidate
from pipelines.loading.load import LoadOutcome
from pipelines.loading.plan import Wanted, make_plan
from sandbox.inventory import API, City, Resource, inventory
from sandbox.tmf639 import serve
from tests.pipeline.conftest import gorod
from tests.support.portal import HEADER, Portal

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Person:
    """Somebody who exists in one delivery of these tests and nowhere else."""

    number: int
    name: str

    @property
    def author(self) -> str:
        return f"7700000000{self.number:02}"

    @property
    def street(self) -> str:
        return f"улица {self.name.split()[1]} Тайная"

    @property
    def flat(self) -> str:
        return f"{self.number}19-{self.number}77"

    @property
    def lat(self) -> str:
        return f"53.917{self.number:02}041"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*self.name.split(), self.author, self.street, self.flat, self.lat)

    def row(self, number: int, month: str, **changes: str) -> str:
        """A request of this person."""
        given = {
            "author": self.author, "name": self.name, "address": f'"{self.street}, {self.flat}"', "lat": self.lat,
        }  # fmt: skip
        return Portal.row(number, month, **{**given, **changes})


ACCEPTED = Person(11, "Аглая Принятинская")
BAD_STATE = Person(12, "Бажена Карантинская")
BAD_NUMBER = Person(13, "Ванда Нечисловская")
BAD_POINT = Person(14, "Гелена Неточечная")
COMMA = Person(15, "Дорофея Запятницкая")
SHORT = Person(16, "Ефросинья Недолжанская")
REFUSED = Person(17, "Зинаида Отказова")
STAFF = Person(31, "Юзефа Филиальская")
KEPT_BACK_STAFF = Person(32, "Ядвига Задержанская")
REFUSED_STAFF = Person(33, "Щепан Снимковский")
TORN_STAFF = Person(34, "Шимон Оборванский")


def file_of(person: Person, month: str, rows: int = 30) -> str:
    return "\n".join([HEADER, *(person.row(number, month) for number in range(1, rows + 1))]) + "\n"


# files that nobody can read: how each is spoilt, and whom it names
SPOILT: dict[str, tuple[Person, Callable[[str], str | bytes]]] = {
    "cp1251": (Person(18, "Ирена Кодовская"), lambda text: text.encode("cp1251")),
    "no header": (Person(19, "Казимира Безголовская"), lambda text: text.split("\n", 1)[1]),
    "open quotes": (Person(20, "Людвика Кавычинская"), lambda text: text.replace('77"', "77", 1)),
    "cut": (Person(21, "Марцелина Обрывская"), lambda text: text[:-40]),
    "semicolons": (Person(22, "Настасья Точкинская"), lambda text: text.replace(",", ";")),
    "column missing": (
        Person(23, "Олимпия Столбцовская"),
        lambda text: text.replace(",rating,", ",").replace(",5,0,", ",5,"),
    ),
    "carriage returns": (Person(24, "Пелагея Возвратская"), lambda text: text.replace("\n", "\r")),
    "NUL": (Person(25, "Регина Нулевская"), lambda text: text[:-5] + "\x00" + text[-5:]),
    "no end of line": (Person(26, "Серафима Слитницкая"), lambda text: text.replace("\n", "", 1)),
    "one column more": (
        Person(27, "Тереза Двойницкая"),
        lambda text: text.replace("\n", ",Тереза Двойницкая\n"),
    ),
}
MONTHS = [f"{year}-{month:02}" for year in (2021, 2022) for month in range(1, 13)]
UNREADABLE = dict(zip(MONTHS, SPOILT.values(), strict=False))
PERSONS = [
    ACCEPTED, BAD_STATE, BAD_NUMBER, BAD_POINT, COMMA, SHORT, REFUSED, STAFF, KEPT_BACK_STAFF, REFUSED_STAFF, TORN_STAFF,
    *(person for person, _ in UNREADABLE.values()),
]  # fmt: skip
SECRETS = [secret for person in PERSONS for secret in person.secrets]


def forms(secret: str) -> list[bytes]:
    """How a text may stand in bytes: as it is, in other encodings, escaped as JSON does."""
    return [
        secret.encode(),
        secret.encode("cp1251"),
        secret.encode("utf-16-le"),
        json.dumps(secret)[1:-1].encode(),
    ]


FORMS = {form: secret for secret in SECRETS for form in forms(secret)}
BYTES = re.compile(b"|".join(re.escape(form) for form in FORMS))
TEXT = "|".join(re.escape(secret) for secret in SECRETS)


def told(content: bytes) -> set[str]:
    """What of the secrets stands in bytes."""
    return {FORMS[found] for found in BYTES.findall(content)}


def in_rows(connection: duckdb.DuckDBPyConnection, source: str) -> set[str]:
    """What of the secrets stands in a table, in whatever column."""
    rows = connection.execute(
        f"select regexp_extract(told, ?) from (select r::varchar as told from {source} as r) "
        "where regexp_matches(told, ?)",
        [TEXT, TEXT],
    ).fetchall()
    return {found for (found,) in rows}


def in_database(path: Path) -> set[str]:
    found: set[str] = set()
    with duckdb.connect(str(path), read_only=True) as connection:
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal and database_name = current_database()"
        ).fetchall():
            found |= in_rows(connection, f'"{schema}"."{table}"')
        # comments and definitions of views
        for function in ("duckdb_tables", "duckdb_columns", "duckdb_views"):
            found |= in_rows(connection, f"{function}()")
    return found


def in_sqlite(path: Path) -> set[str]:
    """Dagster keeps some of its bodies compressed."""
    found: set[str] = set()
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in connection.execute(f'select * from "{table}"'):
                for cell in row:
                    if isinstance(cell, str):
                        found |= told(cell.encode())
                    elif isinstance(cell, bytes):
                        with suppress(zlib.error):
                            cell = zlib.decompress(cell)
                        found |= told(cell)
    return found


def look_into(path: Path) -> tuple[str, set[str]]:
    """What kind of a file this is, and what of the secrets it tells."""
    content = path.read_bytes()
    found = told(content)
    if path.suffix == ".duckdb":
        return "duckdb", found | in_database(path)
    if path.suffix == ".parquet":
        with duckdb.connect() as connection:
            return "parquet", found | in_rows(connection, f"read_parquet('{path}')")
    if content.startswith(b"SQLite format 3\x00"):
        return "sqlite", found | in_sqlite(path)
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(path) as archive:
            return "zip", found.union(*(told(archive.read(name)) for name in archive.namelist()))
    if content.startswith(b"%PDF"):
        return "pdf", found | {
            one for page in PdfReader(path).pages for one in told(page.extract_text().encode())
        }
    return "plain", found


def put_requests(portal: Portal) -> None:
    portal.put("2024-06", file_of(ACCEPTED, "2024-06"))
    month = "2024-07"
    broken = COMMA.row(66, month, address=f"{COMMA.street}, {COMMA.flat}")
    short = SHORT.row(67, month).rsplit(",", 1)[0]
    portal.put(
        month,
        [
            *portal.rows(month, 200, first=100),
            BAD_STATE.row(62, month, status="9"),
            BAD_NUMBER.row(63, month, rating="4.5"),
            BAD_POINT.row(64, month, lat=f'"{BAD_POINT.lat.replace(".", ",")}"'),
            BAD_POINT.row(65, month, lat=f"{BAD_POINT.lat} с. ш."),
            broken,
            short,
            *portal.rows(month, 3, first=400),
        ],
    )
    month = "2024-08"
    portal.put(month, [REFUSED.row(number, month, status="9") for number in range(1, 31)])
    for month, (person, spoil) in UNREADABLE.items():
        portal.put(month, spoil(file_of(person, month)))


def staffed(person: Person, instance: str) -> list[Resource]:
    """A small inventory with a person in every place that the operator may write one in."""
    made = inventory([City(instance, "Примерск", "1401000000", 2, 40, 2, 2)], instance)
    for one in made:
        one["name"] = f"{person.street}, {person.flat}"
        one["description"] = f"спросить: {person.name}"
        one["relatedParty"] = [{"id": person.author, "name": person.name, "@referredType": "Individual"}]
        one["note"] = [{"author": person.name, "text": f"{person.street}, {person.flat}"}]
        one["place"]["name"] = f"{person.street}, {person.flat}, {person.lat}"
    return made


def inventories(instance: str) -> list[Resource] | None:
    if instance == "brest":
        made = staffed(STAFF, instance)
        kept_back = [
            one for one in staffed(KEPT_BACK_STAFF, instance) if one["category"] == "WiFi.AccessPoint"
        ]
        kept_back[0].update(id="other-1", operationalState="yes")
        kept_back[1].update(id="other-2", place=f"{KEPT_BACK_STAFF.street}, {KEPT_BACK_STAFF.flat}")
        return [*made, *kept_back]
    if instance == "gomel":
        return [{**one, "operationalState": "yes"} for one in staffed(REFUSED_STAFF, instance)]
    if instance == "grodno":
        return [{**one, "place": TORN_STAFF.street} for one in staffed(TORN_STAFF, instance)]
    return None


def load_inventory(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> dict[str, LoadOutcome]:
    outcomes = {}
    with serve(inventories) as sandbox:
        monkeypatch.setenv("GOROD_BELTELECOM_INVENTORY_URL", f"{sandbox.url}/{{instance}}/{API}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for instance in ("brest", "gomel", "grodno"):
            wanted = Wanted(source="beltelecom_inventory", instance=instance)
            ((candidate,),) = make_plan(wanted, portal.settings, portal.warehouse).candidates.values()
            outcomes[instance] = load_candidate(candidate, portal.settings, portal.warehouse)
    monkeypatch.delenv("GOROD_BELTELECOM_INVENTORY_URL")
    return outcomes


def told_by(portal: Portal, answers: Path) -> Iterator[tuple[str, str]]:
    """What the commands say of each load, beside the workbooks that they write."""
    answers.mkdir()
    for load_id in portal.states():
        yield load_id, str(answer(load_id, portal.warehouse))
    kept_back = next(load_id for load_id in portal.states() if "2024-07" in load_id)
    for arguments in (
        ("explain", kept_back, "--xlsx", str(answers / "rows.xlsx")),
        ("trace", "appeals_per_1000", "c-minsk", "2024-06"),
        ("status", "--loads"),
        ("export", "all", "--out", str(answers / "products")),
        ("report", "--month", "2024-06"),
    ):
        done = gorod(portal.settings.home, *arguments)
        refused = 6 if arguments[0] == "status" else 0
        assert done.returncode == refused, done.stdout + done.stderr
        yield " ".join(arguments), done.stdout + done.stderr


def test_the_search_finds_what_hides(tmp_path: Path) -> None:
    """A name in each kind of file is found; otherwise to find none would mean nothing."""
    name, lat = REFUSED.name, REFUSED.lat
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("create table t as select ['x', ?] as list, 1 as one from range(5000)", [name])
        connection.execute(f"copy t to '{tmp_path / 'a.parquet'}'")
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table t (body blob)")
        connection.execute("insert into t values (?)", [zlib.compress(json.dumps({"says": name}).encode())])
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        book.add_worksheet().write(0, 0, name)
    (tmp_path / "a.log").write_text(json.dumps({"point": lat, "says": name}))
    (tmp_path / "b.log").write_bytes(name.encode("cp1251"))
    found = {path.name: look_into(path) for path in sorted(tmp_path.iterdir())}
    assert {file: kind for file, (kind, _) in found.items()} == {
        "a.db": "sqlite", "a.duckdb": "duckdb", "a.log": "plain", "a.parquet": "parquet", "a.xlsx": "zip", "b.log": "plain",
    }  # fmt: skip
    assert [file for file, (_, secrets) in found.items() if not secrets] == []


def test_no_person_is_in_what_a_run_leaves_behind(country: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    home = country.settings.home
    put_requests(country)
    outcomes = load_inventory(country, monkeypatch)
    assert {instance: outcome.state for instance, outcome in outcomes.items()} == {
        "brest": "accepted", "gomel": "rejected", "grodno": "rejected",
    }  # fmt: skip
    assert outcomes["brest"].rows_quarantined == 2
    done = gorod(home, "run", "--source", "appeals_115")
    assert done.returncode == 6, done.stdout + done.stderr
    states = {load_id: state for load_id, state in country.states().items() if "appeals" in load_id}
    by_month = {
        month: state for load_id, state in states.items() for month in re.findall(r"20\d\d-\d\d", load_id)
    }
    assert [by_month[month] for month in ("2024-06", "2024-07", "2024-08")] == [
        "accepted",
        "accepted",
        "rejected",
    ]
    assert {by_month[month] for month in UNREADABLE} == {"rejected"}
    assert country.scalar("select count(*) from ops.quarantine where load_id like '%2024-07%'") == 6

    for says, text in (("gorod run", done.stdout + done.stderr), *told_by(country, home / "answers")):
        assert told(text.encode()) == set(), says

    landed: set[str] = set()
    kinds: Counter[str] = Counter()
    leaks: dict[str, set[str]] = {}
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        if path.relative_to(home).parts[0] == "landing":
            landed |= told(path.read_bytes())
            continue
        kind, found = look_into(path)
        kinds[kind] += 1
        if found:
            leaks[str(path.relative_to(home))] = found
    # landing keeps deliveries as they came, so everybody has been there
    assert {secret for person in PERSONS for secret in person.name.split()} <= landed
    assert {"duckdb", "parquet", "sqlite", "zip", "pdf", "plain"} <= set(kinds)
    assert kinds["parquet"] > 20 and kinds["zip"] >= 2
    assert leaks == {}
