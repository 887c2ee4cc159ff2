"""Pages of TM Forum TMF639 resources: records in JSON, of the version that the feed declares for the instance.

Resources of v5 are read as v4 writes them, so that columns, suite and measures know one form only: the first place of the
list is the place, and states have the words of v4. A resource that is of neither version stays as it is.

The two published files of v4.0.0 differ: a related resource is under ``resource``, or beside the type of the relationship.
So its identifier is ``resourceRelationship[relationshipType=containedIn].resource.id | …[relationshipType=containedIn].id``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import Tmf639Format, Tmf639Version
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_records import read_records
from pipelines.formats.snapshot import whole_snapshot
from pipelines.json_path import parse_path

V5_ONLY = {"lifecycleState", "alarmStatus", "availabilityStatus", "supportingResource", "externalIdentifier"}
# words of v5 that v4 writes in another way
V5_WORDS = {
    "administrativeState": {"shuttingDown": "shutdown"},
    "operationalState": {"enabled": "enable", "disabled": "disable"},
}


def read(delivery: Delivery, feed: Feed, fmt: Tmf639Format, out: Path, pseudonym_key: str) -> Batch:
    """Read the pages of a snapshot.

    Raises:
        DeliveryError: the snapshot is incomplete, a page is not a JSON array of resources, or they are of another version.
    """
    whole_snapshot(delivery)  # an inventory is accepted as a snapshot only
    version = fmt.version_of(delivery.instance)
    return read_records(
        delivery,
        feed,
        parse_path(""),
        out,
        pseudonym_key,
        partial(_refuse_other_version, version),
        form=_as_v4 if version == "v5" else None,
    )


def _as_v4(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource of v5 as v4 writes it."""
    found = dict(resource)
    for field, words in V5_WORDS.items():
        if isinstance(state := found.get(field), str):
            found[field] = words.get(state, state)
    # the several places of a resource are the same site in several roles; the first is where it stands
    match found.get("place"):
        case []:
            found["place"] = None
        case [{"place": dict(place)}, *_] | [dict(place), *_]:
            found["place"] = place
    return found


def _refuse_other_version(
    version: Tmf639Version, file: str, resources: list[Any], problems: list[str | None]
) -> None:
    """One odd resource goes to quarantine; a first page of another version only is from another interface."""
    given = [one for one in resources if one]
    if version == "v5":
        if not given or not all(map(_is_v4, given)):
            return
        message = "Ресурсы переданы в форме TMF639 v4, а для этого филиала объявлена v5."
    elif not all(problems):
        return
    elif any(isinstance(one.get("place"), list) or V5_ONLY & one.keys() for one in given):
        message = "Ресурсы переданы в форме TMF639 v5, а источник объявлен как v4."
    else:
        message = f"Ни один ресурс первой страницы не соответствует TMF639 v4: {problems[0]}."
    remedy = f"Укажите адрес интерфейса версии {version} (…/resourceInventoryManagement/{version})."
    raise DeliveryError(file, [Reason("protocol.version", message, remedy, row=1)])


def _is_v4(resource: dict[str, Any]) -> bool:
    """Whether only v4 writes a resource so."""
    return isinstance(resource.get("place"), dict) or "resourceStatus" in resource
