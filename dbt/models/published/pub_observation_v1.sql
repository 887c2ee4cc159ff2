-- A part (not the total) that counts few people's doings is not shown.
with marked as (
    select
        observed.*,
        measures.unit_measure,
        coalesce(
            observed.breakdown not in ('_T', '_U')
            and observed.obs_value > 0
            and observed.obs_value < measures.minimum_cell,
            false
        ) as is_small
    from {{ ref('int_observations') }} as observed
    inner join {{ source('catalogue', 'measure') }} as measures on observed.measure = measures.measure
)

select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    case when not is_small then obs_value end as obs_value,
    case when is_small then 'Q' else obs_status end as obs_status,
    case when is_small then 'suppressed' else missing_reason end as missing_reason,
    case when not is_small then reported_value end as reported_value,
    correction,
    unit_measure,
    load_id,
    case when not is_small then source_rows end as source_rows,
    synthetic
from marked
where {{ not_under_embargo('measure', 'marked') }}
