"""Periods as people write them: two spellings of one period are either unified or reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pipelines.errors import GorodError
from pipelines.indices.names import looks
from pipelines.indices.sheets import Sheet

YEAR = re.compile(r"(\d{4})(?:\.0+)?(?: ?(?:г\.?|год|года|год\.))?")
ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4"}
_QUARTER = r"(?:q|кв\.?|квартал|квартала)"
_OF_YEAR = r"(?:[ -]|года?|г\.?)*"
# spellings of parts of a year, case-insensitive: frequency, and whether the year comes first
PARTS = (
    ("S", re.compile(r"(\d{4})[ -]?[sh]([12])")),
    ("Q", re.compile(rf"(\d{{4}})[ -]?{_QUARTER} ?([1-4])")),
    ("Q", re.compile(rf"(?:{_QUARTER} ?)?(?P<part>[1-4]|i{{1,3}}|iv)[ -]?{_QUARTER}? ?(?P<year>\d{{4}}){_OF_YEAR}")),
    ("D", re.compile(r"(\d{4})-(\d\d-\d\d)")),
    ("D", re.compile(r"(?P<day>\d\d)\.(?P<part>\d\d)\.(?P<year>\d{4})")),
    ("M", re.compile(r"(\d{4})[ -]?m?(0?[1-9]|1[0-2])")),
    ("M", re.compile(r"(?P<part>0?[1-9]|1[0-2])[./](?P<year>\d{4})")),
)  # fmt: skip
MONTHS = ("янв", "фев", "мар", "апр", "ма", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")


def period_of(text: str) -> str:
    """A period as given; a year without what tools and people append to it (``2018.0``, ``2018 г.``)."""
    found = YEAR.fullmatch(text)
    return found[1] if found else text


def same_period(
    sheet: Sheet, written: Mapping[str, tuple[str, int]], add_note: Callable[[str], None]
) -> None:
    """Refuse a table that writes one period in two ways, or mixes days with other periods.

    Args:
        written: period -> its first spelling and row.

    Raises:
        GorodError: the message shows both spellings.
    """
    meant: dict[tuple[str, str], tuple[str, int]] = {}
    for period, (text, row) in written.items():
        other, first = meant.setdefault(_meaning(period), (text, row))
        if first != row:
            raise GorodError(
                f"{sheet.at(row)}: period {text!r} is written {other!r} in row {first}",
                "Write each period in one way: 2026, 2026-S1, 2026-Q3, 2026-10.",
            )
    days = [one for (freq, _), one in meant.items() if freq == "D"]
    others = [one for (freq, _), one in meant.items() if freq != "D"]
    if days and others:
        (day, row), (other, first) = days[0], others[0]
        raise GorodError(
            f"{sheet.at(row)}: period {day!r} is a day, but {other!r} in row {first} is not",
            "Write all periods in one way: 2026, 2026-S1, 2026-Q3, 2026-10.",
        )
    known = [text for (freq, _), (text, _) in meant.items() if freq != "?"]
    unknown = [text for (freq, _), (text, _) in meant.items() if freq == "?"]
    if known and unknown:
        add_note(f"{sheet.path}: periods of several kinds: {unknown[0]!r} beside {known[0]!r}")


def _meaning(period: str) -> tuple[str, str]:
    """Frequency and number of a period; an unknown spelling is compared by its letters and digits."""
    text = period.casefold()
    if re.fullmatch(r"\d{4}", text):
        return "A", text
    for freq, pattern in PARTS:
        found = pattern.fullmatch(text)
        if found is None:
            continue
        named = found.groupdict()
        year, part = (named["year"], named["part"]) if named else (found[1], found[2])
        part = ROMAN.get(part.upper(), part)
        part = f"{part}-{named['day']}" if "day" in named else part if freq != "M" else f"{int(part):02}"
        return freq, f"{year}-{part}"
    in_words = re.fullmatch(r"([а-я]{3,8}) (\d{4})(?: ?г\.?| года?)?", text)
    if in_words is not None:
        month = next((n for n, start in enumerate(MONTHS, 1) if in_words[1].startswith(start)), None)
        if month is not None:
            return "M", f"{in_words[2]}-{month:02}"
    return "?", re.sub(r"[\W_]+", " ", looks(period)).strip()
