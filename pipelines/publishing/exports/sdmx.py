"""SDMX: the structure of the indicator values as SDMX-ML 2.1, the values as SDMX-CSV 2.0.

``structure.xml`` holds the concept scheme, the code lists, the data structure definition and the dataflow;
``data.csv`` one row for each published value or reason why there is none. Formats: SDMX 2.1 Section 3B (SDMX-ML),
SDMX-CSV 2.0 field guide. Concepts are named after the SDMX cross-domain concepts if there is one.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from pipelines.publishing.exports.sdmx_code_lists import VALUES, code_lists
from pipelines.publishing.exports.sdmx_components import COMPONENTS
from pipelines.publishing.exports.sdmx_structure import AGENCY, FLOW, VERSION, structure_message
from pipelines.publishing.exports.snapshot import Snapshot


def make(snapshot: Snapshot, folder: Path, _out: Path) -> None:
    """Write ``structure.xml`` and ``data.csv``.

    Raises:
        GorodError: a published code is not valid in SDMX.
    """
    tree = structure_message(snapshot, code_lists(snapshot))
    ET.indent(tree)
    with (folder / "structure.xml").open("wb") as file:
        ET.ElementTree(tree).write(file, encoding="UTF-8", xml_declaration=True)
        file.write(b"\n")
    snapshot.copy(data_query(snapshot), folder / "data.csv")


def data_query(snapshot: Snapshot) -> str:
    """The columns of SDMX-CSV 2.0 over the published values."""
    types = {column.name: column.type for column in snapshot.tables[VALUES].columns}
    # an older release lacks columns added since
    columns = ", ".join(
        f"{_written(concept.column, types[concept.column]) if concept.column in types else 'null'} as {concept.id}"
        for concept in COMPONENTS
    )
    return (
        f"select 'dataflow' as STRUCTURE, '{AGENCY}:{FLOW}({VERSION})' as STRUCTURE_ID, 'I' as ACTION, {columns}"
        f" from published.{VALUES} order by indicator, breakdown, ref_area, freq, first_day"
    )


def _written(column: str, kind: str) -> str:
    """A value as SDMX writes it: numbers without trailing zeros, text on one line."""
    if kind.startswith("DECIMAL"):
        text = f"cast({column} as varchar)"
        return f"case when contains({text}, '.') then rtrim(rtrim({text}, '0'), '.') else {text} end"
    if kind == "VARCHAR":
        return f"regexp_replace({column}, '\\s+', ' ', 'g')"
    return column
