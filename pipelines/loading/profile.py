"""What is remembered of a load so that later ones can be held against it: few numbers, made from all its rows.

A profile is rows ``(metric, key, value)``; in the ledger, ``ops.load_profile``:

==========================  =============================  ===================================================
metric                      key                            value
==========================  =============================  ===================================================
``rows``                    empty                          rows
``share:<title>``           label                          rows; of many labels the greatest :data:`LABELS`
``quantile:<title>``        ``0.1``, ``0.5``, ``0.9``      of the absolute values of a quantity that are not 0
``total:<title>``           empty                          sum of a quantity
``given:<title>``           empty                          rows where the quantity is given
``figure:<title>``          what it is of, and its period  sum of the quantity, or count of rows
``sketch:<name>:<hash>``    a hash                         1
``reach:<name>:<hash>``     empty                          up to which hash the sketch is whole
==========================  =============================  ===================================================

A sketch holds the :data:`SKETCH` smallest hashes of what names a row. Two sketches show the same part of all hashes,
so the share of one load's rows that another holds is seen in them, give or take a few hundredths. DuckDB may change its
hash function: the metric names the function by the hash of a constant, and what another made is not compared.

Of more than :data:`FIGURES` figures those are kept whose subjects have the smallest hashes: the same ones of each load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from expectations.vocabulary import History
from pipelines.loading.suite_modules import suite_module
from pipelines.memory import in_memory
from pipelines.sql import literal, quoted

SKETCH = 256
LABELS = 100
FIGURES = 10_000
# Between what a figure is of and its period; neither holds it.
UNIT = "\x1f"
# Of so many smallest hashes, repeated ones included, the sketch takes those that differ.
SMALLEST = 8 * SKETCH
WHOLE = float(1 << 52)
ROWS = "строки"


@dataclass(frozen=True)
class Profile:
    """Values by metric and key."""

    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.metrics.get("rows", {}).get("", 0))

    def of(self, metric: str) -> Mapping[str, float]:
        """Values of a metric by key; none where it is not remembered."""
        return self.metrics.get(metric, {})

    def sketch(self, name: str) -> Sketch | None:
        """The sketch of a name; None where there is none, or an older hash function made it."""
        for metric, values in self.metrics.items():
            if metric.startswith(f"sketch:{name}:"):
                tag = metric.rpartition(":")[2]
                return Sketch(tag, frozenset(values), self.of(f"reach:{name}:{tag}").get("", 0.0))
        return None


@dataclass(frozen=True)
class Sketch:
    """The smallest hashes of a load's rows, whole up to ``reach``."""

    function: str
    hashes: frozenset[str]
    reach: float

    def found_in(self, other: Sketch) -> tuple[int, int] | None:
        """How many of these hashes the other has, and of how many that could be seen; None where none could."""
        if self.function != other.function:
            return None
        reach = min(self.reach, other.reach)
        seen = {text for text in self.hashes if float(text) <= reach}
        return (len(seen & other.hashes), len(seen)) if seen else None


def load_history(source: str, feed: str) -> History:
    """The ``HISTORY`` beside a feed's suite; without one, rows alone are counted."""
    declared: History = getattr(suite_module(source, feed), "HISTORY", History())
    return declared


def write_profile(history: History, batch: Path, quarantine: Path | None, out: Path) -> Path:
    """Write the profile of a batch's rows, without those in quarantine, as Parquet."""
    with in_memory(batch) as connection:
        kept_back = (
            f"where row_no not in (select row_no from read_parquet({literal(str(quarantine))}))"
            if quarantine is not None
            else ""
        )
        connection.execute(
            f"create view given as select * from read_parquet({literal(str(batch))}) {kept_back}"
        )
        connection.execute(f"copy ({profile_query(history)}) to {literal(str(out))} (format parquet)")
    return out


def read_profile(path: Path) -> Profile:
    """A profile that was written."""
    columns = pq.read_table(path, columns=["metric", "key", "value"]).to_pydict()
    return profile_of(list(zip(*columns.values(), strict=True)))


def profile_of(rows: list[tuple[str, str, float]]) -> Profile:
    """A profile from its rows."""
    metrics: dict[str, dict[str, float]] = {}
    for metric, key, value in rows:
        metrics.setdefault(metric, {})[key] = value
    return Profile(metrics)


def profile_query(history: History, relation: str = "given") -> str:
    """The SELECT that makes the profile of a relation's rows."""
    parts = [_counted(history, relation)]
    parts += [_shares(title, expression, relation) for title, expression in history.shares.items()]
    if history.by:
        parts += [
            _figures(history, title, expression, relation)
            for title, expression in (history.quantities or {ROWS: ""}).items()
        ]
    parts += [
        _sketch(name, columns, relation)
        for name, columns in (("key", history.key), ("row", history.row))
        if columns
    ]
    return " union all ".join(f"(from ({part}))" for part in parts)


def _counted(history: History, relation: str) -> str:
    """Everything that one scan counts: rows, and of each quantity total, givens and quantiles."""
    values = ["{'metric': 'rows', 'key': '', 'value': count(*)::DOUBLE}"]
    for title, expression in history.quantities.items():
        number = f"({expression})::DOUBLE"
        values.append(f"{{'metric': {literal('total:' + title)}, 'key': '', 'value': sum({number})}}")
        values.append(
            f"{{'metric': {literal('given:' + title)}, 'key': '', 'value': count({number})::DOUBLE}}"
        )
        values += [
            f"{{'metric': {literal('quantile:' + title)}, 'key': '{point}', "
            f"'value': approx_quantile(nullif(abs({number}), 0), {point})}}"
            for point in ("0.1", "0.5", "0.9")
        ]
    return (
        f"select metric, key, value from (select unnest([{', '.join(values)}], recursive := true) from {relation}) "
        "where value is not null"
    )


def _shares(title: str, expression: str, relation: str) -> str:
    return (
        f"select {literal('share:' + title)} as metric, label as key, count(*)::DOUBLE as value "
        f"from (select coalesce(({expression})::VARCHAR, '') as label from {relation}) "
        f"group by label order by value desc, label limit {LABELS}"
    )


def _figures(history: History, title: str, expression: str, relation: str) -> str:
    subject = f"concat_ws(' · ', {', '.join(quoted(column) for column in history.by)})"
    period = f"coalesce({quoted(history.period)}::VARCHAR, '')" if history.period else "''"
    value = f"sum(({expression})::DOUBLE)" if expression else "count(*)::DOUBLE"
    return (
        f"select {literal('figure:' + title)} as metric, subject || chr(31) || period as key, value "
        f"from (select {subject} as subject, {period} as period, {value} as value from {relation} "
        f"where {history.figures_where} group by 1, 2) where value is not null "
        f"order by hash(subject), period limit {FIGURES}"
    )


def _sketch(name: str, columns: tuple[str, ...], relation: str) -> str:
    """The smallest hashes that differ, and how far they reach."""
    tag = "(hash('gorod') & 65535)::VARCHAR"
    hashed = f"hash({', '.join(columns)}) & {(1 << 52) - 1}"
    given = " and ".join(f"({column}) is not null" for column in columns)
    listed = (
        f"select min({hashed}, {SMALLEST}) as smallest, count(*) as of_rows from {relation} where {given}"
    )
    return (
        f"with listed as ({listed}), distinct_ones as (select list_sort(list_distinct(smallest)) as hashes, of_rows "
        f"from listed), taken as (select hashes[:{SKETCH}] as hashes, "
        f"case when of_rows <= {SMALLEST} and len(hashes) <= {SKETCH} then {int(WHOLE)} else hashes[:{SKETCH}][-1] end "
        "as reach from distinct_ones where len(hashes) > 0) "
        f"select 'sketch:{name}:' || {tag} as metric, unnest(hashes)::VARCHAR as key, 1::DOUBLE as value from taken "
        f"union all select 'reach:{name}:' || {tag}, '', reach::DOUBLE from taken"
    )
