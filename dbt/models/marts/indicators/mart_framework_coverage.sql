-- How much of each framework is reported: as a whole (_T) and by dimension, in each region and in the country.
with parts as (
    select framework, code, dimension from {{ ref('mart_framework_indicator') }}
    union all
    select framework, code, '_T' from {{ ref('mart_framework_indicator') }}
),

areas as (
    select ref_area from {{ ref('dim_territory') }}
    where level in ('country', 'region')
),

counts as (
    select
        parts.framework,
        parts.dimension,
        areas.ref_area,
        count(*) as indicator_count,
        count(reported.code) as reported_count,
        count(*) filter (where reported.is_same) as reported_same_count,
        coalesce(bool_or(reported.synthetic), false) as synthetic
    from parts
    cross join areas
    left join {{ ref('int_framework_reporting') }} as reported
        on
            parts.framework = reported.framework
            and parts.code = reported.code
            and areas.ref_area = reported.ref_area
    group by parts.framework, parts.dimension, areas.ref_area
)

select
    counts.framework,
    counts.dimension,
    counts.ref_area,
    case when counts.dimension = '_T' then 'Всего' else places.name_ru end as dimension_ru,
    case when counts.dimension = '_T' then 'Усяго' else places.name_be end as dimension_be,
    case when counts.dimension = '_T' then 'Total' else places.name_en end as dimension_en,
    cast(counts.indicator_count as integer) as indicator_count,
    cast(counts.reported_count as integer) as reported_count,
    cast(counts.reported_same_count as integer) as reported_same_count,
    {{ percentage('counts.reported_count', 'counts.indicator_count') }} as reported_pct,
    counts.synthetic
from counts
left join {{ source('catalogue', 'framework_place') }} as places
    on counts.framework = places.framework and counts.dimension = places.place
