-- With whom a territory is compared: all of its size group, nearest in population first; and the five most alike by the
-- declared indicators. Unlikeness is the weighted mean of the differences of rank in each of them, in per cent of the
-- greatest difference there can be; only territories that have all the indicators are compared.
with newest as (
    select
        territories.level,
        figures.ref_area,
        figures.indicator,
        declared.weight,
        figures.obs_value,
        row_number() over (partition by figures.ref_area, figures.indicator order by figures.time_period desc) as age
    from {{ ref('mart_open_indicator_value') }} as figures
    inner join {{ ref('dim_territory') }} as territories on figures.ref_area = territories.ref_area
    inner join {{ ref('stg_catalogue__similarity') }} as declared
        on territories.level = declared.level and figures.indicator = declared.indicator
    where figures.freq = 'A' and figures.breakdown = '_T' and figures.obs_value is not null
),

ranked as (
    select
        level,
        ref_area,
        indicator,
        weight,
        rank() over (partition by level, indicator order by obs_value) as place,
        count(*) over (partition by level, indicator) - 1 as furthest
    from newest
    where age = 1
),

wanted as (
    select level, count(*) as indicators, sum(weight) as weight
    from {{ ref('stg_catalogue__similarity') }}
    group by level
),

pairs as (
    select
        own.ref_area,
        others.ref_area as peer,
        {{ exact_ratio(
            fixed('sum(' ~ exact_ratio(
                fixed('abs(own.place - others.place) * own.weight'), fixed('own.furthest'), fixed('100')
            ) ~ ')'),
            fixed('max(wanted.weight)'), fixed('1')
        ) }} as unlikeness_pct
    from ranked as own
    inner join ranked as others
        on own.level = others.level and own.indicator = others.indicator and own.ref_area <> others.ref_area
    inner join wanted on own.level = wanted.level
    group by own.ref_area, others.ref_area
    having count(*) = max(wanted.indicators)
),

alike as (
    select
        ref_area,
        peer,
        unlikeness_pct,
        row_number() over (partition by ref_area order by unlikeness_pct, peer) as peer_no
    from pairs
),

alike_in_size as (
    select
        own.ref_area,
        others.ref_area as peer,
        own.size_group,
        row_number() over (
            partition by own.ref_area order by abs(own.population - others.population), others.ref_area
        ) as peer_no
    from {{ ref('mart_size_group') }} as own
    inner join {{ ref('mart_size_group') }} as others
        on own.size_group = others.size_group and own.ref_area <> others.ref_area
)

select
    ref_area,
    'size_group' as peer_method,
    cast(peer_no as integer) as peer_no,
    peer,
    size_group,
    cast(null as numeric(24, 6)) as unlikeness_pct
from alike_in_size
union all
select
    ref_area,
    'similar' as peer_method,
    cast(peer_no as integer) as peer_no,
    peer,
    cast(null as varchar) as size_group,
    unlikeness_pct
from alike
where peer_no <= 5
