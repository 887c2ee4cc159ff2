-- Observations of effective loads, with what is missing said: a delivered month without rows is a zero where the
-- measure counts things; a month that the source deleted is missing and not retained; a month between deliveries is
-- missing and not delivered; an empty cell of a statistical table is missing and not published.
{{ config(materialized='view') }}
with loads as (
    select
        loads.load_id,
        loads.source,
        loads.feed,
        loads.instance,
        loads.synthetic,
        loads.warnings > 0 as has_warnings,
        coalesce(reliability.is_low, false) as is_low,
        case when reliability.is_low then reliability.control_share_pct end as control_share_pct,
        cast(loads.received_at as timestamp) as last_update
    from {{ source('ops', 'effective_load') }} as loads
    left join (
        select
            load_id,
            bool_or(is_low) as is_low,
            min(control_share_pct) as control_share_pct
        from {{ ref('int_load_reliability') }}
        group by load_id
    ) as reliability on loads.load_id = reliability.load_id
),

-- a monthly figure counts in the months that its load delivers, and in the territory of the instance if it stands for
-- that alone
observed as (
    select
        sums.measure,
        sums.ref_area,
        sums.freq,
        sums.time_period,
        sums.breakdown,
        case
            when sums.freq = 'M' and sums.breakdown <> '_U' and measures.absence = 'zero'
                then coalesce(sums.obs_value, 0)
            else sums.obs_value
        end as obs_value,
        sums.obs_status,
        sums.load_id,
        sums.source_rows,
        loads.synthetic,
        loads.has_warnings,
        loads.is_low,
        loads.control_share_pct,
        loads.last_update
    from {{ ref('int_observations_by_load') }} as sums
    inner join loads on sums.load_id = loads.load_id
    inner join {{ ref('stg_catalogue__measure') }} as measures on sums.measure = measures.measure
    left join {{ ref('int_delivered_month') }} as months
        on sums.load_id = months.load_id and sums.time_period = months.time_period
    left join {{ ref('int_observation_repeated') }} as repeated
        on
            sums.load_id = repeated.load_id
            and sums.measure = repeated.measure
            and sums.ref_area = repeated.ref_area
            and sums.freq = repeated.freq
            and sums.time_period = repeated.time_period
            and sums.breakdown = repeated.breakdown
    where
        sums.ref_area is not null
        and repeated.load_id is null
        and (
            sums.freq <> 'M'
            or sums.breakdown = '_U'
            or (months.load_id is not null and (measures.reporting = 'place' or sums.ref_area = months.ref_area))
        )
),

-- the same for all measures of a feed
places as (
    select distinct
        loads.source,
        loads.feed,
        loads.instance,
        scopes.code as ref_area
    from {{ ref('int_load_scope') }} as scopes
    inner join loads on scopes.load_id = loads.load_id
    where scopes.axis = 'ref_area'
),

-- where and in which parts each monthly measure is expected
areas as (
    select distinct
        measures.measure,
        months.instance,
        months.ref_area
    from {{ ref('stg_catalogue__measure') }} as measures
    inner join {{ ref('int_delivered_month') }} as months
        on measures.source = months.source and measures.feed = months.feed
    where measures.freq = 'M' and measures.reporting = 'instance'
    union
    select
        measures.measure,
        places.instance,
        places.ref_area
    from places
    inner join {{ ref('stg_catalogue__measure') }} as measures
        on places.source = measures.source and places.feed = measures.feed
    where measures.freq = 'M' and measures.reporting = 'place'
),

members as (
    select
        measure,
        '_T' as breakdown
    from {{ ref('stg_catalogue__measure') }}
    where freq = 'M'
    union
    select
        scopes.measure,
        scopes.code as breakdown
    from {{ ref('int_load_scope') }} as scopes
    inner join loads on scopes.load_id = loads.load_id
    where scopes.axis = 'breakdown' and scopes.freq = 'M' and scopes.code <> '_U'
),

-- months that hold fewer figures than are expected: only there each is looked for
wanting as (
    select
        measures.measure,
        months.time_period,
        months.instance,
        months.load_id,
        months.state,
        measures.absence
    from {{ ref('stg_catalogue__measure') }} as measures
    inner join {{ ref('int_delivered_month') }} as months
        on measures.source = months.source and measures.feed = months.feed
    inner join (select measure, instance, count(*) as areas from areas group by measure, instance) as wide
        on measures.measure = wide.measure and months.instance = wide.instance
    inner join (select measure, count(*) as members from members group by measure) as deep
        on measures.measure = deep.measure
    left join {{ ref('int_load_scope') }} as told
        on
            told.axis = 'period'
            and months.load_id = told.load_id
            and measures.measure = told.measure
            and months.time_period = told.code
    where
        measures.freq = 'M'
        and (measures.reporting <> 'place' or coalesce(told.figures, 0) < wide.areas * deep.members)
),

there as (
    select
        loads.instance,
        sums.measure,
        sums.ref_area,
        sums.time_period,
        sums.breakdown,
        sums.load_id
    from {{ ref('int_observations_by_load') }} as sums
    inner join loads on sums.load_id = loads.load_id
    inner join (select distinct measure, time_period, instance from wanting) as looked_at
        on
            sums.measure = looked_at.measure
            and sums.time_period = looked_at.time_period
            and loads.instance = looked_at.instance
    where sums.freq = 'M'
),

-- what is not published stands in none of the loads of a month; each that has no row reports a zero
absent as (
    select
        wanting.measure,
        areas.ref_area,
        wanting.time_period,
        members.breakdown,
        wanting.load_id,
        wanting.state,
        wanting.absence
    from wanting
    inner join areas on wanting.measure = areas.measure and wanting.instance = areas.instance
    inner join members on wanting.measure = members.measure
    left join there
        on
            wanting.measure = there.measure
            and wanting.time_period = there.time_period
            and wanting.instance = there.instance
            and (wanting.load_id = there.load_id or wanting.absence <> 'zero')
            and areas.ref_area = there.ref_area
            and members.breakdown = there.breakdown
    where there.measure is null
),

together as (
    select
        observed.*,
        case when observed.obs_value is null then 'not_published' end as missing_reason
    from observed
    union all
    select
        absent.measure,
        absent.ref_area,
        'M' as freq,
        absent.time_period,
        absent.breakdown,
        case when absent.state = 'delivered' and absent.absence = 'zero' then 0 end as obs_value,
        null as obs_status,
        absent.load_id,
        0 as source_rows,
        coalesce(loads.synthetic, false) as synthetic,
        coalesce(loads.has_warnings, false) as has_warnings,
        coalesce(loads.is_low, false) as is_low,
        loads.control_share_pct,
        loads.last_update,
        case
            when absent.state <> 'delivered' then absent.state
            when absent.absence <> 'zero' then 'not_published'
        end as missing_reason
    from absent
    left join loads on absent.load_id = loads.load_id
)

select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('obs_value') }} as obs_value,
    case
        when missing_reason is not null then {{ status_of_reason('missing_reason') }}
        when is_low then 'U'
        else coalesce(obs_status, 'A')
    end as obs_status,
    missing_reason,
    load_id,
    cast(source_rows as bigint) as source_rows,
    synthetic,
    has_warnings,
    control_share_pct,
    last_update
from together
