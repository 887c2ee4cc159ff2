"""What was noticed, reported, acknowledged and closed: ``alerts.jsonl`` in the home, which is also a channel.

It is beside the warehouse, not in it: nobody else can read a DuckDB file while it is being written, and a server that is
down stores nothing. A line is complete or absent, and never changed; lines of alerts that ended long ago
are removed (:meth:`Journal.forget`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from pipelines import moments
from pipelines.disk import disk_errors, make_sure_of_room
from pipelines.errors import GorodError
from pipelines.operations.alerts.conditions import Condition

FILE = "alerts.jsonl"
# a pass writes less
ROOM = 1 << 16


@dataclass
class Alert:
    """One current or past problem. Times are UTC.

    ``raised_at``: since when it is reported; None while it may resolve itself. ``sent``: the channels that reported it.
    """

    key: str
    says: str
    remedy: str
    seen_at: datetime
    raised_at: datetime | None = None
    sent: set[str] = field(default_factory=set)
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    why: str | None = None
    cleared_at: datetime | None = None


class Journal:
    """A home's alerts, while this process holds the lock."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[tuple[Alert | None, str]] = []
        self.open: dict[str, Alert] = {}
        self.past: list[Alert] = []
        stream.seek(0)
        for line in stream:
            self._lines.append((self._take(json.loads(line)), line))

    def see(self, condition: Condition) -> Alert:
        """Record a new problem."""
        self._note("seen", condition.key, says=condition.says, remedy=condition.remedy)
        return self.open[condition.key]

    def tell(self, condition: Condition) -> None:
        """Raise a problem that has lasted, with its current text."""
        self._note("raised", condition.key, says=condition.says, remedy=condition.remedy)

    def sent(self, alert: Alert, channel: str) -> None:
        """Record that a channel reported it."""
        self._note("sent", alert.key, channel=channel)

    def acknowledge(self, alert: Alert, by: str, why: str | None) -> None:
        """Record that somebody acknowledged it."""
        self._note("acknowledged", alert.key, by=by, why=why)

    def clear(self, alert: Alert) -> None:
        """Record that it is over."""
        self._note("cleared", alert.key)

    def find(self, piece: str) -> Alert:
        """The open alert identified by part of its key.

        Raises:
            GorodError: none, or several.
        """
        raised = [alert for alert in self.open.values() if alert.raised_at is not None]
        found = [alert for alert in raised if alert.key == piece] or [a for a in raised if piece in a.key]
        if len(found) != 1:
            names = ", ".join(alert.key for alert in found or raised) or "none"
            raise GorodError(
                f"{piece!r} is {'no open alert' if not found else 'several open alerts'}",
                f"{'Open alerts' if not found else 'Matching alerts'}: {names}",
            )
        return found[0]

    def forget(self, before: datetime) -> None:
        """Remove alerts that ended before then, once they are half of the file; the file is replaced as a whole."""
        kept = [line for alert, line in self._lines if alert and (alert.cleared_at or before) >= before]
        if not self._lines or len(kept) * 2 > len(self._lines):
            return
        path = Path(self._stream.name)
        beside = path.with_name(f".{path.name}.new")
        with beside.open("w", encoding="utf-8") as stream:
            stream.writelines(kept)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)

    def _note(self, event: str, key: str, **about: Any) -> None:
        at = moments.now().isoformat(timespec="milliseconds")
        entry = {"at": at, "event": event, "alert": key, **about}
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        self._stream.seek(0, 2)
        self._stream.write(line)
        self._stream.flush()
        self._lines.append((self._take(entry), line))

    def _take(self, entry: dict[str, Any]) -> Alert | None:
        """The alert that a line belongs to."""
        at, key = datetime.fromisoformat(entry["at"]), entry["alert"]
        if entry["event"] == "seen":
            self.open[key] = Alert(key, entry["says"], entry["remedy"], at)
            return self.open[key]
        alert = self.open.get(key)
        if alert is None:
            return None
        match entry["event"]:
            case "raised":
                alert.raised_at, alert.says, alert.remedy = at, entry["says"], entry["remedy"]
            case "sent":
                alert.sent.add(entry["channel"])
            case "acknowledged":
                alert.acknowledged_at, alert.acknowledged_by, alert.why = at, entry["by"], entry["why"]
            case "cleared":
                alert.cleared_at = at
                self.past.append(self.open.pop(key))
        return alert


@contextmanager
def journal(home: Path) -> Iterator[Journal]:
    """A home's alerts, under the lock; other processes wait."""
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home / FILE) as stream:
            # drop a line truncated by a full disk or a kill
            stream.truncate((home / FILE).read_bytes().rfind(b"\n") + 1)
            # an alert that is sent but cannot be recorded would be sent again in each pass
            make_sure_of_room(stream, ROOM)
            yield Journal(stream)


@contextmanager
def _locked(path: Path) -> Iterator[TextIO]:
    """The file, locked; reopened if it was replaced while waiting for the lock."""
    while True:
        with path.open("a+", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                yield stream
                return
