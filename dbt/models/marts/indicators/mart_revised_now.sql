-- The values that stand now and were published as another figure before, with that figure.
{{ config(materialized='view') }}
select
    revisions.indicator,
    revisions.ref_area,
    revisions.freq,
    revisions.time_period,
    revisions.breakdown,
    revisions.value_before
from {{ ref('mart_revised_value') }} as revisions
inner join {{ ref('known_indicator_value') }} as history
    on
        revisions.indicator = history.indicator
        and revisions.ref_area = history.ref_area
        and revisions.freq = history.freq
        and revisions.time_period = history.time_period
        and revisions.breakdown = history.breakdown
        and revisions.known_from = history.known_from
where history.known_to is null
