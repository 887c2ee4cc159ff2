-- Which reporting territories a rolled-up figure is made of: the highest that report below it in that period, so
-- that nobody is counted in a district and again in its town. A territory with figures of its own is not rolled up,
-- unless the indicator says that it always is.
{{ config(materialized='follow_inputs', inputs='indicator', volume='int_indicator_unit') }}
with changed as {{ changed_inputs('indicator') }},

units as (
    select distinct
        units.indicator,
        units.ref_area,
        units.freq,
        units.time_period,
        periods.last_day,
        indicators.own_figures
    from {{ ref('int_indicator_unit') }} as units
    inner join {{ source('catalogue', 'indicator') }} as indicators on units.indicator = indicators.indicator
    inner join {{ ref('dim_period') }} as periods on units.time_period = periods.time_period
    inner join changed on units.indicator = changed.indicator and units.time_period = changed.time_period
    where {{ in_changed_periods('units') }}
),

-- units that others lie in
above_others as (
    select units.*
    from units
    where units.ref_area in (select above.ancestor from {{ ref('int_territory_ancestor') }} as above)
),

targets as (
    select
        units.indicator,
        units.freq,
        units.time_period,
        units.last_day,
        above.ancestor as target,
        units.ref_area as member
    from units
    inner join {{ ref('int_territory_ancestor') }} as above
        on units.ref_area = above.ref_area and units.last_day between above.valid_from and above.valid_to
    inner join {{ ref('dim_territory') }} as territories on above.ancestor = territories.ref_area
    inner join {{ source('catalogue', 'indicator_level') }} as levels
        on units.indicator = levels.indicator and territories.level = levels.level and levels.rolled_up
    left join above_others as own
        on
            units.indicator = own.indicator
            and units.freq = own.freq
            and units.time_period = own.time_period
            and above.ancestor = own.ref_area
    where own.ref_area is null or not own.own_figures
),

-- members that are counted in a higher one of the same target already
counted as (
    select distinct
        targets.indicator,
        targets.freq,
        targets.time_period,
        targets.target,
        targets.member
    from above_others as higher
    inner join {{ ref('int_territory_ancestor') }} as between_them
        on
            higher.ref_area = between_them.ancestor
            and higher.last_day between between_them.valid_from and between_them.valid_to
    inner join targets
        on
            between_them.ref_area = targets.member
            and higher.indicator = targets.indicator
            and higher.freq = targets.freq
            and higher.time_period = targets.time_period
    inner join {{ ref('int_territory_ancestor') }} as over_both
        on
            higher.ref_area = over_both.ref_area
            and targets.target = over_both.ancestor
            and higher.last_day between over_both.valid_from and over_both.valid_to
)

select
    targets.indicator,
    targets.freq,
    targets.time_period,
    targets.target,
    targets.member
from targets
left join counted
    on
        targets.indicator = counted.indicator
        and targets.freq = counted.freq
        and targets.time_period = counted.time_period
        and targets.target = counted.target
        and targets.member = counted.member
where counted.member is null
