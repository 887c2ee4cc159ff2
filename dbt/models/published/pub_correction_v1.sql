select
    correction,
    measure,
    ref_area,
    time_period,
    breakdown,
    action,
    expected,
    reported_value,
    value,
    correction_state,
    reason_ru,
    reason_be,
    reason_en,
    decided_by,
    decided_on,
    upstream,
    reference
from {{ ref('mart_correction') }} as corrections
where {{ not_under_embargo('measure', 'corrections') }}
