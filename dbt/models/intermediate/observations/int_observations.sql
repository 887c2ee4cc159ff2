-- Observations as they count: what cannot be true is held back, and says so.
{{ config(materialized='view') }}
select
    counted.measure,
    counted.ref_area,
    counted.freq,
    counted.time_period,
    counted.breakdown,
    {{ fixed('case when held.rule is null then counted.obs_value end') }} as obs_value,
    case
        when held.rule is not null and counted.obs_value is not null then {{ status_of_reason("'held_back'") }}
        else counted.obs_status
    end as obs_status,
    case
        when held.rule is not null and counted.obs_value is not null then 'held_back'
        else counted.missing_reason
    end as missing_reason,
    counted.load_id,
    counted.source_rows,
    counted.synthetic,
    counted.has_warnings,
    counted.control_share_pct,
    counted.last_update,
    counted.correction,
    counted.reported_value
from {{ ref('int_observations_counted') }} as counted
left join {{ ref('int_observation_held') }} as held
    on
        counted.measure = held.measure
        and counted.ref_area = held.ref_area
        and counted.time_period = held.time_period
        and counted.breakdown = held.breakdown
