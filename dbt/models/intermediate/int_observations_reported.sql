-- Observations of effective loads, with what is missing said: a delivered month without rows is a zero where the
-- measure counts things; a month that the source deleted is missing and not retained; a month between deliveries is
-- missing and not delivered; an empty cell of a statistical table is missing and not published.
with effective as (
    select
        observed.*,
        loads.source,
        loads.feed,
        loads.instance
    from {{ ref('int_observations_by_load') }} as observed
    inner join {{ source('ops', 'effective_load') }} as loads on observed.load_id = loads.load_id
    where observed.ref_area is not null
),

reporting_areas as (
    select distinct
        measures.measure,
        measures.source,
        measures.feed,
        months.instance,
        months.ref_area
    from {{ source('catalogue', 'measure') }} as measures
    inner join {{ ref('int_delivered_month') }} as months
        on measures.source = months.source and measures.feed = months.feed
    where measures.freq = 'M' and measures.reporting = 'instance'
    union
    select distinct
        measures.measure,
        measures.source,
        measures.feed,
        effective.instance,
        effective.ref_area
    from {{ source('catalogue', 'measure') }} as measures
    inner join effective on measures.source = effective.source and measures.feed = effective.feed
    where measures.freq = 'M' and measures.reporting = 'place' and effective.breakdown <> '_U'
),

members as (
    select measure, '_T' as breakdown from {{ source('catalogue', 'measure') }}
    where freq = 'M'
    union
    select measure, breakdown from effective
    where freq = 'M' and breakdown <> '_U'
),

expected as (
    select
        areas.measure,
        areas.ref_area,
        'M' as freq,
        months.time_period,
        members.breakdown,
        months.load_id,
        months.state,
        measures.absence
    from reporting_areas as areas
    inner join {{ ref('int_delivered_month') }} as months
        on areas.source = months.source and areas.feed = months.feed and areas.instance = months.instance
    inner join members on areas.measure = members.measure
    inner join {{ source('catalogue', 'measure') }} as measures on areas.measure = measures.measure
),

monthly as (
    select
        expected.measure,
        expected.ref_area,
        expected.freq,
        expected.time_period,
        expected.breakdown,
        expected.load_id,
        case
            when expected.state = 'delivered'
                then coalesce(effective.obs_value, case when expected.absence = 'zero' then 0 end)
        end as obs_value,
        effective.obs_status,
        case
            when expected.state <> 'delivered' then expected.state
            when effective.obs_value is null and expected.absence <> 'zero' then 'not_published'
        end as missing_reason,
        coalesce(effective.source_rows, 0) as source_rows
    from expected
    left join effective
        on
            expected.load_id = effective.load_id
            and expected.measure = effective.measure
            and expected.ref_area = effective.ref_area
            and expected.freq = effective.freq
            and expected.time_period = effective.time_period
            and expected.breakdown = effective.breakdown
),

others as (
    select
        measure,
        ref_area,
        freq,
        time_period,
        breakdown,
        load_id,
        obs_value,
        obs_status,
        case when obs_value is null then 'not_published' end as missing_reason,
        source_rows
    from effective
    where freq <> 'M' or breakdown = '_U'
),

together as (
    select * from monthly
    union all
    select * from others
)

select
    together.measure,
    together.ref_area,
    together.freq,
    together.time_period,
    together.breakdown,
    {{ fixed('together.obs_value') }} as obs_value,
    case
        when together.missing_reason is not null then {{ status_of_reason('together.missing_reason') }}
        when reliability.is_low then 'U'
        else coalesce(together.obs_status, 'A')
    end as obs_status,
    together.missing_reason,
    together.load_id,
    together.source_rows,
    coalesce(loads.synthetic, false) as synthetic,
    coalesce(loads.warnings, 0) > 0 as has_warnings,
    case when reliability.is_low then reliability.control_share_pct end as control_share_pct,
    cast(loads.received_at as timestamp) as last_update
from together
left join {{ source('ops', 'effective_load') }} as loads on together.load_id = loads.load_id
left join (
    select
        load_id,
        bool_or(is_low) as is_low,
        min(control_share_pct) as control_share_pct
    from {{ ref('int_load_reliability') }}
    group by load_id
) as reliability on together.load_id = reliability.load_id
