-- Covered area and people of each territorial unit at the end of a month, with the territory of its code of SOATO. What is
-- left of a region beside the units that have a territory here belongs to the region and to none of its parts.
with codes as (
    -- Minsk as a region and as a city has one code: the city is meant
    select
        soato,
        coalesce(max(case when level = 'city' then ref_area end), max(ref_area)) as ref_area,
        max(case when level <> 'region' then 1 else 0 end) as is_part
    from {{ ref('stg_catalogue__territory_code') }}
    where soato is not null
    group by soato
)

select
    delivered.load_id,
    delivered.row_no,
    loads.instance,
    delivered.zone as soato,
    coalesce(units.ref_area, regions.ref_area, loads.ref_area) as ref_area,
    case when units.is_part = 1 then 'whole' else 'unallocated' end as allocation,
    {{ month_code('loads.first_day') }} as time_period,
    delivered.technology,
    delivered.operator,
    delivered.zone_km2,
    delivered.covered_km2,
    delivered.zone_people,
    delivered.covered_people
from {{ source('raw', 'mobile_coverage__areas') }} as delivered
inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id
left join codes as units on delivered.zone = units.soato
left join codes as regions on substr(delivered.zone, 1, 1) || '000000000' = regions.soato
