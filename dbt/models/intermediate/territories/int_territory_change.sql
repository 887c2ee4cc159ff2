-- Mergers, splits, moves and renamings of the territories of this warehouse: those that were delivered by their codes
-- here, and those of the register of territorial units whose codes of SOATO are known. What was told here has the last
-- word.
with codes as (
    -- Minsk as a region and as a city has one code: the city is meant
    select
        soato,
        coalesce(max(case when level = 'city' then ref_area end), max(ref_area)) as ref_area
    from {{ ref('stg_catalogue__territory_code') }}
    where soato is not null
    group by soato
),

told as (
    select load_id, row_no, kind, ref_area, from_id, to_id, valid_from, weight, act
    from {{ ref('stg_territory_register__changes') }}
),

registered as (
    select
        changes.load_id,
        changes.row_no,
        changes.kind,
        coalesce(units.ref_area, later.ref_area) as ref_area,
        former.ref_area as from_id,
        successors.ref_area as to_id,
        changes.valid_from,
        changes.weight,
        changes.act
    from {{ ref('stg_nca_register__changes') }} as changes
    left join codes as units on changes.soato = units.soato
    -- a unit may have got another code by the change itself
    left join codes as later on changes.new_soato = later.soato
    left join codes as former on changes.from_soato = former.soato
    left join codes as successors on changes.to_soato = successors.soato
    where
        coalesce(units.ref_area, later.ref_area) is not null
        and (changes.to_soato is null or successors.ref_area is not null)
        and (changes.from_soato is null or former.ref_area is not null)
)

select * from told
union all
select registered.*
from registered
left join told
    on
        registered.kind = told.kind
        and registered.ref_area = told.ref_area
        and coalesce(registered.to_id, '') = coalesce(told.to_id, '')
where told.ref_area is null
