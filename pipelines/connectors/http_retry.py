"""Retries of requests and decoding of answers, shared by the connectors that use HTTP."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

RETRIED_STATUS = {408, 429, 500, 502, 503, 504}
PIECE = 1_000_000


@dataclass(frozen=True)
class RetryPolicy:
    """How often one request is tried, and times in seconds.

    ``longest_wait_s`` limits the back-off and a server's ``Retry-After``; ``answer_s`` limits one answer, from its
    first byte to its last.
    """

    tries: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    connect_s: float = 10.0
    read_s: float = 60.0
    answer_s: float = 300.0

    @property
    def timeout(self) -> httpx.Timeout:
        """The timeouts of one request."""
        return httpx.Timeout(self.read_s, connect=self.connect_s)

    def retrying(self) -> Retrying:
        """Try again after :class:`TransientError`; the last one is raised."""
        return Retrying(
            stop=stop_after_attempt(self.tries),
            wait=_Wait(self),
            retry=retry_if_exception_type(TransientError),
            reraise=True,
        )


class TransientError(Exception):
    """A request failed in a way that may pass. ``wait_s`` is the wait that the server asked for."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class _Wait(wait_exponential_jitter):
    """Exponential back-off with jitter: at least what the server asked for, at most the longest wait."""

    def __init__(self, retry_policy: RetryPolicy) -> None:
        first, longest = retry_policy.first_wait_s, retry_policy.longest_wait_s
        super().__init__(initial=first, max=longest, jitter=first)
        self.longest = retry_policy.longest_wait_s

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = error.wait_s if isinstance(error, TransientError) else 0.0
        return float(min(self.longest, max(asked, super().__call__(retry_state))))


def retry_after(response: httpx.Response) -> float:
    """Seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3: seconds or a date); 0 without it."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, float((moment - datetime.now(UTC)).total_seconds()))


def decoded(response: httpx.Response) -> Iterator[bytes]:
    """The body, decompressed, in pieces of at most ``PIECE`` bytes; also empty ones, so that a caller can check the time.

    httpx itself decompresses everything received at once, and twice if it was compressed twice: a few kilobytes may become
    gigabytes in memory before anybody can count them.

    Raises:
        httpx.DecodingError: it is compressed otherwise than by gzip once, or broken.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        yield from response.iter_raw()
        return
    if encoding not in ("gzip", "x-gzip"):
        raise httpx.DecodingError(f"the answer is compressed by {encoding!r}, which was not asked for")
    unpacker, whole = _unpacker(), True
    try:
        for packed in response.iter_raw():
            while packed:
                yield unpacker.decompress(packed, PIECE)
                packed, whole = unpacker.unconsumed_tail, unpacker.eof
                if whole:  # several members may follow each other (RFC 1952, 2.2)
                    packed, unpacker = unpacker.unused_data, _unpacker()
        yield unpacker.flush()
    except zlib.error:
        whole = False
    if not whole:
        raise httpx.DecodingError("the answer is compressed and broken")


def _unpacker() -> zlib._Decompress:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)
