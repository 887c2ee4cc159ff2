select
    boundaries.ref_area,
    territories.level,
    boundaries.geometry,
    boundaries.load_id
from {{ ref('stg_territory_register__boundaries') }} as boundaries
inner join {{ ref('dim_territory') }} as territories on boundaries.ref_area = territories.ref_area
