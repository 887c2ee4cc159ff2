"""Messages of a broker (MQTT 5): those that it has kept since the last run become one delivery.

Messages are written to ``spool/`` in the state folder as they arrive, and acknowledged when they are on disk; the file is
removed when its delivery is in the ledger. So a killed run loses nothing: the next one finds the file, and the broker resends
what was not acknowledged (QoS 1: messages of the last group may arrive twice). Each delivery is a separate part, named after
the moment when it began.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pipelines.connectors.environment import secrets
from pipelines.connectors.tls import context_of
from pipelines.declarations.feeds import Feed
from pipelines.declarations.messages import MqttOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, Slice
from pipelines.errors import OriginError
from pipelines.moments import today
from pipelines.periods import running_period
from pipelines.settings import Settings

# how long a broker keeps messages between two runs: 30 days
KEPT_S = 30 * 86_400
# messages that are synced and acknowledged together
GROUP = 500
REFUSED = ("Not authorized", "Bad user name or password", "Banned")


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: MqttOrigin,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001 - each delivery is new
) -> Iterator[Candidate]:
    """What an earlier run left on disk, then the broker's messages, for each instance.

    Raises:
        OriginError: a secret is missing, or the broker cannot be reached or refuses.
    """
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        folder = settings.home / "spool" / source.source / feed_name / instance
        folder.mkdir(parents=True, exist_ok=True)
        address = f"mqtt://{origin.host.replace('{instance}', instance)}:{origin.port}"
        listener = _Listener(origin, instance, address, folder)
        failure: OriginError | None = None
        try:
            listener.listen()
        except OriginError as error:
            failure = error  # raised after what is on disk has been taken
        for path in sorted(folder.glob("*.jsonl")):
            if path.stat().st_size == 0:
                path.unlink()
                continue
            moment = datetime.strptime(path.stem, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
            first, last = running_period(feed.cadence, today())
            file = _Spooled(path)
            yield Candidate(
                source=source.source,
                feed=feed_name,
                instance=instance,
                slice=Slice(f"{feed.part or ''}{moment:%Y%m%dT%H%M%S%fZ}", first, last),
                origin=f"{address}/{path.stem}",
                fingerprint=None,
                synthetic=origin.synthetic,
                fetch=file.fetch,
                remove=file.remove,
            )
        if failure is not None:
            raise failure


@dataclass(frozen=True)
class _Spooled:
    """A file of messages, one on each line."""

    path: Path

    def fetch(self, folder: Path) -> None:
        """Write them as one JSON list."""
        with self.path.open("rb") as lines, (folder / "messages.json").open("wb") as out:
            out.write(b"[")
            for number, line in enumerate(lines):
                if not line.endswith(
                    b"\n"
                ):  # the run was killed while writing: the broker resends this message
                    break
                out.write((b",\n" if number else b"\n") + line.rstrip(b"\n"))
            out.write(b"\n]\n")

    def remove(self, sha256: str) -> None:  # noqa: ARG002 - nobody else writes it
        """Remove the file: its delivery is in the ledger."""
        self.path.unlink(missing_ok=True)


@dataclass
class _Listener:
    """One session with a broker."""

    origin: MqttOrigin
    instance: str
    address: str
    folder: Path
    unacknowledged: list[mqtt.MQTTMessage] = field(default_factory=list)
    count: int = 0
    last_at: float = 0.0
    failure: str = ""
    is_subscribed: bool = False
    out: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self) -> None:
        """Receive the kept messages until no more arrive.

        Raises:
            OriginError: the broker cannot be reached, or refuses.
        """
        client = self._client()
        began = self.last_at = time.monotonic()
        path = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z.jsonl"
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = KEPT_S
        with path.open("wb") as self.out:
            try:
                client.connect(
                    self.address.removeprefix("mqtt://").rpartition(":")[0], self.origin.port, keepalive=30,
                    clean_start=False, properties=properties,
                )  # fmt: skip
                client.loop_start()
                while not self.failure:
                    time.sleep(0.01)
                    now = time.monotonic()
                    if now - began > self.origin.listen_s or self.count >= self.origin.most_messages:
                        break
                    if self.is_subscribed and now - self.last_at > self.origin.quiet_s:
                        break
                    # a broker sends few (mosquitto: 20) before it waits for acknowledgements
                    with self.lock:
                        self._acknowledge(client)
                with self.lock:
                    self._acknowledge(client)
                client.disconnect()
            except (OSError, ValueError) as error:
                raise self._refused(type(error).__name__) from None
            finally:
                client.loop_stop()
        if path.stat().st_size == 0:
            path.unlink()
        if not self.is_subscribed:
            raise self._refused(self.failure or "no answer")

    def _refused(self, said: str) -> OriginError:
        if said in REFUSED:
            named = ", ".join(name for name in (self.origin.user, self.origin.password) if name)
            return OriginError(
                f"{self.address}: the broker refuses the login",
                f"Set {named or 'user and password'} to a valid login.",
            )
        if "SSL" in said:
            return OriginError(
                f"{self.address}: no secure connection ({said})",
                "Check host, port and clock; declare your own certificate authority in `tls` of the origin.",
            )
        return OriginError(
            f"{self.address}: the subscription failed ({said})",
            "Check that the broker can be reached from here, and topics and client_id; the next run tries again.",
        )

    def _client(self) -> mqtt.Client:
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=self.origin.client_id.replace("{instance}", self.instance),
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        names = [name for name in (self.origin.user, self.origin.password) if name is not None]
        if names:
            client.username_pw_set(*secrets(names, self.instance, "user and password"))
        if self.origin.tls is not None:
            client.tls_set_context(context_of(self.origin.tls, self.instance))

        def connected(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                self.failure = str(reason)
                return
            topics = [topic.replace("{instance}", self.instance) for topic in self.origin.topics]
            client.subscribe([(topic, mqtt.SubscribeOptions(qos=1)) for topic in topics])

        def subscribed(_client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
            refused = [str(reason) for reason in reasons if reason.is_failure]
            if refused:
                self.failure = refused[0]
            else:
                self.last_at = time.monotonic()
                self.is_subscribed = True

        def received(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            with self.lock:
                if self.count < self.origin.most_messages:
                    self.out.write(_line(message))
                    self.unacknowledged.append(message)
                    self.count += 1
                    self.last_at = time.monotonic()
                    if len(self.unacknowledged) >= GROUP:
                        self._acknowledge(client)

        client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, received
        return client

    def _acknowledge(self, client: mqtt.Client) -> None:
        """Acknowledge the messages that are on disk."""
        if not self.unacknowledged:
            return
        self.out.flush()
        os.fsync(self.out.fileno())
        for message in self.unacknowledged:
            client.ack(message.mid, message.qos)
        self.unacknowledged.clear()
        # only now does the broker send more
        self.last_at = time.monotonic()


def _line(message: mqtt.MQTTMessage) -> bytes:
    """One message as a line of JSON; a JSON payload is kept character by character."""
    text = bytes(message.payload).decode("utf-8", "replace")
    try:
        json.loads(text)
        payload = text.replace("\n", " ").replace("\r", " ")
    except ValueError:
        payload = json.dumps(text, ensure_ascii=False)
    about = json.dumps(
        {"topic": message.topic, "received_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"},
        ensure_ascii=False,
    )
    return f'{about[:-1]}, "payload": {payload}}}\n'.encode()
