-- First step back from a value: the terms of each territory that it is made of, and what lies in none of them.
{{ config(materialized='view') }}
with parts as (
    select
        figures.indicator,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        figures.breakdown,
        coalesce(members.member, figures.ref_area) as reported_by
    from {{ ref('mart_indicator_value') }} as figures
    left join {{ ref('int_indicator_member') }} as members
        on
            figures.derivation in ('rolled_up', 'percentile')
            and figures.indicator = members.indicator
            and figures.freq = members.freq
            and figures.time_period = members.time_period
            and figures.ref_area = members.target
    where figures.derivation = 'own' or members.member is not null
),

-- a region and what lies below it
within as (
    select ancestor, ref_area, valid_from, valid_to from {{ ref('int_territory_ancestor') }}
    union all
    select
        ref_area as ancestor,
        ref_area,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to
    from {{ ref('dim_territory') }}
)

select
    parts.indicator,
    parts.ref_area,
    parts.freq,
    parts.time_period,
    parts.breakdown,
    parts.reported_by,
    terms.side,
    terms.term_no,
    terms.measure,
    terms.times_measure,
    terms.weight,
    terms.term_ref_area,
    terms.term_freq,
    terms.term_period,
    terms.term_breakdown,
    terms.value,
    terms.missing_reason
from parts
inner join {{ ref('int_indicator_term') }} as terms
    on
        parts.indicator = terms.indicator
        and parts.reported_by = terms.ref_area
        and parts.freq = terms.freq
        and parts.time_period = terms.time_period
        and parts.breakdown = terms.breakdown
union all
select
    figures.indicator,
    figures.ref_area,
    figures.freq,
    figures.time_period,
    figures.breakdown,
    unallocated.ref_area as reported_by,
    terms.side,
    terms.term_no,
    terms.measure,
    terms.times_measure,
    terms.weight,
    unallocated.ref_area as term_ref_area,
    unallocated.freq as term_freq,
    unallocated.time_period as term_period,
    unallocated.breakdown as term_breakdown,
    unallocated.value,
    unallocated.missing_reason
from {{ ref('mart_indicator_value') }} as figures
inner join {{ ref('stg_catalogue__indicator_term') }} as terms
    on
        figures.indicator = terms.indicator
        and figures.method_version = terms.method_version
        and terms.reference = 'same'
        and terms.breakdown in ('_T', '*')
        and terms.times_measure is null
inner join within
    on figures.ref_area = within.ancestor and figures.last_day between within.valid_from and within.valid_to
inner join {{ ref('int_measure_period') }} as unallocated
    on
        terms.measure = unallocated.measure
        and within.ref_area = unallocated.ref_area
        and figures.freq = unallocated.freq
        and figures.time_period = unallocated.time_period
        and unallocated.breakdown = '_U'
        and unallocated.value is not null
where figures.includes_unallocated
