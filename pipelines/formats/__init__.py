"""Bytes to rows: a module for each format, chosen by what the feed declares."""

from __future__ import annotations

import importlib
from pathlib import Path

from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery


def read(delivery: Delivery, feed: Feed, out: Path, pseudonym_key: str = "") -> Batch:
    """Read a delivery into a typed batch at ``out``.

    Raises:
        DeliveryError: the delivery cannot be read at all.
    """
    reader = importlib.import_module(f"pipelines.formats.{feed.format.kind}")
    batch: Batch = reader.read(delivery, feed, feed.format, out, pseudonym_key)
    return batch
