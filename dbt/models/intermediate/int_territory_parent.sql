-- Under which territory each one lay, and when. The code list of changes names former parents; the rest of the time
-- it is the parent of today.
with former as (
    select ref_area, parent, valid_from, valid_to from {{ source('catalogue', 'territory_parent') }}
),

last_change as (
    select ref_area, max(valid_to) as changed_on from former
    group by ref_area
)

select ref_area, parent, valid_from, valid_to from former
union all
select
    territories.ref_area,
    territories.parent,
    coalesce(last_change.changed_on + 1, cast('0001-01-01' as date)) as valid_from,
    cast('9999-12-31' as date) as valid_to
from {{ ref('dim_territory') }} as territories
left join last_change on territories.ref_area = last_change.ref_area
where territories.parent is not null
