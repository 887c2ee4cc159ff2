-- What each row of feed beltelecom_inventory.resources adds to its measures.
-- Generated from assets/sources/beltelecom_inventory/measures.yml.
with staged as (
    select * from {{ ref('stg_beltelecom_inventory__resources') }}
),

added as (
    -- Fibre route length
    select
        load_id,
        row_no,
        'fibre_route_km' as measure,
        ref_area,
        'M' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        length_km as value,
        'A' as obs_status
    from staged
    where
        allocation <> 'unknown'
        and (category = 'FibreLine' and length_km is not null)
    union all
    -- PON ports in use
    select
        load_id,
        row_no,
        'pon_ports_active' as measure,
        ref_area,
        'M' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    where
        allocation <> 'unknown'
        and category = 'xPON.Port' and usage_state in ('active', 'busy')
    union all
    -- PON ports equipped
    select
        load_id,
        row_no,
        'pon_ports_equipped' as measure,
        ref_area,
        'M' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    where
        allocation <> 'unknown'
        and category = 'xPON.Port'
    union all
    -- Public Wi-Fi points
    select
        load_id,
        row_no,
        'wifi_access_points' as measure,
        ref_area,
        'M' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        1 as value,
        'A' as obs_status
    from staged
    where
        allocation <> 'unknown'
        and category = 'WiFi.AccessPoint'
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
