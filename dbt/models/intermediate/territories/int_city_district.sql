-- The district that holds a city of oblast subordination, in the order in which they are asked: that of the code list;
-- if it has no figure, because it has ended, that of the list of towns, and the one that it was merged into.
{{ config(materialized='view') }}
with successors as (
    select
        subordination.ref_area,
        changes.to_id as district
    from {{ ref('stg_catalogue__subordination') }} as subordination
    inner join {{ ref('int_territory_change') }} as changes
        on subordination.district = changes.ref_area and changes.kind = 'merge'
),

towns as (
    select
        subordination.ref_area,
        towns.district
    from {{ ref('stg_catalogue__subordination') }} as subordination
    inner join {{ ref('stg_territory_register__town_districts') }} as towns on subordination.ref_area = towns.ref_area
),

asked as (
    select
        ref_area,
        district,
        1 as turn
    from {{ ref('stg_catalogue__subordination') }}
    union all
    select
        ref_area,
        district,
        2 as turn
    from towns
    union all
    select
        ref_area,
        district,
        3 as turn
    from successors
)

select
    ref_area,
    district,
    cast(min(turn) as integer) as turn
from asked
group by ref_area, district
