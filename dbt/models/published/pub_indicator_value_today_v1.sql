select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    obs_value,
    obs_status,
    missing_reason,
    numerator,
    denominator,
    unit_measure,
    decimals,
    method_version,
    made_of,
    synthetic
from {{ ref('mart_indicator_value_today') }}
