"""Great Expectations on DuckDB: a SQLAlchemy dialect that borrows a connection which the caller owns.

GX has no DuckDB support of its own. It fetches results after its cursor is gone, and it knows only the names of
its own engines. This dialect over duckdb-engine answers with results that are already fetched, is named
"postgresql" so that GX takes its PostgreSQL branches, and writes PostgreSQL's ``~`` as ``regexp_matches``.
Nothing of GX is patched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import duckdb
from duckdb_engine import DBAPI, ConnectionWrapper, Dialect
from sqlalchemy import BIGINT, BOOLEAN, DATE, NUMERIC, TIMESTAMP, VARCHAR, pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.sql import operators

from pipelines.interrupts import interrupts_raised
from pipelines.sql import quoted

TYPES = {"BIGINT": BIGINT, "BOOLEAN": BOOLEAN, "DATE": DATE, "DECIMAL": NUMERIC, "TIMESTAMP": TIMESTAMP}

BORROWED = "gorodgate:///borrowed"

_borrowed: ContextVar[duckdb.DuckDBPyConnection] = ContextVar("borrowed")


class _BufferedCursor:
    """A DB-API cursor whose result is fetched at once, so that it outlives the statement."""

    def __init__(self, wrapper: ConnectionWrapper) -> None:
        self.connection = wrapper
        self._rows: list[tuple[Any, ...]] = []
        self.description: Any = None
        self.rowcount = -1

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:  # noqa: ARG002
        with interrupts_raised():
            cursor = _borrowed.get().execute(statement, parameters or None)
        self.description = cursor.description
        self._rows = cursor.fetchall()

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def close(self) -> None:
        self._rows = []


class _BorrowedConnection(ConnectionWrapper):
    """Whichever connection is borrowed at the time; it is handed back, not closed."""

    def __init__(self) -> None:
        super().__init__(_borrowed.get())

    def cursor(self) -> Any:
        return _BufferedCursor(self)

    def commit(self) -> None:
        """Nothing to keep: the gate only reads."""

    def rollback(self) -> None:
        """Nothing to undo: the gate only reads."""

    def close(self) -> None:
        """The owner closes."""


class _Compiler(PGCompiler):
    def visit_bindparam(self, bindparam: Any, *arguments: Any, **kw: Any) -> str:
        """Write values out where GX wants SQL to keep, not to run (``render_postcompile``).

        GX would put the values in itself, knows no ``$1``, and looks for a value's text to see whether it has: the
        value 1 it finds in ``$1``, and leaves a query that asks for a parameter.
        """
        if kw.get("render_postcompile"):
            kw["literal_binds"] = True
        return str(super().visit_bindparam(bindparam, *arguments, **kw))  # type: ignore[no-untyped-call]

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        if element.operator.opstring in ("~", "!~"):
            left, right = self.process(element.left, **kw), self.process(element.right, **kw)
            matches = f"regexp_matches(CAST({left} AS VARCHAR), {right})"
            return matches if element.operator.opstring == "~" else f"NOT {matches}"
        return str(super().visit_custom_op_binary(element, operator, **kw))  # type: ignore[no-untyped-call]

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:  # noqa: ARG002
        left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
        return f"regexp_matches(CAST({left} AS VARCHAR), {right})"

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:  # noqa: ARG002
        return f"NOT {self.visit_regexp_match_op_binary(binary, operators.regexp_match_op, **kw)}"


class GateDialect(Dialect):
    """``gorodgate:///borrowed``: the connection that is borrowed."""

    name = "postgresql"
    driver = "gorodgate"
    statement_compiler = _Compiler
    # DuckDB reads a backslash as itself; doubled, as PostgreSQL might want it, it would spoil a regex.
    _backslash_escapes = False
    supports_statement_cache = False

    def connect(self, *_arguments: Any, **_parameters: Any) -> Any:
        return _BorrowedConnection()

    def create_connect_args(self, url: Any) -> tuple[tuple[()], dict[str, Any]]:  # noqa: ARG002
        return (), {}

    @classmethod
    def get_pool_class(cls, url: Any) -> type[pool.Pool]:  # noqa: ARG003
        return pool.StaticPool

    @classmethod
    def import_dbapi(cls) -> Any:
        return DBAPI

    def do_begin(self, connection: Any) -> None:
        """DuckDB reads need no transaction here."""

    def do_rollback(self, connection: Any) -> None:
        """Nothing to undo."""

    def do_commit(self, connection: Any) -> None:
        """Nothing to keep."""

    def get_columns(self, connection: Any, table_name: str, *_schema: Any, **_kw: Any) -> list[Any]:
        """Columns of a table or view, by DuckDB's own catalogue (GX reflects the batch once)."""
        rows = connection.exec_driver_sql(
            f'select column_name, column_type, "null" from (describe {quoted(table_name)})'
        ).fetchall()
        return [
            {
                "name": name,
                "type": TYPES.get(kind.split("(")[0], VARCHAR)(),
                "nullable": nullable == "YES",
                "default": None,
            }
            for name, kind, nullable in rows
        ]

    def get_pk_constraint(self, *_arguments: Any, **_kw: Any) -> Any:
        """A batch has no key of its own."""
        return {"constrained_columns": [], "name": None}


registry.register("gorodgate", __name__, "GateDialect")


@contextmanager
def borrowed(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Lend a DuckDB connection to GX for a while."""
    token = _borrowed.set(connection)
    try:
        yield
    finally:
        _borrowed.reset(token)
