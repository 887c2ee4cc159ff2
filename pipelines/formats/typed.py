"""Text to types: the one place where a delivered text becomes a value, for every format."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import duckdb
from duckdb.sqltypes import VARCHAR

from pipelines.declarations.sources import Column, Feed
from pipelines.errors import GorodError
from pipelines.loading.delivery import Batch

# 18 digits fit a 64-bit integer: DuckDB casts a text to a wider decimal ten times more slowly.
SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18, 6)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}

# Rows of a Parquet row group: a little less than DuckDB's own 122,880 and the rest of a chunk, so that an insert that
# keeps the order fills one row group of the table with it. A little more, and it would start a second one, and write
# the whole table again when the file is closed, to join them.
ROW_GROUP = 120_000

EXPECTED = {
    "integer": "целое число",
    "decimal": "число с десятичной точкой, не более шести знаков после неё, без пробелов и без степени (E)",
    "date": "дата вида ГГГГ-ММ-ДД",
    "timestamp": "дата и время вида ГГГГ-ММ-ДД ЧЧ:ММ:СС",
    "boolean": "true или false",
}


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def write_batch(
    connection: duckdb.DuckDBPyConnection,
    rows_sql: str,
    feed: Feed,
    out: Path,
    pseudonym_key: str = "",
    facts: dict[str, Any] | None = None,
) -> Batch:
    """Write text rows as the feed's typed batch.

    ``rows_sql`` yields ``row_no`` BIGINT and each declared column as VARCHAR (columns whose personal data are
    dropped may be absent). An optional column ``broken`` VARCHAR says what was expected of a row that could not be
    read; ``broken_column`` and ``broken_value`` beside it say where and what was given, if one column is to blame.
    Texts are trimmed and ``missing`` texts become NULL before the cast. What cannot be cast is NULL and is told in
    ``parse_errors``, without the value where the column is personal.
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
        f"{_clean(name, column) if column.type == 'text' else _at_once(name, column)} as {quoted('v_' + name)}"
        for name, column in columns.items()
    ]
    typed = {name: column for name, column in columns.items() if column.type != "text"}
    left = [
        f"case when {quoted('v_' + name)} is null then {_clean(name, column)} end as {quoted('left_' + name)}"
        for name, column in typed.items()
    ]
    values = [
        f"coalesce({quoted('v_' + name)}, {_value(quoted('left_' + name), column)}) as {quoted('v_' + name)}"
        for name, column in typed.items()
    ]
    unread = {
        name: f"({quoted('v_' + name)} is null and {quoted('left_' + name)} is not null)" for name in typed
    }
    problems = ", ".join(
        [
            "case when broken is not null then "
            "json_object('column', broken_column, 'value', broken_value, 'expected', broken) end",
            *(
                f"case when {condition} then json_object('column', {literal(name)}, 'value', "
                f"{'null' if columns[name].personal_data != 'none' else quoted('left_' + name)}, "
                f"'expected', {literal(expected(columns[name]))}) end"
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
            select row_no, {kept},
                case when {" or ".join(["broken is not null", *unread.values()])}
                    then '[' || concat_ws(', ', {problems}) || ']' end as parse_errors
            from valued
        ) to {literal(str(out))} (format parquet, row_group_size {ROW_GROUP})
        """
    )
    counted = connection.execute(f"select count(*) from {literal(str(out))}").fetchone()
    assert counted is not None
    return Batch(out, int(counted[0]), facts or {})


def expected(column: Column) -> str:
    """What a column expects, in Russian."""
    text = EXPECTED[column.type]
    return f"{text.split(' вида')[0]} по образцу {column.format}" if column.format else text


def _clean(name: str, column: Column) -> str:
    text = f"trim({quoted(name)})"
    missing = _missing(column)
    return f"case when {text} not in ({missing}) then {text} end" if missing else text


def _missing(column: Column) -> str:
    return ", ".join(literal(word) for word in column.missing)


def _at_once(name: str, column: Column) -> str:
    """The value of a text that can be read as it stands; the rest is cleaned first, and then tried again.

    Nearly every text can, and trimming it first costs more than reading it. What is read here is exactly of its
    type, hence without spaces around it: cleaning would not have changed it.
    """
    if not _is_exact(column):
        return f"NULL::{SQL_TYPES[column.type]}"
    value, missing = _value(quoted(name), column), _missing(column)
    return f"case when {quoted(name)} not in ({missing}) then {value} end" if missing else value


def _is_exact(column: Column) -> bool:
    """Whether :func:`_value` reads nothing but the one form of the value; a cast to a timestamp is kinder."""
    return column.type != "timestamp" or column.format is not None


def _value(text: str, column: Column) -> str:
    """The typed value of an SQL expression, or NULL where its text is not exactly a value of the type.

    A round trip through text is compared, because a cast alone is too kind: it takes 1.5 for an integer, 1.41E+09
    for a number, 2019-5-1 for a date.
    """
    match column.type:
        case "text":
            return text
        case "integer":
            return f"case when regexp_full_match({text}, '[+-]?[0-9]+') then try_cast({text} as BIGINT) end"
        case "decimal":
            # more than six places would be rounded without a word, unless the declaration says that they are
            places = "+" if column.rounded or column.personal_data == "coarsen" else "{1,6}0*"
            number = rf"[+-]?[0-9]+(\.[0-9]{places})?"
            return (
                f"case when regexp_full_match({text}, '{number}') then try_cast({text} as DECIMAL(18, 6)) end"
            )
        case "date" | "timestamp":
            sql_type = SQL_TYPES[column.type]
            if column.format:
                parsed = f"try_strptime({text}, {literal(column.format)})"
                return f"case when strftime({parsed}, {literal(column.format)}) = {text} then {parsed}::{sql_type} end"
            parsed = f"try_cast({text} as {sql_type})"
            if column.type == "date":
                return f"case when {parsed}::VARCHAR = {text} then {parsed} end"
            return parsed
        case "boolean":
            return f"case lower({text}) when 'true' then true when 'false' then false end"


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
            "a column is declared personal_data: pseudonymise, and there is no key",
            "Set GOROD_PSEUDONYM_KEY in the environment; keep it outside the warehouse.",
        )
    connection.create_function("pseudonym", lambda text: pseudonym(text, key), [VARCHAR], VARCHAR)
