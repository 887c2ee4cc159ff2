{% set term = ['side', 'reported_by', 'weight', 'measure', 'times_measure', 'term_ref_area', 'term_freq', 'term_period',
    'term_breakdown'] %}
with terms as (
    select
        indicator,
        ref_area,
        freq,
        time_period,
        breakdown,
        {{ term | join(', ') }}
    from {{ ref('mart_trace_term') }}
),

-- a value's own terms, and those of the values that it was filled in from
behind as (
    select
        terms.*,
        cast(null as varchar) as donor_indicator,
        cast(null as varchar) as donor_ref_area,
        cast(null as varchar) as donor_period
    from terms
    union all
    select
        donors.indicator,
        donors.ref_area,
        donors.freq,
        donors.time_period,
        donors.breakdown,
        terms.{{ term | join(', terms.') }},
        donors.donor_indicator,
        donors.donor_ref_area,
        donors.donor_period
    from {{ ref('mart_trace_donor') }} as donors
    inner join terms
        on
            donors.donor_indicator = terms.indicator
            and donors.donor_ref_area = terms.ref_area
            and donors.freq = terms.freq
            and donors.donor_period = terms.time_period
            and donors.breakdown = terms.breakdown
),

-- a product has two measures, of which the second is taken as its total: it leads to its observations once, in however
-- many terms of a side it stands
{% set kept = 'indicator, ref_area, freq, time_period, breakdown, donor_indicator, donor_ref_area, donor_period, side,'
    ~ ' reported_by, weight, term_ref_area, term_freq, term_period' %}
factors as (
    select {{ kept }}, measure as factor, term_breakdown as factor_breakdown
    from behind
    where times_measure is null
    union all
    (
        select {{ kept }}, measure as factor, term_breakdown as factor_breakdown
        from behind
        where times_measure is not null
        union
        select {{ kept }}, times_measure as factor, '_T' as factor_breakdown
        from behind
        where times_measure is not null
    )
)

select
    factors.indicator,
    factors.ref_area,
    factors.freq,
    factors.time_period,
    factors.breakdown,
    factors.donor_indicator,
    factors.donor_ref_area,
    factors.donor_period,
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
