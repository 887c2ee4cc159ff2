-- A share that is shown lies between 0 and 100. Growth and comparisons may exceed 100: their terms show what they are.
select figures.indicator, figures.ref_area, figures.time_period, figures.breakdown, figures.obs_value
from {{ ref('mart_indicator_value') }} as figures
inner join (
    select indicator
    from {{ ref('stg_catalogue__indicator_term') }}
    group by indicator
    having bool_and(reference = 'same')
) as plain on figures.indicator = plain.indicator
where
    (figures.unit_measure = 'PCT' and (figures.obs_value < 0 or figures.obs_value > 100))
    or figures.coverage_population_pct not between 0 and 100
    or figures.coverage_time_pct not between 0 and 100
