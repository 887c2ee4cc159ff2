-- What the parts of an indicator's figures are called: the members by which its measures are broken down, by the
-- numerator's name first; beside them the total, and what belongs to no part.
{{ config(materialized='view') }}
with members as (
    select
        terms.indicator,
        members.breakdown,
        members.name_ru,
        members.name_be,
        members.name_en,
        row_number() over (
            partition by terms.indicator, members.breakdown
            order by terms.side desc, terms.method_version desc, terms.term_no asc
        ) as place
    from {{ source('catalogue', 'indicator_term') }} as terms
    inner join {{ source('catalogue', 'measure_member') }} as members on terms.measure = members.measure
)

select
    indicator,
    breakdown,
    name_ru,
    name_be,
    name_en
from members
where place = 1
union all
select
    indicators.indicator,
    every.breakdown,
    every.name_ru,
    every.name_be,
    every.name_en
from {{ source('catalogue', 'indicator') }} as indicators
cross join {{ parts_of_all() }} as every
