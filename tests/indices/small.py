"""Small methods and observations to test with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.declarations.methods import IndexMethod
from pipelines.indices.evaluate import Evaluation, evaluate
from pipelines.indices.observations import Observations

NAMES = {"ru": "и", "be": "і", "en": "i"}


def method(index: Mapping[str, Any] | None = None, **changes: Any) -> IndexMethod:
    """A method; by default the plain mean of min-max of a and b."""
    body = {
        "method": "small",
        "title": NAMES,
        "status": "example",
        "version": "1.0",
        "valid_from": "2020-01-01",
        "legal_act": None,
        "reference": "none",
        "index": index or {"code": "index", "nodes": [{"code": "a"}, {"code": "b"}]},
        **changes,
    }
    return IndexMethod.model_validate(body)


def observed(
    columns: Mapping[str, Sequence[float | None]],
    units: Sequence[str] | None = None,
    periods: Sequence[str] | None = None,
    **texts: Sequence[str | None],
) -> Observations:
    """Observations of units u00, u01, … with None where there is no value."""
    size = len(next(iter(columns.values())))
    return Observations.of(
        units or [f"u{number:02}" for number in range(size)],
        periods or [""] * size,
        {name: [math.nan if v is None else v for v in values] for name, values in columns.items()},
        texts,
    )


def scores(evaluation: Evaluation, node: str | None = None) -> list[float | None]:
    """Scores of a node (the root), in the order of periods and units; None where there is none."""
    code = node or evaluation.tree.root.code
    return [None if math.isnan(value) else value for value in evaluation.scored[code].score.tolist()]


def ranks(evaluation: Evaluation) -> list[float | None]:
    """Places of the root."""
    found = evaluation.ranks[evaluation.tree.root.code].tolist()
    return [None if math.isnan(value) else value for value in found]


def reasons(evaluation: Evaluation, node: str | None = None) -> list[str | None]:
    """Why scores of a node are missing."""
    from pipelines.indices.reasons import Reason

    code = node or evaluation.tree.root.code
    return [Reason(value).text for value in evaluation.scored[code].reasons.tolist()]


def of(columns: Mapping[str, Sequence[float | None]], **leaf: Any) -> Evaluation:
    """One leaf ``x`` below an index of that leaf alone."""
    return evaluate(method({"code": "index", "nodes": [{"code": "x", **leaf}]}), observed(columns))
