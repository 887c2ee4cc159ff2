-- Only the rows that are the total of every dimension: their parts stand beside them.
select
    case kind when 'net' then 'net_migration' else 'arrivals' end as measure,
    ref_area,
    'A' as freq,
    time_period,
    case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
    {{ fixed('persons') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from {{ ref('stg_belstat__migration') }}
where is_total and allocation <> 'unknown' and kind is not null
