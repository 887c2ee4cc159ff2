-- A figure of a territory and year; the part of a region that is in no district is kept under the breakdown _U.
select
    'employed_persons' as measure,
    ref_area,
    'A' as freq,
    time_period,
    case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
    {{ fixed('employed_persons') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from {{ ref('stg_belstat__employment') }}
where allocation <> 'unknown'
