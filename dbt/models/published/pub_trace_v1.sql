select
    terms.indicator,
    terms.ref_area,
    terms.freq,
    terms.time_period,
    terms.breakdown,
    terms.side,
    terms.reported_by,
    terms.weight,
    observed.measure,
    observed.ref_area as observed_ref_area,
    observed.observed_period,
    observed.breakdown as observed_breakdown,
    observed.load_id
from {{ ref('mart_trace_term') }} as terms
inner join {{ ref('mart_trace_observation') }} as observed
    on
        terms.measure = observed.measure
        and terms.term_ref_area = observed.ref_area
        and terms.term_freq = observed.freq
        and terms.term_period = observed.time_period
        and terms.term_breakdown = observed.breakdown
where
    {{ not_under_embargo('indicator', 'terms') }}
    and {{ not_under_embargo('measure', 'observed', 'observed.observed_period') }}
union all
-- the other factor of a product
select
    terms.indicator,
    terms.ref_area,
    terms.freq,
    terms.time_period,
    terms.breakdown,
    terms.side,
    terms.reported_by,
    terms.weight,
    observed.measure,
    observed.ref_area as observed_ref_area,
    observed.observed_period,
    observed.breakdown as observed_breakdown,
    observed.load_id
from {{ ref('mart_trace_term') }} as terms
inner join {{ ref('mart_trace_observation') }} as observed
    on
        terms.times_measure = observed.measure
        and terms.term_ref_area = observed.ref_area
        and terms.term_freq = observed.freq
        and terms.term_period = observed.time_period
        and observed.breakdown = '_T'
where
    {{ not_under_embargo('indicator', 'terms') }}
    and {{ not_under_embargo('measure', 'observed', 'observed.observed_period') }}
