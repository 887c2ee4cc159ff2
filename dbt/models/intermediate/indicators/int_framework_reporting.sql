-- Where an indicator of a framework is reported: in a region when an indicator of ours that answers to it has a figure
-- of the region or of a territory in it; in the country when anybody has one. What was filled in is not reported.
with answers as (
    select framework, code, indicator, match from {{ source('catalogue', 'framework_answer') }}
),

figures as (
    select indicator, region, time_period, first_day, last_day, synthetic
    from {{ ref('mart_open_indicator_value') }}
    where
        missing_reason is null
        and breakdown = '_T'
        and indicator in (select answers.indicator from answers)
),

placed as (
    select indicator, region as ref_area, time_period, first_day, last_day, synthetic
    from figures
    where region is not null
    union all
    select
        figures.indicator,
        country.ref_area,
        figures.time_period,
        figures.first_day,
        figures.last_day,
        figures.synthetic
    from figures
    cross join (select ref_area from {{ ref('dim_territory') }} where level = 'country') as country
),

ranked as (
    select
        answers.framework,
        answers.code,
        answers.match,
        placed.ref_area,
        placed.time_period,
        placed.synthetic,
        -- of periods that end on one day, the shortest
        row_number() over (
            partition by answers.framework, answers.code, placed.ref_area
            order by placed.last_day desc nulls last, placed.first_day desc nulls last, answers.indicator asc
        ) as recency
    from answers
    inner join placed on answers.indicator = placed.indicator
)

select
    framework,
    code,
    ref_area,
    bool_or(match = 'same') as is_same,
    bool_or(synthetic) as synthetic,
    max(case when recency = 1 then time_period end) as newest_period
from ranked
group by framework, code, ref_area
