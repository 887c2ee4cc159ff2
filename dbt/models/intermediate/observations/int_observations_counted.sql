-- Observations as reported, or as a reviewed correction says, before anything is held back. A correction is applied
-- only where the source says exactly what its guard expects, and never to invented data.
{{ config(materialized='view') }}
with corrected as (
    select
        reported.*,
        case when not reported.synthetic then corrections.correction end as correction,
        case when not reported.synthetic then corrections.action end as action,
        corrections.value as correction_value
    from {{ ref('int_observations_reported') }} as reported
    left join {{ source('catalogue', 'correction') }} as corrections
        on
            reported.measure = corrections.measure
            and reported.ref_area = corrections.ref_area
            and reported.time_period = corrections.time_period
            and reported.breakdown = corrections.breakdown
            and reported.obs_value = corrections.expected
)

select
    measure,
    ref_area,
    freq,
    time_period,
    breakdown,
    cast(case action
        when 'override' then correction_value
        when 'scale' then {{ fixed('obs_value * correction_value') }}
        when 'drop' then null
        else obs_value
    end as numeric(24, 6)) as obs_value,
    case action
        when 'flag' then 'U'
        when 'drop' then {{ status_of_reason("'not_published'") }}
        else obs_status
    end as obs_status,
    case when action = 'drop' then 'not_published' else missing_reason end as missing_reason,
    load_id,
    source_rows,
    synthetic,
    has_warnings,
    control_share_pct,
    last_update,
    correction,
    {{ fixed('case when correction is not null then obs_value end') }} as reported_value
from corrected
