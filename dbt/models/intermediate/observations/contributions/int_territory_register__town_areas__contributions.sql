-- Areas of towns. A city of oblast subordination is taken off the district that it lies in. A city that is a region
-- (Minsk: one SOATO code for both) gives the region its area, and adds to the country.
with towns as (
    select * from {{ ref('stg_territory_register__town_areas') }}
),

region_cities as (
    select
        cities.ref_area as city,
        regions.ref_area as region,
        countries.ref_area as country
    from {{ source('catalogue', 'territory_code') }} as cities
    inner join {{ source('catalogue', 'territory_code') }} as regions
        on cities.soato = regions.soato and regions.level = 'region'
    cross join {{ source('catalogue', 'territory_code') }} as countries
    where cities.level = 'city' and countries.level = 'country'
),

holding as (
    select
        asked.ref_area,
        asked.district,
        row_number() over (partition by asked.ref_area order by asked.turn, asked.district) as turn_rank
    from {{ ref('int_city_district') }} as asked
    inner join {{ ref('stg_territory_register__territories') }} as listed on asked.district = listed.ref_area
),

added as (
    select load_id, row_no, ref_area, area_km2 from towns
    union all
    select towns.load_id, towns.row_no, holding.district, -towns.area_km2
    from towns
    inner join holding on towns.ref_area = holding.ref_area and holding.turn_rank = 1
    union all
    select towns.load_id, towns.row_no, region_cities.region, towns.area_km2
    from towns
    inner join region_cities on towns.ref_area = region_cities.city
    union all
    select towns.load_id, towns.row_no, region_cities.country, towns.area_km2
    from towns
    inner join region_cities on towns.ref_area = region_cities.city
)

select
    'area_km2' as measure,
    ref_area,
    'A' as freq,
    '_Z' as time_period,
    '_T' as breakdown,
    {{ fixed('area_km2') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from added
