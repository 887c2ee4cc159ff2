-- A territory's newest figure of each indicator with the range of its level: what a profile shows. Of the frequencies
-- the one whose newest period ends last is taken, and of two the finer. The spine is a scale from 0 to 100 for each
-- indicator and level: 50 is the country (of a sum, or without one, the median), better lies to the right, and the
-- figure furthest from it at an end.
with latest as (
    select
        figures.*,
        row_number() over (
            partition by figures.indicator, figures.ref_area order by periods.last_day desc, periods.months asc
        ) as place
    from {{ ref('mart_indicator_wide') }} as figures
    inner join {{ ref('dim_period') }} as periods on figures.time_period = periods.time_period
    where figures.is_latest and figures.breakdown = '_T'
),

ranges as (
    select
        latest.*,
        levels.figure_count,
        levels.least_value,
        levels.lower_quartile,
        levels.upper_quartile,
        levels.greatest_value,
        -- the country's sum is no measure for a part of it
        coalesce(
            case when latest.denominator is not null then latest.country_value end, latest.level_median
        ) as middle,
        case indicators.direction when 'down' then -1 else 1 end as sign
    from latest
    inner join {{ ref('stg_catalogue__indicator') }} as indicators on latest.indicator = indicators.indicator
    left join {{ ref('mart_indicator_distribution') }} as levels
        on {{ same_distribution('latest', 'levels', "'_T'") }}
    where latest.place = 1
),

scaled as (
    select
        ranges.*,
        {{ fixed('greatest(abs(greatest_value - middle), abs(least_value - middle))') }} as reach
    from ranges
)

select
    indicator,
    ref_area,
    level,
    region,
    size_group,
    freq,
    time_period,
    obs_value,
    obs_value_rounded,
    obs_status,
    missing_reason,
    decimals,
    interval_lower,
    interval_upper,
    country_value,
    versus_country,
    previous_period,
    previous_value,
    change,
    change_is_significant,
    year_before_period,
    year_before_value,
    year_change,
    year_change_is_significant,
    level_rank,
    rank_of,
    level_rank_year_before,
    group_rank,
    group_rank_of,
    figure_count,
    least_value,
    lower_quartile,
    level_median,
    upper_quartile,
    greatest_value,
    group_median,
    {{ on_spine('obs_value') }} as spine_value,
    {{ on_spine('lower_quartile') }} as spine_lower_quartile,
    {{ on_spine('upper_quartile') }} as spine_upper_quartile,
    {{ on_spine('group_median') }} as spine_group_median,
    programme,
    target,
    plan_value,
    gap_left,
    rag_status,
    coverage_population_pct,
    quality_class,
    method_version,
    is_revised,
    value_before,
    synthetic,
    note_ru,
    note_be,
    note_en
from scaled
