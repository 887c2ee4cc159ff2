-- What each row of feed city_parking.occupancy adds to its measures.
-- Generated from assets/sources/city_parking/measures.yml.
with staged as (
    select * from {{ ref('stg_city_parking__occupancy') }}
),

added as (
    -- Parking places
    select
        load_id,
        row_no,
        'parking_place_days' as measure,
        ref_area,
        'M' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        places as value,
        'A' as obs_status
    from staged
    where allocation <> 'unknown'
    union all
    -- Parking places occupied
    select
        load_id,
        row_no,
        'parking_place_days_occupied' as measure,
        ref_area,
        'M' as freq,
        time_period,
        case when allocation = 'unallocated' then '_U' else '_T' end as breakdown,
        occupied as value,
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
