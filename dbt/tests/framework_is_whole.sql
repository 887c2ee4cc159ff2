-- Each framework has as many indicators as its publisher says, in the mart and in the coverage of every territory, and
-- the coverage of the country counts what the mart calls reported.
with listed as (
    select
        framework,
        count(*) as indicator_count,
        count(*) filter (where reporting = 'reported') as reported_count
    from {{ ref('mart_framework_indicator') }}
    group by framework
),

by_dimension as (
    select
        framework,
        ref_area,
        sum(indicator_count) as indicator_count,
        sum(reported_count) as reported_count
    from {{ ref('mart_framework_coverage') }}
    where dimension <> '_T'
    group by framework, ref_area
)

select
    frameworks.framework,
    coverage.ref_area,
    frameworks.indicator_count as declared,
    listed.indicator_count as listed,
    coverage.indicator_count as covered
from {{ ref('stg_catalogue__framework') }} as frameworks
left join listed on frameworks.framework = listed.framework
left join {{ ref('mart_framework_coverage') }} as coverage
    on frameworks.framework = coverage.framework and coverage.dimension = '_T'
left join by_dimension
    on coverage.framework = by_dimension.framework and coverage.ref_area = by_dimension.ref_area
left join {{ ref('dim_territory') }} as territories on coverage.ref_area = territories.ref_area
where
    coalesce(listed.indicator_count, 0) <> frameworks.indicator_count
    -- there may be no register yet, and then no territory that it could be covered in
    or coverage.indicator_count <> frameworks.indicator_count
    or (coverage.ref_area is not null and coalesce(by_dimension.indicator_count, 0) <> frameworks.indicator_count)
    or (coverage.ref_area is null and exists (
        select 1 from {{ ref('dim_territory') }} as known
        where known.level = 'country'
    ))
    or by_dimension.reported_count <> coverage.reported_count
    or (territories.level = 'country' and coverage.reported_count <> listed.reported_count)
