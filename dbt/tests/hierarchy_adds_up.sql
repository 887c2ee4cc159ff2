-- Of a source that adds up over territories: regions make the country, districts and cities of oblast subordination
-- make their region, to the person. Compared where every part is published, in the years of the present division; a
-- figure that a correction flags is known not to fit.
with figures as (
    select
        observed.measure,
        observed.ref_area,
        observed.time_period,
        observed.breakdown,
        sum(observed.obs_value) as value
    from {{ ref('int_observations') }} as observed
    inner join {{ source('catalogue', 'measure') }} as measures on observed.measure = measures.measure
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
    inner join parts on figures.ref_area = parts.ref_area
    group by figures.measure, parts.parent, figures.time_period, figures.breakdown
    having count(*) = max(parts.part_count)
)

select
    sums.measure,
    sums.parent,
    sums.time_period,
    sums.breakdown,
    sums.value as sum_of_parts,
    figures.value
from sums
inner join figures
    on
        sums.measure = figures.measure
        and sums.parent = figures.ref_area
        and sums.time_period = figures.time_period
        and sums.breakdown = figures.breakdown
where
    sums.value <> figures.value
