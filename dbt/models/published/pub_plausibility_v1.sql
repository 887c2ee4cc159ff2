select
    rule,
    kind,
    severity,
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    obs_value,
    compared_value,
    limit_value,
    distance,
    says_ru,
    says_be,
    says_en,
    reference,
    synthetic
from {{ ref('mart_plausibility') }} as found
-- what cannot be true is held back; a leap tells the value of the year before
where
    severity = 'warning'
    and {{ not_under_embargo('indicator', 'found') }}
    and {{ not_under_embargo('indicator', 'found', year_before('found.time_period')) }}
