select
    source,
    feed,
    instance,
    part,
    ref_area,
    freq,
    time_period,
    due_on,
    reporting_state,
    received_at,
    accepted_received_at,
    deliveries,
    deliveries_refused,
    is_accepted_at_first_try,
    is_corrected,
    synthetic
from {{ ref('mart_reporting') }}
