select
    ref_area,
    level,
    parent,
    region,
    name_ru,
    name_be,
    name_en,
    soato,
    soato_status,
    iso_3166_2,
    area_km2,
    lon,
    lat,
    valid_from,
    valid_to
from {{ ref('dim_territory') }}
