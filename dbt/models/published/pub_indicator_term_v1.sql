select
    indicator,
    method_version,
    side,
    term_no,
    weight,
    measure,
    times_measure,
    breakdown as measure_breakdown,
    reference
from {{ source('catalogue', 'indicator_term') }}
