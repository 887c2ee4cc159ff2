"""Bytes to rows: a module for each format, chosen by what the feed declares."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery


def read(
    delivery: Delivery,
    feed: Feed,
    out: Path,
    pseudonym_key: str = "",
    beside: Mapping[str, pa.Table] = MappingProxyType({}),
) -> Batch:
    """Read a delivery into a typed batch at ``out``; ``beside`` holds the tables of the warehouse that its format needs.

    Raises:
        DeliveryError: the delivery cannot be read at all.
    """
    reader = importlib.import_module(f"pipelines.formats.{feed.format.kind}")
    more = ({name: beside[name] for name in feed.beside},) if feed.beside else ()
    batch: Batch = reader.read(delivery, feed, feed.format, out, pseudonym_key, *more)
    return batch
