-- Outlines of regions (part adm1) and districts (part adm2) as GeoJSON, WGS84. Minsk stands in both.
select
    features.load_id,
    features.row_no,
    features.feature_id as ref_area,
    features.geometry_type,
    features.geometry,
    loads.part
from {{ source('raw', 'territory_register__boundaries') }} as features
inner join {{ source('ops', 'effective_load') }} as loads on features.load_id = loads.load_id
