"""Records in XML: streamed, by path, with the line; entities refused; held against an independent reader (lxml)."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import lxml.etree
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.files import XmlFormat
from pipelines.errors import DeliveryError
from tests.formats.reading import errors, feed, read, rows, told
from tests.support.examples import examples

DATEX = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<d2:payload xmlns:d2="http://datex2.eu/schema/3/d2Payload" xmlns:p="http://datex2.eu/schema/3/parking" date="2026-11-30">
 <d2:publicationTime>2026-11-30T08:00:00+03:00</d2:publicationTime>
 <p:parkingRecord id="P-1" version="1">
   <p:name><p:value lang="ru">Рынок &amp; вокзал</p:value><p:value lang="be">Рынак</p:value></p:name>
   <p:spaces unit="n">120</p:spaces><p:location><p:lat>52.1</p:lat></p:location>
   <p:phone>1</p:phone><p:phone>2</p:phone>
 </p:parkingRecord>
 <p:parkingRecord id="P-2">
   <p:name><p:value lang="be">Плошча</p:value></p:name>
   <p:spaces>много</p:spaces><p:location>где-то</p:location>
   <p:phone>3</p:phone>
 </p:parkingRecord>
</d2:payload></s:Body></s:Envelope>"""
FORMAT = {
    "kind": "xml",
    "records": "Envelope/Body/payload/parkingRecord",
    "above": {"published": "Envelope/Body/payload/publicationTime", "day": "Envelope/Body/payload/@date"},
}
COLUMNS: dict[str, Any] = {
    "id": {"type": "text", "from_path": "@id"},
    "name": {"type": "text", "from_path": "name.value[@lang=be].$"},
    "spaces": {"type": "integer", "from_path": "spaces"},
    "lat": {"type": "decimal", "from_path": "location.lat"},
    "phone": {"type": "text", "from_path": "phone[0]"},
    "published": "timestamp",
    "day": "date",
}


def test_records_by_path(tmp_path: Path) -> None:
    path = tmp_path / "parking.xml"
    path.write_text(DATEX)
    first, second = rows(path, feed(FORMAT, COLUMNS))
    assert (first["id"], first["name"], first["spaces"], str(first["lat"]), first["phone"]) == (
        "P-1", "Рынак", 120, "52.100000", "1",
    )  # fmt: skip
    assert (str(first["published"]), str(first["day"])) == ("2026-11-30 08:00:00", "2026-11-30")
    assert (first["row_place"], second["row_place"]) == (
        "parking.xml, строка файла 5",
        "parking.xml, строка файла 10",
    )
    assert (second["name"], second["phone"]) == ("Плошча", "3")
    # a text where an element with others in it is meant, and a word that is no number
    assert {(one["column"], one["value"]) for one in errors(second)} == {("lat", None), ("spaces", "много")}


@pytest.mark.parametrize("records", ["parkingRecord", "/Envelope/Body/payload/parkingRecord"])
def test_the_end_of_a_path_is_enough(records: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(DATEX)
    assert len(rows(path, feed({"kind": "xml", "records": records}, {"id": COLUMNS["id"]}))) == 2


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a><r>&b;</r></a>"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB, "DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "DOCTYPE"),
        ("<a><r>&unknown;</r></a>", "не правильный XML"),
        ("<a><r>1</r>", "не полностью"),
        ("", "не полностью"),
        ("<a><r>1</b></a>", "не правильный XML"),
        ("a;b", "не правильный XML"),
        ("<b><x>1</x></b>", "Нет записей по пути a/r"),
        ("<a>" + "<x>" * 300 + "</x>" * 300 + "</a>", "вложены глубже"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "Кодировка"),
        ("<html><body>Ошибка</body></html>", "Нет записей"),
    ],
)
def test_what_is_no_such_document_is_refused(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(content)
    with pytest.raises(DeliveryError) as caught:
        read(path, feed({"kind": "xml", "records": "a/r"}, {"r": {"type": "text", "from_path": "$"}}))
    assert said in told(caught.value)


def test_an_empty_list_is_no_other_document(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<a></a>")
    assert (
        rows(path, feed({"kind": "xml", "records": "a/r"}, {"r": {"type": "text", "from_path": "$"}})) == []
    )


def test_cyrillic_encodings_are_read_as_they_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes('<?xml version="1.0" encoding="windows-1251"?><a><r>Лунинец</r></a>'.encode("cp1251"))
    declared = feed({"kind": "xml", "records": "a/r"}, {"r": {"type": "text", "from_path": "$"}})
    assert rows(path, declared)[0]["r"] == "Лунинец"


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    declared = feed({"kind": "xml", "records": "a/r"}, {"r": {"type": "text", "from_path": "x"}})
    peaks = []
    for count in (12_000, 48_000):
        path = tmp_path / f"{count}.xml"
        path.write_text("<a>" + f"<r><x>{'1' * 100}</x></r>\n" * count + "</a>")
        tracemalloc.start()
        assert read(path, declared).rows == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


WORDS = st.text(st.characters(categories=("L", "N", "P", "Zs"), max_codepoint=0x4FF), max_size=12)


@settings(max_examples=examples(50))
@given(
    st.lists(st.tuples(WORDS, WORDS, st.lists(WORDS, max_size=3)), max_size=6),
    st.sampled_from(["", "n:"]),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_another_reader_finds_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, str, list[str]]],
    prefix: str,
    encoding: str,
) -> None:
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.xml"
    body = "".join(
        f"<{prefix}r id={quoteattr(key)}><other/><{prefix}x>{escape(text)}</{prefix}x>"
        + "".join(f"<{prefix}y>{escape(one)}</{prefix}y>" for one in several)
        + f"</{prefix}r>\n"
        for key, text, several in records
    )
    path.write_bytes(
        f'<?xml version="1.0" encoding="{encoding}"?><{prefix}a xmlns:n="urn:n">{body}</{prefix}a>'.encode(
            encoding
        )
    )
    declared = feed(
        {"kind": "xml", "records": "a/r"},
        {"id": {"type": "text", "from_path": "@id"}, "x": "text", "y": {"type": "text", "from_path": "y[0]"}},
    )
    found = [(row["id"], row["x"], row["y"]) for row in rows(path, declared)]
    tree = lxml.etree.parse(path)
    expected = [
        (
            (one.get("id") or "").strip() or None,
            (one.findtext("{*}x") or "").strip() or None,
            next(((other.text or "").strip() or None for other in one.findall("{*}y")), None),
        )
        for one in tree.getroot().iter("{*}r", "r")
    ]
    assert found == expected


@pytest.mark.parametrize("records", ["", "a//b", "a/@b", "a b", "a[0]"])
def test_a_path_of_records_is_plain(records: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        XmlFormat.model_validate({"records": records})
