-- Plan and fact of each version of each target: a row for each year of the programme up to the target's in which the
-- indicator has a figure or a reason why it has none, and one for the target's own year.
with targets as (
    select
        planned.*,
        programmes.year_from,
        programmes.green_from_pct,
        programmes.yellow_from_pct,
        programmes.thresholds_status,
        programmes.synthetic as is_invented,
        indicators.direction,
        indicators.unit_measure,
        indicators.decimals
    from {{ source('catalogue', 'target') }} as planned
    inner join {{ ref('mart_programme') }} as programmes on planned.programme = programmes.programme
    inner join {{ source('catalogue', 'indicator') }} as indicators on planned.indicator = indicators.indicator
),

facts as (
    select
        indicator,
        ref_area,
        {{ year_of('time_period') }} as year,
        obs_value,
        obs_status,
        missing_reason,
        method_version,
        synthetic
    from {{ ref('mart_open_indicator_value') }}
    where freq = 'A' and breakdown = '_T'
),

-- The line to the target begins at the published baseline; without one, at the first fact since the year before the
-- programme.
first_facts as (
    select
        targets.programme,
        targets.target,
        targets.ref_area,
        min(facts.year) as year
    from targets
    inner join facts on targets.indicator = facts.indicator and targets.ref_area = facts.ref_area
    where facts.obs_value is not null and facts.year between targets.year_from - 1 and targets.year - 1
    group by targets.programme, targets.target, targets.ref_area
),

started as (
    select
        targets.*,
        coalesce(targets.baseline_year, first_facts.year) as start_year,
        coalesce(targets.baseline_value, facts.obs_value) as start_value
    from targets
    left join first_facts
        on
            targets.programme = first_facts.programme
            and targets.target = first_facts.target
            and targets.ref_area = first_facts.ref_area
    left join facts
        on
            targets.indicator = facts.indicator
            and targets.ref_area = facts.ref_area
            and first_facts.year = facts.year
),

years as (
    select
        targets.programme,
        targets.target,
        targets.ref_area,
        targets.version_no,
        facts.year
    from targets
    inner join facts on targets.indicator = facts.indicator and targets.ref_area = facts.ref_area
    where facts.year between targets.year_from and targets.year
    union
    select programme, target, ref_area, version_no, year from targets
),

-- the newest fact of that year or before
latest as (
    select
        years.programme,
        years.target,
        years.ref_area,
        years.version_no,
        years.year,
        max(facts.year) as fact_year
    from years
    inner join targets
        on
            years.programme = targets.programme
            and years.target = targets.target
            and years.ref_area = targets.ref_area
            and years.version_no = targets.version_no
    inner join facts on targets.indicator = facts.indicator and targets.ref_area = facts.ref_area
    where facts.obs_value is not null and facts.year between targets.year_from - 1 and years.year
    group by years.programme, years.target, years.ref_area, years.version_no, years.year
),

-- the newest year that anything is known of the indicator, anywhere
known as (
    select indicator, max(year) as year from facts
    group by indicator
),

figures as (
    select
        started.programme,
        started.target,
        started.indicator,
        started.ref_area,
        years.year,
        started.year as target_year,
        started.version_no,
        started.is_newest,
        started.valid_from,
        started.valid_to,
        started.act,
        started.unit_measure,
        started.decimals,
        started.direction,
        started.plan_value,
        started.baseline_value,
        started.baseline_year,
        started.baseline_ru,
        started.start_year,
        started.start_value,
        started.green_from_pct,
        started.yellow_from_pct,
        started.thresholds_status,
        facts.obs_value,
        coalesce(facts.obs_status, 'O') as obs_status,
        case
            when facts.year is not null then facts.missing_reason
            when started.year > known.year then 'not_yet'
            else 'not_reported'
        end as missing_reason,
        facts.method_version,
        started.is_invented or coalesce(facts.synthetic, false) as synthetic,
        newest.obs_value as latest_value,
        newest.year as latest_year,
        case
            when years.year = started.year then started.plan_value
            when years.year > started.start_year
                then {{ exact_ratio(
                    fixed(
                        'started.start_value * (started.year - years.year)'
                        ~ ' + started.plan_value * (years.year - started.start_year)'
                    ),
                    fixed('started.year - started.start_year'),
                    fixed('1')
                ) }}
        end as needed_value
    from years
    inner join started
        on
            years.programme = started.programme
            and years.target = started.target
            and years.ref_area = started.ref_area
            and years.version_no = started.version_no
    left join known on started.indicator = known.indicator
    left join facts
        on
            started.indicator = facts.indicator
            and started.ref_area = facts.ref_area
            and years.year = facts.year
    left join latest
        on
            years.programme = latest.programme
            and years.target = latest.target
            and years.ref_area = latest.ref_area
            and years.version_no = latest.version_no
            and years.year = latest.year
    left join facts as newest
        on
            started.indicator = newest.indicator
            and started.ref_area = newest.ref_area
            and latest.fact_year = newest.year
),

compared as (
    select
        figures.*,
        {{ is_reached('obs_value', 'plan_value', 'direction') }} as is_reached,
        {{ is_reached('obs_value', 'plan_value', 'direction') }}
        or {{ is_reached('obs_value', 'needed_value', 'direction') }} as on_track,
        {{ reached_pct('obs_value', 'plan_value', 'direction') }} as pct_of_plan,
        {{ reached_pct('obs_value', 'needed_value', 'direction') }} as pct_of_needed,
        case
            when {{ is_reached('latest_value', 'plan_value', 'direction') }} then {{ fixed('0') }}
            else {{ exact_ratio(
                fixed('plan_value - latest_value'), fixed('target_year - latest_year'), fixed('1')
            ) }}
        end as needed_yearly_change
    from figures
),

-- A year before the target's is held against the line, unless the plan is reached already. Where there is no line yet,
-- or nothing to compare, there is no light.
judged as (
    select
        compared.*,
        case
            when obs_value is null or plan_value is null then null
            when is_reached or year = target_year then 'plan'
            when needed_value is not null then 'trajectory'
        end as rag_basis
    from compared
)

select
    programme,
    target,
    indicator,
    ref_area,
    cast(year as varchar) as time_period,
    cast(target_year as varchar) as target_period,
    version_no,
    is_newest,
    valid_from,
    valid_to,
    act as legal_act,
    unit_measure,
    decimals,
    direction,
    {{ fixed('baseline_value') }} as baseline_value,
    cast(baseline_year as varchar) as baseline_period,
    baseline_ru,
    {{ fixed('plan_value') }} as plan_value,
    {{ fixed('obs_value') }} as obs_value,
    obs_status,
    missing_reason,
    pct_of_plan,
    {{ fixed('obs_value - plan_value') }} as deviation,
    {{ exact_ratio(fixed('obs_value - plan_value'), fixed('abs(plan_value)'), fixed('100')) }} as deviation_pct,
    case when is_reached then {{ fixed('0') }} else {{ fixed('abs(plan_value - obs_value)') }} end as gap_left,
    is_reached,
    cast(start_year as varchar) as start_period,
    {{ fixed('start_value') }} as start_value,
    {{ fixed('needed_value') }} as needed_value,
    pct_of_needed,
    on_track,
    {{ fixed('case when latest_year < target_year then needed_yearly_change end') }} as needed_yearly_change,
    case
        when rag_basis is null then 'grey'
        when rag_basis = 'plan' and (is_reached or pct_of_plan >= green_from_pct) then 'green'
        when rag_basis = 'plan' and pct_of_plan >= yellow_from_pct then 'yellow'
        when rag_basis = 'trajectory' and (on_track or pct_of_needed >= green_from_pct) then 'green'
        when rag_basis = 'trajectory' and pct_of_needed >= yellow_from_pct then 'yellow'
        else 'red'
    end as rag_status,
    rag_basis,
    thresholds_status,
    method_version,
    synthetic
from judged
