-- Values that were known as another figure before: each vintage with the last different one that readers had seen. What
-- was replaced while its period was under embargo nobody had seen: it is no revision.
{{ config(materialized='view') }}
with released as (
    select
        members.indicator,
        periods.time_period,
        cast(min(releases.embargo_until) at time zone 'UTC' as timestamp) as shown_from
    from {{ source('catalogue', 'release') }} as releases
    inner join {{ source('catalogue', 'release_indicator') }} as members on releases.release = members.release
    inner join {{ ref('dim_period') }} as periods
        on releases.first_day <= periods.first_day and releases.last_day >= periods.last_day
    group by members.indicator, periods.time_period
),

earlier as (
    select history.*
    from {{ ref('known_indicator_value') }} as history
    left join released
        on history.indicator = released.indicator and history.time_period = released.time_period
    where
        history.known_to is not null
        and history.obs_value is not null
        and (released.shown_from is null or history.known_to > released.shown_from)
),

different as (
    select
        history.indicator,
        history.ref_area,
        history.freq,
        history.time_period,
        history.breakdown,
        history.known_from,
        earlier.obs_value as value_before,
        row_number() over (
            partition by
                history.indicator, history.ref_area, history.freq, history.time_period, history.breakdown,
                history.known_from
            order by earlier.known_from desc
        ) as place
    from earlier
    inner join {{ ref('known_indicator_value') }} as history
        on
            earlier.indicator = history.indicator
            and earlier.ref_area = history.ref_area
            and earlier.freq = history.freq
            and earlier.time_period = history.time_period
            and earlier.breakdown = history.breakdown
            and earlier.known_from < history.known_from
            and earlier.obs_value is distinct from history.obs_value
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    known_from,
    {{ fixed('value_before') }} as value_before
from different
where place = 1
