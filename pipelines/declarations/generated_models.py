"""The dbt files that are generated from the declarations, as text: SQL, YAML and macros. They are never edited.

For each feed whose measures declare ``filter`` and ``expr``, a model of contributions; for each such feed without a staging
model in ``dbt/models/staging``, a default one; the union of all contributions; the raw tables as dbt sources; and
macros with the feeds that the project's tests go through. :mod:`pipelines.dbt_project` writes the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelines.declarations.dbt_files import comment, documented, dumped, unique_combination
from pipelines.declarations.generated_staging import (
    default_staging_columns,
    raw_source,
    staging_model,
    staging_sql,
    staging_yaml,
)
from pipelines.declarations.measures import Measure, feed_of
from pipelines.declarations.sources import Source
from pipelines.sql import literal

CONTRIBUTION = (
    "measure", "ref_area", "freq", "time_period", "breakdown", "value", "obs_status", "load_id", "row_no",
)  # fmt: skip
GRAIN = ("measure", "ref_area", "breakdown", "load_id", "row_no")

Feeds = dict[tuple[str, str], dict[str, Measure]]


def contributions_model(source: str, feed: str) -> str:
    """The name of the model that says what each row of a feed adds to its measures."""
    return f"int_{source}__{feed}__contributions"


def generate(
    sources: Mapping[str, Source], measures: Mapping[str, Measure], staging: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Every generated file by its path below ``dbt/generated``.

    ``staging``: the hand-written staging models, with their columns.

    Raises:
        DeclarationError: a staging model cannot be generated from what the feed declares.
    """
    by_feed = measures_by_feed(measures)
    written_by_hand = dict.fromkeys(model for measure in measures.values() for model in measure.models)
    generated = [key for key, own in by_feed.items() if any(not one.models for one in own.values())]
    files = {"models/staging/_raw.yml": dumped({"version": 2, "sources": [raw_source(sources)]})}
    known = dict(staging)
    models: dict[str, list[dict[str, Any]]] = {}
    for source, feed in generated:
        name = staging_model(source, feed)
        if name not in known:
            known[name] = default_staging_columns(sources[source].feeds[feed])
            files[f"models/staging/{source}/{name}.sql"] = staging_sql(
                sources[source], feed, by_feed[source, feed]
            )
            models.setdefault(source, []).append(staging_yaml(sources[source], feed))
    for source, described in models.items():
        files[f"models/staging/{source}/_generated.yml"] = dumped({"version": 2, "models": described})
    folder = "models/intermediate/observations/contributions"
    for source, feed in generated:
        own = {code: one for code, one in by_feed[source, feed].items() if not one.models}
        files[f"{folder}/{contributions_model(source, feed)}.sql"] = _contributions_sql(
            source, feed, own, known[staging_model(source, feed)]
        )
    filled = [*(contributions_model(*key) for key in generated), *written_by_hand]
    files[f"{folder}/int_contributions_given.sql"] = _union_sql(filled)
    files[f"{folder}/_generated.yml"] = dumped(
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


def _contributions_sql(
    source: str, feed: str, measures: Mapping[str, Measure], columns: Sequence[str]
) -> str:
    status = "obs_status" if "obs_status" in columns else "'A'"
    branches = [
        branch for code, measure in measures.items() for branch in _branches(code, measure, columns, status)
    ]
    return (
        comment(
            f"What each row of feed {source}.{feed} adds to its measures.",
            f"Generated from assets/sources/{source}/measures.yml.",
            # conditions stand there as their measures declare them
            "noqa: disable=LT05",
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
    """A branch for the total, and one for the member of the breakdown."""
    has_allocation = "allocation" in columns
    filters = [] if measure.filter == "true" else [measure.filter]
    period = "'_Z' as time_period" if measure.constant else "time_period"
    total = "case when allocation = 'unallocated' then '_U' else '_T' end" if has_allocation else "'_T'"
    # a filter may select the allocation itself
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
        f"        {named(breakdown, 'breakdown')},",
        f"        {named(str(measure.expr), 'value')},",
        f"        {named(status, 'obs_status')}",
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
        "data_tests": [unique_combination(GRAIN)],
        "columns": documented(CONTRIBUTION),
    }


def _union_sql(models: Iterable[str]) -> str:
    columns = ", ".join(CONTRIBUTION)
    return comment(
        "The contributions of all feeds in one shape, as the feeds give them.",
        "Generated from assets/sources/*/measures.yml.",
    ) + "union all\n".join(f"select {columns}\nfrom {{{{ ref('{model}') }}}}\n" for model in models)


def _union_yaml() -> dict[str, Any]:
    return {
        "name": "int_contributions_given",
        "description": "The contributions of all feeds in one shape, as the feeds give them.",
        # a hand-written model may add and subtract for the same row
        "data_tests": [unique_combination(CONTRIBUTION)],
        "columns": documented(CONTRIBUTION),
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


def named(expression: str, name: str) -> str:
    return name if expression == name else f"{expression} as {name}"


def _grouped(condition: str) -> str:
    """A condition that can be combined with others: in brackets if it contains ``or``."""
    return f"({condition})" if re.search(r"\bor\b", condition, re.IGNORECASE) else condition
