"""Whether the newest build of the marts may be published."""

from __future__ import annotations

import duckdb

from pipelines.errors import GorodError
from pipelines.sql import quoted
from pipelines.warehouse.base import COPIED

RUN = "Run `gorod run`: it builds the marts and publishes."


def require_sound_build(connection: duckdb.DuckDBPyConnection, warehouse: str) -> tuple[str, str]:
    """Definitions' hash and dbt invocation of the newest build, which must be complete, successful and up to date.

    Raises:
        GorodError: it is not; or the indices were not computed from its values.
    """
    remedy = RUN
    stays = "what was published before stays"
    ops = f"{quoted(warehouse)}.ops"
    try:
        build = connection.execute(
            "select ended, ok, whole, definitions_hash, ledger_version, invocation_id,"
            f" (select count(load_id) from {ops}.deciding_event) from {ops}.build_state order by build_no desc limit 1"
        ).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise GorodError("nothing to publish: the warehouse holds no ledger of builds", remedy) from error
    if build is None:
        raise GorodError("nothing to publish: the marts have never been built as a whole", remedy)
    ended, ok, whole, definitions_hash, ledger_version, invocation, events = build
    if invocation == COPIED:
        raise GorodError("not published: the warehouse was copied, its marts are not built here yet", remedy)
    if not ended:
        raise GorodError(
            f"not published: a build of the marts began and has not ended ({invocation}); {stays}", remedy
        )
    if not ok:
        raise GorodError(
            f"not published: the last build of the marts failed ({invocation}); {stays}",
            "Mend what the build's log names, then run `gorod run` again.",
        )
    if not whole:
        raise GorodError(
            f"not published: the last build was of a part of the marts, or without rows ({invocation}); {stays}",
            remedy,
        )
    if definitions_hash is None:
        raise GorodError(
            f"not published: dbt was started by hand, nobody knows on which definitions ({invocation}); {stays}",
            remedy,
        )
    if ledger_version != events:
        raise GorodError(
            f"not published: the marts are older than the loads (built at {ledger_version} decisions of the"
            f" ledger, which now holds {events}); {stays}",
            remedy,
        )
    _require_index(connection, ops, str(invocation), remedy)
    return str(definitions_hash), str(invocation)


def _require_index(connection: duckdb.DuckDBPyConnection, ops: str, build: str, remedy: str) -> None:
    """Check that the indices, if any, were computed from this build's values."""
    try:
        found = connection.execute(
            f"select max_by(invocation_id, build_no) from {ops}.build_state"
            f" where invocation_id in (select invocation_id from {ops}.index_build)"
        ).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return
    if found is None or found[0] != build:
        raise GorodError(
            "not published: the indices are older than the indicator values; what was published before stays",
            remedy,
        )
