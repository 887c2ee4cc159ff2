-- Under which territory each one lay, and when. Former parents are named by the code list of changes, by the moves that
-- somebody delivered, and by earlier registers and lists of towns, until the day on which the first with another parent
-- came, unless the move was told; the rest of the time it is the parent of today.
with told as (
    select
        ref_area,
        from_id,
        to_id,
        max(valid_from) as moved_on
    from {{ ref('int_territory_change') }}
    where kind = 'move'
    group by ref_area, from_id, to_id
),

lists as (
    select ref_area, parent_id as parent, load_no, received_on
    from {{ ref('stg_territory_register__territory_history') }}
    where level = 'district'
    union all
    select towns.ref_area, towns.district as parent, towns.load_no, towns.received_on
    from {{ ref('stg_territory_register__town_district_history') }} as towns
    where towns.ref_area not in (
        select subordination.ref_area from {{ ref('stg_catalogue__subordination') }} as subordination
    )
),

steps as (
    select
        ref_area,
        parent,
        received_on,
        lag(parent) over (partition by ref_area order by load_no) as former_parent
    from lists
),

moves as (
    select
        steps.ref_area,
        steps.former_parent,
        coalesce(told.moved_on, steps.received_on) as moved_on
    from steps
    left join told
        on steps.ref_area = told.ref_area and steps.former_parent = told.from_id and steps.parent = told.to_id
    left join {{ ref('stg_catalogue__territory_parent') }} as known
        on steps.ref_area = known.ref_area and steps.former_parent = known.parent
    where steps.former_parent <> steps.parent and known.ref_area is null
    union all
    -- before the first list that was delivered here
    select
        told.ref_area,
        told.from_id as former_parent,
        told.moved_on
    from told
    left join steps
        on told.ref_area = steps.ref_area and told.from_id = steps.former_parent and told.to_id = steps.parent
    where steps.ref_area is null
),

spans as (
    select
        ref_area,
        former_parent as parent,
        coalesce(
            lag(moved_on) over (partition by ref_area order by moved_on), cast('0001-01-01' as date)
        ) as valid_from,
        moved_on - 1 as valid_to
    from moves
),

former as (
    select ref_area, parent, valid_from, valid_to from {{ ref('stg_catalogue__territory_parent') }}
    union all
    -- two moves of one day leave the first parent no day
    select ref_area, parent, valid_from, valid_to from spans
    where valid_from <= valid_to
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
