"""Text to types: the one place where a delivered text becomes a value, for every format."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb
from duckdb.sqltypes import VARCHAR

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch
from pipelines.errors import GorodError
from pipelines.formats import clock
from pipelines.numbers import Form, fault_sql, number_sql
from pipelines.sql import literal, quoted
from pipelines.warehouse.raw import SQL_TYPES

# Rows of a Parquet row group: slightly less than DuckDB's own 122,880 minus one chunk, so that an insert that keeps the
# order fills one row group of the table with it. Slightly more would start a second one, and DuckDB would rewrite the
# whole table to merge them when the file is closed.
ROW_GROUP = 120_000

MARKS = {".": "точкой", ",": "запятой"}
DECIMAL_PLACES = 6
# degrees: a coordinate in metres would reveal a place to the metre, however few decimals it has
FARTHEST = 180

EXPECTED = {
    "integer": "целое число",
    "decimal": "число с десятичной {mark}, не более шести знаков после неё, без пробелов и без степени (E)",
    "date": "дата вида ГГГГ-ММ-ДД",
    "timestamp": "дата и время вида ГГГГ-ММ-ДД ЧЧ:ММ:СС, без смещения от UTC или с ним (+03:00)",
    "boolean": "true или false",
}


def write_batch(
    connection: duckdb.DuckDBPyConnection,
    rows_sql: str,
    feed: Feed,
    out: Path,
    pseudonym_key: str = "",
    facts: dict[str, Any] | None = None,
    decimal: Literal[".", ","] = ".",
) -> Batch:
    """Write text rows as the feed's typed batch.

    ``rows_sql`` yields ``row_no`` BIGINT and each declared column as VARCHAR (columns whose personal data are
    dropped may be absent). An optional column ``broken`` VARCHAR says what was expected of a row that could not be
    read; ``broken_column`` and ``broken_value`` beside it say where and what was given, if one column is to blame.
    Texts are trimmed and ``missing`` texts become NULL before the cast. What cannot be cast is NULL and is described in
    ``parse_errors``, without the value if the column is personal. ``decimal`` is the decimal separator.
    ``row_place`` VARCHAR, if a reader provides it, is the place of a row in the delivery, in the supplier's terms.
    """
    columns = feed.kept_columns
    if any(column.personal_data == "pseudonymise" for column in columns.values()):
        _register_pseudonym(connection, pseudonym_key)
    relation = connection.sql(rows_sql)
    broken = "".join(
        f", NULL::VARCHAR as {name}"
        for name in ("broken", "broken_column", "broken_value")
        if name not in relation.columns
    )
    given = [
        f"{_clean(name, column) if column.type == 'text' else _at_once(name, column, decimal)} as {quoted('v_' + name)}"
        for name, column in columns.items()
    ]
    typed = {name: column for name, column in columns.items() if column.type != "text"}
    left = [
        f"case when {quoted('v_' + name)} is null then {_clean(name, column)} end as {quoted('left_' + name)}"
        for name, column in typed.items()
    ]
    values = [
        f"coalesce({quoted('v_' + name)}, {_value(quoted('left_' + name), column, decimal)}) as {quoted('v_' + name)}"
        for name, column in typed.items()
    ]
    unread = {
        name: f"({quoted('v_' + name)} is null and {quoted('left_' + name)} is not null)" for name in typed
    }
    shown = _is_none_of(
        "broken_column", [name for name, column in columns.items() if column.personal_data == "none"]
    )
    problems = ", ".join(
        [
            "case when broken is not null then json_object('column', broken_column, 'value', "
            f"case when not ({shown}) then broken_value end, 'expected', broken) end",
            *(
                f"case when {condition} then json_object('column', {literal(name)}, 'value', "
                f"{'null' if columns[name].personal_data != 'none' else quoted('left_' + name)}, "
                f"'expected', {_expected_sql(name, columns[name], decimal)}) end"
                for name, condition in unread.items()
            ),
        ]
    )
    kept = ", ".join(f"{_published(name, column)} as {quoted(name)}" for name, column in columns.items())
    connection.execute(
        f"""
        copy (
            with given as (select *, {", ".join(given)} from (select * {broken} from ({rows_sql}))),
            remaining as (select {", ".join(["*", *left])} from given),
            valued as (select * {f"replace ({', '.join(values)})" if values else ""} from remaining)
            select row_no, {"row_place, " if "row_place" in relation.columns else ""}{kept},
                case when {" or ".join(["broken is not null", *unread.values()])}
                    then '[' || concat_ws(', ', {problems}) || ']' end as parse_errors
            from valued
        ) to {literal(str(out))} (format parquet, row_group_size {ROW_GROUP})
        """
    )
    counted = connection.execute(f"select count(*) from {literal(str(out))}").fetchone()
    assert counted is not None
    return Batch(out, int(counted[0]), facts or {})


def expected(column: Column, decimal: Literal[".", ","] = ".") -> str:
    """What a column expects, in Russian."""
    text = EXPECTED[column.type].format(mark=MARKS[decimal])
    return f"{text.split(' вида')[0]} по образцу {column.format}" if column.format else text


def _expected_sql(name: str, column: Column, decimal: Literal[".", ","]) -> str:
    """What a column expects, and what is wrong with the number or time; nothing of the text if it is personal."""
    wanted, text = literal(expected(column, decimal)), quoted("left_" + name)
    if column.personal_data != "none":
        return wanted
    match column.type:
        case "integer" | "decimal":
            return f"{wanted} || '; дано: ' || {fault_sql(text, _form(column, decimal))}"
        case "timestamp":
            return (
                f"{wanted} || coalesce('; ' || {clock.fault_sql(_local(text, column), column.time_zone)}, '')"
            )
        case _:
            return wanted


def _form(column: Column, decimal: Literal[".", ","]) -> Form:
    """How a column's numbers are written. More than six decimals are refused, not rounded silently, unless declared."""
    if column.type == "integer":
        return Form(decimal, places=0)
    is_rounded = column.rounded or column.personal_data == "coarsen"
    return Form(decimal, places=None if is_rounded else DECIMAL_PLACES)


def _clean(name: str, column: Column) -> str:
    text = f"trim({quoted(name)})"
    return f"case when {_is_none_of(text, column.missing)} then {text} end"


def _is_none_of(text: str, words: Sequence[str]) -> str:
    """SQL: a text is not null and none of these. Not ``in``: with five items DuckDB makes a join and loses the order."""
    return " and ".join(f"{text} <> {literal(word)}" for word in words) or f"{text} is not null"


def _at_once(name: str, column: Column, decimal: Literal[".", ","]) -> str:
    """The value of a text that can be read without cleaning; the others are cleaned and tried again.

    Nearly every text can, and trimming costs more than reading. A text that is read here has no spaces around it, so
    cleaning would not have changed it.
    """
    text = quoted(name)
    if column.type in ("integer", "decimal"):
        plain = f"regexp_full_match({text}, '{_form(column, decimal).plain}')"
        value = f"case when {plain} then {_number(text, column)} end"
    elif column.type != "timestamp" or column.format is not None:
        value = _value(text, column, decimal)
    else:  # a cast to a timestamp accepts more than one form
        return f"NULL::{SQL_TYPES[column.type]}"
    return f"case when {_is_none_of(text, column.missing)} then {value} end"


def _number(text: str, column: Column) -> str:
    """The number of a canonical text; NULL if it is too large, or too exact for a coarsened column."""
    value = f"try_cast({text} as {SQL_TYPES[column.type]})"
    if column.personal_data == "coarsen":
        return f"case when abs({value}) <= {FARTHEST} then {value} end"
    return value


def _value(text: str, column: Column, decimal: Literal[".", ","]) -> str:
    """The typed value of an SQL expression, or NULL if its text is not exactly a value of the type.

    The form, or the value converted back to text, is compared, because a cast alone is too lenient: it accepts 1.5 as an
    integer, 1.41E+09 as a number, 2019-5-1 as a date.
    """
    match column.type:
        case "text":
            return text
        case "integer" | "decimal":
            return _number(number_sql(text, _form(column, decimal)), column)
        case "date" if column.format:
            return f"({_parsed(text, column.format)})::DATE"
        case "date":
            parsed = f"try_cast({text} as DATE)"
            return f"case when {parsed}::VARCHAR = {text} then {parsed} end"
        case "timestamp" if column.format:
            return clock.once_sql(_local(text, column), column.time_zone)
        case "timestamp":
            return clock.iso_sql(text, column.time_zone)
        case "boolean":
            return f"case lower({text}) when 'true' then true when 'false' then false end"


def _parsed(text: str, pattern: str) -> str:
    parsed = f"try_strptime({text}, {literal(pattern)})"
    return f"case when strftime({parsed}, {literal(pattern)}) = {text} then {parsed} end"


def _local(text: str, column: Column) -> str:
    """The date and time of a text without an offset, as written."""
    return f"({_parsed(text, column.format)})" if column.format else f"({clock.written_sql(text)})"


def _published(name: str, column: Column) -> str:
    """The value as it leaves the reader: coarsened or pseudonymised where the declaration says so."""
    value = quoted("v_" + name)
    match column.personal_data:
        case "coarsen":
            return f"round({value}, {column.coarsen_decimals})::{SQL_TYPES[column.type]}"
        case "pseudonymise":
            return f"pseudonym({value}::VARCHAR)"
        case _:
            return value


def pseudonym(text: str, key: str) -> str:
    """Keyed pseudonym: HMAC-SHA-256 (RFC 2104), the first 32 hexadecimal digits."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def _register_pseudonym(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    if not key:
        raise GorodError(
            "a column is declared personal_data: pseudonymise, but there is no key",
            "Set GOROD_PSEUDONYM_KEY in the environment; keep it outside the warehouse.",
        )
    connection.create_function("pseudonym", lambda text: pseudonym(text, key), [VARCHAR], VARCHAR)
