"""What the catalogue says to its readers: in three languages, each in its own letters, with the same numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from pipelines.declarations.common import Names
from pipelines.declarations.indicator_catalogue import load_catalogue

CATALOGUE = load_catalogue()

# Spelled alike in Russian and in Belarusian.
ALIKE = {
    "км", "км²", "м²", "м³", "га", "т", "шт.", "стоек", "ГДж", "Гкал", "мкг/м³", "Ethernet", "маршруты", "Доля бедных",
    "заработная плата за год",
}  # fmt: skip
# A name that is written in Cyrillic everywhere.
PORTAL = "115.бел"

LETTERS = r"[^\W\d_]+"
LATIN, CYRILLIC = "[a-z]", "[а-яёіў]"
FOREIGN = {"ru": "[іў]", "be": "[ищъ]", "en": CYRILLIC}


def flaws(names: Names) -> list[str]:
    """What is wrong with a text in three languages."""
    found = []
    for language in ("ru", "be", "en"):
        text = getattr(names, language).replace(PORTAL, "")
        if not text.strip() or "TODO" in text:
            found.append(f"{language}: is not written yet")
        found += [
            f"{language}: {letter!r} is not of its alphabet"
            for letter in re.findall(FOREIGN[language], text, re.I)
        ]
        found += [
            f"{language}: {word!r} mixes Latin and Cyrillic letters"
            for word in re.findall(LETTERS, text)
            if re.search(LATIN, word, re.I) and re.search(CYRILLIC, word, re.I)
        ]
        if numbers(text) != numbers(names.ru.replace(PORTAL, "")):
            found.append(f"{language}: has not the numbers of the Russian text")
    if re.search(LETTERS, names.ru) and names.ru == names.be and names.ru not in ALIKE:
        found.append("be: is the Russian text")
    if re.search(CYRILLIC, names.ru, re.I) and names.ru == names.en:
        found.append("en: is the Russian text")
    return found


def numbers(text: str) -> list[str]:
    """The numbers of a text in any order, whatever separates thousands."""
    return sorted(re.findall(r"\d+", re.sub(r"(?<=\d)[ ,](?=\d{3}\b)", "", text)))


def texts_of(place: str, value: object) -> Iterator[tuple[str, Names]]:
    """Every text in three languages inside a declaration, with the keys that lead to it."""
    if isinstance(value, Names):
        yield place, value
    elif isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from texts_of(f"{place}.{key}", getattr(value, key))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_of(f"{place}.{key}", item)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from texts_of(f"{place}.{number}", item)


def test_every_text_of_the_catalogue_is_written_in_three_languages() -> None:
    texts = list(texts_of("catalogue", CATALOGUE))
    places = {place for place, _ in texts}
    for code in CATALOGUE.indicators:  # the walk reaches what is deep inside
        indicator = f"catalogue.indicators.{code}"
        assert {f"{indicator}.rationale", f"{indicator}.methods.0.numerator.words"} <= places
    wrong = {place: found for place, names in texts if (found := flaws(names))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("ru", "be", "en", "told"),
    [
        ("доля 5 %", "доля 5 %", "share 5 %", "be: is the Russian text"),
        ("число", "лік", "число", "en: is the Russian text"),
        ("TODO", "лік", "number", "ru: is not written yet"),
        ("число", " ", "number", "be: is not written yet"),
        ("лінія", "лінія сувязі", "line", "ru: 'і' is not of its alphabet"),
        ("площадь", "площа", "area", "be: 'щ' is not of its alphabet"),
        ("cвод", "звод", "aggregate", "ru: 'cвод' mixes Latin and Cyrillic letters"),
        ("на 1 000", "на 10 000", "per 1,000", "be: has not the numbers of the Russian text"),
    ],
)
def test_a_flaw_is_seen(ru: str, be: str, en: str, told: str) -> None:
    assert told in flaws(Names(ru=ru, be=be, en=en))


@pytest.mark.parametrize(
    "names",
    [
        Names(ru="%", be="%", en="%"),
        Names(ru="км", be="км", en="km"),
        Names(ru="на 1 000 жителей, 2009-2019", be="на 1 000 жыхароў, 2009-2019", en="per 1,000, 2009-2019"),
        Names(ru="портал 115.бел", be="партал 115.бел", en="portal 115.бел"),
    ],
)
def test_a_sound_text_passes(names: Names) -> None:
    assert flaws(names) == []


@pytest.mark.parametrize("code", [code for code, found in CATALOGUE.indicators.items() if found.is_measured])
def test_a_measured_indicator_says_what_kind_of_source_it_has(code: str) -> None:
    assert "SOURCE_TYPE" in CATALOGUE.indicators[code].metadata
