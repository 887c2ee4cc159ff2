with origins as (
    select distinct
        terms.indicator,
        measures.source,
        feeds.attribution
    from {{ ref('stg_catalogue__indicator_term') }} as terms
    inner join {{ ref('stg_catalogue__measure') }} as measures on terms.measure = measures.measure
    inner join {{ ref('stg_catalogue__feed') }} as feeds
        on measures.source = feeds.source and measures.feed = feeds.feed
),

credits as (
    select
        indicator,
        string_agg(distinct source, ', ' order by source) as sources,
        string_agg(distinct attribution, '; ' order by attribution) as attribution
    from origins
    group by indicator
),

answers as (
    select
        answers.indicator,
        string_agg(
            frameworks.short || ' ' || answers.code || case when answers.match = 'same' then '' else ' (близкий)' end,
            '; ' order by frameworks.short, answers.code
        ) as frameworks
    from {{ ref('stg_catalogue__framework_answer') }} as answers
    inner join {{ ref('stg_catalogue__framework') }} as frameworks on answers.framework = frameworks.framework
    group by answers.indicator
),

-- parts of an indicator are suppressed by the strictest of the measures in its numerator
cells as (
    select
        terms.indicator,
        max(measures.minimum_cell) as minimum_cell
    from {{ ref('stg_catalogue__indicator_term') }} as terms
    inner join {{ ref('stg_catalogue__measure') }} as measures on terms.measure = measures.measure
    where terms.side = 'numerator'
    group by terms.indicator
)

select
    indicators.indicator,
    indicators.name_ru,
    indicators.name_be,
    indicators.name_en,
    indicators.definition_ru,
    indicators.definition_be,
    indicators.definition_en,
    indicators.rationale_ru,
    indicators.rationale_be,
    indicators.rationale_en,
    methods.numerator_ru,
    methods.numerator_be,
    methods.numerator_en,
    methods.denominator_ru,
    methods.denominator_be,
    methods.denominator_en,
    indicators.unit_measure,
    indicators.unit_ru,
    indicators.unit_be,
    indicators.unit_en,
    indicators.decimals,
    methods.scale,
    indicators.direction,
    indicators.theme,
    indicators.theme_ru,
    indicators.theme_be,
    indicators.theme_en,
    indicators.frequencies,
    indicators.levels,
    indicators.rolled_up_levels,
    indicators.roll_up,
    indicators.percentile,
    indicators.imputation,
    indicators.imputation_limit,
    indicators.minimum_time_coverage_pct,
    indicators.minimum_population_coverage_pct,
    indicators.reliable_population_coverage_pct,
    cast(coalesce(cells.minimum_cell, 0) as integer) as minimum_cell,
    indicators.method_version,
    methods.valid_from as method_valid_from,
    methods.valid_to as method_valid_to,
    methods.legal_act,
    indicators.is_measured,
    credits.sources,
    credits.attribution,
    answers.frameworks,
    indicators.owner
from {{ ref('stg_catalogue__indicator') }} as indicators
inner join {{ ref('stg_catalogue__indicator_method') }} as methods
    on indicators.indicator = methods.indicator and methods.is_newest
left join credits on indicators.indicator = credits.indicator
left join answers on indicators.indicator = answers.indicator
left join cells on indicators.indicator = cells.indicator
