select
    programme,
    target,
    indicator,
    ref_area,
    cast(year as varchar) as time_period,
    version_no,
    is_newest,
    valid_from,
    valid_to,
    act as legal_act,
    plan_value,
    baseline_value,
    cast(baseline_year as varchar) as baseline_period,
    baseline_ru,
    baseline_be,
    baseline_en,
    reference
from {{ source('catalogue', 'target') }}
