-- Areas of districts, which add up to regions and the country (the published outlines of regions differ from their
-- districts by up to 200 km2, and Minsk's is too small). The cities are in town_areas.
with districts as (
    select * from {{ ref('stg_territory_register__territories') }}
    where level = 'district'
),

country as (
    select ref_area from {{ source('catalogue', 'territory_code') }}
    where level = 'country'
),

added as (
    select load_id, row_no, ref_area, published_area_km2 from districts
    union all
    select load_id, row_no, parent_id, published_area_km2 from districts
    union all
    select districts.load_id, districts.row_no, country.ref_area, districts.published_area_km2
    from districts
    cross join country
)

select
    'area_km2' as measure,
    ref_area,
    'A' as freq,
    '_Z' as time_period,
    '_T' as breakdown,
    {{ fixed('published_area_km2') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from added
