"""The rows that most feeds need: what each keeps back, and in whose words it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.declared import number
from expectations.vocabulary import between, code, in_set, required, unique
from pipelines.deliveries import Batch
from pipelines.loading.gate import READABLE, evaluate

# 40 sound rows, and what is put in place of the first
SOUND = "select i as row_no, 'P-' || (100 + i) as lot, 'open' as state, 10 as places, i % 10 as taken from range(1, 41) t(i)"
CASES: dict[str, tuple[Any, str, int, str]] = {
    "required": (required("lot", named="код"), "lot = null", 1, "«код»"),
    "code, cut": (code("lot", "[A-Z]-[0-9]{3}", like="P-001"), "lot = 'P-1'", 1, "P-001"),
    # matched whole: what begins or ends with a code is none
    "code, longer": (code("lot", "[A-Z]-[0-9]{3}|X", like="P-001"), "lot = 'P-1234'", 1, "«lot»"),
    "code, Cyrillic": (code("lot", "[A-Z]-[0-9]{3}", like="P-001", named="код"), "lot = 'Р-101'", 1, "«код»"),
    "in_set": (in_set("state", ["open", "closed"], named="состояние"), "state = 'gone'", 1, "open, closed"),
    "between columns": (between("taken", 0, "places", named="занято"), "taken = 11", 1, "«занято»"),
    "between, below": (between("taken", 0, "places"), "taken = -1", 1, "«taken»"),
    "unique": (unique(["lot", "state"], says="Строка одна."), "lot = 'P-102'", 2, "Строка одна."),
    "unique by one": (unique(["lot"], says="Строка одна."), "lot = 'P-102'", 2, "Строка одна."),
}


def evaluated(expectation: Any, change: str | None, folder: Path) -> Any:
    path = folder / "batch.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table batch as select *, null::varchar as parse_errors from ({SOUND})")
        if change is not None:
            connection.execute(f"update batch set {change} where row_no = 1")
        connection.execute(f"copy batch to '{path}' (format parquet)")
    validation = evaluate(Batch(path, 40, {}), [expectation], {}, folder)
    (result,) = (one for one in validation.results if one.expectation != READABLE)
    return result


@pytest.mark.parametrize("name", CASES)
def test_a_row_that_breaks_it_is_found_and_a_sound_one_is_not(name: str, tmp_path: Path) -> None:
    expectation, change, rows, words = CASES[name]
    sound = evaluated(expectation, None, tmp_path)
    assert (sound.success, sound.unexpected_count) == (True, 0)
    assert evaluated(expectation, change, tmp_path).unexpected_count == rows
    assert words in expectation.meta["says"]


def test_a_row_without_the_number_is_not_judged_by_its_bounds(tmp_path: Path) -> None:
    assert evaluated(between("taken", 0, "places"), "taken = null", tmp_path).unexpected_count == 0


def test_columns_as_limits_are_called_as_the_supplier_calls_them() -> None:
    given = between("occupied", 0, "places", named="занято", limits="от 0 до числа в столбце «мест_всего»")
    assert given.meta["says"] == "Число в столбце «занято» – от 0 до числа в столбце «мест_всего»."


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1e-06, "0,000001"),
        (0.5, "0,5"),
        (4.0, "4"),
        (1250.5, "1\u00a0250,5"),
        (-20_000_000, "-20\u00a0000\u00a0000"),
    ],
)
def test_a_bound_is_written_out_in_russian(value: float, written: str) -> None:
    assert number(value) == written
