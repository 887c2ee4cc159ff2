"""What must hold of the list of mergers, splits and moves of territories.

Whether the codes are in the register is checked with the register, because a change may be announced before it.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, code
from expectations.vocabulary import History, load, row, unique

KINDS = ["merge", "split", "move", "rename"]


def _whole(query: str, name: str, says: str, remedy: str) -> Any:
    return load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=query,
        name=name,
        dimension="consistency",
        says=says,
        remedy=remedy,
    )


SUITE: list[Any] = [
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="kind",
        value_set=KINDS,
        name="kind_known",
        dimension="validity",
        says="Вид изменения – merge (объединение), split (разделение), move (переход) или rename (переименование).",
        remedy="Исправьте вид изменения.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="kind",
        name="kind_given",
        dimension="completeness",
        says="Вид изменения указан.",
        remedy="Впишите merge, split, move или rename.",
    ),
    *code("territory_id", ANY, "BY-XX, r-… или c-…", mostly=1),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="from_id",
        regex=ANY,
        name="from_id_is_code",
        dimension="validity",
        says="Код в столбце from_id записан как BY-XX, r-… или c-…, латиницей.",
        remedy="Проверьте код.",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="to_id",
        regex=ANY,
        name="to_id_is_code",
        dimension="validity",
        says="Код в столбце to_id записан как BY-XX, r-… или c-…, латиницей.",
        remedy="Проверьте код.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="valid_from",
        name="valid_from_given",
        dimension="completeness",
        says="День, с которого изменение действует, указан.",
        remedy="Впишите день из правового акта: 2026-07-01.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="valid_from",
        min_value="1918-01-01",
        max_value="2100-12-31",
        name="valid_from_possible",
        dimension="validity",
        says="День изменения – между 1918 и 2100 годами.",
        remedy="Исправьте дату.",
    ),
    unique(["kind", "territory_id", "to_id", "valid_from"], says="Изменение записано один раз.", mostly=0.99),
    _whole(
        "select row_no from {batch} where "
        "(kind in ('merge', 'split') and (to_id is null or from_id is not null)) "
        "or (kind = 'merge' and (to_id = territory_id or coalesce(weight, 1) <> 1)) "
        "or (kind = 'move' and (from_id is null or to_id is null or from_id = to_id or weight is not null)) "
        "or (kind = 'rename' and (from_id is not null or to_id is not null or weight is not null)) "
        "or parse_errors is not null",
        "kind_complete",
        (
            "У merge и split указан преемник to_id, у move – прежняя и новая вышестоящая территория from_id и to_id; "
            "доля weight бывает только у split."
        ),
        "Дополните строки по описанию в README источника.",
    ),
    _whole(
        "select territory_id as description from {batch} where kind = 'merge' group by territory_id having count(*) > 1",
        "merged_once",
        "Объединённая территория переходит к одному преемнику и один раз. Чаще:",
        "Если территория поделена между преемниками, это split.",
    ),
    _whole(
        "select territory_id as description from {batch} where kind = 'split' group by territory_id, valid_from "
        "having count(weight) not in (0, count(*)) or abs(sum(weight) - 1) > 0.000001",
        "weights_add_up",
        "Доли частей разделённой территории известны все или ни одной и вместе составляют 1. Не составляют:",
        "Впишите доли всех преемников (и самой территории, если она остаётся) или оставьте все пустыми.",
    ),
    _whole(
        "with recursive steps as (select territory_id, to_id, 1 as depth from {batch} where kind in ('merge', 'split') "
        "and territory_id <> to_id union select steps.territory_id, later.to_id, depth + 1 from steps join {batch} as later "
        "on steps.to_id = later.territory_id and later.kind in ('merge', 'split') and later.territory_id <> later.to_id "
        "where depth < 20) select distinct territory_id as description from steps where territory_id = to_id or depth = 20",
        "no_circle",
        "Территория не становится преемником самой себя через другие. Становятся:",
        "Исправьте преемников.",
    ),
]

# A list that grows: an announced change is not withdrawn.
HISTORY = History(key=("kind", "territory_id", "valid_from"), least=0)
