-- Areas of districts, which add up to regions and the country (the published outlines of regions differ from their
-- districts by up to 200 km2, and Minsk's is too small). The cities are in town_areas.
--
-- Where a later register has other districts, or a district in another region, the areas within earlier borders stand
-- beside today's, without the cities, under the last year that began in them: a density of that year or one before is
-- divided by them. An area that changes while the districts stay is a better measurement, for all time.
with districts as (
    select * from {{ ref('stg_territory_register__territories') }}
    where level = 'district'
),

country as (
    select ref_area from {{ ref('stg_catalogue__territory_code') }}
    where level = 'country'
),

history as (
    select * from {{ ref('stg_territory_register__territory_history') }}
    where level = 'district'
),

in_force as (
    select
        history.load_id,
        max(history.load_no) as load_no,
        min(districts.row_no) as row_no
    from history
    inner join districts on history.load_id = districts.load_id
    group by history.load_id
),

registers as (
    select
        load_no,
        received_on,
        string_agg(ref_area || ' ' || coalesce(parent_id, ''), ' ' order by ref_area) as borders
    from history
    group by load_no, received_on
),

followed as (
    select
        registers.*,
        lead(registers.load_no) over (order by registers.load_no) as next_no,
        lead(registers.borders) over (order by registers.load_no) as next_borders,
        lead(registers.received_on) over (order by registers.load_no) as next_received_on
    from registers
    inner join in_force on registers.load_no <= in_force.load_no
),

told as (
    select
        followed.load_no,
        max(changes.valid_from) as changed_on
    from followed
    inner join history as before on followed.load_no = before.load_no
    inner join {{ ref('int_territory_change') }} as changes
        on before.ref_area = changes.ref_area and changes.kind in ('merge', 'split', 'move')
    left join history as after on followed.next_no = after.load_no and before.ref_area = after.ref_area
    where followed.borders <> followed.next_borders and (after.ref_area is null or after.parent_id <> before.parent_id)
    group by followed.load_no
),

ended as (
    select
        min(load_no) as load_no,
        last_year
    from (
        select
            followed.load_no,
            cast(extract(year from coalesce(told.changed_on, followed.next_received_on) - 1) as integer) as last_year
        from followed
        left join told on followed.load_no = told.load_no
        where followed.borders <> followed.next_borders
    ) as borders
    group by last_year
),

holding as (
    select
        ended.load_no,
        asked.ref_area,
        asked.district,
        row_number() over (partition by ended.load_no, asked.ref_area order by asked.turn, asked.district) as turn_rank
    from ended
    inner join history on ended.load_no = history.load_no
    inner join {{ ref('int_city_district') }} as asked on history.ref_area = asked.district
),

cities as (
    select
        holding.load_no,
        holding.district as ref_area,
        sum(areas.area_km2) as area_km2,
        bool_and(areas.area_km2 is not null) as is_known
    from holding
    inner join {{ ref('stg_territory_register__territories') }} as towns on holding.ref_area = towns.ref_area
    left join {{ ref('stg_territory_register__town_areas') }} as areas on holding.ref_area = areas.ref_area
    where holding.turn_rank = 1
    group by holding.load_no, holding.district
),

-- a city that is a region: part of the country, and of no district
region_city as (
    select sum(areas.area_km2) as area_km2
    from {{ ref('stg_catalogue__territory_code') }} as towns
    inner join {{ ref('stg_catalogue__territory_code') }} as regions
        on towns.soato = regions.soato and regions.level = 'region'
    left join {{ ref('stg_territory_register__town_areas') }} as areas on towns.ref_area = areas.ref_area
    where towns.level = 'city'
),

former as (
    select
        history.ref_area,
        history.parent_id,
        ended.last_year,
        history.published_area_km2,
        case
            when cities.ref_area is null then history.published_area_km2
            when cities.is_known then history.published_area_km2 - cities.area_km2
        end as own_area_km2
    from ended
    inner join history on ended.load_no = history.load_no
    left join cities on history.load_no = cities.load_no and history.ref_area = cities.ref_area
),

former_areas as (
    select ref_area, last_year, own_area_km2 as area_km2 from former
    union all
    select
        parent_id as ref_area,
        last_year,
        case when count(*) = count(published_area_km2) then sum(published_area_km2) end as area_km2
    from former
    group by parent_id, last_year
    union all
    select
        country.ref_area,
        former.last_year,
        case when count(*) = count(former.published_area_km2) then sum(former.published_area_km2) end
        + max(region_city.area_km2) as area_km2
    from former
    cross join country
    cross join region_city
    group by country.ref_area, former.last_year
),

added as (
    select load_id, row_no, ref_area, '_Z' as time_period, published_area_km2 from districts
    union all
    select load_id, row_no, parent_id, '_Z' as time_period, published_area_km2 from districts
    union all
    select districts.load_id, districts.row_no, country.ref_area, '_Z' as time_period, districts.published_area_km2
    from districts
    cross join country
    union all
    select
        in_force.load_id,
        in_force.row_no,
        former_areas.ref_area,
        cast(former_areas.last_year as varchar) as time_period,
        former_areas.area_km2 as published_area_km2
    from former_areas
    cross join in_force
    where former_areas.area_km2 is not null
)

select
    'area_km2' as measure,
    ref_area,
    'A' as freq,
    time_period,
    '_T' as breakdown,
    {{ fixed('published_area_km2') }} as value,
    'A' as obs_status,
    load_id,
    row_no
from added
