"""Names of codes for the command's output: Russian, or English on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import duckdb

from pipelines.publishing.exports.words import MISSING, STATUSES
from pipelines.sql import quoted
from pipelines.warehouse.tables import contracts_schema

Language = Literal["ru", "en"]


@dataclass(frozen=True)
class Names:
    """Names of indicators, measures, territories, units and members of breakdowns; a code without a name stays as it is."""

    language: Language
    named: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def say(self, ru: str, en: str) -> str:
        """The text in the chosen language."""
        return ru if self.language == "ru" else en

    def of(self, kind: str, *code: str) -> str:
        """``Минск (c-minsk)``: the name, and the code to use in commands."""
        name = self.named.get((kind, *code))
        return code[-1] if name is None or name == code[-1] else f"{name} ({code[-1]})"

    def unit(self, indicator: str, code: str) -> str:
        """The unit of an indicator in words."""
        return self.named.get(("unit", indicator), code)

    def part(self, breakdown: str, *measures: str) -> str:
        """``, городская местность (URBAN)``: a member of a measure's breakdown; empty for the total."""
        if breakdown == "_T":
            return ""
        known = (key for key in self.named if key[0] == "member" and key[2] == breakdown)
        found = next((key for key in known if not measures or key[1] in measures), ("member", "", breakdown))
        return f", {self.of(*found)}"

    def number(self, number: Decimal) -> str:
        """A number without trailing zeros; in Russian with a comma."""
        text = f"{number.normalize():f}" if number else "0"
        return text.replace(".", self.say(",", "."))

    def missing(self, reason: str | None) -> str:
        """Why there is no figure."""
        if reason is None:
            return self.say("нет значения", "missing")
        return MISSING[reason].get(self.language) if reason in MISSING else reason

    def status(self, code: str) -> str:
        """An SDMX status in words, with its letter."""
        return f"{STATUSES[code].get(self.language)} ({code})" if code in STATUSES else code


def names_of(connection: duckdb.DuckDBPyConnection, language: Language, database: str | None = None) -> Names:
    """The names in the published contracts of a warehouse or of an attached release; none before they are built."""
    (current,) = connection.execute("select current_database()").fetchone() or ("",)
    where = f"{quoted(database or str(current))}.{contracts_schema(connection, database)}"
    lists = {
        "indicator": ("pub_indicator_v1", "indicator", "name"),
        "unit": ("pub_indicator_v1", "indicator", "unit"),
        "measure": ("pub_measure_v1", "measure", "name"),
        "territory": ("pub_territory_v1", "ref_area", "name"),
        "member": ("pub_measure_member_v1", "measure, breakdown", "name"),
    }
    named: dict[tuple[str, ...], str] = {}
    for kind, (table, code, name) in lists.items():
        try:
            rows: list[Any] = connection.execute(
                f"select {code}, {name}_{language} from {where}.{table}"
            ).fetchall()
        except duckdb.CatalogException:
            continue
        named.update({(kind, *row[:-1]): row[-1] for row in rows if row[-1]})
    return Names(language, named)
