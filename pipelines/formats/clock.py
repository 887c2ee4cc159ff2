"""Dates with a time, as SQL: their time zone, and local times that never occurred or occurred twice."""

from __future__ import annotations

OFFSET = "([Zz]|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
# microseconds are kept; further places may only be zeros
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,6}0*)?)?"
ISO = f"({_DAY})(?:[Tt ]({_TIME}) ?{OFFSET}?)?"
WITH_TIME = f"{_DAY}[Tt ].+"


def iso_sql(text: str, zone: str) -> str:
    """SQL: the local time in ``zone`` of a text in ISO 8601, or NULL if there is no such time, or there are two.

    A text with an offset is converted to the zone; one without is already in the zone. A day alone means its beginning.
    """
    offset = _group(text, 3)
    return (
        f"case when not regexp_full_match({text}, '{ISO}') then null "
        f"when {offset} = '' then {once_sql(_written(text), zone)} "
        f"else {_at(zone, f'({_written(text)} - {_offset(offset)})')} end"
    )


def once_sql(local: str, zone: str) -> str:
    """SQL: a local time in ``zone``, or NULL if it was skipped or repeated when the clocks changed."""
    if zone == "UTC":
        return local
    return f"case when {_shown(local, zone)} = 1 then {local} end"


def fault_sql(local: str, zone: str) -> str:
    """SQL: what is wrong with a local time that never occurred in ``zone`` or occurred twice, in Russian; else NULL."""
    if zone == "UTC":
        return "NULL::VARCHAR"
    return (
        f"case {_shown(local, zone)} when 0 then 'такого времени по часам {zone} не было: их перевели вперёд' "
        f"when 2 then 'это время по часам {zone} было дважды: укажите смещение, например +03:00' end"
    )


def written_sql(text: str) -> str:
    """SQL: the date and time of a text in ISO 8601 without an offset, as written; NULL for any other text."""
    return (
        f"case when regexp_full_match({text}, '{ISO}') and {_group(text, 3)} = '' then {_written(text)} end"
    )


def _shown(local: str, zone: str) -> str:
    """SQL: how often this local time occurred: once, unless the offset changed within two days of it."""
    before, after = (
        _utc_offset(f"({local} - interval 1 day)", zone),
        _utc_offset(f"({local} + interval 1 day)", zone),
    )
    shows = [f"({_at(zone, f'({local} - {offset})')} = {local})::integer" for offset in (before, after)]
    return f"case when {before} = {after} then 1 else {' + '.join(shows)} end"


def _utc_offset(utc: str, zone: str) -> str:
    return f"({_at(zone, utc)} - {utc})"


def _at(zone: str, utc: str) -> str:
    """SQL: the local time in ``zone`` at a time in UTC."""
    return utc if zone == "UTC" else f"timezone('{zone}', timezone('UTC', {utc}))"


def _written(text: str) -> str:
    return (
        f"try_cast({_group(text, 1)} || ' ' || coalesce(nullif({_group(text, 2)}, ''), '00:00') as TIMESTAMP)"
    )


def _group(text: str, number: int) -> str:
    return f"regexp_extract({text}, '^{ISO}$', {number})"


def _offset(text: str) -> str:
    """SQL: an offset as an interval; Z is zero."""
    digits = f"rpad(regexp_replace({text}, '[^0-9]', '', 'g'), 4, '0')"
    minutes = f"(substr({digits}, 1, 2)::integer * 60 + substr({digits}, 3, 2)::integer)"
    return f"to_minutes(case when starts_with({text}, '-') then -1 else 1 end * {minutes})"
