"""Pages of TM Forum TMF639 v4 resources: records in JSON; other versions of the interface are recognised and refused.

The two published files of v4.0.0 differ: a related resource is under ``resource``, or beside the type of the relationship.
So its identifier is ``resourceRelationship[relationshipType=containedIn].resource.id | …[relationshipType=containedIn].id``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import Tmf639Format
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_records import read_records
from pipelines.formats.snapshot import whole_snapshot
from pipelines.json_path import parse_path

V5_ONLY = {"lifecycleState", "alarmStatus", "availabilityStatus", "supportingResource", "externalIdentifier"}


def read(delivery: Delivery, feed: Feed, fmt: Tmf639Format, out: Path, pseudonym_key: str) -> Batch:  # noqa: ARG001
    """Read the pages of a snapshot.

    Raises:
        DeliveryError: the snapshot is incomplete, a page is not a JSON array of resources, or they are not v4.
    """
    whole_snapshot(delivery)  # an inventory is accepted as a snapshot only
    return read_records(delivery, feed, parse_path(""), out, pseudonym_key, _refuse_other_version)


def _refuse_other_version(file: str, resources: list[Any], problems: list[str | None]) -> None:
    """One odd resource goes to quarantine; a first page with odd resources only is from another interface."""
    if not all(problems):
        return
    v5 = any(isinstance(one.get("place"), list) or V5_ONLY & one.keys() for one in resources if one)
    message = (
        "Ресурсы переданы в форме TMF639 v5, а источник объявлен как v4."
        if v5
        else f"Ни один ресурс первой страницы не соответствует TMF639 v4: {problems[0]}."
    )
    remedy = "Укажите адрес интерфейса версии v4 (…/resourceInventoryManagement/v4)."
    raise DeliveryError(file, [Reason("protocol.version", message, remedy, row=1)])
