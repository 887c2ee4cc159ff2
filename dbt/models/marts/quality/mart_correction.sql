-- Whether each correction still fits: applied; no_data where nothing real was delivered of its observation;
-- no_longer_fits where the source says something else than the guard expects.
with found as (
    select
        corrections.correction,
        {{ fixed('max(reported.obs_value)') }} as reported_value,
        bool_or(reported.obs_value = corrections.expected) as fits,
        count(reported.measure) as observations
    from {{ source('catalogue', 'correction') }} as corrections
    left join {{ ref('int_observations_reported') }} as reported
        on
            corrections.measure = reported.measure
            and corrections.ref_area = reported.ref_area
            and corrections.time_period = reported.time_period
            and corrections.breakdown = reported.breakdown
            and reported.load_id is not null
            and not reported.synthetic
    group by corrections.correction
)

select
    corrections.correction,
    corrections.measure,
    corrections.ref_area,
    corrections.time_period,
    corrections.breakdown,
    corrections.action,
    corrections.expected,
    found.reported_value,
    corrections.value,
    case
        when found.observations = 0 then 'no_data'
        when found.fits then 'applied'
        else 'no_longer_fits'
    end as correction_state,
    corrections.reason_ru,
    corrections.reason_be,
    corrections.reason_en,
    corrections.decided_by,
    corrections.decided_on,
    corrections.upstream,
    corrections.reference
from {{ source('catalogue', 'correction') }} as corrections
inner join found on corrections.correction = found.correction
