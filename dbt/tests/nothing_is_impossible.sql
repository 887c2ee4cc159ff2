-- No value is shown that cannot be true by a rule of severity error: it is held back; `gorod run` names it.
select found.rule, found.indicator, found.ref_area, found.time_period, found.breakdown, figures.obs_value
from {{ ref('mart_plausibility') }} as found
inner join {{ ref('mart_indicator_value') }} as figures
    on
        found.indicator = figures.indicator
        and found.ref_area = figures.ref_area
        and found.freq = figures.freq
        and found.time_period = figures.time_period
        and found.breakdown = figures.breakdown
where found.severity = 'error' and figures.obs_value is not null
