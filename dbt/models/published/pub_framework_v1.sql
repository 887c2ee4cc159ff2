with counts as (
    select
        framework,
        count(*) filter (where formula_status = 'verified') as verified_count,
        count(*) filter (where reporting = 'reported') as reported_count,
        bool_or(synthetic) as synthetic
    from {{ ref('mart_framework_indicator') }}
    group by framework
)

select
    frameworks.framework,
    frameworks.short,
    frameworks.title_ru,
    frameworks.title_be,
    frameworks.title_en,
    frameworks.publisher,
    frameworks.reference,
    frameworks.indicator_count,
    cast(counts.verified_count as integer) as verified_count,
    cast(counts.reported_count as integer) as reported_count,
    frameworks.verified_ru,
    frameworks.unverified_ru,
    frameworks.translation_ru,
    counts.synthetic
from {{ ref('stg_catalogue__framework') }} as frameworks
inner join counts on frameworks.framework = counts.framework
