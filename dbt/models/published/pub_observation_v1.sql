-- A part (not the total) that counts few people's doings is not shown, and where such a part is alone, neither is the
-- next one: else it could be subtracted.
with parts as (
    select
        observed.measure,
        observed.ref_area,
        observed.time_period,
        observed.breakdown,
        observed.obs_value < measures.minimum_cell as is_small,
        sum(case when observed.obs_value < measures.minimum_cell then 1 else 0 end) over (
            partition by observed.measure, observed.ref_area, observed.time_period
        ) as small_parts,
        row_number() over (
            partition by observed.measure, observed.ref_area, observed.time_period
            order by observed.obs_value, observed.breakdown
        ) as place
    from {{ ref('int_observations') }} as observed
    inner join {{ source('catalogue', 'measure') }} as measures on observed.measure = measures.measure
    where measures.minimum_cell > 0 and observed.breakdown not in ('_T', '_U') and observed.obs_value > 0
),

hidden as (
    select
        measure,
        ref_area,
        time_period,
        breakdown
    from parts
    where is_small or (small_parts = 1 and place = 2)
),

marked as (
    select
        observed.*,
        measures.unit_measure,
        hidden.breakdown is not null as is_hidden
    from {{ ref('int_observations') }} as observed
    inner join {{ source('catalogue', 'measure') }} as measures on observed.measure = measures.measure
    left join hidden
        on
            observed.measure = hidden.measure
            and observed.ref_area = hidden.ref_area
            and observed.time_period = hidden.time_period
            and observed.breakdown = hidden.breakdown
)

select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    case when not is_hidden then obs_value end as obs_value,
    case when is_hidden then 'Q' else obs_status end as obs_status,
    case when is_hidden then 'suppressed' else missing_reason end as missing_reason,
    case when not is_hidden then reported_value end as reported_value,
    correction,
    unit_measure,
    load_id,
    case when not is_hidden then source_rows end as source_rows,
    synthetic
from marked
where {{ not_under_embargo('measure', 'marked') }}
