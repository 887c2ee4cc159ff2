"""How codes of territories are written, and where the country lies."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import row

ANY = r"^(BY|BY-[A-Z]{2}|[rc]-[a-z]+(-[a-z]+)*)$"
DISTRICT = r"^r-[a-z]+(-[a-z]+)*$"
TOWN = r"^c-[a-z]+(-[a-z]+)*$"
# the country's bounds in degrees, a hundredth wider than its outline
SOUTH, NORTH, WEST, EAST = 51.25, 56.19, 23.16, 32.79


def code(column: str, pattern: str, shape: str, mostly: float = 0.99) -> list[Any]:
    """The code is given and has the right form."""
    return [
        row(
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
            mostly=mostly,
            name=f"{column}_given",
            dimension="completeness",
            says=f"Код в столбце {column} указан.",
            remedy="Впишите код территории из реестра.",
        ),
        row(
            gxe.ExpectColumnValuesToMatchRegex,
            column=column,
            regex=pattern,
            mostly=mostly,
            name=f"{column}_is_code",
            dimension="validity",
            says=f"Код в столбце {column} записан как {shape}, латиницей.",
            remedy="Проверьте код: нет ли в нём кириллицы вместо латиницы, пробелов или прописных букв.",
        ),
    ]


def listed(column: str) -> Any:
    """The code is in the register in force; the gate fills ``territories`` from the warehouse."""
    return row(
        gxe.ExpectColumnValuesToBeInSet,
        column=column,
        value_set={"$PARAMETER": "territories"},
        mostly=0.9,
        name=f"{column}_listed",
        dimension="consistency",
        says=f"Территория из столбца {column} есть в действующем реестре территорий.",
        remedy="Исправьте код. Если территория новая, сначала передайте реестр (territories.csv), затем эту выгрузку.",
    )


def unique(columns: list[str], says: str) -> Any:
    """One row for each combination of ``columns``."""
    meaning: dict[str, Any] = {
        "mostly": 0.99,
        "name": "row_unique",
        "dimension": "uniqueness",
        "says": says,
        "remedy": "Уберите повторную строку.",
    }
    if len(columns) == 1:
        return row(gxe.ExpectColumnValuesToBeUnique, column=columns[0], **meaning)
    return row(gxe.ExpectCompoundColumnsToBeUnique, column_list=columns, **meaning)
