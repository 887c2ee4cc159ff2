-- Which periods of which indicators the calendar holds back now. A month comes out with the first of the releases that
-- hold it; a longer period when all its months are out, and not before a release of its own. This is the one place that
-- asks what time it is: all models of a build agree.
with named as (
    select
        members.indicator,
        releases.first_day,
        releases.last_day,
        releases.embargo_until
    from {{ source('catalogue', 'release') }} as releases
    inner join {{ source('catalogue', 'release_indicator') }} as members on releases.release = members.release
),

months as (
    select
        named.indicator,
        periods.first_day,
        periods.last_day,
        min(named.embargo_until) as held_until
    from named
    inner join {{ ref('dim_period') }} as periods
        on
            periods.freq = 'M'
            and named.first_day <= periods.first_day
            and named.last_day >= periods.last_day
    group by named.indicator, periods.first_day, periods.last_day
    having min(named.embargo_until) > current_timestamp
),

by_month as (
    select
        months.indicator,
        periods.time_period,
        months.held_until
    from months
    inner join {{ ref('dim_period') }} as periods
        on months.first_day >= periods.first_day and months.last_day <= periods.last_day
),

by_release as (
    select
        named.indicator,
        periods.time_period,
        min(named.embargo_until) as held_until
    from named
    inner join {{ ref('dim_period') }} as periods
        on named.first_day = periods.first_day and named.last_day = periods.last_day
    group by named.indicator, periods.time_period
    having min(named.embargo_until) > current_timestamp
),

held as (
    select * from by_month
    union all
    select * from by_release
)

select
    indicator,
    time_period,
    max(held_until) as held_until
from held
group by indicator, time_period
