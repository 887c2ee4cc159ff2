"""The suite of a feed: its expectations, the extra tables it needs, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.declarations.sources import load_sources
from pipelines.errors import DeclarationError
from pipelines.loading.suite_modules import suite_module


def load_suite(source: str, feed: str) -> list[Any]:
    """The expectations of a feed: those generated from its declaration, then those of its module.

    Raises:
        DeclarationError: there is no suite, it is unusable or empty, or two expectations have the same name.
    """
    module = suite_module(source, feed)
    declared = load_sources()[source].feeds.get(feed) if source in load_sources() else None
    suite: list[Any] = list(module.SUITE)
    if suite and declared is not None:
        from expectations.declared import expectations_of

        suite = [*expectations_of(declared, load_sources()[source].territories), *suite]
    names = [expectation.meta["name"] for expectation in suite]
    if not suite or len(set(names)) != len(names):
        raise DeclarationError(
            f"suite {module.__file__} is empty or repeats a name: {names}",
            "Give each expectation a name of its own.",
        )
    return suite


def load_context(source: str, feed: str) -> dict[str, str]:
    """The extra tables of a suite, its ``CONTEXT``: table names and the SELECTs that fill them.

    A SELECT is DuckDB's SQL on the warehouse (``raw``, ``ops``, ``catalogue``), run before the gate. It may use
    ``$source, $feed, $instance, $part, $first_day, $last_day, $today`` of the delivery.
    """
    return dict(getattr(suite_module(source, feed), "CONTEXT", {}))


def suite_hash(suite: Sequence[Any], context: Mapping[str, str] | None = None) -> str:
    """SHA-256 of everything a suite checks, including the code lists it is built from, wherever it is defined."""
    asked = [expectation.configuration.to_json_dict() for expectation in suite]
    if context:
        asked.append(dict(context))
    return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def parameters_of(suite: Sequence[Any]) -> set[str]:
    """Names of the parameters that a suite uses: ``{"$PARAMETER": name}``."""
    return {
        value["$PARAMETER"]
        for expectation in suite
        for value in vars(expectation).values()
        if isinstance(value, dict) and "$PARAMETER" in value
    }
