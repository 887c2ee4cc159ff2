"""The CSV reader against an oracle: whatever happens to a file, each of its records is accounted for, or it is refused.

The oracle reads RFC 4180 sign by sign, and shares nothing with the reader. A record that breaks the rules of quotes
ends with its line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Delivery, Slice
from pipelines.errors import DeliveryError

NAMES = ["id", "title", "person", "place", "note"]
KEPT = [name for name in NAMES if name != "person"]
SECRET = "Невидимка"
# what a trim takes away
SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def feed(delimiter: str = ",", names: list[str] = NAMES) -> Feed:
    titles = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    columns: dict[str, Any] = {name: {"type": "text", "description": "A text."} for name in names}
    if "person" in columns:
        columns["person"] |= {"personal_data": "drop", "why_personal": "A name."}
    return Feed.model_validate(
        {
            "title": titles,
            "description": "Invented.",
            "cadence": "monthly",
            "origins": {},
            "format": {"kind": "csv", "delimiter": delimiter},
            "columns": columns,
        }
    )


# --- the oracle


@dataclass
class Record:
    """One record: its fields, and whether quotes and line ends in it are as RFC 4180 wants them."""

    fields: list[str] = field(default_factory=list)
    sound: bool = True
    breaks: int = 0
    empty: bool = False


@dataclass
class Told:
    """What a file says, by the rules alone. ``header`` is None where it has none that can be read."""

    header: list[str] | None = None
    records: list[Record] = field(default_factory=list)
    whole: bool = True  # text throughout, one kind of line end, no quotes left open


def oracle(content: bytes, delimiter: str) -> Told:
    """Read sign by sign."""
    told = Told()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Told(whole=False)
    if "\x00" in text:
        told.whole = False
    text = text.lstrip("\ufeff")
    ends: set[str] = set()
    records: list[Record] = []
    record, value, state, place = Record(), "", "start", 0
    while place < len(text):
        sign = text[place]
        place += 1
        end = sign + text[place : place + 1] if sign == "\r" and text[place : place + 1] == "\n" else sign
        if state == "quoted":
            if sign == '"' and text[place : place + 1] == '"':
                value += '"'
                place += 1
            elif sign == '"':
                state = "closed"
            else:
                value += sign
                record.breaks += sign == "\n"
        elif sign in "\r\n":
            ends.add(end)
            place += len(end) - 1
            record.empty = state == "start" and not record.fields
            record.fields.append(value)
            records.append(record)
            record, value, state = Record(), "", "start"
        elif state == "broken":
            value += sign
        elif sign == delimiter:
            record.fields.append(value)
            value, state = "", "start"
        elif sign == '"' and state == "start":
            state = "quoted"
        elif sign == '"' or state == "closed":
            record.sound = False
            # behind a closed quote nothing tells any more where a field ends
            state = "broken" if state == "closed" else "plain"
            value += sign
        else:
            state = "plain"
            value += sign
    if state == "quoted":
        told.whole = False
    if record.fields or value or state != "start":
        record.fields.append(value)
        records.append(record)
    if len(ends) > 1 or "\r" in ends:
        told.whole = False
    # a name with a line break in it, of whatever kind, is none
    if (
        records
        and ends
        and records[0].sound
        and not any("\r" in one or "\n" in one for one in records[0].fields)
    ):
        told.header = [name.strip() for name in records[0].fields]
    # an empty line is no record, unless there is but one column
    columns = len(told.header or [])
    told.records = [one for one in records[1:] if columns == 1 or not one.empty]
    return told


# --- the reader


@dataclass
class Read:
    """What the reader made of it. ``rows`` is None where it refused."""

    rows: list[tuple[Any, ...]] | None
    findings: int = 0
    reasons: str = ""


def read(content: bytes, folder: Path, declared: Feed) -> Read:
    path = folder / "requests.csv"
    path.write_bytes(content)
    delivery = Delivery("d", "s", "f", "i", Slice(), folder, (path.name,), "", 0, "", "", synthetic=True)
    try:
        batch = formats.read(delivery, declared, folder / "batch.parquet")
    except DeliveryError as error:
        assert error.reasons and all(reason.message and reason.remedy for reason in error.reasons)
        return Read(None, reasons=str(error.reasons) + str(error))
    columns = ", ".join(["row_no", *declared.kept_columns, "parse_errors"])
    rows = duckdb.sql(f"select {columns} from '{batch.path}' order by row_no").fetchall()
    assert batch.rows == len(rows)
    return Read(rows, len(batch.findings))


def hold(content: bytes, folder: Path, declared: Feed, delimiter: str) -> None:
    """Either the delivery is refused, or what was read are exactly the records that the oracle tells."""
    names = list(declared.columns)
    told, found = oracle(content, delimiter), read(content, folder, declared)
    if found.rows is None:
        assert SECRET not in found.reasons
        lawful = told.whole and told.header is not None and sorted(told.header) == sorted(names)
        clean = all(one.sound and not one.breaks and len(one.fields) == len(names) for one in told.records)
        assert not (lawful and clean), f"refused: {found.reasons}"
        return
    assert told.whole and told.header is not None
    assert sorted(told.header) == sorted(names)
    assert [row[0] for row in found.rows] == list(range(1, len(told.records) + 1))
    for row, record in zip(found.rows, told.records, strict=True):
        values, errors = row[1:-1], row[-1]
        if record.sound and len(record.fields) == len(names):
            given_by = dict(zip(told.header, record.fields, strict=True))
            assert values == tuple(given_by[name].strip(SPACES) or None for name in declared.kept_columns)
            assert errors is None
        else:
            assert set(values) == {None}
            (error,) = json.loads(errors)
            assert error["expected"] and error["column"] is None and error["value"] is None
            assert SECRET not in errors
    assert found.findings == any(record.breaks for record in told.records)


# --- what happens to files

CELLS = [
    "1",
    "Яма",
    "",
    "ул. Мира, 5",
    'кафе "Луна"',
    '"',
    '""',
    ",",
    ";",
    "a\nb",
    "a\r\nb",
    " x ",
    "\u00a0",
    "\ufeffx",
    "n/a",
    "=1",
]
ODD = [
    odd.encode()
    for odd in (
        *(
            '"',
            '"',
            '"',
            '""',
            ' "',
            '" ',
            '\\"',
            "'",
            "\\",
            ",",
            ";",
            "#",
            "x",
            " ",
            "\t",
            "sep=;\n",
            "\n\n",
        ),
        *("\n", "\r\n", "\r", "\x00", "\x0b", "\x0c", "\x1a", "\x1c", "\x85", "\u2028"),
        *("\ufeff", "\u200b", "\u00a0", "\u00ad"),
    )
] + [b"\xff", b"\xd0"]


@st.composite
def tables(draw: st.DrawFn, names: list[str] = NAMES, delimiter: str = ",") -> bytes:
    """A sound file: some values quoted without need, all that need it."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    rows = [list(draw(st.permutations(names)))]
    for number in range(draw(st.integers(0, 12))):
        cells = st.sampled_from([*CELLS, str(number), SECRET])
        rows.append([SECRET if name == "person" else draw(cells) for name in rows[0]])
    lines = []
    for row in rows:
        written = []
        for value in row:
            needed = any(sign in value for sign in f'"\r\n{delimiter}') or (len(names) == 1 and not value)
            quoted = needed or draw(st.booleans())
            written.append('"' + value.replace('"', '""') + '"' if quoted else value)
        lines.append(delimiter.join(written))
    text = end.join(lines) + (end if len(rows) == 1 or draw(st.booleans()) else "")
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()


def _insert(content: bytes, at: int, odd: bytes) -> bytes:
    return content[:at] + odd + content[at:]


def _replace(content: bytes, at: int, odd: bytes) -> bytes:
    return content[:at] + odd + content[at + 1 :]


def _delete(content: bytes, at: int, odd: bytes) -> bytes:
    return content[:at] + content[at + len(odd) :]


def _repeat(content: bytes, at: int, odd: bytes) -> bytes:
    return content[:at] + content[max(0, at - 7 * len(odd)) :]


def _cut(content: bytes, at: int, odd: bytes) -> bytes:  # noqa: ARG001
    return content[:at]


def _behead(content: bytes, at: int, odd: bytes) -> bytes:  # noqa: ARG001
    return content[at:]


def _at_line(content: bytes, at: int, odd: bytes) -> bytes:
    """At the beginning of a line, or at its end."""
    place = content.find(b"\n", at)
    return _insert(content, len(content) if place < 0 else place + at % 2, odd)


def _at_field(content: bytes, at: int, odd: bytes) -> bytes:
    place = content.find(b",", at)
    return _insert(content, len(content) if place < 0 else place + at % 2, odd)


def _all(content: bytes, at: int, odd: bytes) -> bytes:
    """The same sign everywhere in place of another."""
    return content.replace([b"\n", b"\r\n", b'"', b","][at % 4], odd)


def _encode(content: bytes, at: int, odd: bytes) -> bytes:  # noqa: ARG001
    text = content.decode(errors="replace")
    return text.encode(["cp1251", "utf-16", "utf-16-le", "utf-8-sig"][at % 4], errors="replace")


MUTATIONS = [
    _insert,
    _insert,
    _insert,
    _replace,
    _delete,
    _repeat,
    _cut,
    _behead,
    _at_line,
    _at_line,
    _at_field,
    _at_field,
    _all,
    _encode,
]


@st.composite
def mutants(draw: st.DrawFn, names: list[str] = NAMES, delimiter: str = ",") -> bytes:
    content = draw(tables(names, delimiter))
    for _ in range(draw(st.integers(0, 3))):
        mutate = draw(st.sampled_from(MUTATIONS))
        content = mutate(content, draw(st.integers(0, max(0, len(content)))), draw(st.sampled_from(ODD)))
    return content


FEEDS = [(",", NAMES), (";", NAMES), ("\t", ["id", "title"]), (",", ["id"])]
quiet = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@pytest.mark.parametrize(("delimiter", "names"), FEEDS)
@settings(quiet, max_examples=25)
@given(data=st.data())
def test_every_record_is_read_or_kept_back_or_the_file_is_refused(
    delimiter: str, names: list[str], data: st.DataObject, tmp_path: Path
) -> None:
    hold(data.draw(mutants(names, delimiter)), tmp_path, feed(delimiter, names), delimiter)


@pytest.mark.repeated
@pytest.mark.long
@pytest.mark.parametrize(("delimiter", "names"), FEEDS)
@settings(quiet, max_examples=1500)
@given(data=st.data())
def test_every_record_of_many_mutants_is_accounted_for(
    delimiter: str, names: list[str], data: st.DataObject, tmp_path: Path
) -> None:
    hold(data.draw(mutants(names, delimiter)), tmp_path, feed(delimiter, names), delimiter)


def _insert_everywhere(odd: str, folder: Path) -> None:
    rows = [f'{number},Яма,{SECRET},"ул. Мира, {number}",{"x" * (number % 3)}' for number in range(1, 4)]
    text = "\n".join([",".join(NAMES), *rows]) + "\n"
    declared = feed()
    for at in range(len(text) + 1):
        hold((text[:at] + odd + text[at:]).encode(), folder, declared, ",")


def test_a_stray_quote_anywhere_loses_no_record(tmp_path: Path) -> None:
    """Each place of a small file in turn, the header's last name and the end of the last row among them."""
    _insert_everywhere('"', tmp_path)


@pytest.mark.repeated
@pytest.mark.long
@pytest.mark.parametrize("odd", ['""', "\n", "\r", ",", " ", "\x00", "\ufeff", '" "', '","', '"\n"', '\n"'])
def test_one_sign_anywhere_loses_no_record(odd: str, tmp_path: Path) -> None:
    _insert_everywhere(odd, tmp_path)
