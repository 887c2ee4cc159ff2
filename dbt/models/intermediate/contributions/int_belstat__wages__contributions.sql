-- A figure of a territory and year; the part of a region that is in no district is kept under the breakdown _U.
select
    'wage_nominal_monthly_byn' as measure,
    ref_area,
    'A' as freq,
    time_period,
    case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
    {{ fixed('wage_byn') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from {{ ref('stg_belstat__wages') }}
where allocation <> 'unknown'
