"""Approving a load step by step, and revoking that until a release has used it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pipelines.declarations.surveys import survey_of
from pipelines.errors import GorodError
from pipelines.loading.decisions import find_load
from pipelines.releases.archive import releases_with
from pipelines.settings import Settings
from pipelines.warehouse.base import Approval, Warehouse


def decide(
    load_id: str,
    step: str,
    decision: Literal["approved", "revoked"],
    by: str,
    note: str | None,
    settings: Settings,
    warehouse: Warehouse,
) -> str:
    """Approve a load at a step, or revoke that; return its state then. Call it while holding the run lock.

    Revoking a step revokes those after it, which were given on its strength.

    Raises:
        GorodError: there is no such load or step, it is not its turn, the survey names others for this step, or a release
            has used the load.
    """
    found = find_load(load_id, warehouse)
    load_id = found["load_id"]
    by = by.strip()
    if not by:
        raise GorodError("--by is empty", "Give the office or the person who decides.")
    survey = survey_of(found["source"], found["feed"])
    if survey is not None and step in survey.approvers:
        allowed = survey.approvers_of(step, found["instance"])
        if by not in allowed:
            raise GorodError(
                f"{by!r} may not decide about {found['instance']} at step {step}",
                f"Nothing was changed. Named in assets/surveys: {', '.join(allowed) or 'nobody yet'}.",
            )
    # a release is made from what has all its approvals
    if decision == "revoked" and found["state"] != "unapproved":
        _require_unreleased(load_id, settings, warehouse)
    # to the microsecond: what is decided right after a build must not seem to be before it
    now = datetime.now(UTC).replace(tzinfo=None)
    warehouse.commit_approval(load_id, Approval(step, decision, now, by, note))
    return str(find_load(load_id, warehouse)["state"])


def _require_unreleased(load_id: str, settings: Settings, warehouse: Warehouse) -> None:
    """Check that no release was made from the load.

    Raises:
        GorodError: one was.
    """
    (row,) = warehouse.query(
        "select max(decided_at) as decided_at from ops.approval_in_force where load_id = ?", [load_id]
    )
    since = row["decided_at"]
    if since is None:
        return
    used = releases_with(settings, load_id, since)
    if used:
        raise GorodError(
            f"load {load_id} is in release {used[0]}" + (f" and {len(used) - 1} more" if used[1:] else ""),
            "Nothing was changed: what was released stays as it is. Let the territory deliver a corrected form, and approve "
            "that one: it replaces this load from the next release on.",
        )
