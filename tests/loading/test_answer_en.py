"""Each expectation can be described in English from its kind and arguments."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
import pytest

from expectations.vocabulary import between, code, load, required, unique
from pipelines.declarations.sources import load_sources
from pipelines.loading.answer import Counted
from pipelines.loading.answer_en import LONGEST, counts_in_english, english_sentences, in_english


def counted(least: int) -> Any:
    return load(
        gxe.ExpectTableRowCountToBeBetween,
        min_value=least,
        name="whole",
        dimension="completeness",
        says="Всё на месте.",
        remedy="Передайте всё.",
    )


@pytest.mark.parametrize(
    ("expectation", "english"),
    [
        (required("day"), "column values must not be null (column: day)"),
        (
            code("spot", "[A-Z]", like="A"),
            "column values must match regex (column: spot, regex: ^(?:[A-Z])$)",
        ),
        (between("occupied", 0, "places"), "must hold: occupied between 0 and places"),
        (
            unique(["day", "spot"], says="Одна строка."),
            "compound columns must be unique (column_list: ['day', 'spot'])",
        ),
        (counted(10), "table row count must be between (min_value: 10)"),
    ],
    ids=["required", "code", "between", "unique", "load"],
)
def test_an_expectation_says_what_it_checks(expectation: Any, english: str) -> None:
    assert in_english(expectation) == english


@pytest.mark.parametrize(
    ("source", "feed"), [(name, feed) for name, source in load_sources().items() for feed in source.feeds]
)
def test_every_suite_has_english_sentences(source: str, feed: str) -> None:
    sentences = english_sentences(source, feed)
    assert sentences
    for says, english in sentences.items():
        assert english != says
        assert english.startswith(("must ", "column", "compound", "table", "select"))
        assert len(english) <= LONGEST and "\n" not in english


def test_a_feed_without_a_suite_has_none() -> None:
    assert english_sentences("appeals_115", "nothing_like_it") == {}


def test_rows_that_count_are_told_in_english() -> None:
    counted = [Counted(8, None), Counted(3, "часть итога"), Counted(1, "другая мера")]
    assert counts_in_english(counted) == "Rows used by indicators: 8; not used: 4."
    assert counts_in_english([]) == ""
