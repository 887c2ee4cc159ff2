-- The figure of each term of each indicator, for each territory that reports and each period, by the version of the
-- method that is valid on the last day of the period. A term is taken from the same territory and period, the year
-- before, or the country; a denominator that may be carried forward is taken by its vintage; a constant has no
-- period.
{{ config(materialized='view') }}
with country as (
    select ref_area from {{ ref('dim_territory') }}
    where level = 'country'
),

methods as (
    select
        methods.indicator,
        methods.method_version,
        periods.freq,
        periods.time_period
    from {{ source('catalogue', 'indicator_method') }} as methods
    inner join {{ source('catalogue', 'indicator_frequency') }} as frequencies
        on methods.indicator = frequencies.indicator
    inner join {{ ref('dim_period') }} as periods
        on
            frequencies.freq = periods.freq
            and periods.last_day >= coalesce(methods.valid_from, cast('0001-01-01' as date))
            and periods.last_day <= coalesce(methods.valid_to, cast('9999-12-31' as date))
),

figures as (
    select
        measure,
        ref_area,
        freq,
        time_period as for_period,
        time_period,
        breakdown,
        value,
        obs_status,
        missing_reason,
        synthetic,
        has_warnings,
        control_share_pct,
        last_update,
        months_expected,
        months_delivered,
        false as by_vintage
    from {{ ref('int_measure_period') }}
    union all
    select
        vintages.measure,
        vintages.ref_area,
        periods.freq,
        periods.time_period as for_period,
        vintages.time_period,
        vintages.breakdown,
        vintages.value,
        vintages.obs_status,
        null as missing_reason,
        vintages.synthetic,
        vintages.has_warnings,
        null as control_share_pct,
        vintages.last_update,
        1 as months_expected,
        1 as months_delivered,
        true as by_vintage
    from {{ ref('int_vintage') }} as vintages
    inner join {{ ref('dim_period') }} as periods on vintages.year = periods.year
),

reported as (
    select distinct
        terms.indicator,
        terms.method_version,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        case when terms.breakdown = '*' then figures.breakdown else '_T' end as breakdown
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join methods on terms.indicator = methods.indicator and terms.method_version = methods.method_version
    inner join {{ ref('int_measure_period') }} as figures
        on
            terms.measure = figures.measure
            and methods.freq = figures.freq
            and methods.time_period = figures.time_period
            and (terms.breakdown = figures.breakdown or (terms.breakdown = '*' and figures.breakdown <> '_U'))
    where terms.side = 'numerator' and terms.taken_at = 'same'
),

wanted as (
    select
        reported.*,
        terms.side,
        terms.term_no,
        terms.measure,
        terms.times_measure,
        terms.weight,
        measures.absent_reason,
        greatest(measures.quality_rank, coalesce(multiplied.quality_rank, 0)) as quality_rank,
        case when terms.breakdown = '*' then reported.breakdown else terms.breakdown end as term_breakdown,
        case when terms.taken_at = 'country' then country.ref_area else reported.ref_area end as term_ref_area,
        case
            when measures.constant then '_Z'
            when terms.taken_at = 'previous_year' then {{ year_before('reported.time_period') }}
            else reported.time_period
        end as term_period,
        case when measures.constant then 'A' else reported.freq end as term_freq,
        measures.carry_forward_years > 0 and terms.side = 'denominator' as by_vintage
    from reported
    inner join {{ source('catalogue', 'indicator_term') }} as terms
        on reported.indicator = terms.indicator and reported.method_version = terms.method_version
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    left join {{ source('catalogue', 'measure') }} as multiplied on terms.times_measure = multiplied.measure
    left join country on true
)

select
    wanted.indicator,
    wanted.method_version,
    wanted.ref_area,
    wanted.freq,
    wanted.time_period,
    wanted.breakdown,
    wanted.side,
    wanted.term_no,
    wanted.measure,
    wanted.times_measure,
    wanted.weight,
    wanted.term_breakdown,
    wanted.term_ref_area,
    case when wanted.by_vintage then figures.time_period else wanted.term_period end as term_period,
    case when wanted.by_vintage then 'A' else wanted.term_freq end as term_freq,
    case
        when wanted.times_measure is null then figures.value else {{ fixed('figures.value * factors.value') }}
    end as value,
    case
        when 'U' in (figures.obs_status, factors.obs_status) then 'U'
        when 'E' in (figures.obs_status, factors.obs_status) then 'E'
        when 'P' in (figures.obs_status, factors.obs_status) then 'P'
        else coalesce(figures.obs_status, 'A')
    end as obs_status,
    case
        when figures.ref_area is null then wanted.absent_reason
        when figures.missing_reason is not null then figures.missing_reason
        when wanted.times_measure is not null and factors.value is null
            then coalesce(factors.missing_reason, 'not_published')
    end as missing_reason,
    coalesce(figures.synthetic, false) or coalesce(factors.synthetic, false) as synthetic,
    coalesce(figures.has_warnings, false) or coalesce(factors.has_warnings, false) as has_warnings,
    coalesce(least(figures.control_share_pct, factors.control_share_pct), figures.control_share_pct)
        as control_share_pct,
    coalesce(greatest(figures.last_update, factors.last_update), figures.last_update) as last_update,
    coalesce(figures.months_expected, 1) as months_expected,
    -- a product covers no more of the period than either of its figures
    case
        when factors.months_delivered < factors.months_expected
            then least(
                coalesce(figures.months_delivered, 0),
                cast(floor(
                    figures.months_expected * factors.months_delivered * 1.0 / factors.months_expected
                ) as integer)
            )
        else coalesce(figures.months_delivered, 0)
    end as months_delivered,
    wanted.by_vintage or wanted.term_period = '_Z' as is_timeless,
    -- an older figure stands in for that of the year
    coalesce(
        wanted.by_vintage and {{ year_of('figures.time_period') }} < {{ year_of('wanted.time_period') }}, false
    ) as is_carried,
    -- an estimate is at best an estimate on assumptions
    case
        when 'E' in (figures.obs_status, factors.obs_status) then greatest(wanted.quality_rank, 4)
        else wanted.quality_rank
    end as quality_rank
from wanted
left join figures
    on
        wanted.measure = figures.measure
        and wanted.term_ref_area = figures.ref_area
        and wanted.term_freq = figures.freq
        and wanted.term_period = figures.for_period
        and wanted.term_breakdown = figures.breakdown
        and wanted.by_vintage = figures.by_vintage
left join (
    select factor.*
    from {{ ref('int_measure_period') }} as factor
    where factor.measure in (select terms.times_measure from {{ source('catalogue', 'indicator_term') }} as terms)
) as factors
    on
        wanted.times_measure = factors.measure
        and wanted.term_ref_area = factors.ref_area
        and wanted.term_freq = factors.freq
        and wanted.term_period = factors.time_period
        and factors.breakdown = '_T'
