"""Retired words do not come back as names (docs/naming.md)."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from pipelines.settings import PROJECT

NAMES = {
    "judge", "Judged", "Judgement", "Judges", "judging", "judged_by", "Verdict", "verdict", "Patience", "patience",
    "watcher", "Offer", "offer", "Known", "misfits", "AMISS", "strangers", "sitting", "lent", "heard", "telling", "mend",
    "Catalogue", "Blow", "_bury_the_dead", "settle", "sweep", "taken_at", "is_thin", "leap", "leaps",
}  # fmt: skip
# as names in the product; tests may still use them for what a message says
PRODUCT_NAMES = {"told", "is_told", "untold", "amiss", "restless", "given_up"}
MODULES = {"ahead", "judging", "asking", "form", "dying", "striking", "worlds", "beside", "bombs"}
COLUMNS = re.compile(
    r"\b(taken_at|is_thin|schema: vintages|leaps?|(?:\w+\.|name: |as )(?:made|light|light_basis)(?=,?$))\b",
    re.MULTILINE,
)
ROOTS = ("pipelines", "assets", "expectations", "sandbox", "bench", "tests")


def python_files() -> list[Path]:
    return [
        path for root in ROOTS for path in sorted((PROJECT / root).rglob("*.py")) if path != Path(__file__)
    ]


def names_of(text: str) -> set[str]:
    return {
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME
    }


def test_a_name_is_found_in_code_and_not_in_a_sentence() -> None:
    assert names_of('offer = 1  # settle\n"mend"\n') == {"offer"}


def test_no_name_is_a_retired_word() -> None:
    files = python_files()
    assert len(files) > 250
    found = {
        f"{path.relative_to(PROJECT)}: {name}"
        for path in files
        for name in names_of(path.read_text(encoding="utf-8")) & NAMES
    }
    assert found == set()


def test_no_name_in_the_product_is_a_retired_word() -> None:
    left = (PROJECT / "tests",)
    files = [path for path in python_files() if not any(path.is_relative_to(folder) for folder in left)]
    assert len(files) > 150
    found = {
        f"{path.relative_to(PROJECT)}: {name}"
        for path in files
        for name in names_of(path.read_text(encoding="utf-8")) & PRODUCT_NAMES
    }
    assert found == set()


def test_what_a_suite_shows_is_called_description() -> None:
    files = sorted((PROJECT / "expectations").rglob("*.py"))
    assert files
    assert [path for path in files if re.search(r"\bas told\b", path.read_text(encoding="utf-8"))] == []


def test_no_module_is_called_by_a_retired_word() -> None:
    assert [path for path in python_files() if path.stem in MODULES] == []


@pytest.mark.parametrize("kind", ["*.sql", "*.yml"])
def test_no_column_is_called_by_a_retired_word(kind: str) -> None:
    files = sorted((PROJECT / "dbt").rglob(kind))
    assert files
    found = {
        f"{path.relative_to(PROJECT)}: {match}"
        for path in files
        for match in COLUMNS.findall(path.read_text(encoding="utf-8"))
    }
    assert found == set()
