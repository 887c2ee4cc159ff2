with origins as (
    select distinct
        terms.indicator,
        measures.source,
        feeds.attribution
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'measure') }} as measures on terms.measure = measures.measure
    inner join {{ source('catalogue', 'feed') }} as feeds
        on measures.source = feeds.source and measures.feed = feeds.feed
),

credits as (
    select
        indicator,
        string_agg(distinct source, ', ' order by source) as sources,
        string_agg(distinct attribution, '; ' order by attribution) as attribution
    from origins
    group by indicator
)

select
    indicators.indicator,
    indicators.name_ru,
    indicators.name_be,
    indicators.name_en,
    indicators.definition_ru,
    indicators.numerator_ru,
    indicators.denominator_ru,
    indicators.unit_measure,
    indicators.unit_ru,
    indicators.unit_be,
    indicators.unit_en,
    indicators.decimals,
    indicators.scale,
    indicators.direction,
    indicators.theme,
    indicators.theme_ru,
    indicators.theme_be,
    indicators.theme_en,
    indicators.frequencies,
    indicators.method_version,
    indicators.method_valid_from,
    indicators.method_valid_to,
    credits.sources,
    credits.attribution,
    indicators.frameworks,
    indicators.owner
from {{ source('catalogue', 'indicator') }} as indicators
inner join credits on indicators.indicator = credits.indicator
