-- A value that cannot be true, by a rule of severity error, stops the build; `gorod run` names it.
select rule, indicator, ref_area, time_period, breakdown, obs_value, compared_value, limit_value
from {{ ref('mart_plausibility') }}
where severity = 'error'
