"""The cost of one new month on top of a short and of a long history; and of a run with nothing new.

``python -m bench.months prepare HOME`` builds a home that holds the samples of all other sources and one month of
requests (``prepare HOME SOURCE`` takes the samples of that source alone); ``extend HOME MONTHS`` makes that history
longer; ``new_month HOME MONTH`` puts a month into the drop folder; ``load`` takes what waits there through landing,
gate and raw; ``run`` is the whole ``gorod run``. All find their home in GOROD_HOME (:func:`environment`).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bench.requests_file import FILE_NAME, write

if TYPE_CHECKING:
    import duckdb

ROWS = 2_000  # of a month
LAST = date(2023, 12, 1)  # last month of the history; new ones come after it
INSTANCES = ("minsk", "brest", "viciebsk", "homiel", "hrodna", "barysau", "mahilou")
SOURCE, FEED = "appeals_115", "requests"


def environment(home: Path) -> dict[str, str]:
    """Settings of a home: other sources come from a mirror made of their samples, requests from the drop folder."""
    return {
        "GOROD_HOME": str(home),
        "GOROD_ORIGIN": "mirror",
        "GOROD_MIRROR": str(home / "mirror"),
        "GOROD_INBOX_QUIET_S": "0",
    }


def history(months: int) -> Iterator[tuple[str, date]]:
    """City and first day of each month of the history, newest first: seven cities side by side."""
    for number in range(months):
        back = LAST.year * 12 + LAST.month - 1 - number // len(INSTANCES)
        yield INSTANCES[number % len(INSTANCES)], date(back // 12, back % 12 + 1, 1)


def drop(home: Path, instance: str, month: str, rows: int = ROWS) -> Path:
    """Put a month of requests into the drop folder; the path of the file."""
    folder = home / "inbox" / SOURCE / FEED / instance
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME.format(month=month)
    write(rows, month, path, first_id=int(month.replace("-", "")) * 100_000)
    return path


def prepare(home: Path, only: str = "") -> None:
    """Build a home that holds the samples of all sources, or of one, and the newest month of the history."""
    _mirror_of_samples(home)
    from pipelines import connectors
    from pipelines.connectors.drop_folder import inbox
    from pipelines.declarations.sources import load_sources
    from pipelines.loading.candidates import load_candidate
    from pipelines.settings import get_settings
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    ((instance, day),) = history(1)
    drop(home, instance, f"{day:%Y-%m}")
    for source in load_sources().values():
        for feed in source.feeds if only in ("", source.source) else ():
            for candidate in connectors.candidates(source, feed, settings, None):
                load_candidate(candidate, settings, warehouse)
            for candidate in inbox(source, feed, settings).candidates:
                load_candidate(candidate, settings, warehouse)


def extend(months: int) -> None:
    """Make the history so many months long.

    Its newest month was loaded by the loader. Each other is a copy of what that load left, under a name and days of
    its own, written by SQL: the same tables as if each had been loaded, and its file removed from the drop folder.
    """
    from pipelines.declarations.sources import load_sources
    from pipelines.settings import get_settings
    from pipelines.warehouse import open_warehouse

    warehouse = open_warehouse(get_settings())
    known = {
        (row["instance"], row["first_day"]): row["load_id"]
        for row in warehouse.query(
            "select instance, first_day, load_id from ops.load where source = ? and feed = ?", [SOURCE, FEED]
        )
    }
    copies = []
    for city, day in history(months):
        if (city, day) in known:
            continue
        copies.append(
            (
                f"{SOURCE}.{FEED}.{city}.{day:%Y-%m}.copy",
                city,
                load_sources()[SOURCE].instances[city].ref_area,
                day,
                f"inbox:{SOURCE}/{FEED}/{city}/{FILE_NAME.format(month=f'{day:%Y-%m}')}",
                "as it was",
            )
        )
    with warehouse.connection() as connection:
        _copy_loads(connection, known[next(history(1))], copies)


def _copy_loads(
    connection: duckdb.DuckDBPyConnection, load_id: str, copies: list[tuple[str, str, str, date, str, str]]
) -> None:
    """Write the rows that the loads of other months would have left."""
    connection.begin()
    connection.execute(
        "create temp table other (load_id VARCHAR, instance VARCHAR, ref_area VARCHAR, day DATE, origin VARCHAR, "
        "fingerprint VARCHAR)"
    )
    connection.executemany("insert into other values (?, ?, ?, ?, ?, ?)", copies)
    connection.execute("create temp table origin as select * from ops.load where load_id = ?", [load_id])
    connection.execute(
        """
        insert into ops.load by name select origin.* replace (
            other.load_id as load_id, other.instance as instance,
            (select max(load_no) from ops.load) + row_number() over (order by other.day, other.load_id) as load_no,
            other.ref_area as ref_area, strftime(other.day, '%Y-%m') as slice, other.day as first_day,
            last_day(other.day) as last_day, other.load_id as delivery_id, md5(other.load_id) as sha256,
            other.origin as origin, other.load_id as folder
        )
        from origin cross join other
        """
    )
    connection.execute(
        "insert into ops.candidate by name select candidate.* replace (other.load_id as load_id, other.origin as origin, "
        "other.fingerprint as fingerprint) from ops.candidate as candidate cross join other where candidate.load_id = ?",
        [load_id],
    )
    for table in ("ops.load_event", "ops.load_result", "ops.flagged_row", "ops.quarantine"):
        connection.execute(
            f"insert into {table} by name select entry.* replace (other.load_id as load_id) "
            f"from {table} as entry cross join other where entry.load_id = ?",
            [load_id],
        )
    connection.execute(
        f"""
        insert into raw.{SOURCE}__{FEED} by name
        select entry.* replace (
            other.load_id as load_id,
            entry.opened + (other.day - origin.first_day)::INT as opened,
            entry.planned + (other.day - origin.first_day)::INT as planned
        )
        from other cross join origin cross join raw.{SOURCE}__{FEED} as entry where entry.load_id = origin.load_id
        order by other.day, other.instance, entry.row_no
        """
    )
    connection.commit()


def _mirror_of_samples(home: Path) -> None:
    """A mirror whose folders are the samples; requests have none there."""
    from pipelines.declarations.origins import FileOrigin
    from pipelines.declarations.sources import SOURCES, load_sources

    mirror = home / "mirror"
    for source in load_sources().values():
        for feed in source.feeds.values():
            sample, real = feed.origins.get("sample"), feed.origins.get("mirror")
            if not (isinstance(sample, FileOrigin) and isinstance(real, FileOrigin)):
                continue
            link = mirror / real.path
            link.parent.mkdir(parents=True, exist_ok=True)
            if source.source == SOURCE:
                link.mkdir(exist_ok=True)
            elif not link.exists():
                link.symlink_to(SOURCES / source.source / sample.path)


def load() -> dict[str, object]:
    """Land, gate and enter what waits in the drop folder; imports are not counted in ``seconds``."""
    import great_expectations  # noqa: F401 - its import is a cost of the process, not of the load

    from pipelines.loading.candidates import load_candidate
    from pipelines.loading.plan import Wanted, make_plan
    from pipelines.settings import get_settings
    from pipelines.warehouse import open_warehouse

    started = time.monotonic()
    settings = get_settings()
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    plan = make_plan(Wanted(source=SOURCE), settings, warehouse)
    outcomes = [
        load_candidate(candidate, settings, warehouse)
        for candidates in plan.candidates.values()
        for candidate in candidates
    ]
    return {
        "seconds": time.monotonic() - started,
        "states": [outcome.state for outcome in outcomes],
        "rows": sum(outcome.rows_accepted for outcome in outcomes),
    }


def run() -> dict[str, object]:
    """The whole ``gorod run``: load, dbt, publication; ``seconds`` begin when the command's own imports are done."""
    import pipelines.cli  # noqa: F401 - what the command imports before it does anything
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration.run import run as gorod_run
    from pipelines.settings import get_settings

    started = time.monotonic()
    summary = gorod_run(Wanted(), get_settings())
    return {
        "seconds": time.monotonic() - started,
        "loads": len(summary.loads),
        "failures": summary.failures,
        "built": summary.built,
        "nothing_new": summary.nothing_new,
    }


def main(command: str, *arguments: str) -> None:
    """See the module."""
    output: dict[str, object] = {}
    if command == "prepare":
        prepare(Path(arguments[0]), *arguments[1:])
    elif command == "extend":
        extend(int(arguments[1]))
    elif command == "new_month":
        drop(Path(arguments[0]), INSTANCES[0], arguments[1])
    else:
        output = load() if command == "load" else run()
    print(json.dumps(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
