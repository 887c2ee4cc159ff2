"""What must hold of the history of changes; and where it and the changes that were told before disagree, as a warning."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.soato import declared
from expectations.vocabulary import History, code, in_set, load, required, rule, unique

KINDS = {"объединение": "merge", "разделение": "split", "передача": "move", "переименование": "rename"}
SOATO = "[1-7][0-9]{9}"
OURS = "case given.kind " + " ".join(f"when '{ru}' then '{en}'" for ru, en in KINDS.items()) + " end"

CONTEXT = {
    "known": (
        "select codes.soato, codes.ref_area, known.kind, known.valid_from from raw.territory_register__changes as known "
        "join ops.effective_load using (load_id) "
        f"join (values {declared()}) as codes (ref_area, soato) on known.territory_id = codes.ref_area"
    )
}

SUITE: list[Any] = [
    required("change_id", named="CHANGE_ID", mostly=1),
    required("kind", named="KIND", mostly=1),
    in_set("kind", KINDS, named="KIND", mostly=1),
    required("soato", named="SOATO", mostly=1),
    *(
        code(column, SOATO, like="6208501000", named=column.upper(), mostly=1)
        for column in ("soato", "from_soato", "to_soato", "new_soato")
    ),
    required("valid_from", named="DATE_FROM", mostly=1),
    required("act", named="ACT"),
    unique(
        ["kind", "soato", "to_soato", "valid_from"],
        says="Изменение записано один раз; у разделения – строка на каждого преемника.",
        mostly=1,
    ),
    rule(
        "to_soato is not null or kind = 'переименование'",
        columns=["to_soato"],
        name="successor_given",
        dimension="completeness",
        says="У объединения и разделения назван преемник (TO_SOATO), у передачи – новая вышестоящая единица.",
        remedy="Впишите код в TO_SOATO.",
    ),
    rule(
        "from_soato is not null or kind <> 'передача'",
        columns=["from_soato"],
        name="former_given",
        dimension="completeness",
        says="У передачи названа прежняя вышестоящая единица (FROM_SOATO).",
        remedy="Впишите код в FROM_SOATO.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select soato || ', ' || valid_from as description from {batch} where kind = 'разделение' "
            "group by soato, valid_from having count(share) not in (0, count(*)) "
            "or abs(coalesce(sum(share), 1) - 1) > 0.000001 order by description"
        ),
        name="shares_whole",
        dimension="consistency",
        says="Доли одного разделения известны все и вместе дают 1, или не известна ни одна.",
        remedy="Допишите доли или уберите их все.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select known.ref_area || ', ' || given.kind || ': в реестре НКА с ' || given.valid_from || ', здесь с ' "
            "|| known.valid_from as description from {batch} as given "
            f"join known on coalesce(given.new_soato, given.soato) = known.soato and {OURS} = known.kind "
            "where given.valid_from <> known.valid_from order by description"
        ),
        severity="warning",
        name="known_changes_agree",
        dimension="consistency",
        says="День изменения – тот же, что был передан прежде (territory_register, changes.csv). Расходятся:",
        remedy="Проверьте день по правовому акту; до исправления считается день из changes.csv.",
    ),
]

HISTORY = History(key=("change_id",), least=0)
