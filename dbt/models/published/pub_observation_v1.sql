-- A part (not the total) that counts few people's doings is not shown.
with parts as (
    select
        observed.measure,
        observed.ref_area,
        observed.time_period,
        observed.breakdown,
        {{ is_hidden_part('measure', 'observed', 'observed.obs_value', 'measures.minimum_cell') }} as is_hidden
    from {{ ref('int_observations') }} as observed
    inner join {{ ref('stg_catalogue__measure') }} as measures on observed.measure = measures.measure
    where measures.minimum_cell > 0 and observed.breakdown not in ('_T', '_U') and observed.obs_value > 0
),

marked as (
    select
        observed.*,
        measures.unit_measure,
        coalesce(parts.is_hidden, false) as is_hidden
    from {{ ref('int_observations') }} as observed
    inner join {{ ref('stg_catalogue__measure') }} as measures on observed.measure = measures.measure
    -- of a territory that no register lists nobody knows where it lies; mart_held_back tells it
    inner join {{ ref('dim_territory') }} as territories on observed.ref_area = territories.ref_area
    left join parts
        on
            observed.measure = parts.measure
            and observed.ref_area = parts.ref_area
            and observed.time_period = parts.time_period
            and observed.breakdown = parts.breakdown
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
