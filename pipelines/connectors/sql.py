"""Rows of another system's database, slice by slice; conditions are pushed down, and nothing is written there.

What lands is Parquet with the types of the database; numbers without a declared precision are text, digit by digit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.connectors.sql_database import Database, database_of
from pipelines.connectors.sql_query import Query
from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, Slice, month_span
from pipelines.errors import OriginError
from pipelines.moments import today
from pipelines.periods import months_from, running_period
from pipelines.settings import Settings

FILE = "rows.parquet"


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: SqlOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
    instances: Collection[str] | None,
    known: LastSeen,
) -> Iterator[Candidate]:
    """A candidate for each instance and slice. With a watermark, one query a slice finds out whether it has changed.

    A city whose own database cannot be asked does not stop the others.

    Raises:
        OriginError: the address is missing or invalid, or the database refuses.
    """
    seen = {row[2:5] for row in known if row[:2] == (source.source, feed_name)}
    failures: list[OriginError] = []
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        try:
            yield from _of_instance(source.source, feed_name, feed, origin, instance, seen)
        except OriginError as error:
            if "{INSTANCE}" not in origin.address:
                raise
            failures.append(error)
    if failures:
        raise OriginError.of_several(failures)


def _of_instance(
    source: str,
    feed_name: str,
    feed: Feed,
    origin: SqlOrigin,
    instance: str,
    seen: Collection[tuple[str, ...]],
) -> Iterator[Candidate]:
    database = database_of(origin, instance)
    table = _filled(origin.table, instance)
    condition = _filled(origin.where, instance, database.text)
    # dropped columns hold personal data, so they never leave the database
    columns = tuple(dict.fromkeys(column.from_path or name for name, column in feed.kept_columns.items()))
    for slice_ in _slices(feed, origin):
        query = Query(table, columns, condition, origin.time_column, slice_)
        address = f"{database.address}/{table}"
        was_seen = (instance, slice_.key, address) in seen
        # old slices are not requested again, as with files at an address
        if was_seen and feed.refresh is not None and not feed.is_refreshed(slice_.last_day, today()):
            continue
        fingerprint = None
        if origin.watermark is not None:
            fingerprint = database.state(query, origin.watermark)
            if fingerprint is None:  # no rows, no delivery
                continue
        yield Candidate(
            source=source,
            feed=feed_name,
            instance=instance,
            slice=slice_,
            origin=address,
            fingerprint=fingerprint,
            synthetic=origin.synthetic,
            fetch=_Fetch(database, query, feed.max_delivery_bytes),
        )


def _slices(feed: Feed, origin: SqlOrigin) -> Iterator[Slice]:
    part = feed.part or ""
    if origin.time_column is None:
        yield Slice(part, *running_period(feed.cadence, today()))
        return
    assert feed.first_month is not None  # the declaration is checked for it
    for month in months_from(feed.first_month, today()):
        first, last = month_span(month)
        if origin.by == "month":
            yield Slice(part, first, last)
            continue
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield Slice(part, day, day)
    if origin.by == "day":  # the finished days of the current month
        day = today().replace(day=1)
        while day < today():
            yield Slice(part, day, day)
            day += timedelta(days=1)


def _filled(text: str, instance: str, spell: Callable[[str], str] = str) -> str:
    return text.replace("{instance}", spell(instance))


@dataclass(frozen=True)
class _Fetch:
    """Stream a slice into one Parquet file; nothing is left there if it is not complete."""

    database: Database
    query: Query
    largest_bytes: int

    def __call__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            self.database.with_retries(lambda: self._once(path))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _once(self, path: Path) -> None:
        with (
            self.database.batches(self.query) as (schema, batches),
            pq.ParquetWriter(path, schema, compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                if path.stat().st_size > self.largest_bytes:
                    raise OriginError(
                        f"{self.database.address}: the slice is larger than {self.largest_bytes} bytes",
                        "Declare smaller slices (by: day), or raise max_delivery_bytes of the feed.",
                    )
