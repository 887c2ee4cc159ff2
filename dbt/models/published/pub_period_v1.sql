select
    time_period,
    freq,
    first_day,
    last_day,
    name_ru,
    name_be,
    name_en
from {{ ref('dim_period') }}
