-- Covered area and people of each territorial unit at the end of a month. A unit was measured without the finer units
-- in it, so it counts in every territory that it is a part of by its code of SOATO: itself, the district (digits 1-4),
-- the region.
select
    delivered.load_id,
    delivered.row_no,
    loads.instance,
    delivered.zone as soato,
    codes.ref_area,
    {{ month_code('loads.first_day') }} as time_period,
    delivered.technology,
    delivered.operator,
    delivered.zone_km2,
    delivered.covered_km2,
    delivered.zone_people,
    delivered.covered_people
from {{ source('raw', 'mobile_coverage__areas') }} as delivered
inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id
inner join {{ ref('stg_catalogue__territory_code') }} as codes
    on
        codes.soato in (
            delivered.zone,
            substr(delivered.zone, 1, 4) || '000000',
            substr(delivered.zone, 1, 1) || '000000000'
        )
