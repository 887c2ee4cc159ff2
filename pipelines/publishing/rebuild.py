"""What of the dbt project hangs on what has changed since the last sound build: that alone is built and tested again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipelines.publishing.staleness import changed_feeds, staleness
from pipelines.warehouse.base import Warehouse

KINDS = ("model", "snapshot", "seed", "test")
# the schemas of what comes from outside dbt: the rows of each feed, and the ledger of all of them
RAW, LEDGER = "raw", "ops"
# what asks for the day may say something else on another one
TODAY = "macro.gorod.today"


@dataclass(frozen=True)
class Rebuild:
    """A build that goes on from a sound one, ``since``: the feeds that changed, and the dbt nodes that hang on them or do not.

    ``selection`` says the same to dbt: it takes each word of it for a question to every node, so there are few.
    """

    since: str
    feeds: tuple[str, ...]
    nodes: tuple[str, ...]
    left_out: tuple[str, ...]
    selection: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """What dbt has to know of it, so that the build counts as one of the whole project (macro record_begin)."""
        planned = {"since": self.since, "feeds": self.feeds, "left_out": self.left_out}
        return {"GOROD_REBUILD": json.dumps(planned)}


def plan_rebuild(warehouse: Warehouse, manifest: Callable[[], Mapping[str, Any]]) -> Rebuild | None:
    """What has to be built; None if that is everything, or nothing.

    Args:
        manifest: gives dbt's, of today's definitions.
    """
    with warehouse.session_held():
        stale = staleness(warehouse)
        if stale is None or stale.sound is None:
            return None
        feeds = changed_feeds(warehouse, stale.sound)
    if feeds is None:
        return None
    nodes = manifest()["nodes"]
    hanging = hanging_on(nodes, feeds)
    if warehouse.engine == "duckdb":
        # a view is what defines it; on PostgreSQL it goes with a table that is replaced below it
        hanging = {name for name in hanging if nodes[name]["config"]["materialized"] != "view"}
    left_out = {name for name in nodes if nodes[name]["resource_type"] in KINDS} - hanging
    return Rebuild(
        stale.sound,
        tuple(sorted(feeds)),
        tuple(sorted(hanging)),
        tuple(sorted(left_out)),
        _selection(nodes, hanging),
    )


def _selection(nodes: Mapping[str, Mapping[str, Any]], hanging: Collection[str]) -> tuple[str, ...]:
    """Options by which dbt selects exactly these nodes: all that follows from the first of them, but for the others."""

    def needs(name: str) -> list[str]:
        return [need for need in nodes[name]["depends_on"]["nodes"] if need in nodes]

    @cache
    def follows(name: str) -> bool:
        return name in hanging or any(follows(need) for need in needs(name))

    def words(names: Iterable[str]) -> Iterable[str]:
        return (".".join(nodes[name]["fqn"]) for name in sorted(names))

    first = {name for name in hanging if not any(follows(need) for need in needs(name))}
    others = {name for name in nodes if follows(name) and nodes[name]["resource_type"] in KINDS} - set(
        hanging
    )
    return (
        "--indirect-selection", "empty",
        "--select", " ".join(f"{word}+" for word in words(first)),
        *(("--exclude", " ".join(words(others))) if others else ()),
    )  # fmt: skip


def hanging_on(nodes: Mapping[str, Mapping[str, Any]], feeds: Collection[str]) -> set[str]:
    """Models, snapshots and tests (dbt ids) whose rows may be others when the loads in force of some feeds are.

    What reads a raw table reads of the ledger the loads of that feed; what reads the ledger alone, those of all feeds; what
    asks for the day may change with it. The catalogue is the same as long as the definitions are.
    """
    changed = set(feeds)

    @cache
    def hangs(name: str) -> bool:
        node = nodes[name]
        if (node.get("test_metadata") or {}).get("name") == "unique_combination":
            # it asks the ledger, too, which loads are new
            return hangs(node["attached_node"])
        needs = node["depends_on"]["nodes"]
        sources = [need.split(".")[-2:] for need in needs if need.startswith("source.")]
        raw = {table for schema, table in sources if schema == RAW}
        reads_ledger = any(schema == LEDGER for schema, _ in sources)
        return (
            bool(raw & changed)
            or TODAY in node["depends_on"]["macros"]
            or (reads_ledger and not raw)
            or any(hangs(need) for need in needs if need in nodes)
        )

    return {name for name, node in nodes.items() if node["resource_type"] in KINDS and hangs(name)}
