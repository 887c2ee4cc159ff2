-- Missing values that a declared rule fills in, from observed ones alone: what is imputed is never used again. Only
-- totals are filled in, and only where nothing was delivered, published or kept: what is suppressed or cannot exist
-- stays so.
with figures as (
    select
        decided.indicator,
        decided.ref_area,
        decided.level,
        decided.region,
        decided.freq,
        decided.time_period,
        decided.period_no,
        decided.obs_value,
        decided.reason in ('not_delivered', 'not_published', 'not_retained') and not decided.low_coverage as is_wanted,
        indicators.imputation as rule,
        indicators.imputation_limit as rule_limit,
        indicators.imputation_indicator as survey
    from {{ ref('int_indicator_believed') }} as decided
    inner join {{ source('catalogue', 'indicator') }} as indicators on decided.indicator = indicators.indicator
    where indicators.imputation is not null and decided.freq = indicators.imputation_freq and decided.breakdown = '_T'
),

around as (
    select
        figures.*,
        max(case when obs_value is not null then period_no end) over (
            partition by indicator, ref_area, freq order by period_no
            rows between unbounded preceding and 1 preceding
        ) as before_no,
        min(case when obs_value is not null then period_no end) over (
            partition by indicator, ref_area, freq order by period_no
            rows between 1 following and unbounded following
        ) as after_no
    from figures
),

neighbours as (
    select
        around.*,
        before.obs_value as before_value,
        before.time_period as before_period,
        after.obs_value as after_value,
        after.time_period as after_period
    from around
    left join figures as before
        on
            around.indicator = before.indicator
            and around.ref_area = before.ref_area
            and around.freq = before.freq
            and around.before_no = before.period_no
    left join figures as after
        on
            around.indicator = after.indicator
            and around.ref_area = after.ref_area
            and around.freq = after.freq
            and around.after_no = after.period_no
    where around.is_wanted
),

group_means as (
    select
        wanted.indicator,
        wanted.ref_area,
        wanted.freq,
        wanted.time_period,
        {{ exact_ratio(fixed('sum(peers.obs_value)'), fixed('count(peers.obs_value)'), fixed('1')) }} as mean,
        count(peers.obs_value) as peers
    from figures as wanted
    inner join figures as peers
        on
            wanted.indicator = peers.indicator
            and wanted.freq = peers.freq
            and wanted.time_period = peers.time_period
            and wanted.level = peers.level
            and (wanted.level = 'region' or wanted.region = peers.region)
    where wanted.is_wanted and wanted.rule = 'group_mean' and wanted.level <> 'country'
    group by wanted.indicator, wanted.ref_area, wanted.freq, wanted.time_period
),

filled as (
    select
        indicator,
        ref_area,
        freq,
        time_period,
        rule,
        before_value as obs_value,
        before_period as imputed_from,
        'assumptions' as quality_class
    from neighbours
    where rule = 'carry_forward' and period_no - before_no <= rule_limit
    union all
    select
        indicator,
        ref_area,
        freq,
        time_period,
        rule,
        {{ exact_ratio(
            fixed('before_value * (after_no - period_no) + after_value * (period_no - before_no)'),
            fixed('after_no - before_no'),
            fixed('1')
        ) }} as obs_value,
        before_period || ' ' || after_period as imputed_from,
        'assumptions' as quality_class
    from neighbours
    where rule = 'linear' and after_no - before_no - 1 <= rule_limit
    union all
    select
        group_means.indicator,
        group_means.ref_area,
        group_means.freq,
        group_means.time_period,
        'group_mean' as rule,
        group_means.mean as obs_value,
        cast(group_means.peers as varchar) || ' ' || figures.level as imputed_from,
        'higher_level' as quality_class
    from group_means
    inner join figures
        on
            group_means.indicator = figures.indicator
            and group_means.ref_area = figures.ref_area
            and group_means.freq = figures.freq
            and group_means.time_period = figures.time_period
    where group_means.peers >= figures.rule_limit
    union all
    select
        figures.indicator,
        figures.ref_area,
        figures.freq,
        figures.time_period,
        figures.rule,
        surveyed.obs_value,
        figures.survey as imputed_from,
        'survey' as quality_class
    from figures
    inner join {{ ref('int_indicator_believed') }} as surveyed
        on
            figures.survey = surveyed.indicator
            and figures.ref_area = surveyed.ref_area
            and figures.freq = surveyed.freq
            and figures.time_period = surveyed.time_period
            and surveyed.breakdown = '_T'
    where figures.is_wanted and figures.rule = 'survey' and surveyed.obs_value is not null
)

select
    indicator,
    ref_area,
    freq,
    time_period,
    '_T' as breakdown,
    rule,
    {{ fixed('obs_value') }} as obs_value,
    imputed_from,
    quality_class
from filled
