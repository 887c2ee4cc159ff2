-- What each row of feed belstat.migration adds to its measures.
-- Generated from assets/sources/belstat/measures.yml.
with staged as (
    select * from {{ ref('stg_belstat__migration') }}
),

added as (
    -- Arrivals
    select
        load_id,
        row_no,
        'arrivals' as measure,
        ref_area,
        'A' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        persons as value,
        'A' as obs_status
    from staged
    where
        allocation <> 'unknown'
        and is_total and kind = 'arrivals'
    union all
    -- Net migration
    select
        load_id,
        row_no,
        'net_migration' as measure,
        ref_area,
        'A' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        persons as value,
        'A' as obs_status
    from staged
    where
        allocation <> 'unknown'
        and is_total and kind = 'net'
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
