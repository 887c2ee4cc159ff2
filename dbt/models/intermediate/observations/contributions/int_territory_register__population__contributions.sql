-- The register counts a city of oblast subordination within the district that it lies in; here the district is
-- without it, as in the figures of Belstat: the city's row is taken off. Then a region is the sum of its districts and
-- such cities, to the person. A district whose city has no figure in a year has none either, which is shown once, by a
-- row without a figure.
with people as (
    select * from {{ ref('stg_territory_register__population') }}
),

-- the district whose figure of that year holds the city
holding as (
    select
        districts.*,
        asked.ref_area as city,
        row_number() over (
            partition by districts.load_id, districts.time_period, asked.ref_area order by asked.turn, asked.district
        ) as turn_rank
    from people as districts
    inner join {{ ref('int_city_district') }} as asked on districts.ref_area = asked.district
),

added as (
    select load_id, row_no, ref_area, time_period, obs_status, persons as value
    from people
    union
    select
        districts.load_id,
        coalesce(cities.row_no, districts.row_no),
        districts.ref_area,
        districts.time_period,
        coalesce(cities.obs_status, districts.obs_status),
        -cities.persons
    from holding as districts
    left join people as cities
        on
            districts.city = cities.ref_area
            and districts.time_period = cities.time_period
            and districts.load_id = cities.load_id
    where districts.turn_rank = 1
)

select
    'population' as measure,
    ref_area,
    'A' as freq,
    time_period,
    '_T' as breakdown,
    {{ fixed('value') }} as value,
    obs_status,
    load_id,
    row_no
from added
