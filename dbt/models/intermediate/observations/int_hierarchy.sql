-- Where a source that adds up over territories does not: regions make the country, districts and cities of oblast
-- subordination make their region. Compared where every part that must has a figure; one that a correction flags is
-- known not to fit. A difference within the tolerance is reported; a larger one is held back.
with figures as (
    select
        observed.measure,
        observed.ref_area,
        observed.time_period,
        observed.breakdown,
        sum(observed.obs_value) as value
    from {{ ref('int_observations_counted') }} as observed
    inner join {{ ref('stg_catalogue__measure') }} as measures on observed.measure = measures.measure
    where
        measures.territory = 'sum'
        and measures.freq = 'A'
        and observed.breakdown <> '_U'
        and (observed.time_period = '_Z' or observed.time_period >= '{{ var("division_since") }}')
    group by observed.measure, observed.ref_area, observed.time_period, observed.breakdown
    having count(*) = count(observed.obs_value) and count(observed.correction) = 0
),

parts as (
    {{ parts_of_territories() }}
),

sums as (
    select
        figures.measure,
        parts.parent,
        figures.time_period,
        figures.breakdown,
        sum(figures.value) as value
    from figures
    inner join parts on figures.ref_area = parts.ref_area and figures.time_period = parts.year
    group by figures.measure, parts.parent, figures.time_period, figures.breakdown
    having sum(case when parts.is_required then 1 else 0 end) = max(parts.required_count)
)

select
    sums.measure,
    sums.parent,
    sums.time_period,
    sums.breakdown,
    {{ fixed('sums.value') }} as sum_of_parts,
    {{ fixed('figures.value') }} as value,
    abs(sums.value - figures.value) * 100
    > abs(figures.value) * {{ var("hierarchy_tolerance_pct") }} as is_held
from sums
inner join figures
    on
        sums.measure = figures.measure
        and sums.parent = figures.ref_area
        and sums.time_period = figures.time_period
        and sums.breakdown = figures.breakdown
where sums.value <> figures.value
