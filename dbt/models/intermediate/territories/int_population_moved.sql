-- Who came to a territory, less who left it, within a year up to a period's last day: people are counted on 1 January,
-- in the borders of that day. A move counts once, by what moved itself; all that lies in it goes with it.
{{ config(materialized='view') }}
with moved as (
    select distinct
        later.ref_area,
        cast(extract(year from later.valid_from) as integer) as year
    from {{ ref('int_territory_parent') }} as later
    inner join {{ ref('int_territory_parent') }} as former
        on
            later.ref_area = former.ref_area
            and later.valid_from = former.valid_to + 1
            and later.parent <> former.parent
),

days as (
    select
        moved.ref_area,
        moved.year,
        periods.time_period,
        periods.last_day,
        cast(moved.year || '-01-01' as date) as counted_on
    from moved
    inner join {{ ref('dim_period') }} as periods on moved.year = {{ year_of('periods.time_period') }}
),

crossed as (
    select
        days.ref_area as member,
        days.year,
        days.time_period,
        above.ancestor as ref_area,
        sum(
            case when days.last_day between above.valid_from and above.valid_to then 1 else 0 end
            - case when days.counted_on between above.valid_from and above.valid_to then 1 else 0 end
        ) as came
    from days
    inner join {{ ref('int_territory_ancestor') }} as above on days.ref_area = above.ref_area
    group by days.ref_area, days.year, days.time_period, above.ancestor
)

select
    crossed.ref_area,
    crossed.time_period,
    {{ fixed('sum(crossed.came * population.value)') }} as value
from crossed
inner join {{ ref('int_vintage') }} as population
    on
        crossed.member = population.ref_area
        and crossed.year = population.year
        and population.measure = '{{ var("coverage_measure") }}'
        and population.breakdown = '_T'
where crossed.came <> 0
group by crossed.ref_area, crossed.time_period
