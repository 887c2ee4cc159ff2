"""The quotes of a delimited text: which of them open or close a field, and which break the rules (RFC 4180)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.formats.csv_reasons import AFTER, INNER, PADDED

QUOTE, LF, CR, BLANK = 34, 10, 13, 32
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


def toggling_quotes(
    read: Bytes, quotes: Places, feeds: Places, delimiter: int, is_open: bool, problems: list[tuple[int, str]]
) -> npt.NDArray[np.bool_]:
    """Which quotes open or close a field; the places of those that break the rules are added to ``problems``."""
    before = read[np.maximum(quotes - 1, 0)]
    opens = (before == delimiter) | (before == LF) | (quotes == 0)
    after = read[quotes + 1]
    closes = (after == delimiter) | (after == LF) | (after == CR)
    twins = np.diff(quotes) == 1
    bad = (~opens, ~closes)
    bad[0][1:] &= ~twins
    bad[1][:-1] &= ~twins
    # for either parity (even quotes open, or odd ones): the quotes that cannot have the role
    even = np.arange(len(quotes)) % 2 == 0
    mismatches = [np.flatnonzero(np.where(even == (first == 0), *bad)) for first in (0, 1)]
    toggling = np.ones(len(quotes), np.bool_)
    opening = int(is_open)  # the parity of quotes that open
    at = 0
    while True:
        mismatch = mismatches[opening]
        nearest = int(np.searchsorted(mismatch, at))
        if nearest == len(mismatch):
            return toggling
        at = int(mismatch[nearest])
        place = int(quotes[at])
        if at % 2 == opening:
            if _is_first_but_blanks(read, place, delimiter):
                problems.append((place, PADDED))
                at += 1
            else:
                problems.append((place, INNER))
                # a quote directly after it is within the value as well
                end = at + 1
                while end < len(quotes) and twins[end - 1]:
                    end += 1
                toggling[at:end] = False
                opening = end % 2
                at = end
        elif _is_last_but_blanks(read, place, delimiter):
            problems.append((place, PADDED))
            at += 1
        else:
            problems.append((place, AFTER))
            line_end = feeds[np.searchsorted(feeds, place)]
            end = int(np.searchsorted(quotes, line_end))
            toggling[at + 1 : end] = False
            opening = end % 2
            at = end


def _is_first_but_blanks(read: Bytes, place: int, delimiter: int) -> bool:
    while place and read[place - 1] == BLANK:
        place -= 1
    return not place or read[place - 1] in (delimiter, LF)


def _is_last_but_blanks(read: Bytes, place: int, delimiter: int) -> bool:
    place += 1
    while read[place] == BLANK:
        place += 1
    return read[place] in (delimiter, LF, CR)
