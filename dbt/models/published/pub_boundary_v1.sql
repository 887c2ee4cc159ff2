with ranked as (
    -- an outline that stands in several parts (Minsk) is taken from the first, that of the regions
    select
        ref_area,
        geometry,
        load_id,
        row_number() over (partition by ref_area order by part) as part_rank
    from {{ ref('stg_territory_register__boundaries') }}
)

select
    ranked.ref_area,
    territories.level,
    ranked.geometry,
    ranked.load_id
from ranked
inner join {{ ref('dim_territory') }} as territories on ranked.ref_area = territories.ref_area
where ranked.part_rank = 1
