-- What is published adds up: regions make the country, districts and cities of oblast subordination make their region,
-- but for rounding. What does not is held back; this looks whether it was.
select
    found.measure,
    found.parent,
    found.time_period,
    found.breakdown,
    found.sum_of_parts,
    found.value
from {{ ref('int_hierarchy') }} as found
inner join {{ ref('int_observations') }} as observed
    on
        found.measure = observed.measure
        and found.parent = observed.ref_area
        and found.time_period = observed.time_period
        and found.breakdown = observed.breakdown
where found.is_held and observed.obs_value is not null
