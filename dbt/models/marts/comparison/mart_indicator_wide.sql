-- Every published figure with all that it is compared with, as codes and numbers; the contracts add the names.
{{ config(materialized='view') }}
with figures as (
    select
        figures.*,
        figures.time_period = max(case when figures.obs_value is not null then figures.time_period end)
            over (partition by figures.indicator, figures.level, figures.freq) as is_latest
    from {{ ref('mart_open_indicator_value') }} as figures
),

plans as (
    select
        progress.*,
        row_number() over (
            partition by indicator, ref_area, time_period order by target_period, programme, target
        ) as place
    from {{ ref('mart_progress') }} as progress
    where is_newest
)

select
    figures.indicator,
    figures.ref_area,
    figures.level,
    figures.region,
    ranks.size_group,
    figures.freq,
    figures.time_period,
    coalesce(figures.is_latest, false) as is_latest,
    figures.breakdown,
    figures.obs_value,
    {{ rounded('figures.obs_value', 'figures.decimals') }} as obs_value_rounded,
    figures.obs_status,
    figures.missing_reason,
    figures.decimals,
    figures.numerator,
    figures.denominator,
    intervals.interval_method,
    intervals.interval_lower,
    intervals.interval_upper,
    country.obs_value as country_value,
    case
        when figures.ref_area = country.ref_area or figures.obs_status = 'U' then null
        when country.obs_value < intervals.interval_lower then 'higher'
        when country.obs_value > intervals.interval_upper then 'lower'
        when country.obs_value is not null and intervals.interval_lower is not null then 'similar'
    end as versus_country,
    changes.previous_period,
    changes.previous_value,
    changes.change,
    changes.change_pct,
    changes.change_is_significant,
    changes.year_before_period,
    changes.year_before_value,
    changes.year_change,
    changes.year_change_pct,
    changes.year_change_is_significant,
    ranks.level_rank,
    ranks.rank_of,
    ranks_before.level_rank as level_rank_year_before,
    ranks.group_rank,
    ranks.group_rank_of,
    levels.median as level_median,
    size_groups.median as group_median,
    plans.programme,
    plans.target,
    plans.plan_value,
    plans.gap_left,
    plans.rag_status,
    figures.coverage_population_pct,
    figures.coverage_time_pct,
    figures.quality_class,
    figures.method_version,
    revised.indicator is not null as is_revised,
    revised.value_before,
    figures.last_update,
    figures.synthetic or coalesce(plans.synthetic, false) as synthetic,
    figures.note_ru,
    figures.note_be,
    figures.note_en
from figures
left join {{ ref('mart_indicator_interval') }} as intervals on {{ same_figure('figures', 'intervals') }}
left join {{ ref('mart_indicator_change') }} as changes on {{ same_figure('figures', 'changes') }}
left join {{ ref('mart_indicator_rank') }} as ranks on {{ same_figure('figures', 'ranks') }}
left join {{ ref('mart_indicator_rank') }} as ranks_before
    on {{ same_figure('changes', 'ranks_before', 'year_before_period') }}
left join {{ ref('mart_open_indicator_value') }} as country
    on {{ same_figure('figures', 'country', ref_area="'BY'") }}
left join {{ ref('mart_indicator_distribution') }} as levels
    on {{ same_distribution('figures', 'levels', "'_T'") }}
left join {{ ref('mart_indicator_distribution') }} as size_groups
    on {{ same_distribution('figures', 'size_groups', 'ranks.size_group') }}
left join plans
    on
        figures.indicator = plans.indicator
        and figures.ref_area = plans.ref_area
        and figures.time_period = plans.time_period
        and figures.breakdown = '_T'
        and plans.place = 1
left join {{ ref('mart_revised_now') }} as revised on {{ same_figure('figures', 'revised') }}
