-- Each measure at each frequency: as observed, and monthly ones as quarters, half-years and years. A flow is added up
-- over the months that were delivered; a stock is that of the last month of the period, the mean or the greatest of its
-- months. How many of the months needed were delivered stands beside it; the indicator decides whether that is enough.
-- Only parts that a term of an indicator names are followed further. A month in which nothing lay outside the districts
-- has no row of that part (_U): where no row means zero, it counts in the mean as it does for a place.
{{ config(materialized='follow_inputs', inputs='measure', volume='int_observations_by_load') }}
{% set months_averaged = "case when native.breakdown = '_U' and measures.absence = 'zero'"
    " then max(periods.months_expected) else count(native.value) end" %}
-- depends_on: {{ ref('int_observations_by_load') }}
with changed as {{ changed_inputs('measure') }},

-- the changed periods, and all months of those that are longer
looked_at as (
    select measure, time_period from changed
    union
    select
        changed.measure,
        months.month as time_period
    from changed
    inner join {{ ref('int_period_month') }} as months on changed.time_period = months.time_period
),

followed as (
    select
        parts.measure,
        parts.breakdown
    from (
        select distinct
            measure,
            code as breakdown
        from {{ ref('int_load_scope') }}
        where axis = 'breakdown'
    ) as parts
    left join {{ source('catalogue', 'indicator_term') }} as terms on parts.measure = terms.measure
    where parts.breakdown = '_U' or terms.breakdown in (parts.breakdown, '*')
    union
    select
        measure,
        '_T' as breakdown
    from {{ source('catalogue', 'measure') }}
),

native as (
    select
        observed.measure,
        observed.ref_area,
        observed.freq,
        observed.time_period,
        observed.breakdown,
        case when count(*) = count(observed.obs_value) then sum(observed.obs_value) end as value,
        {{ worst_status('observed.obs_status') }} as obs_status,
        {{ worst_reason('observed.missing_reason') }} as missing_reason,
        bool_or(observed.synthetic) as synthetic,
        bool_or(observed.has_warnings) as has_warnings,
        min(observed.control_share_pct) as control_share_pct,
        max(observed.last_update) as last_update
    from {{ ref('int_observations') }} as observed
    inner join looked_at on observed.measure = looked_at.measure and observed.time_period = looked_at.time_period
    inner join followed on observed.measure = followed.measure and observed.breakdown = followed.breakdown
    where {{ in_changed_periods('observed', months=true) }}
    group by observed.measure, observed.ref_area, observed.freq, observed.time_period, observed.breakdown
),

longer as (
    select
        native.measure,
        native.ref_area,
        periods.freq,
        periods.time_period,
        native.breakdown,
        case measures.time_rule
            when 'mean' then {{ exact_ratio(fixed('sum(native.value)'), fixed(months_averaged), fixed('1')) }}
            when 'max' then max(native.value)
            else sum(native.value)
        end as value,
        {{ worst_status('native.obs_status') }} as obs_status,
        {{ worst_reason('native.missing_reason') }} as missing_reason,
        bool_or(native.synthetic) as synthetic,
        bool_or(native.has_warnings) as has_warnings,
        min(native.control_share_pct) as control_share_pct,
        max(native.last_update) as last_update,
        case when measures.time_rule = 'last' then 1 else max(periods.months_expected) end as months_expected,
        count(native.value) as months_delivered
    from native
    inner join {{ source('catalogue', 'measure') }} as measures on native.measure = measures.measure
    inner join {{ ref('int_period_month') }} as periods on native.time_period = periods.month
    inner join changed on native.measure = changed.measure and periods.time_period = changed.time_period
    where
        native.freq = 'M'
        and (measures.time_rule in ('sum', 'mean', 'max') or (measures.time_rule = 'last' and periods.is_last))
    group by
        native.measure, native.ref_area, periods.freq, periods.time_period, native.breakdown,
        measures.time_rule, measures.absence
)

select
    native.measure,
    native.ref_area,
    native.freq,
    native.time_period,
    native.breakdown,
    {{ fixed('native.value') }} as value,
    native.obs_status,
    native.missing_reason,
    native.synthetic,
    native.has_warnings,
    native.control_share_pct,
    native.last_update,
    1 as months_expected,
    case when native.value is null then 0 else 1 end as months_delivered
from native
inner join changed on native.measure = changed.measure and native.time_period = changed.time_period
union all
select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('value') }} as value,
    obs_status,
    case when months_delivered < months_expected then coalesce(missing_reason, 'not_delivered') end as missing_reason,
    synthetic,
    has_warnings,
    control_share_pct,
    last_update,
    cast(months_expected as integer) as months_expected,
    cast(months_delivered as integer) as months_delivered
from longer
