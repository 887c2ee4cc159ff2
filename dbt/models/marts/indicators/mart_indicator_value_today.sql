-- The values of the periods before a change of borders, for the territory as it is today: numerator and denominator of
-- what it is made of, added up. Nothing is invented: where a share is not known, or a part has no whole figure, there
-- is no value, and the reason is said. Only for indicators that are sums, or ratios of sums, of one territory and
-- period.
with additive as (
    select terms.indicator
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    inner join {{ source('catalogue', 'indicator') }} as indicators on terms.indicator = indicators.indicator
    where coalesce(indicators.roll_up, '') <> 'percentile'
    group by terms.indicator
    having bool_and(terms.reference = 'same' and terms.times_measure is null and measures.territory = 'sum')
),

figures as (
    select
        figures.*,
        figures.imputed_by is null
        and figures.numerator is not null
        and (figures.derivation = 'own' or figures.coverage_population_pct = 100) as is_whole
    from {{ ref('mart_open_indicator_value') }} as figures
    inner join additive on figures.indicator = additive.indicator
),

members as (
    select target, member, share, changed_on, listed_from
    from {{ ref('int_territory_today') }}
),

-- the periods before a change by which anything was reported, and what is asked for in them
wanted as (
    select distinct
        members.target,
        figures.indicator,
        figures.freq,
        figures.time_period,
        figures.breakdown,
        figures.unit_measure,
        figures.decimals,
        figures.method_version,
        figures.first_day,
        figures.last_day
    from members
    left join {{ ref('dim_territory') }} as ended on members.member = ended.ref_area
    inner join figures on members.member = figures.ref_area or members.target = figures.ref_area
    where
        figures.derivation <> 'absent'
        and (
            figures.first_day < members.changed_on
            or (members.member = figures.ref_area and ended.listed_to is not null and figures.numerator is not null)
        )
),

asked as (
    select
        wanted.*,
        members.member,
        members.share,
        -- by which borders a source counted in the period of a change, nobody knows, unless it counts what has ended
        ended.listed_to is null and wanted.last_day >= members.changed_on as is_between
    from wanted
    inner join members on wanted.target = members.target
    left join {{ ref('dim_territory') }} as ended on members.member = ended.ref_area
    where wanted.first_day < members.changed_on or ended.listed_to is not null
    union all
    -- the territory itself, unless it is one of the parts that it was split into, or had not begun
    select
        wanted.*,
        wanted.target as member,
        cast(1 as numeric(24, 6)) as share,
        false as is_between
    from wanted
    where
        not exists (
            select 1 from members
            where
                members.target = wanted.target
                and (
                    (members.member = members.target and wanted.first_day < members.changed_on)
                    or wanted.last_day < members.listed_from
                )
        )
),

parts as (
    select
        asked.*,
        figures.is_whole,
        figures.missing_reason,
        figures.numerator,
        figures.denominator,
        figures.obs_status,
        figures.synthetic
    from asked
    left join figures
        on
            asked.member = figures.ref_area
            and asked.indicator = figures.indicator
            and asked.freq = figures.freq
            and asked.time_period = figures.time_period
            and asked.breakdown = figures.breakdown
    left join {{ ref('dim_territory') }} as ended on asked.member = ended.ref_area
    -- after its end a territory counts where a source still does
    where
        ended.listed_to is null
        or asked.last_day <= ended.listed_to
        or figures.numerator is not null
),

added as (
    select
        target as ref_area,
        indicator,
        freq,
        time_period,
        breakdown,
        unit_measure,
        decimals,
        method_version,
        bool_or(is_between) as is_between,
        bool_and(share is not null) as is_known,
        bool_and(coalesce(is_whole, false)) as is_whole,
        {{ worst_reason("coalesce(missing_reason, case when is_whole then null else 'not_delivered' end)") }}
            as missing_reason,
        sum(numerator * share) as numerator,
        sum(denominator * share) as denominator,
        count(denominator) > 0 as has_denominator,
        {{ worst_status('obs_status') }} as obs_status,
        bool_or(coalesce(synthetic, false)) as synthetic,
        string_agg(
            member || case
                when share is null then ' x ?' when share = 1 then '' else ' x ' || cast(share as varchar)
            end, ', ' order by member, share nulls last
        ) as made_of
    from parts
    group by
        target, indicator, freq, time_period, breakdown, unit_measure, decimals, method_version
),

decided as (
    select
        added.*,
        methods.scale,
        case
            when added.is_between then 'borders_changed'
            when not added.is_known then 'no_share'
            when not added.is_whole then coalesce(added.missing_reason, 'not_published')
            when added.has_denominator and added.denominator = 0 then 'not_applicable'
            when added.has_denominator and added.denominator < 0 then 'held_back'
        end as reason
    from added
    inner join {{ source('catalogue', 'indicator_method') }} as methods
        on added.indicator = methods.indicator and added.method_version = methods.method_version
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    breakdown,
    cast(case
        when reason is not null then null
        when has_denominator then {{ exact_ratio(fixed('numerator'), fixed('denominator'), 'scale') }}
        else {{ fixed('numerator * scale') }}
    end as numeric(24, 6)) as obs_value,
    case when reason is not null then {{ status_of_reason('reason') }} else obs_status end as obs_status,
    reason as missing_reason,
    {{ fixed('case when reason is null then numerator end') }} as numerator,
    {{ fixed('case when reason is null then denominator end') }} as denominator,
    unit_measure,
    decimals,
    method_version,
    made_of,
    synthetic
from decided
