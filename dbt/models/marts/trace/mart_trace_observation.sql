-- Second step back: the observations behind the figure of a measure; the months of a longer period one by one.
{{ config(materialized='view') }}
with asked as (
    select
        measures.measure,
        periods.freq,
        periods.time_period,
        months.month as observed_period
    from {{ source('catalogue', 'measure') }} as measures
    inner join {{ ref('dim_period') }} as periods on measures.freq = 'M' and periods.freq <> 'M'
    inner join {{ ref('int_period_month') }} as months
        on periods.time_period = months.time_period and (measures.time_rule <> 'last' or months.is_last)
)

select
    observed.measure,
    observed.ref_area,
    observed.breakdown,
    observed.freq,
    observed.time_period,
    observed.freq as observed_freq,
    observed.time_period as observed_period,
    observed.obs_value,
    observed.obs_status,
    observed.missing_reason,
    observed.correction,
    observed.reported_value,
    observed.load_id
from {{ ref('int_observations') }} as observed
union all
select
    observed.measure,
    observed.ref_area,
    observed.breakdown,
    asked.freq,
    asked.time_period,
    observed.freq as observed_freq,
    observed.time_period as observed_period,
    observed.obs_value,
    observed.obs_status,
    observed.missing_reason,
    observed.correction,
    observed.reported_value,
    observed.load_id
from {{ ref('int_observations') }} as observed
inner join asked on observed.measure = asked.measure and observed.time_period = asked.observed_period
where observed.freq = 'M'
