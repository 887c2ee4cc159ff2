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
inner join {{ ref('known_indicator_value') }} as vintages
    on
        revisions.indicator = vintages.indicator
        and revisions.ref_area = vintages.ref_area
        and revisions.freq = vintages.freq
        and revisions.time_period = vintages.time_period
        and revisions.breakdown = vintages.breakdown
        and revisions.known_from = vintages.known_from
where vintages.known_to is null
