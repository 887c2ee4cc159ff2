-- What each request adds to: itself, in total and in its group; its rating; its planned days.
with requests as (
    select * from {{ ref('stg_appeals_115__requests') }}
),

added as (
    select load_id, row_no, ref_area, time_period, 'appeals_registered' as measure, '_T' as breakdown, 1 as value
    from requests
    union all
    select load_id, row_no, ref_area, time_period, 'appeals_registered', category_group, 1
    from requests
    where category_group is not null
    union all
    select load_id, row_no, ref_area, time_period, 'appeals_rated', '_T', 1
    from requests
    where rating is not null
    union all
    select load_id, row_no, ref_area, time_period, 'appeals_rating_points', '_T', rating
    from requests
    where rating is not null
    union all
    select load_id, row_no, ref_area, time_period, 'appeals_planned', '_T', 1
    from requests
    where planned_days is not null
    union all
    select load_id, row_no, ref_area, time_period, 'appeals_planned_days', '_T', planned_days
    from requests
    where planned_days is not null
)

select
    measure,
    ref_area,
    'M' as freq,
    time_period,
    breakdown,
    {{ fixed('value') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from added
