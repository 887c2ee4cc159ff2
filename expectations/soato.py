"""Codes of SOATO in the rows of a branch: which units the register knows, and which region a code belongs to."""

from __future__ import annotations

from pipelines.declarations.territories import TERRITORIES, territory_rows


def units() -> str:
    """Codes for which staging finds a territory: those of the code list, and parts of its districts and towns (digits 1-4).

    Resources with other codes count only in the branch's region.
    """
    units = {row["soato"] for row in territory_rows(TERRITORIES)["territory_code"] if row["soato"]}
    return "|".join(unit[:4] + "[0-9]{6}" if unit.endswith("000000") else unit for unit in sorted(units))


def regions() -> list[str]:
    """For each region, whether a code of ten digits belongs to it, by its first digit."""
    digits = {
        row["ref_area"]: row["soato"][0]
        for row in territory_rows(TERRITORIES)["territory_code"]
        if row["level"] == "region"
    }
    return [
        f"when regexp_full_match(soato, '[1-7][0-9]{{9}}') and (select ref_area from delivery) = '{region}' "
        f"then soato[1] = '{digit}'"
        for region, digit in digits.items()
    ]


def declared() -> str:
    """The territories of the code list with their codes, as rows of SQL: ``ref_area, soato``."""
    rows = [row for row in territory_rows(TERRITORIES)["territory_code"] if row["soato"]]
    return ", ".join(f"('{row['ref_area']}', '{row['soato']}')" for row in rows)
