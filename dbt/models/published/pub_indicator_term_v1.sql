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
from {{ ref('stg_catalogue__indicator_term') }}
