-- The figure of each term of each indicator, for each territory that reports and each period. A term is taken from the
-- same territory and period, the year before, or the country; a denominator that may be carried forward is taken by
-- its vintage; a constant has no period.
with country as (
    select ref_area from {{ ref('dim_territory') }}
    where level = 'country'
),

reported as (
    select distinct
        terms.indicator,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        case when terms.breakdown = '*' then figures.breakdown else '_T' end as breakdown
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'indicator_frequency') }} as frequencies
        on terms.indicator = frequencies.indicator
    inner join {{ ref('int_measure_period') }} as figures
        on
            terms.measure = figures.measure
            and frequencies.freq = figures.freq
            and (terms.breakdown = figures.breakdown or (terms.breakdown = '*' and figures.breakdown <> '_U'))
    where terms.side = 'numerator' and terms.taken_at = 'same' and figures.time_period <> '_Z'
),

wanted as (
    select
        reported.*,
        terms.side,
        terms.term_no,
        terms.measure,
        terms.weight,
        terms.taken_at,
        measures.absent_reason,
        case when terms.breakdown = '*' then reported.breakdown else terms.breakdown end as term_breakdown,
        case when terms.taken_at = 'country' then country.ref_area else reported.ref_area end as term_ref_area,
        case
            when measures.constant then '_Z'
            when terms.taken_at = 'previous_year' then {{ year_before('reported.time_period') }}
            else reported.time_period
        end as term_period,
        case when measures.constant then 'A' else reported.freq end as term_freq,
        measures.carry_forward_years > 0 and terms.side = 'denominator' as by_vintage,
        {{ year_of('reported.time_period') }} as term_year
    from reported
    inner join {{ source('catalogue', 'indicator_term') }} as terms on reported.indicator = terms.indicator
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    left join country on true
),

found as (
    select
        wanted.indicator,
        wanted.ref_area,
        wanted.freq,
        wanted.time_period,
        wanted.breakdown,
        wanted.side,
        wanted.term_no,
        wanted.measure,
        wanted.weight,
        wanted.term_breakdown,
        wanted.term_ref_area,
        wanted.term_period,
        wanted.term_freq,
        wanted.by_vintage,
        figures.value,
        figures.obs_status,
        case
            when figures.ref_area is null then wanted.absent_reason
            else figures.missing_reason
        end as missing_reason,
        figures.synthetic,
        figures.has_warnings,
        figures.control_share_pct,
        figures.months_expected,
        figures.months_delivered
    from wanted
    left join {{ ref('int_measure_period') }} as figures
        on
            wanted.measure = figures.measure
            and wanted.term_ref_area = figures.ref_area
            and wanted.term_freq = figures.freq
            and wanted.term_period = figures.time_period
            and wanted.term_breakdown = figures.breakdown
    where not wanted.by_vintage
    union all
    select
        wanted.indicator,
        wanted.ref_area,
        wanted.freq,
        wanted.time_period,
        wanted.breakdown,
        wanted.side,
        wanted.term_no,
        wanted.measure,
        wanted.weight,
        wanted.term_breakdown,
        wanted.term_ref_area,
        vintages.time_period as term_period,
        'A' as term_freq,
        wanted.by_vintage,
        vintages.value,
        vintages.obs_status,
        case when vintages.value is null then 'not_published' end as missing_reason,
        vintages.synthetic,
        vintages.has_warnings,
        null as control_share_pct,
        1 as months_expected,
        case when vintages.value is null then 0 else 1 end as months_delivered
    from wanted
    left join {{ ref('int_vintage') }} as vintages
        on
            wanted.measure = vintages.measure
            and wanted.term_ref_area = vintages.ref_area
            and wanted.term_breakdown = vintages.breakdown
            and wanted.term_year = vintages.year
    where wanted.by_vintage
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    side,
    term_no,
    measure,
    weight,
    term_breakdown,
    term_ref_area,
    term_period,
    term_freq,
    value,
    coalesce(obs_status, 'A') as obs_status,
    missing_reason,
    coalesce(synthetic, false) as synthetic,
    coalesce(has_warnings, false) as has_warnings,
    control_share_pct,
    coalesce(months_expected, 1) as months_expected,
    coalesce(months_delivered, 0) as months_delivered,
    by_vintage or term_period = '_Z' as is_timeless,
    -- an older figure stands in for that of the year
    coalesce(by_vintage and {{ year_of('term_period') }} < {{ year_of('time_period') }}, false) as is_carried
from found
