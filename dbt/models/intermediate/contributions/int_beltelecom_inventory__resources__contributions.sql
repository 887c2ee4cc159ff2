-- What each resource adds to. A port is in use when its usage state is active (partly) or busy (fully).
with resources as (
    select *, case when allocation = 'unallocated' then '_U' else '_T' end as breakdown
    from {{ ref('stg_beltelecom_inventory__resources') }}
),

added as (
    select load_id, row_no, ref_area, time_period, breakdown, 'pon_ports_equipped' as measure, 1 as value
    from resources
    where category = 'xPON.Port'
    union all
    select load_id, row_no, ref_area, time_period, breakdown, 'pon_ports_active', 1
    from resources
    where category = 'xPON.Port' and usage_state in ('active', 'busy')
    union all
    select load_id, row_no, ref_area, time_period, breakdown, 'wifi_access_points', 1
    from resources
    where category = 'WiFi.AccessPoint'
    union all
    select load_id, row_no, ref_area, time_period, breakdown, 'fibre_route_km', length_km
    from resources
    where category = 'FibreLine' and length_km is not null
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
