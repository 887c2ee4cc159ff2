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
    from {{ ref('stg_catalogue__indicator_method') }} as methods
    inner join {{ ref('stg_catalogue__indicator_frequency') }} as frequencies
        on methods.indicator = frequencies.indicator
    inner join {{ ref('dim_period') }} as periods
        on
            frequencies.freq = periods.freq
            and periods.last_day >= coalesce(methods.valid_from, cast('0001-01-01' as date))
            and periods.last_day <= coalesce(methods.valid_to, cast('9999-12-31' as date))
),

-- a constant within earlier borders, up to the last year in which they held
former as (
    select
        figures.measure,
        figures.ref_area,
        figures.breakdown,
        figures.time_period,
        {{ year_of('figures.time_period') }} as last_year,
        coalesce(
            lag({{ year_of('figures.time_period') }}) over (
                partition by figures.measure, figures.ref_area, figures.breakdown order by figures.time_period
            ),
            0
        ) as after_year
    from {{ ref('int_measure_period') }} as figures
    inner join {{ ref('stg_catalogue__measure') }} as measures on figures.measure = measures.measure
    where measures.constant and figures.time_period <> '_Z'
),

reported as (
    select distinct
        terms.indicator,
        terms.method_version,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        case when terms.breakdown = '*' then figures.breakdown else '_T' end as breakdown
    from {{ ref('stg_catalogue__indicator_term') }} as terms
    inner join methods on terms.indicator = methods.indicator and terms.method_version = methods.method_version
    inner join {{ ref('int_measure_period') }} as figures
        on
            terms.measure = figures.measure
            and methods.freq = figures.freq
            and methods.time_period = figures.time_period
            and (terms.breakdown = figures.breakdown or (terms.breakdown = '*' and figures.breakdown <> '_U'))
    where terms.side = 'numerator' and terms.reference = 'same'
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
        case when terms.reference = 'country' then country.ref_area else reported.ref_area end as term_ref_area,
        case
            when measures.constant then '_Z'
            when terms.reference = 'previous_year' then {{ year_before('reported.time_period') }}
            else reported.time_period
        end as asked_period,
        case when measures.constant then 'A' else reported.freq end as term_freq,
        measures.carry_forward_years > 0 and terms.side = 'denominator' as by_vintage
    from reported
    inner join {{ ref('stg_catalogue__indicator_term') }} as terms
        on reported.indicator = terms.indicator and reported.method_version = terms.method_version
    inner join {{ ref('stg_catalogue__measure') }} as measures on terms.measure = measures.measure
    left join {{ ref('stg_catalogue__measure') }} as multiplied on terms.times_measure = multiplied.measure
    left join country on true
),

dated as (
    select
        wanted.*,
        coalesce(former.time_period, wanted.asked_period) as term_period
    from wanted
    left join former
        on
            wanted.asked_period = '_Z'
            and wanted.measure = former.measure
            and wanted.term_ref_area = former.ref_area
            and wanted.term_breakdown = former.breakdown
            and {{ year_of('wanted.time_period') }} > former.after_year
            and {{ year_of('wanted.time_period') }} <= former.last_year
),

-- of the two, the figure itself or its vintage, a term has at most one
found as (
    select
        wanted.*,
        coalesce(figures.ref_area, vintages.ref_area) is not null as is_known,
        coalesce(figures.time_period, vintages.time_period) as found_period,
        coalesce(figures.value, vintages.value) as value,
        coalesce(figures.obs_status, vintages.obs_status) as obs_status,
        figures.missing_reason,
        coalesce(figures.synthetic, vintages.synthetic) as synthetic,
        coalesce(figures.has_warnings, vintages.has_warnings) as has_warnings,
        figures.control_share_pct,
        coalesce(figures.last_update, vintages.last_update) as last_update,
        coalesce(figures.months_expected, 1) as months_expected,
        coalesce(figures.months_delivered, case when vintages.ref_area is not null then 1 else 0 end)
            as months_delivered
    from dated as wanted
    left join {{ ref('int_measure_period') }} as figures
        on
            wanted.measure = figures.measure
            and wanted.term_ref_area = figures.ref_area
            and wanted.term_freq = figures.freq
            and case when not wanted.by_vintage then wanted.term_period end = figures.time_period
            and wanted.term_breakdown = figures.breakdown
    left join {{ ref('int_vintage') }} as vintages
        on
            wanted.measure = vintages.measure
            and wanted.term_ref_area = vintages.ref_area
            and case when wanted.by_vintage then {{ year_of('wanted.term_period') }} end = vintages.year
            and wanted.term_breakdown = vintages.breakdown
)

select
    found.indicator,
    found.method_version,
    found.ref_area,
    found.freq,
    found.time_period,
    found.breakdown,
    found.side,
    found.term_no,
    found.measure,
    found.times_measure,
    found.weight,
    found.term_breakdown,
    found.term_ref_area,
    case when found.by_vintage then found.found_period else found.term_period end as term_period,
    case when found.by_vintage then 'A' else found.term_freq end as term_freq,
    case
        when found.times_measure is null then found.value else {{ fixed('found.value * factors.value') }}
    end as value,
    case
        when 'U' in (found.obs_status, factors.obs_status) then 'U'
        when 'E' in (found.obs_status, factors.obs_status) then 'E'
        when 'P' in (found.obs_status, factors.obs_status) then 'P'
        else coalesce(found.obs_status, 'A')
    end as obs_status,
    case
        when not found.is_known then found.absent_reason
        when found.missing_reason is not null then found.missing_reason
        when found.times_measure is not null and factors.value is null
            then coalesce(factors.missing_reason, 'not_published')
    end as missing_reason,
    coalesce(found.synthetic, false) or coalesce(factors.synthetic, false) as synthetic,
    coalesce(found.has_warnings, false) or coalesce(factors.has_warnings, false) as has_warnings,
    coalesce(least(found.control_share_pct, factors.control_share_pct), found.control_share_pct)
        as control_share_pct,
    coalesce(greatest(found.last_update, factors.last_update), found.last_update) as last_update,
    found.months_expected,
    -- a product covers no more of the period than either of its figures
    case
        when factors.months_delivered < factors.months_expected
            then least(
                found.months_delivered,
                cast(floor(
                    found.months_expected * factors.months_delivered * 1.0 / factors.months_expected
                ) as integer)
            )
        else found.months_delivered
    end as months_delivered,
    found.by_vintage or found.asked_period = '_Z' as is_timeless,
    -- an older figure stands in for that of the year
    coalesce(
        found.by_vintage and {{ year_of('found.found_period') }} < {{ year_of('found.time_period') }}, false
    ) as is_carried,
    -- an estimate is at best an estimate on assumptions
    case
        when 'E' in (found.obs_status, factors.obs_status) then greatest(found.quality_rank, 4)
        else found.quality_rank
    end as quality_rank
from found
left join (
    select factor.*
    from {{ ref('int_measure_period') }} as factor
    where factor.measure in (select terms.times_measure from {{ ref('stg_catalogue__indicator_term') }} as terms)
) as factors
    on
        found.times_measure = factors.measure
        and found.term_ref_area = factors.ref_area
        and found.term_freq = factors.freq
        and found.asked_period = factors.time_period
        and factors.breakdown = '_T'
