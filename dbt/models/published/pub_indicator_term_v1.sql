select
    indicator,
    method_version,
    side,
    term_no,
    weight,
    measure,
    times_measure,
    breakdown as measure_breakdown,
    taken_at
from {{ source('catalogue', 'indicator_term') }}
