-- Each row has either a value or a reason why it has none, with the status that goes with it. A value that was
-- filled in has both, is flagged, and has no numerator.
select indicator, ref_area, time_period, breakdown, obs_value, obs_status, missing_reason, imputed_by
from {{ ref('mart_indicator_value') }}
where
    (imputed_by is null and (obs_value is null) <> (missing_reason is not null))
    or (obs_value is null) <> (obs_status in ('O', 'L', 'M', 'Q'))
    or (imputed_by is not null) <> (obs_status = 'I')
    or (imputed_by is not null and (missing_reason is null or numerator is not null))
    or (quality_class is null) <> (obs_value is null)
