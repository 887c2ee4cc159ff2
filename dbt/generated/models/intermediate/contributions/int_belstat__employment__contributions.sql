-- What each row of feed belstat.employment adds to its measures.
-- Generated from assets/sources/belstat/measures.yml.
with staged as (
    select * from {{ ref('stg_belstat__employment') }}
),

added as (
    -- Employed persons
    select
        load_id,
        row_no,
        'employed_persons' as measure,
        ref_area,
        'A' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        employed_persons as value,
        'A' as obs_status
    from staged
    where allocation <> 'unknown'
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
