-- For measures that may be carried forward (population): the figure that a year uses, its own or the latest earlier one
-- that is not too old.
with figures as (
    select
        periods.measure,
        periods.ref_area,
        periods.breakdown,
        periods.time_period,
        {{ year_of('periods.time_period') }} as year,
        periods.value,
        periods.obs_status,
        periods.synthetic,
        periods.has_warnings,
        periods.last_update,
        measures.carry_forward_years
    from {{ ref('int_measure_period') }} as periods
    inner join {{ source('catalogue', 'measure') }} as measures on periods.measure = measures.measure
    where
        measures.carry_forward_years > 0
        and periods.freq = 'A'
        and periods.time_period <> '_Z'
        and periods.value is not null
),

ranked as (
    select
        figures.measure,
        figures.ref_area,
        figures.breakdown,
        years.year,
        figures.time_period,
        figures.value,
        figures.obs_status,
        figures.synthetic,
        figures.has_warnings,
        figures.last_update,
        row_number() over (
            partition by figures.measure, figures.ref_area, figures.breakdown, years.year
            order by figures.year desc
        ) as age_rank
    from figures
    inner join {{ ref('dim_period') }} as years
        on
            years.freq = 'A'
            and figures.year <= years.year
            and figures.year + figures.carry_forward_years >= years.year
)

select
    measure,
    ref_area,
    breakdown,
    year,
    time_period,
    value,
    obs_status,
    synthetic,
    has_warnings,
    last_update
from ranked
where age_rank = 1
