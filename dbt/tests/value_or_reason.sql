-- Each row has either a value or a reason why it has none, with the status that goes with it.
select indicator, ref_area, time_period, breakdown, obs_value, obs_status, missing_reason
from {{ ref('mart_indicator_value') }}
where
    (obs_value is null) <> (missing_reason is not null)
    or (obs_value is null) <> (obs_status in ('O', 'L', 'M', 'Q'))
