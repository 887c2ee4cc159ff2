-- What each row of feed appeals_115.requests adds to its measures.
-- Generated from assets/sources/appeals_115/measures.yml.
with staged as (
    select * from {{ ref('stg_appeals_115__requests') }}
),

added as (
    -- Requests with a planned date
    select
        load_id,
        row_no,
        'appeals_planned' as measure,
        ref_area,
        'M' as freq,
        time_period,
        '_T' as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    where planned_days is not null
    union all
    -- Planned days to resolve
    select
        load_id,
        row_no,
        'appeals_planned_days' as measure,
        ref_area,
        'M' as freq,
        time_period,
        '_T' as breakdown,
        planned_days as value,
        'A' as obs_status
    from staged
    where planned_days is not null
    union all
    -- Requests rated
    select
        load_id,
        row_no,
        'appeals_rated' as measure,
        ref_area,
        'M' as freq,
        time_period,
        '_T' as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    where rating is not null
    union all
    -- Sum of ratings
    select
        load_id,
        row_no,
        'appeals_rating_points' as measure,
        ref_area,
        'M' as freq,
        time_period,
        '_T' as breakdown,
        rating as value,
        'A' as obs_status
    from staged
    where rating is not null
    union all
    -- Requests registered
    select
        load_id,
        row_no,
        'appeals_registered' as measure,
        ref_area,
        'M' as freq,
        time_period,
        '_T' as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    union all
    -- Requests registered
    select
        load_id,
        row_no,
        'appeals_registered' as measure,
        ref_area,
        'M' as freq,
        time_period,
        category_group as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    where category_group is not null
)

select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    {{ fixed('value') }} as value,
    obs_status,
    load_id,
    row_no
from added
