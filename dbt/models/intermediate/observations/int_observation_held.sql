-- Observations that are held back because something about them cannot be true, with the rule and the loads that they
-- are from. All else is built and published; what is computed from these is missing, and says so.
with broken as (
    select * from {{ ref('int_hierarchy') }}
    where is_held
),

parts as (
    {{ parts_of_territories() }}
),

-- which of them is wrong, nobody knows: the whole and its parts
hierarchy as (
    select
        measure,
        parent as ref_area,
        time_period,
        breakdown
    from broken
    union
    select
        broken.measure,
        parts.ref_area,
        broken.time_period,
        broken.breakdown
    from broken
    inner join parts on broken.parent = parts.parent and broken.time_period = parts.year
),

-- the source says something else now than what was corrected: somebody has to look
corrections as (
    select
        corrections.measure,
        corrections.ref_area,
        corrections.time_period,
        corrections.breakdown
    from {{ source('catalogue', 'correction') }} as corrections
    inner join {{ ref('int_observations_reported') }} as reported
        on
            corrections.measure = reported.measure
            and corrections.ref_area = reported.ref_area
            and corrections.time_period = reported.time_period
            and corrections.breakdown = reported.breakdown
    where reported.load_id is not null and not reported.synthetic
    group by
        corrections.correction, corrections.measure, corrections.ref_area, corrections.time_period,
        corrections.breakdown
    having not coalesce(bool_or(reported.obs_value = corrections.expected), false)
),

-- a city of oblast subordination without an area would silently stay in the area of its district; a city that is a
-- region would be missing from the country
without_area as (
    select listed.ref_area
    from {{ ref('stg_territory_register__territories') }} as listed
    left join {{ ref('stg_territory_register__town_areas') }} as areas on listed.ref_area = areas.ref_area
    where areas.area_km2 is null
),

wrapped as (
    select subordination.district as ref_area
    from {{ ref('int_city_district') }} as subordination
    inner join without_area on subordination.ref_area = without_area.ref_area
    union
    select countries.ref_area
    from {{ source('catalogue', 'territory_code') }} as cities
    inner join without_area on cities.ref_area = without_area.ref_area
    inner join {{ source('catalogue', 'territory_code') }} as regions
        on cities.soato = regions.soato and regions.level = 'region'
    cross join {{ source('catalogue', 'territory_code') }} as countries
    where cities.level = 'city' and countries.level = 'country'
),

found as (
    select
        'hierarchy' as rule,
        measure,
        ref_area,
        time_period,
        breakdown
    from hierarchy
    union all
    select
        'correction' as rule,
        measure,
        ref_area,
        time_period,
        breakdown
    from corrections
    union all
    select
        'city_without_area' as rule,
        'area_km2' as measure,
        ref_area,
        '_Z' as time_period,
        '_T' as breakdown
    from wrapped
    union all
    -- a city has more people or a larger area than the district that it is taken off
    select
        'below_zero' as rule,
        measure,
        ref_area,
        time_period,
        breakdown
    from {{ ref('int_observations_counted') }}
    where measure in ('{{ var("coverage_measure") }}', 'area_km2')
    group by measure, ref_area, time_period, breakdown
    having sum(obs_value) < 0
),

first_rule as (
    select
        measure,
        ref_area,
        time_period,
        breakdown,
        min(rule) as rule
    from found
    group by measure, ref_area, time_period, breakdown
)

select
    first_rule.measure,
    first_rule.ref_area,
    counted.freq,
    first_rule.time_period,
    first_rule.breakdown,
    first_rule.rule,
    string_agg(distinct counted.load_id, ' ' order by counted.load_id) as loads,
    bool_or(counted.synthetic) as synthetic
from first_rule
inner join {{ ref('int_observations_counted') }} as counted
    on
        first_rule.measure = counted.measure
        and first_rule.ref_area = counted.ref_area
        and first_rule.time_period = counted.time_period
        and first_rule.breakdown = counted.breakdown
where counted.obs_value is not null
group by
    first_rule.measure, first_rule.ref_area, counted.freq, first_rule.time_period, first_rule.breakdown, first_rule.rule
