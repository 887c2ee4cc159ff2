"""The only Dagster code location: everything that the UI, the daemon and ``gorod run`` execute."""

from __future__ import annotations

import dagster as dg

from pipelines.orchestration.code_location import building, loading


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions. This writes nothing: the runs create the warehouse's own tables."""
    return dg.Definitions.merge(loading(), building())
