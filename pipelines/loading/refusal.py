"""Why loads were refused, for whoever looks at a failed run: what, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.loading.answer import heading
from pipelines.warehouse.base import Warehouse

# so many reasons of a load are shown; `gorod explain` shows all
MOST_REASONS = 3


def refusals(load_ids: Iterable[str], warehouse: Warehouse) -> str:
    """In Russian, a paragraph for each refused load. It holds no numbers, so that it tells nothing under embargo."""
    wanted = list(load_ids)
    loads = warehouse.query(
        "select load_id, source, feed, instance, slice, files from ops.load_state where load_id in (select unnest(?)) "
        "order by load_no",
        [wanted],
    )
    found = warehouse.query(
        "select load_id, says, remedy from ops.load_result where load_id in (select unnest(?)) "
        "and not success and severity = 'critical' order by load_id, expectation",
        [wanted],
    )
    return "\n\n".join(
        _refusal(load, [one for one in found if one["load_id"] == load["load_id"]]) for load in loads
    )


def _refusal(load: dict[str, Any], reasons: list[dict[str, Any]]) -> str:
    more = len(reasons) - MOST_REASONS
    return "\n".join(
        [
            f"Загрузка отклонена: {heading(load, 'ru')} ({load['files']}).",
            *(
                f"Почему: {reason['says']} Что сделать: {reason['remedy']}"
                for reason in reasons[:MOST_REASONS]
            ),
            *([f"И ещё причин: {more}."] if more > 0 else []),
            f"То, что принято раньше, остаётся в силе. Подробно: gorod explain {load['load_id']}",
        ]
    )
