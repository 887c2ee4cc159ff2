-- a product has two measures, of which the second is taken as its total
with factors as (
    select terms.*, terms.measure as factor, terms.term_breakdown as factor_breakdown
    from {{ ref('mart_trace_term') }} as terms
    union all
    select terms.*, terms.times_measure as factor, '_T' as factor_breakdown
    from {{ ref('mart_trace_term') }} as terms
    where terms.times_measure is not null
)

select
    factors.indicator,
    factors.ref_area,
    factors.freq,
    factors.time_period,
    factors.breakdown,
    factors.side,
    factors.reported_by,
    factors.weight,
    observed.measure,
    observed.ref_area as observed_ref_area,
    observed.observed_period,
    observed.breakdown as observed_breakdown,
    observed.load_id
from factors
inner join {{ ref('mart_trace_observation') }} as observed
    on
        factors.factor = observed.measure
        and factors.term_ref_area = observed.ref_area
        and factors.term_freq = observed.freq
        and factors.term_period = observed.time_period
        and factors.factor_breakdown = observed.breakdown
where
    {{ not_under_embargo('indicator', 'factors') }}
    and {{ not_under_embargo('measure', 'observed', 'observed.observed_period') }}
