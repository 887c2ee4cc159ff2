"""Responses that are small on the wire and gigabytes when unpacked."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MEGABYTE = 1_000_000


def bomb(megabytes: int = 4000) -> bytes:
    """The beginning of a gzip stream of digits, too long for anybody to reach its end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    head, again = (packer.compress(b"0" * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH) for _ in "12")
    return head + again * (megabytes - 1)


@dataclass
class Taken:
    """Python's peak memory, in bytes."""

    peak: int = 0


@contextmanager
def memory() -> Iterator[Taken]:
    """Measure the memory used by the body."""
    taken = Taken()
    tracemalloc.start()
    try:
        yield taken
    finally:
        taken.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
