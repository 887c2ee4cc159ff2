-- Minsk is a region and a city, one place under two codes (one SOATO): an indicator of both levels has the same figure,
-- or the same reason for none, under both. It warns: a source that tells them apart is the one to be asked.
{{ config(severity='warn') }}
with places as (
    select
        regions.ref_area as region,
        cities.ref_area as city
    from {{ ref('dim_territory') }} as regions
    inner join {{ ref('dim_territory') }} as cities
        on regions.soato = cities.soato and regions.level = 'region' and cities.level = 'city'
)

select
    region.indicator,
    region.time_period,
    region.breakdown,
    region.obs_value as of_region,
    city.obs_value as of_city
from places
inner join {{ ref('mart_indicator_value') }} as region on places.region = region.ref_area
inner join {{ ref('mart_indicator_value') }} as city
    on
        places.city = city.ref_area
        and region.indicator = city.indicator
        and region.time_period = city.time_period
        and region.breakdown = city.breakdown
where
    region.obs_value is distinct from city.obs_value
    or region.missing_reason is distinct from city.missing_reason
