-- The size group of each territory, by the newest population that is known of it.
with newest as (
    select ref_area, max(time_period) as time_period
    from {{ ref('mart_open_indicator_value') }}
    where indicator = 'population' and freq = 'A' and breakdown = '_T' and obs_value is not null
    group by ref_area
),

counted as (
    select
        territories.ref_area,
        territories.level,
        figures.obs_value as population,
        figures.time_period as population_period
    from newest
    inner join {{ ref('mart_open_indicator_value') }} as figures
        on
            newest.ref_area = figures.ref_area
            and newest.time_period = figures.time_period
            and figures.indicator = 'population'
            and figures.freq = 'A'
            and figures.breakdown = '_T'
    inner join {{ ref('dim_territory') }} as territories on newest.ref_area = territories.ref_area
),

bounds as (
    select
        counted.ref_area,
        max(size_groups.population_from) as population_from
    from counted
    inner join {{ ref('stg_catalogue__size_group') }} as size_groups
        on counted.level = size_groups.level and counted.population >= size_groups.population_from
    group by counted.ref_area
)

select
    counted.ref_area,
    counted.level,
    size_groups.size_group,
    size_groups.name_ru,
    size_groups.name_be,
    size_groups.name_en,
    counted.population,
    counted.population_period
from counted
inner join bounds on counted.ref_area = bounds.ref_area
inner join {{ ref('stg_catalogue__size_group') }} as size_groups
    on counted.level = size_groups.level and bounds.population_from = size_groups.population_from
