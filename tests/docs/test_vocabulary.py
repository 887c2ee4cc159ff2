"""The vocabulary and the code use the same terms (docs/vocabulary.md)."""

from __future__ import annotations

import inspect
import re
from typing import get_args

import pytest

from pipelines import deliveries
from pipelines.declarations.indicators import Frequency
from pipelines.publishing.exports.words import STATUSES
from pipelines.settings import PROJECT
from pipelines.wording import MISSING

ROOTS = ("pipelines", "assets", "expectations", "dbt/models", "dbt/macros", "dbt/snapshots")
PAGE = (PROJECT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
# The first cell of each row: its bold words, separated by commas.
TERMS = {
    term.strip(): row
    for row in re.findall(r"^\| \*\*.*$", PAGE, re.MULTILINE)
    for term in re.findall(r"\*\*([^*]+)\*\*", row.split("|")[1])[0].split(", ")
}
# A reading of a series, not a name.
NOT_IN_CODE = {"in today's borders"}


def code() -> str:
    files = (
        path
        for root in ROOTS
        for path in sorted((PROJECT / root).rglob("*"))
        if path.suffix in {".py", ".yml", ".sql"} and "sample" not in path.parts
    )
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # `FormatReader`, `format_reader` and "format reader" are the same term
    return re.sub(r"[_\s]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


def codes(term: str) -> set[str]:
    """The codes that a row explains."""
    return set(re.findall(r"`([^`]+)`", TERMS[term].split("|")[2]))


def test_a_term_has_one_row() -> None:
    assert len(TERMS) >= 80
    terms = re.findall(r"\*\*([^*]+)\*\*", "\n".join(row.split("|")[1] for row in set(TERMS.values())))
    assert len(terms) == len(set(terms))


def test_each_term_is_used_in_the_code() -> None:
    text = code()
    unused = {
        term
        for term in TERMS
        if not re.search(rf"\b{re.escape(re.sub(r'[_ ]+', ' ', term).lower())}(s|es)?\b", text)
    }
    assert unused == NOT_IN_CODE


def test_each_kind_of_declaration_has_its_term() -> None:
    kinds = {path.stem for path in (PROJECT / "assets").iterdir() if path.is_dir() and path.stem[0].isalpha()}
    assert "sources" in kinds
    words = {word for term in TERMS for word in term.split()}
    other = {"methods": "method", "territories": "ref_area", "releases": "release"}
    assert {kind for kind in kinds if other.get(kind, kind.removesuffix("s")) not in words} == set()


def test_each_thing_that_is_delivered_has_its_term() -> None:
    classes = [
        name
        for name, found in inspect.getmembers(deliveries, inspect.isclass)
        if found.__module__ == deliveries.__name__
    ]
    assert "Delivery" in classes
    # results of expectations, and what was last seen of a candidate, are explained with these
    known = {term.title().replace(" ", "") for term in TERMS} | {
        "ExpectationResult",
        "ValidationResult",
        "LastSeen",
    }
    assert set(classes) <= known


@pytest.mark.parametrize(
    ("term", "used"),
    [("obs_status", set(STATUSES)), ("missing_reason", set(MISSING))],
    ids=["obs_status", "missing_reason"],
)
def test_all_codes_are_explained(term: str, used: set[str]) -> None:
    assert codes(term) == used


def test_all_frequencies_are_explained() -> None:
    assert {code for code in codes("time_period") if len(code) == 1} == set(get_args(Frequency))


def test_all_states_of_a_load_are_explained() -> None:
    view = re.search(
        r"create .*view ops\.load_state .*?;",
        (PROJECT / "pipelines" / "warehouse" / "schema.sql").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert view is not None
    states = set(re.findall(r"(?:then|else) '(\w+)'", view[0])) | {"accepted", "waived"}
    assert codes("load") == states
