"""A snapshot that was pulled page by page: the answers, byte for byte, and ``snapshot.json`` with their number."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.deliveries import Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_document import JsonError, parse

SNAPSHOT = "snapshot.json"
PAGE = re.compile(r"page-\d+\.json")
# a page is held in memory while it is checked
LARGEST_PAGE = 100_000_000
AGAIN = "Снимите данные заново: снимок принимается только целиком."


class Snapshot(BaseModel):
    """The content of ``snapshot.json``: it is the same for each pull of the same records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    pages: int = Field(ge=1, le=1_000_000)
    total: int = Field(ge=0, description="records, by the server's count if it has one")


def page_name(number: int) -> str:
    """File name of page ``number`` (from 1)."""
    return f"page-{number:05}.json"


def is_snapshot(delivery: Delivery) -> bool:
    """Whether a delivery was pulled page by page."""
    return any(path.name == SNAPSHOT or PAGE.fullmatch(path.name) for path in delivery.paths)


def whole_snapshot(delivery: Delivery) -> tuple[Snapshot, list[Path]]:
    """The snapshot's description and its pages in order.

    Raises:
        DeliveryError: a page or the description is missing.
    """
    pages = sorted(
        (path for path in delivery.paths if PAGE.fullmatch(path.name)),
        key=lambda path: (len(path.name), path.name),
    )
    try:
        snapshot = Snapshot.model_validate(parse((delivery.folder / SNAPSHOT).read_bytes()))
    except FileNotFoundError:
        raise _refused(f"Нет файла {SNAPSHOT}: полнота не доказана.") from None
    except (JsonError, ValidationError):
        raise _refused("Описание повреждено: нужны base_url, pages, total.") from None
    expected = [page_name(number) for number in range(1, snapshot.pages + 1)]
    if [path.name for path in pages] != expected:
        missing = sorted(set(expected) - {path.name for path in pages})
        said = f"нет {', '.join(missing[:5])}" if missing else "есть лишние страницы"
        raise _refused(f"В снимке должно быть страниц: {snapshot.pages}, передано: {len(pages)} ({said}).")
    return snapshot, pages


def refuse_other_total(snapshot: Snapshot, rows: int) -> None:
    """Compare the number of records with the total that the server named.

    Raises:
        DeliveryError: they differ.
    """
    if rows != snapshot.total:
        raise _refused(f"Сервер назвал {snapshot.total} записей, в страницах их {rows}.")


def _refused(message: str) -> DeliveryError:
    return DeliveryError(SNAPSHOT, [Reason("snapshot.whole", message, AGAIN)])
