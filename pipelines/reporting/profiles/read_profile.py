"""The rows of a profile, from a published snapshot or a release."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.embedded import connect
from pipelines.errors import GorodError, WarehouseError
from pipelines.moments import MINSK
from pipelines.publishing.publication import Publication

# figures of a series that are drawn
SERIES = 12
Row = dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """All that is known of one territory. Rows are by column name of the published tables.

    ``series`` has the figures up to the newest of each indicator, oldest first; None where a period has none.
    """

    ref_area: str
    level: str
    names: dict[str, str]
    figures: tuple[Row, ...]
    plans: tuple[Row, ...]
    peers: tuple[Row, ...]
    series: dict[str, tuple[Decimal | None, ...]]
    themes: dict[str, dict[str, str]]
    publication: Publication

    @property
    def synthetic(self) -> bool:
        return any(row["synthetic"] for row in (*self.figures, *self.plans) if row["obs_value"] is not None)

    @property
    def known(self) -> list[Row]:
        """The rows with a figure."""
        return [row for row in self.figures if row["obs_value"] is not None]


@contextmanager
def opened(publication: Publication) -> Iterator[duckdb.DuckDBPyConnection]:
    """The snapshot, read-only.

    Raises:
        GorodError: it was published before there were profiles.
        WarehouseError: it cannot be read.
    """
    try:
        with connect(publication.database, read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute("set schema = 'published'")
            found = connection.execute(
                "select count(*) from duckdb_tables() where table_name in ('pub_profile_v1', 'pub_indicator_wide_v1')"
            ).fetchone()
            if found != (2,):
                raise GorodError(
                    f"{publication.id}: has no profiles",
                    "It is of an older Gorod: publish again, or cut the release anew.",
                )
            yield connection
    except duckdb.Error as error:
        raise WarehouseError(
            f"{publication.database}: the published snapshot cannot be read: {error}",
            "Publish again with `gorod run`; if it persists, the contracts have changed under the report.",
        ) from error


def territories_of(connection: duckdb.DuckDBPyConnection, levels: Collection[str]) -> list[str]:
    """The territories of the levels that have a code of the classifier: of the cities, those of the programme."""
    rows = connection.execute(
        "select ref_area from pub_territory_v1 where list_contains($levels, level) and soato is not null"
        " order by level desc, soato, ref_area",
        {"levels": list(levels)},
    ).fetchall()
    return [ref_area for (ref_area,) in rows]


def read_profile(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    ref_area: str,
    indicators: Collection[str] = (),
) -> Profile:
    """The profile of a territory: of the named indicators, or of all.

    Raises:
        GorodError: there is no such territory.
    """
    territory = _rows(connection, "from pub_territory_v1 where ref_area = $area", area=ref_area)
    if not territory:
        raise GorodError(
            f"no territory {ref_area!r} is published", '`gorod sql "from pub_territory_v1"` lists them.'
        )
    figures = _rows(
        connection,
        "select * from pub_profile_v1 where ref_area = $area and (len($shown) = 0 or list_contains($shown, indicator))"
        " order by theme, indicator_ru, indicator",
        area=ref_area,
        shown=list(indicators),
    )
    series = _rows(
        connection,
        "select shown.indicator, list(wide.obs_value order by wide.time_period) as figures from pub_profile_v1 as shown"
        " join pub_indicator_wide_v1 as wide on shown.indicator = wide.indicator and shown.ref_area = wide.ref_area"
        " and shown.freq = wide.freq and wide.time_period <= shown.time_period and wide.breakdown = '_T'"
        " where shown.ref_area = $area group by shown.indicator",
        area=ref_area,
    )
    return Profile(
        ref_area=ref_area,
        level=territory[0]["level"],
        names={language: territory[0][f"name_{language}"] for language in ("ru", "be", "en")},
        figures=tuple(figures),
        plans=tuple(
            _rows(
                connection,
                "select * from pub_indicator_wide_v1 where ref_area = $area and plan_value is not null"
                " and breakdown = '_T' qualify time_period = max(time_period) over (partition by indicator)"
                " order by indicator_ru, indicator",
                area=ref_area,
            )
        ),
        peers=tuple(
            _rows(
                connection,
                "from pub_peer_v1 where ref_area = $area and peer_method = 'size_group' order by peer_no",
                area=ref_area,
            )
        ),
        series={row["indicator"]: tuple(row["figures"][-SERIES:]) for row in series},
        themes={
            row["theme"]: {language: row[f"theme_{language}"] for language in ("ru", "be", "en")}
            for row in _rows(
                connection, "select distinct theme, theme_ru, theme_be, theme_en from pub_indicator_v1"
            )
        },
        publication=publication,
    )


def day_of(publication: Publication) -> date:
    """The day of the publication in Minsk."""
    return publication.created_at.astimezone(MINSK).date()


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, **parameters: object) -> list[Row]:
    answer = connection.execute(sql, parameters)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
