select
    measure,
    breakdown,
    name_ru,
    name_be,
    name_en
from {{ ref('stg_catalogue__measure_member') }}
union all
select
    measures.measure,
    every.breakdown,
    every.name_ru,
    every.name_be,
    every.name_en
from {{ ref('stg_catalogue__measure') }} as measures
cross join {{ parts_of_all() }} as every
