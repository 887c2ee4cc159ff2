-- Every indicator value, for every territory, period and breakdown: the one general model.
with valued as (
    select
        computed.*,
        indicators.scale,
        indicators.unit_measure,
        indicators.decimals,
        indicators.method_version,
        territories.level,
        territories.region,
        periods.first_day,
        periods.last_day,
        -- a part (not the total) that counts few people's doings is not shown
        coalesce(
            computed.breakdown <> '_T' and computed.numerator > 0
            and computed.numerator < cells.minimum_cell, false
        ) as is_small,
        computed.coverage_population_pct < indicators.minimum_population_coverage_pct as is_thin
    from {{ ref('int_indicator_value') }} as computed
    inner join {{ source('catalogue', 'indicator') }} as indicators on computed.indicator = indicators.indicator
    inner join {{ ref('dim_territory') }} as territories on computed.ref_area = territories.ref_area
    inner join {{ ref('dim_period') }} as periods on computed.time_period = periods.time_period
    left join (
        select
            terms.indicator,
            max(measures.minimum_cell) as minimum_cell
        from {{ source('catalogue', 'indicator_term') }} as terms
        inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
        where terms.side = 'numerator'
        group by terms.indicator
    ) as cells on computed.indicator = cells.indicator
),

decided as (
    select
        valued.*,
        case
            when not is_complete then missing_reason
            when is_thin then 'not_published'
            when has_denominator and denominator = 0 then 'not_applicable'
            when is_small then 'suppressed'
        end as reason
    from valued
)

select
    indicator,
    ref_area,
    level,
    region,
    freq,
    time_period,
    breakdown,
    case
        when reason is not null then null
        when has_denominator then {{ exact_ratio('numerator', 'denominator', 'scale') }}
        else {{ exact_ratio('numerator', fixed('1'), 'scale') }}
    end as obs_value,
    case when reason is not null then {{ status_of_reason('reason') }} else obs_status end as obs_status,
    reason as missing_reason,
    unit_measure,
    decimals,
    case when reason is null or reason = 'not_applicable' then numerator end as numerator,
    case when reason is null or reason = 'not_applicable' then denominator end as denominator,
    denominator_period,
    coverage_population_pct,
    coverage_time_pct,
    method_version,
    first_day,
    last_day,
    synthetic,
    made,
    includes_unallocated,
    nullif(trim(
        case
            when reason is null and coverage_population_pct < 100
                then 'Охват населения ' || replace(cast(coverage_population_pct as varchar), '.', ',') || ' %. '
            else ''
        end
        || case
            when reason is null and coverage_time_pct < 100
                then 'Охват времени ' || replace(cast(coverage_time_pct as varchar), '.', ',') || ' %. '
            else ''
        end
        || case
            when is_thin and is_complete
                then
                    'Сумма не публикуется: охват населения только '
                    || replace(cast(coverage_population_pct as varchar), '.', ',') || ' %. '
            else ''
        end
        || case
            when control_share_pct is not null
                then
                    'Получено не более ' || replace(cast(control_share_pct as varchar), '.', ',')
                    || ' % записей, о которых сообщил сам источник. '
            else ''
        end
        || case
            when reason is null and is_carried
                then 'Знаменатель - на 1 января ' || denominator_period || ' года. '
            else ''
        end
        || case when has_warnings then 'При проверке загрузки были предупреждения. ' else '' end
    ), '') as note_ru
from decided
