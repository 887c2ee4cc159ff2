"""The dbt files that follow from the declarations: SQL, YAML and a macro as text; nobody edits them.

For each feed whose measures say ``filter`` and ``expr``, a model of contributions; for each such feed without a staging
model in ``dbt/models/staging``, a default one; the union of all contributions; the raw tables as dbt sources; and a
macro with the feeds that the tests of the project go through. Where the files are written is no matter of this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from pipelines.declarations.common import at
from pipelines.declarations.feeds import Feed
from pipelines.declarations.indicators import Measure, feed_of
from pipelines.declarations.sources import SOURCES, Source
from pipelines.errors import DeclarationError
from pipelines.sql import literal, quoted

# What a staging model says of each of its rows, beside the columns of its feed.
AGREED = ("load_id", "row_no", "instance", "ref_area", "allocation", "time_period")
CONTRIBUTION = (
    "measure", "ref_area", "freq", "time_period", "breakdown", "value", "obs_status", "load_id", "row_no",
)  # fmt: skip
GRAIN = ("measure", "ref_area", "breakdown", "load_id", "row_no")
BY_HAND = "A staging model of this name in dbt/models takes its place."

Feeds = dict[tuple[str, str], dict[str, Measure]]


def staging_model(source: str, feed: str) -> str:
    """The name of a feed's staging model."""
    return f"stg_{source}__{feed}"


def contributions_model(source: str, feed: str) -> str:
    """The name of the model that says what each row of a feed adds to its measures."""
    return f"int_{source}__{feed}__contributions"


def generate(
    sources: Mapping[str, Source], measures: Mapping[str, Measure], staging: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Every generated file by its path below ``dbt/generated``.

    ``staging`` has the staging models that are written by hand, with their columns.

    Raises:
        DeclarationError: a staging model cannot be generated from what the feed declares.
    """
    by_feed = measures_by_feed(measures)
    written_by_hand = dict.fromkeys(model for measure in measures.values() for model in measure.models)
    generated = [key for key, own in by_feed.items() if any(not one.models for one in own.values())]
    files = {"models/staging/_raw.yml": _yaml({"version": 2, "sources": [_raw(sources)]})}
    known = dict(staging)
    models: dict[str, list[dict[str, Any]]] = {}
    for source, feed in generated:
        name = staging_model(source, feed)
        if name not in known:
            known[name] = default_staging_columns(sources[source].feeds[feed])
            files[f"models/staging/{source}/{name}.sql"] = _staging_sql(
                sources[source], feed, by_feed[source, feed]
            )
            models.setdefault(source, []).append(_staging_yaml(sources[source], feed))
    for source, described in models.items():
        files[f"models/staging/{source}/_generated.yml"] = _yaml({"version": 2, "models": described})
    folder = "models/intermediate/observations/contributions"
    for source, feed in generated:
        own = {code: one for code, one in by_feed[source, feed].items() if not one.models}
        files[f"{folder}/{contributions_model(source, feed)}.sql"] = _contributions_sql(
            source, feed, own, known[staging_model(source, feed)]
        )
    filled = [*(contributions_model(*key) for key in generated), *written_by_hand]
    files[f"{folder}/int_contributions_given.sql"] = _union_sql(filled)
    files[f"{folder}/_generated.yml"] = _yaml(
        {"version": 2, "models": [*(_contributions_yaml(*key) for key in generated), _union_yaml()]}
    )
    counted = {f"{source}__{feed}": [contributions_model(source, feed)] for source, feed in generated}
    for model in written_by_hand:
        counted.setdefault("__".join(feed_of(model)), []).append(model)
    staged = [staging_model(source, feed) for source, declared in sources.items() for feed in declared.feeds]
    files["macros/declared_feeds.sql"] = _macros([name for name in staged if name in known], counted)
    return files


def measures_by_feed(measures: Mapping[str, Measure]) -> Feeds:
    """The measures of each feed, in the order of their codes."""
    found: Feeds = {}
    for code, measure in measures.items():
        found.setdefault((measure.source, measure.feed), {})[code] = measure
    return dict(sorted(found.items()))


def default_staging_columns(feed: Feed) -> tuple[str, ...]:
    """The columns of a generated staging model."""
    agreed = [name for name in AGREED if name != "allocation" or feed.territory is not None]
    return (*agreed, *(name for name in feed.kept_columns if name not in AGREED))


def _raw(sources: Mapping[str, Source]) -> dict[str, Any]:
    return {
        "name": "raw",
        "description": "What the gate accepted, append-only; every row carries its load and its number in the delivery.",
        "schema": "raw",
        "tables": [
            {
                "name": f"{source}__{feed}",
                "description": f"{about.title.en}. {' '.join(about.description.split())}",
                "columns": [
                    *_documented(("load_id", "row_no")),
                    *(
                        {"name": name, "description": column.description}
                        for name, column in about.kept_columns.items()
                    ),
                ],
            }
            for source, declared in sources.items()
            for feed, about in declared.feeds.items()
        ],
    }


def _staging_sql(source: Source, feed: str, measures: Mapping[str, Measure]) -> str:
    declared = source.feeds[feed]
    columns = [name for name in declared.kept_columns if name not in AGREED]
    ref_area = ["loads.ref_area"]
    joined = ""
    if declared.territory is not None and source.territories:
        ref_area = [
            "names.ref_area",
            "case when names.ref_area is null then 'unknown' else 'whole' end as allocation",
        ]
        joined = (
            "\nleft join {{ source('catalogue', 'territory_name') }} as names\n"
            f"    on names.source = {literal(source.source)} and trim(delivered.{_name(declared.territory)}) = names.name"
        )
    elif declared.territory is not None:
        code = _name(declared.territory)
        ref_area = [
            f"delivered.{code} as ref_area",
            f"case when delivered.{code} is null then 'unknown' else 'whole' end as allocation",
        ]
    select = [
        "delivered.load_id",
        "delivered.row_no",
        "loads.instance",
        *ref_area,
        f"{_period(source, feed, measures)} as time_period",
        *(f"delivered.{_name(column)}" for column in columns),
    ]
    return (
        _comment(
            f"{declared.title.en}: rows of effective loads, as they were delivered.",
            f"Generated from assets/sources/{source.source}/source.yml. {BY_HAND}",
        )
        + "select\n    "
        + ",\n    ".join(select)
        + f"\nfrom {{{{ source('raw', '{source.source}__{feed}') }}}} as delivered\n"
        + "inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id"
        + joined
        + "\n"
    )


def _period(source: Source, feed: str, measures: Mapping[str, Measure]) -> str:
    """SQL of the period of a row, of one frequency for all measures of the feed."""
    declared = source.feeds[feed]
    frequencies = {measure.freq for measure in measures.values() if not measure.constant}
    if not frequencies:
        return "'_Z'"
    place = at(SOURCES / source.source / "source.yml", "feeds", feed)
    if len(frequencies) > 1:
        raise DeclarationError(
            f"{place}: its measures are of several frequencies ({', '.join(sorted(frequencies))})",
            f"Write {staging_model(source.source, feed)} by hand, or give them one frequency.",
        )
    if declared.time_period is None and not declared.names_its_period:
        raise DeclarationError(
            f"{place}.time_period: is needed: neither a column nor the name of the file (group period of file_pattern)"
            " says of which period a row is",
            "Name the date column.",
        )
    day = f"delivered.{_name(declared.time_period)}" if declared.time_period else "loads.first_day"
    if frequencies == {"M"}:
        return f"{{{{ month_code('{day}') }}}}"
    return f"substr(cast({day} as varchar), 1, 4)"


def _staging_yaml(source: Source, feed: str) -> dict[str, Any]:
    declared = source.feeds[feed]
    own = {name: column.description for name, column in declared.kept_columns.items() if name not in AGREED}
    agreed = [name for name in default_staging_columns(declared) if name in AGREED]
    return {
        "name": staging_model(source.source, feed),
        "description": f"{declared.title.en}: rows of effective loads, as they were delivered.",
        "data_tests": [_unique(("load_id", "row_no", "ref_area"))],
        "columns": [
            *(
                {**column, "data_tests": ["not_null"]} if column["name"] == "load_id" else column
                for column in _documented(agreed)
            ),
            *({"name": name, "description": text} for name, text in own.items()),
        ],
    }


def _contributions_sql(
    source: str, feed: str, measures: Mapping[str, Measure], columns: Sequence[str]
) -> str:
    status = "obs_status" if "obs_status" in columns else "'A'"
    branches = [
        branch for code, measure in measures.items() for branch in _branches(code, measure, columns, status)
    ]
    return (
        _comment(
            f"What each row of feed {source}.{feed} adds to its measures.",
            f"Generated from assets/sources/{source}/measures.yml.",
        )
        + f"with staged as (\n    select * from {{{{ ref('{staging_model(source, feed)}') }}}}\n),\n\n"
        + "added as (\n"
        + "\n    union all\n".join(branches)
        + "\n)\n\nselect\n"
        + "".join(
            f"    {'{{ fixed(' + repr(name) + ') }} as value' if name == 'value' else name},\n"
            for name in CONTRIBUTION[:-1]
        )
        + "    row_no\nfrom added\n"
    )


def _branches(code: str, measure: Measure, columns: Sequence[str], status: str) -> Iterator[str]:
    """The rows in their total, and in the member of the breakdown."""
    has_allocation = "allocation" in columns
    filters = [] if measure.filter == "true" else [measure.filter]
    period = "'_Z' as time_period" if measure.constant else "time_period"
    total = "case when allocation = 'unallocated' then '_U' else '_T' end" if has_allocation else "'_T'"
    # a filter may say itself which parts of a territory it means
    asked = has_allocation and not re.search(r"\ballocation\b", measure.filter)
    known = ["allocation <> 'unknown'"] if asked else []
    if not measure.breakdown_has_total:
        yield _branch(code, measure, period, total, status, [*known, *filters])
    if measure.breakdown is not None:
        whole = ["allocation = 'whole'"] if asked else []
        member = measure.breakdown if measure.breakdown.isidentifier() else f"({measure.breakdown})"
        given = [f"{member} is not null"]
        yield _branch(code, measure, period, measure.breakdown, status, [*whole, *filters, *given])


def _branch(
    code: str, measure: Measure, period: str, breakdown: str, status: str, conditions: Sequence[str]
) -> str:
    lines = [
        f"    -- {measure.name.en}",
        "    select",
        "        load_id,",
        "        row_no,",
        f"        {literal(code)} as measure,",
        "        ref_area,",
        f"        {literal(measure.freq)} as freq,",
        f"        {period},",
        f"        {_as(breakdown, 'breakdown')},",
        f"        {_as(str(measure.expr), 'value')},",
        f"        {_as(status, 'obs_status')}",
        "    from staged",
    ]
    if len(conditions) == 1:
        lines.append(f"    where {conditions[0]}")
    elif conditions:
        lines.append("    where")
        lines.append("        " + "\n        and ".join(map(_grouped, conditions)))
    return "\n".join(lines)


def _contributions_yaml(source: str, feed: str) -> dict[str, Any]:
    return {
        "name": contributions_model(source, feed),
        "description": f"What each row of feed {source}.{feed} adds to: one row for each measure.",
        "data_tests": [_unique(GRAIN)],
        "columns": _documented(CONTRIBUTION),
    }


def _union_sql(models: Iterable[str]) -> str:
    columns = ", ".join(CONTRIBUTION)
    return _comment(
        "The contributions of all feeds in one shape, as the feeds give them.",
        "Generated from assets/sources/*/measures.yml.",
    ) + "union all\n".join(f"select {columns}\nfrom {{{{ ref('{model}') }}}}\n" for model in models)


def _union_yaml() -> dict[str, Any]:
    return {
        "name": "int_contributions_given",
        "description": "The contributions of all feeds in one shape, as the feeds give them.",
        # what a model written by hand takes off stands beside what it adds, of the same row
        "data_tests": [_unique(CONTRIBUTION)],
        "columns": _documented(CONTRIBUTION),
    }


def _macros(staging: Sequence[str], counted: Mapping[str, Sequence[str]]) -> str:
    def listed(lines: Iterable[str]) -> str:
        return "".join(f"        {line},\n" for line in lines)

    return (
        "{# Generated from the declarations: the staging model of each feed. #}\n"
        "{% macro staging_models() %}\n    {% do return([\n"
        + listed(map(literal, staging))
        + "    ]) %}\n{% endmacro %}\n\n"
        "{# Generated from the declarations: of each feed that counts, the models that say what its rows add. #}\n"
        "{% macro counted_feeds() %}\n    {% do return({\n"
        + listed(f"{literal(feed)}: [{', '.join(map(literal, models))}]" for feed, models in counted.items())
        + "    }) %}\n{% endmacro %}\n"
    )


def _documented(names: Iterable[str]) -> list[dict[str, Any]]:
    """Columns whose description is that of ``dbt/models/columns.md``."""
    return [{"name": name, "description": f"{{{{ doc({name!r}) }}}}".replace("'", '"')} for name in names]


def _unique(columns: Sequence[str]) -> dict[str, Any]:
    # the rows of a load never change: those are tested that no sound build has tested yet
    return {"unique_combination": {"arguments": {"columns": list(columns), "new_loads": True}}}


def _yaml(content: Any) -> str:
    text: str = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=116)
    return "# Generated from the declarations.\n" + text


class _Dumper(yaml.SafeDumper):
    """Writes each value out: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _comment(*lines: str) -> str:
    return "".join(f"-- {line}\n" for line in lines)


def _name(column: str) -> str:
    return column if re.fullmatch(r"[a-z_][a-z0-9_]*", column) else quoted(column)


def _as(expression: str, name: str) -> str:
    return name if expression == name else f"{expression} as {name}"


def _grouped(condition: str) -> str:
    """A condition that may stand beside others: in brackets where it has an ``or`` of its own."""
    return f"({condition})" if re.search(r"\bor\b", condition, re.IGNORECASE) else condition
