-- The country, its regions, districts and towns. A city of oblast subordination stands beside the districts of its
-- region, a town within the district that it lies in. Validity is the span in which the register counts inhabitants.
with units as (
    select * from {{ ref('stg_territory_register__territories') }}
),

counted as (
    select
        ref_area,
        min(time_period) as first_year,
        max(time_period) as last_year,
        max(max(time_period)) over () as newest_year
    from {{ ref('stg_territory_register__population') }}
    group by ref_area
),

areas as (
    select
        observed.ref_area,
        case when count(*) = count(observed.obs_value) then sum(observed.obs_value) end as area_km2
    from {{ ref('int_observations_by_load') }} as observed
    inner join {{ source('ops', 'effective_load') }} as loads on observed.load_id = loads.load_id
    where observed.measure = 'area_km2'
    group by observed.ref_area
)

select
    units.ref_area,
    units.level,
    case
        when units.level = 'city' and subordination.ref_area is null
            then coalesce(town_districts.district, units.parent_id)
        else units.parent_id
    end as parent,
    case units.level when 'country' then null when 'region' then units.ref_area else units.parent_id end as region,
    -- the register writes the word for a district in one language and leaves it out in the other
    case
        when units.level = 'district' and units.name_ru not like '% район' then units.name_ru || ' район'
        else units.name_ru
    end as name_ru,
    case
        when units.level = 'district' and units.name_be not like '% раён' then units.name_be || ' раён'
        else units.name_be
    end as name_be,
    codes.name_en,
    codes.soato,
    codes.soato_status,
    codes.iso_3166_2,
    cast(areas.area_km2 as numeric(12, 3)) as area_km2,
    cast(units.lon as numeric(9, 6)) as lon,
    cast(units.lat as numeric(9, 6)) as lat,
    cast(counted.first_year || '-01-01' as date) as valid_from,
    case
        when counted.last_year < counted.newest_year then cast(counted.last_year || '-12-31' as date)
    end as valid_to,
    units.load_id
from units
left join {{ source('catalogue', 'subordination') }} as subordination on units.ref_area = subordination.ref_area
left join {{ ref('stg_territory_register__town_districts') }} as town_districts
    on units.ref_area = town_districts.ref_area
left join {{ source('catalogue', 'territory_code') }} as codes on units.ref_area = codes.ref_area
left join counted on units.ref_area = counted.ref_area
left join areas on units.ref_area = areas.ref_area
