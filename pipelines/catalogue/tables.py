"""The tables of ``catalogue`` and their columns."""

from __future__ import annotations

from pipelines.catalogue.corrections import CORRECTION_TABLES
from pipelines.catalogue.frameworks import FRAMEWORK_TABLES
from pipelines.catalogue.index_methods import INDEX_TABLES
from pipelines.catalogue.indicators import INDICATOR_TABLES
from pipelines.catalogue.measures import MEASURE_TABLES
from pipelines.catalogue.plausibility import PLAUSIBILITY_TABLES
from pipelines.catalogue.release_calendar import RELEASE_TABLES
from pipelines.catalogue.sources import SOURCE_TABLES
from pipelines.catalogue.targets import TARGET_TABLES
from pipelines.declarations.territories import TERRITORY_TABLES

# name -> columns with their types; the order is the order of the columns
TABLES: dict[str, dict[str, str]] = {
    "definition": {"definitions_hash": "text"},
    **SOURCE_TABLES,
    **MEASURE_TABLES,
    **INDICATOR_TABLES,
    **CORRECTION_TABLES,
    **TERRITORY_TABLES,
    **FRAMEWORK_TABLES,
    **INDEX_TABLES,
    **TARGET_TABLES,
    **PLAUSIBILITY_TABLES,
    **RELEASE_TABLES,
}
