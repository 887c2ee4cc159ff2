"""One pass: compare current problems with those already reported, and report new ones once by each channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from pipelines import moments
from pipelines.operations.alerts.channels import ChannelError, channels
from pipelines.operations.alerts.conditions import look
from pipelines.operations.alerts.journal import journal
from pipelines.settings import Settings


@dataclass
class Pass:
    """What a pass did. ``unread`` are kinds that could not be checked; ``failures`` are channels that failed to send."""

    raised: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def watch(settings: Settings) -> Pass:
    """Check, record, report. What a channel does not accept is sent in the next pass; a kill in between sends it twice.

    Raises:
        DeclarationError: the settings of a channel are incomplete.
    """
    ways = channels(settings)
    seen = look(settings)
    done = Pass(unread=sorted(seen.unread))
    now = {condition.key: condition for condition in seen.conditions}
    with journal(settings.home) as kept:
        for alert in list(kept.open.values()):
            if alert.key not in now and alert.key.split("/")[0] not in seen.unread:
                kept.clear(alert)
                if alert.raised_at is not None:
                    done.cleared.append(alert.key)
        for condition in now.values():
            alert = kept.open.get(condition.key) or kept.see(condition)
            if alert.raised_at is None and moments.now() - alert.seen_at >= condition.after:
                kept.tell(condition)
                done.raised.append(condition.key)
        for way in ways:
            unsent = [
                alert
                for alert in kept.open.values()
                if alert.raised_at is not None
                and alert.acknowledged_at is None
                and way.name not in alert.sent
            ]
            if not unsent:
                continue
            try:
                way.send(unsent)
            except ChannelError as error:
                done.failures.append(str(error))
                continue
            for alert in unsent:
                kept.sent(alert, way.name)
        kept.forget(moments.now() - timedelta(days=settings.keep_alerts_days))
    return done
