"""The gate: what is declared is evaluated, or the load is refused; rows are kept back with their reasons."""

from __future__ import annotations

import importlib
import json
import sys
import types
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import great_expectations.expectations as gxe
import pyarrow as pa
import pytest

from expectations.vocabulary import load, row, rule
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Batch, ValidationResult
from pipelines.errors import DeclarationError, GorodError
from pipelines.interrupts import interrupts_raised
from pipelines.loading import gate, results, suite_modules, suites
from pipelines.loading.gate import evaluate
from pipelines.loading.profile import load_history
from pipelines.loading.quarantine import READABLE
from pipelines.loading.suites import load_context, load_suite
from pipelines.settings import PROJECT
from tests.expectations import test_beltelecom_inventory, test_open_sources, test_simple_suites

SAYS = {"dimension": "validity", "says": "Так и должно быть.", "remedy": "Исправьте."}
PARAMETERS = {"first_day": "2024-01-01", "last_day": "2024-01-31"}


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """100 rows: code c1 … c100, amount 1 … 100, kind a or b, day within January 2024."""
    path = tmp_path / "batch.parquet"
    duckdb.sql(
        f"""copy (select i as row_no, 'c' || i as code, i as amount, if(i % 2 = 0, 'a', 'b') as kind,
        date '2024-01-01' + (i % 31)::int as day, null::varchar as parse_errors from range(1, 101) t(i))
        to '{path}' (format parquet)"""
    )
    return Batch(path, 100, {})


def spoil(batch: Batch, assignment: str, where: str) -> Batch:
    """The batch with some values changed."""
    path = batch.path.with_name("spoilt.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"create table batch as from '{batch.path}'")
        connection.execute(f"update batch set {assignment} where {where}")
        connection.execute(f"copy (from batch order by row_no) to '{path}' (format parquet)")
    return Batch(path, batch.rows, {})


def validate(batch: Batch, *suite: Any, **parameters: Any) -> ValidationResult:
    return evaluate(batch, suite, {**PARAMETERS, **parameters}, batch.path.parent)


def kept_back(validation: ValidationResult) -> dict[int, list[dict[str, Any]]]:
    if validation.quarantine is None:
        return {}
    rows = duckdb.sql(f"select row_no, reasons from '{validation.quarantine}'").fetchall()
    return {row_no: json.loads(reasons) for row_no, reasons in rows}


def small(mostly: float = 1.0, **changes: Any) -> Any:
    arguments = {"column": "amount", "max_value": 90, "mostly": mostly, "name": "small", **SAYS, **changes}
    return row(gxe.ExpectColumnValuesToBeBetween, **arguments)


class Interrupted:
    """A connection that an interrupt hits at its ``nth`` statement, which is told as DuckDB tells it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, nth: int) -> None:
        self._connection = connection
        self.left = nth

    def itself(self) -> Interrupted:
        return self

    __enter__ = itself

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> duckdb.DuckDBPyConnection:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("Query interrupted") from KeyboardInterrupt()
        return self._connection.execute(*arguments)


def test_an_interrupt_at_any_statement_refuses_nothing(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    for nth in range(1, 100):
        connection = Interrupted(duckdb.connect(), nth)
        monkeypatch.setattr(gate, "in_memory", partial(lambda given, *_: given, connection))
        try:
            with interrupts_raised():
                validation = validate(batch, small(mostly=0.5))
        except KeyboardInterrupt:
            continue
        # the whole evaluation has fewer statements
        assert validation.accepted
        assert validation.quarantined == 10
        assert nth > 8
        return
    raise AssertionError("there is no end to its statements")


def test_every_declared_expectation_is_evaluated(batch: Batch) -> None:
    suite = [
        row(gxe.ExpectColumnValuesToNotBeNull, column="code", name="given", **SAYS),
        row(gxe.ExpectColumnValuesToBeUnique, column="code", name="unique", **SAYS),
        load(gxe.ExpectTableRowCountToBeBetween, min_value=1, name="rows", **SAYS),
    ]
    validation = validate(batch, *suite)
    assert [result.expectation for result in validation.results] == [READABLE, "given", "unique", "rows"]
    assert all(result.success and result.evaluated_count > 0 for result in validation.results)
    assert validation.accepted
    assert validation.quarantined == 0
    assert validation.flagged is None


@pytest.mark.parametrize(
    "broken",
    [
        row(gxe.ExpectColumnValuesToNotBeNull, column="no_such_column", name="broken", **SAYS),
        row(gxe.ExpectColumnValuesToMatchRegex, column="code", regex="(unclosed", name="broken", **SAYS),
        row(
            gxe.ExpectColumnValuesToNotBeNull,
            column="no_such_column",
            name="broken",
            severity="warning",
            **SAYS,
        ),
        load(gxe.ExpectColumnMaxToBeBetween, column="no_such_column", max_value=1, name="broken", **SAYS),
        row(
            gxe.ExpectColumnPairValuesAToBeGreaterThanB,
            column_A="amount",
            column_B="no_such_column",
            name="broken",
            **SAYS,
        ),
    ],
    ids=["unknown column", "broken pattern", "unknown column, warning", "unknown column of a load", "pair"],
)
def test_what_cannot_be_evaluated_refuses_the_load(broken: Any, batch: Batch) -> None:
    validation = validate(batch, small(max_value=100), broken)
    assert not validation.accepted
    (result,) = [result for result in validation.results if result.expectation == "broken"]
    assert result.refuses
    assert result.evaluated_count == 0
    assert result.says.startswith("Проверка не выполнена: broken")
    assert result.remedy


def test_a_verdict_without_results_accepts_nothing() -> None:
    assert not ValidationResult(()).accepted


@pytest.mark.parametrize(
    "suite",
    [[], [small(), small()]],
    ids=["empty", "a name twice"],
)
def test_a_suite_that_is_no_suite_is_refused(suite: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("expectations.source.feed")
    module.__file__ = __file__
    module.SUITE = suite  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "expectations.source", types.ModuleType("expectations.source"))
    monkeypatch.setitem(sys.modules, "expectations.source.feed", module)
    with pytest.raises(GorodError, match="empty or repeats"):
        load_suite("source", "feed")


GIVEN = "from expectations.vocabulary import row\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SUITE = None\n", "line 1: SUITE is None; it has to be a list"),
        ("# nothing yet\n", "has no SUITE; it has to be a list"),
        (GIVEN + "\n\nSUITE = row\n", "line 4: SUITE is of type function"),
        (GIVEN + "SUITE = [None]\n", "line 2: SUITE is a list with NoneType in it"),
        (
            GIVEN + "SUITE = [\n    row(1)\n]\n",
            "line 3: the suite of invented.feed cannot be imported: TypeError",
        ),
        (
            "import no_such_thing\n",
            "line 1: the suite of invented.feed cannot be imported: ModuleNotFoundError",
        ),
        (
            "\nfrom expectations.vocabulary import nothing\n",
            "line 2: .*cannot be imported: ImportError: .*nothing",
        ),
        ("SUITE = [\n", "line 1: .*cannot be imported: SyntaxError"),
        ("SUITE = []\nraise KeyError('x')\n", "line 2: .*cannot be imported: KeyError"),
    ],
)
def test_a_suite_that_cannot_be_used_is_told_as_such(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its own fault, with file and line, and with the exit code of what is declared wrongly."""
    import expectations

    folder = tmp_path / "expectations" / "invented"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "feed.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(expectations, "__path__", [*expectations.__path__, str(folder.parent)])
    monkeypatch.setattr(suite_modules, "PROJECT", tmp_path)
    for name in ("expectations.invented", "expectations.invented.feed"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for ask in (load_suite, load_context, load_history):
        with pytest.raises(DeclarationError, match=f"expectations/invented/feed.py(, )?.*{said}") as caught:
            ask("invented", "feed")
        assert (caught.value.exit_code, bool(caught.value.remedy)) == (2, True)
    for name in ("expectations.invented", "expectations.invented.feed"):
        sys.modules.pop(name, None)


def test_a_feed_without_a_suite_is_told() -> None:
    with pytest.raises(GorodError, match="no suite") as caught:
        load_suite("no_such_source", "no_such_feed")
    assert "expectations/no_such_source/no_such_feed.py" in caught.value.remedy


def test_rows_that_fail_are_kept_back_and_the_rest_is_accepted(batch: Batch) -> None:
    validation = validate(batch, small(mostly=0.9))
    assert validation.accepted
    assert set(kept_back(validation)) == set(range(91, 101))
    assert validation.quarantined == 10
    (reason,) = kept_back(validation)[95]
    assert reason == {
        "expectation": "small",
        "column": "amount",
        "value": "95",
        "says": SAYS["says"],
        "remedy": SAYS["remedy"],
    }


def test_too_many_failing_rows_refuse_the_load(batch: Batch) -> None:
    validation = validate(batch, small(mostly=0.91))
    assert not validation.accepted
    (result,) = [result for result in validation.results if result.refuses]
    assert (result.unexpected_count, result.evaluated_count) == (10, 100)
    assert result.sample_rows == tuple(range(91, 101))
    assert set(kept_back(validation)) == set(range(91, 101))


def test_a_row_with_several_faults_is_kept_back_once_with_all_reasons(batch: Batch) -> None:
    other = row(
        gxe.ExpectColumnValuesToBeInSet, column="kind", value_set=["a"], mostly=0.4, name="kind_a", **SAYS
    )
    validation = validate(batch, small(mostly=0.9), other)
    rows = kept_back(validation)
    assert validation.quarantined == len(rows) == 50 + 5
    assert {reason["expectation"] for reason in rows[95]} == {"small", "kind_a"}
    assert {reason["expectation"] for reason in rows[96]} == {"small"}


def test_a_quarantined_row_is_kept_whole(batch: Batch) -> None:
    validation = validate(batch, small(mostly=0.9))
    ((record,),) = duckdb.sql(f"select record from '{validation.quarantine}' where row_no = 95").fetchall()
    assert json.loads(record) == {
        "row_no": 95,
        "code": "c95",
        "amount": 95,
        "kind": "b",
        "day": "2024-01-03",
    }


def test_a_warning_flags_rows_and_accepts_them(batch: Batch) -> None:
    validation = validate(batch, small(severity="warning", mostly=0.99))
    assert validation.accepted
    assert validation.quarantined == 0
    assert validation.warnings == 1
    assert validation.flagged is not None
    flagged = duckdb.sql(f"select row_no, expectation from '{validation.flagged}' order by 1").fetchall()
    assert flagged == [(number, "small") for number in range(91, 101)]


@pytest.mark.parametrize(("severity", "accepted"), [("critical", False), ("warning", True)])
def test_a_load_level_expectation_refuses_or_warns(severity: str, accepted: bool, batch: Batch) -> None:
    many = load(
        gxe.ExpectTableRowCountToBeBetween, min_value=1000, name="many", **{**SAYS, "severity": severity}
    )
    validation = validate(batch, many)
    assert validation.accepted == accepted
    assert validation.warnings == (1 if accepted else 0)
    (result,) = [result for result in validation.results if not result.success]
    assert "Получено: 100" in result.says


def test_the_days_of_the_slice_fill_parameters(batch: Batch) -> None:
    within = row(
        gxe.ExpectColumnValuesToBeBetween,
        column="day",
        min_value={"$PARAMETER": "first_day"},
        max_value={"$PARAMETER": "last_day"},
        mostly=0.5,
        name="within",
        **SAYS,
    )
    assert validate(batch, within).quarantined == 0
    # rows 31 and 62 and 93 are of 1 January
    validation = validate(batch, within, first_day="2024-01-02")
    assert set(kept_back(validation)) == {31, 62, 93}
    # the suite is not spoilt by what it was filled with before
    assert validate(batch, within).quarantined == 0


def test_a_row_condition_is_respected(batch: Batch) -> None:
    from great_expectations.expectations.row_conditions import Column

    only_a = small(mostly=0.5, row_condition=Column("kind") == "a")
    validation = validate(batch, only_a)
    assert set(kept_back(validation)) == {92, 94, 96, 98, 100}
    (result,) = [result for result in validation.results if result.expectation == "small"]
    assert result.evaluated_count == 50


def test_values_that_look_like_parameters_or_sql_are_values(batch: Batch) -> None:
    tricky = "it's $1 -- %s; drop"
    spoilt = spoil(batch, f"kind = '{tricky.replace(chr(39), chr(39) * 2)}'", "row_no in (4, 8)")
    known = row(
        gxe.ExpectColumnValuesToNotBeInSet,
        column="kind",
        value_set=[tricky],
        mostly=0.9,
        name="known",
        **SAYS,
    )
    validation = validate(spoilt, known)
    assert set(kept_back(validation)) == {4, 8}
    assert kept_back(validation)[4][0]["value"] == tricky


def test_unreadable_values_are_reasons_of_their_own(batch: Batch) -> None:
    told = '[{"column": "amount", "value": "1,5", "expected": "целое число"}]'
    spoilt = spoil(batch, f"amount = null, parse_errors = '{told}'", "row_no = 7")
    validation = validate(spoilt, small(max_value=100))
    assert validation.accepted
    assert set(kept_back(validation)) == {7}
    (reason,) = kept_back(validation)[7]
    assert (reason["expectation"], reason["column"], reason["value"]) == (READABLE, "amount", "1,5")
    assert "целое число" in reason["says"]


def test_too_many_unreadable_rows_refuse_the_load(batch: Batch) -> None:
    told = '[{"column": "amount", "value": "x", "expected": "целое число"}]'
    spoilt = spoil(batch, f"amount = null, parse_errors = '{told}'", "row_no <= 6")
    assert not validate(spoilt, small(max_value=100)).accepted


def _declared() -> list[tuple[str, str]]:
    return [(source.source, feed) for source in load_sources().values() for feed in source.feeds]


def test_every_feed_has_a_suite_and_every_suite_a_feed() -> None:
    folders = {
        (path.parent.name, path.stem)
        for path in (PROJECT / "expectations").glob("*/[!_]*.py")
        if hasattr(importlib.import_module(f"expectations.{path.parent.name}.{path.stem}"), "SUITE")
    }
    assert folders == set(_declared())


def test_the_hash_of_a_suite_is_that_of_what_it_asks() -> None:
    def asks(**changes: Any) -> str:
        return suites.suite_hash([small(), row(gxe.ExpectColumnValuesToBeInSet, **{**listed, **changes})])

    listed: dict[str, Any] = {"column": "kind", "value_set": ["a", "b"], "name": "listed", **SAYS}
    assert asks() == asks()
    different = [
        asks(value_set=["a"]), asks(severity="warning"), asks(mostly=0.5), asks(remedy="Другое."), asks(name="x"),
        suites.suite_hash([small()]),
    ]  # fmt: skip
    assert len({asks(), *different}) == 7


@pytest.mark.parametrize(("source", "feed"), _declared())
def test_every_expectation_says_what_the_supplier_needs(source: str, feed: str) -> None:
    for expectation in load_suite(source, feed):
        meta = expectation.meta
        assert set(meta) - {"holds", "columns"} == {"name", "level", "dimension", "says", "remedy"}
        # behind a colon stands what the query has found
        assert meta["says"].endswith((".", ":"))
        assert meta["remedy"].endswith(".")
        for text in (meta["says"], meta["remedy"]):
            assert any("а" <= letter <= "я" for letter in text.lower())


def test_every_expectation_has_a_defect_that_it_sees() -> None:
    """The defects are seeded in tests/expectations; here no declared name may be missing there."""
    tried = {feed: set(defects) for feed, defects in test_open_sources.DEFECTS.items()}
    tried["beltelecom_inventory.resources"] = {
        *(name for name, *_ in test_beltelecom_inventory.DEFECTS),
        *test_beltelecom_inventory.LOAD_LEVEL,
        *test_beltelecom_inventory.OF_LENGTHS,
        "resource_id_unique",
        "row.counts",
    }
    declared = {
        f"{source}.{feed}": {expectation.meta["name"] for expectation in load_suite(source, feed)}
        for source, feed in _declared()
        # the defects of these follow from the kinds of their expectations
        if f"{source}.{feed}" not in test_simple_suites.FEEDS
    }
    assert tried == declared


def test_a_query_of_the_suite_finds_tables_beside_the_batch(batch: Batch) -> None:
    """What a suite's CONTEXT asks the warehouse for, and the delivery itself, stand beside the batch."""
    known = {"register": pa.table({"kind": ["a"]}), "delivery": pa.table({"instance": ["minsk"]})}
    unknown = load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select kind from {batch}, delivery "
            "where instance = 'minsk' and kind not in (select kind from register)"
        ),
        name="kinds_known",
        **SAYS,
    )
    assert not evaluate(batch, [unknown], PARAMETERS, batch.path.parent, known).accepted
    known["register"] = pa.table({"kind": ["a", "b"]})
    assert evaluate(batch, [unknown], PARAMETERS, batch.path.parent, known).accepted


PERSON = "Иванка Выдуманская"


@pytest.fixture
def keys(tmp_path: Path) -> Batch:
    """Keys of two parts: 1 and 2 are the same without a second part, 5 and 6 are the same, 3 and 7 have no part at all."""
    path = tmp_path / "keys.parquet"
    rows = [
        (1, "A", None),
        (2, "A", None),
        (3, None, None),
        (4, None, "c"),
        (5, "B", "c"),
        (6, "B", "c"),
        (7, None, None),
    ]
    table = pa.table({
        "row_no": [row[0] for row in rows], "one": [row[1] for row in rows], "two": [row[2] for row in rows],
        "parse_errors": pa.nulls(len(rows), pa.string()),
    })  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("given", table)
        connection.execute(f"copy (from given) to '{path}' (format parquet)")
    return Batch(path, len(rows), {})


@pytest.mark.parametrize(
    ("ignored", "where", "twice", "accepted_from"),
    [
        (None, None, [1, 2, 5, 6], 1 / 5),  # of five keys that have a part
        ("any_value_is_missing", None, [5, 6], 0.0),  # of two keys that have both
        ("never", None, [1, 2, 3, 5, 6, 7], 1 / 7),
        (None, "A", [1, 2], 0.0),
    ],
)
def test_a_key_that_stands_twice_stands_twice_whatever_is_missing_of_it(
    keys: Batch, ignored: str | None, where: str | None, twice: list[int], accepted_from: float
) -> None:
    from great_expectations.expectations.row_conditions import Column

    def unique(mostly: float) -> Any:
        more = {} if ignored is None else {"ignore_row_if": ignored}
        if where is not None:
            more |= {"row_condition": Column("one") == where}  # type: ignore[dict-item]
        return row(
            gxe.ExpectCompoundColumnsToBeUnique,
            column_list=["one", "two"],
            mostly=mostly,
            name="key",
            **SAYS,
            **more,
        )

    strict = validate(keys, unique(1.0))
    (result,) = [result for result in strict.results if result.expectation == "key"]
    assert (result.success, result.unexpected_count, list(result.sample_rows)) == (False, len(twice), twice)
    assert sorted(kept_back(strict)) == twice
    assert validate(keys, unique(accepted_from)).accepted
    assert not validate(keys, unique(accepted_from + 0.01)).accepted


def test_a_key_that_is_missing_everywhere_stands_nowhere_twice(keys: Batch) -> None:
    empty = spoil(keys, "one = null, two = null", "true")
    key = row(gxe.ExpectCompoundColumnsToBeUnique, column_list=["one", "two"], name="key", **SAYS)
    assert validate(empty, key).accepted


def common() -> Any:
    """Observes the values that stand most often: here all of them."""
    return load(
        gxe.ExpectColumnMostCommonValueToBeInSet, column="code", value_set=["no"], name="common", **SAYS
    )


def said(batch: Batch, expectation: Any, *tellable: str) -> str:
    validation = evaluate(batch, [expectation], PARAMETERS, batch.path.parent, None, tellable)
    (result,) = [result for result in validation.results if not result.success]
    return result.says


def test_what_was_observed_is_told_of_columns_that_hold_no_person(batch: Batch) -> None:
    given = spoil(batch, f"code = '{PERSON}'", "row_no = 1")
    assert PERSON not in said(given, common(), "amount")
    assert "Получено" not in said(given, common())
    greatest = load(gxe.ExpectColumnMaxToBeBetween, column="amount", max_value=1, name="greatest", **SAYS)
    assert "Получено" not in said(given, greatest)
    assert said(given, greatest, "amount") == "Так и должно быть. Получено: 100."


def test_what_was_observed_is_told_shortly_and_does_nothing_to_a_terminal(batch: Batch) -> None:
    given = spoil(batch, "code = ' ' || chr(27) || '[2J' || chr(8238) || repeat('д', 500)", "row_no = 1")
    told = said(given, common(), "code")
    assert not any(ord(sign) < 32 or 0x202A <= ord(sign) <= 0x202E for sign in told)
    assert "[2J" in told
    assert len(told) < 200
    assert told.endswith("и ещё 90.")  # of a hundred codes ten are told


def test_an_expectation_that_breaks_is_named_and_repeats_nothing(
    batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    given = spoil(batch, f"code = '{PERSON}'", "row_no = 1")
    for query, kind in (
        ("select code::integer as number from {batch} where code::integer > 0", "Conversion Error"),
        ("select no_such_column from {batch}", "Binder Error"),
    ):
        told = said(
            given, load(gxe.UnexpectedRowsExpectation, unexpected_rows_query=query, name="numbers", **SAYS)
        )
        assert told == f"Проверка не выполнена: numbers: {kind}."
    assert PERSON not in caplog.text
    assert "no_such_column" in caplog.text


def test_what_a_reader_says_does_nothing_to_a_terminal() -> None:
    from pipelines.errors import Reason

    result = results.result_from_reason(Reason("file", "a\x1b[31m\u202eb", "r", value="\ud83d" + "x" * 5000))
    assert result.says.encode("utf-8")  # no half of a character
    assert "\x1b" not in result.says
    assert "\u202e" not in result.says
    assert len(result.says) < 300


def held(holds: str, **changes: Any) -> Any:
    return rule(holds, columns=["code", "amount"], name="held", **{"mostly": 0.5, **SAYS, **changes})


def test_a_rule_keeps_back_the_rows_that_break_it_and_leaves_those_that_it_cannot_judge(batch: Batch) -> None:
    """Of 100 rows, amounts 1 to 100: those from 91 on break the rule, those up to 50 are not judged."""
    validation = validate(batch, held("case when amount > 50 then amount <= 90 end", mostly=0.8))
    assert validation.accepted
    kept = kept_back(validation)
    assert set(kept) == set(range(91, 101))
    assert [(one["column"], one["value"]) for one in kept[95]] == [("code, amount", "c95, 95")]
    # 10 of the 50 judged rows break it, not 10 of 100
    assert not validate(batch, held("case when amount > 50 then amount <= 90 end", mostly=0.85)).accepted


def test_what_a_rule_keeps_back_is_the_row_as_it_was_read(batch: Batch) -> None:
    validation = validate(batch, held("amount <= 90"))
    (record,) = duckdb.sql(f"select record from '{validation.quarantine}' where row_no = 95").fetchone() or (
        "",
    )
    assert set(json.loads(record)) == {"row_no", "code", "amount", "kind", "day"}


@pytest.mark.parametrize("holds", ["amont > 0", "amount >", "amount > (select least from nowhere)"])
def test_a_rule_that_cannot_be_asked_refuses_the_load(holds: str, batch: Batch) -> None:
    validation = validate(batch, held(holds))
    assert not validation.accepted
    (broken,) = [result for result in validation.results if result.expectation == "held"]
    assert broken.evaluated_count == 0


def test_what_a_load_level_query_tells_is_named_twenty_of_it_at_most(batch: Batch) -> None:
    def told(where: str) -> str:
        query = f"select 'код ' || code as description from {{batch}} where {where}"
        asked = load(gxe.UnexpectedRowsExpectation, unexpected_rows_query=query, name="told", **SAYS)
        (result,) = [one for one in validate(batch, asked).results if one.expectation == "told"]
        return result.says

    assert told("amount in (3, 4)") == "Так и должно быть. Получено: код c3; код c4."
    assert told("amount <= 30").count("код") == 20
    assert told("amount <= 30").endswith(" и ещё 10.")
    assert told("false") == "Так и должно быть."


def test_a_suite_that_reads_a_wrong_declaration_says_what_the_declaration_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = DeclarationError("assets/indicators/one.yml:3: measure 'two' is not declared", "Declare it.")

    def refuse(_: str) -> types.ModuleType:
        raise wrong

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(DeclarationError) as found:
        suite_modules.suite_module("city_parking", "occupancy")
    assert found.value is wrong
