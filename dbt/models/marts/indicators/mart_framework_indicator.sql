-- Every indicator of every framework: its place, what of its formula was compared, what answers to it, and whether
-- it is reported.
with answers as (
    select
        framework,
        code,
        string_agg(indicator, ', ' order by indicator) as answered_by,
        bool_or(match = 'same') as has_same,
        string_agg(note_ru, ' ' order by indicator) as answer_note_ru
    from {{ source('catalogue', 'framework_answer') }}
    group by framework, code
),

areas as (
    select ref_area, level from {{ ref('dim_territory') }}
    where level in ('country', 'region')
),

reporting as (
    select
        reported.framework,
        reported.code,
        count(*) filter (where areas.level = 'region') as regions_reporting,
        max(case when areas.level = 'country' then reported.newest_period end) as newest_period,
        bool_or(reported.synthetic) as synthetic
    from {{ ref('int_framework_reporting') }} as reported
    inner join areas on reported.ref_area = areas.ref_area
    group by reported.framework, reported.code
)

select
    listed.framework,
    listed.code,
    listed.indicator_no,
    places.dimension,
    dimensions.name_ru as dimension_ru,
    dimensions.name_be as dimension_be,
    dimensions.name_en as dimension_en,
    listed.place,
    places.path_ru as place_ru,
    places.path_be as place_be,
    places.path_en as place_en,
    listed.name_ru,
    listed.name_be,
    listed.name_en,
    listed.numerator_ru,
    listed.numerator_be,
    listed.numerator_en,
    listed.denominator_ru,
    listed.denominator_be,
    listed.denominator_en,
    listed.multiplier,
    listed.unit_measure,
    listed.unit_ru,
    listed.unit_be,
    listed.unit_en,
    listed.data_points_ru,
    listed.data_points_be,
    listed.data_points_en,
    listed.direction,
    listed.kpi_level,
    listed.kpi_type,
    listed.type_verified,
    listed.formula_status,
    listed.source_ru,
    listed.reference,
    listed.note_ru,
    answers.answered_by,
    case when answers.has_same then 'same' when answers.code is not null then 'close' end as match,
    answers.answer_note_ru,
    case when reporting.code is null then 'not_reported' else 'reported' end as reporting,
    case when reporting.code is null then 'не представлен' else 'представлен' end as reporting_ru,
    case when reporting.code is null then 'не прадстаўлены' else 'прадстаўлены' end as reporting_be,
    cast(coalesce(reporting.regions_reporting, 0) as integer) as regions_reporting,
    cast((select count(*) from areas where areas.level = 'region') as integer) as region_count,
    reporting.newest_period,
    coalesce(reporting.synthetic, false) as synthetic
from {{ source('catalogue', 'framework_indicator') }} as listed
inner join {{ source('catalogue', 'framework_place') }} as places
    on listed.framework = places.framework and listed.place = places.place
inner join {{ source('catalogue', 'framework_place') }} as dimensions
    on places.framework = dimensions.framework and places.dimension = dimensions.place
left join answers on listed.framework = answers.framework and listed.code = answers.code
left join reporting on listed.framework = reporting.framework and listed.code = reporting.code
