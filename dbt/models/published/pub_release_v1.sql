select
    release,
    time_period,
    title_ru,
    title_be,
    title_en,
    embargo_until_minsk as embargo_until,
    example,
    legal_act,
    note_ru,
    note_be,
    note_en
from {{ ref('stg_catalogue__release') }}
