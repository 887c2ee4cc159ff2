-- The country, its regions, districts and towns. A city of oblast subordination stands beside the districts of its
-- region, a town within the district that it lies in. Validity is the span in which the register counts inhabitants.
-- A territory that the register in force leaves out stays, with the day on which it ended, while figures in force speak
-- of it, or towns lie in it. What lies in no region of the register is left out.
with spoken_of as (
    select scopes.code as ref_area
    from {{ ref('int_load_scope') }} as scopes
    inner join {{ source('ops', 'effective_load') }} as loads on scopes.load_id = loads.load_id
    where scopes.axis = 'ref_area'
    union
    select district as ref_area from {{ ref('stg_territory_register__town_districts') }}
    union
    select ref_area from {{ ref('stg_territory_register__boundaries') }}
),

listed as (
    select * from {{ ref('int_territory_listed') }}
    where
        (is_listed or ref_area in (select spoken_of.ref_area from spoken_of))
        -- there may be no register in force: the last one was let in for a time, and that is over
        and (select count(*) from {{ ref('stg_territory_register__territories') }}) > 0
),

units as (
    select listed.*
    from listed
    left join listed as above on listed.parent_id = above.ref_area and above.level in ('country', 'region')
    where listed.level = 'country' or above.ref_area is not null
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
    where observed.measure = 'area_km2' and observed.time_period = '_Z'
    group by observed.ref_area
)

select
    units.ref_area,
    units.level,
    case
        when units.level = 'city' and subordination.ref_area is null
            then coalesce(districts.ref_area, units.parent_id)
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
    case
        when codes.name_en is not null then codes.name_en
        when units.level = 'district'
            then {{ romanised("regexp_replace(units.name_be, ' раён$', '')") }} || ' District'
        else {{ romanised('units.name_be') }}
    end as name_en,
    codes.soato,
    codes.soato_status,
    codes.iso_3166_2,
    cast(areas.area_km2 as numeric(12, 3)) as area_km2,
    cast(units.lon as numeric(9, 6)) as lon,
    cast(units.lat as numeric(9, 6)) as lat,
    coalesce(cast(counted.first_year || '-01-01' as date), units.listed_from) as valid_from,
    coalesce(
        units.listed_to,
        case when counted.last_year < counted.newest_year then cast(counted.last_year || '-12-31' as date) end
    ) as valid_to,
    units.listed_from,
    units.listed_to,
    units.load_id
from units
left join {{ source('catalogue', 'subordination') }} as subordination on units.ref_area = subordination.ref_area
left join {{ ref('stg_territory_register__town_districts') }} as town_districts
    on units.ref_area = town_districts.ref_area
left join units as districts on town_districts.district = districts.ref_area and districts.level = 'district'
left join {{ source('catalogue', 'territory_code') }} as codes on units.ref_area = codes.ref_area
left join counted on units.ref_area = counted.ref_area
left join areas on units.ref_area = areas.ref_area
