-- What each territory of today consisted of within the borders before a change: the shares of former territories that
-- went to it, and what moved between territories, taken off the one and added to the other. A row holds for periods
-- that end before changed_on, and of a territory that has ended for any period that still counts it. What came by
-- several ways, as through two territories that were merged later, is added up. An unknown share is null.
with recursive listed as (
    select ref_area, listed_from from {{ ref('dim_territory') }}
    where listed_to is null
),

shares as (
    -- several loads may report one
    select distinct
        changes.ref_area as member,
        changes.to_id as target,
        cast(changes.weight as numeric(24, 6)) as share,
        changes.valid_from as changed_on
    from {{ ref('int_territory_change') }} as changes
    where changes.kind in ('merge', 'split')
    union all
    -- what goes on after a split, where it is not known how much is left
    select distinct
        changes.ref_area as member,
        changes.ref_area as target,
        cast(null as numeric(24, 6)) as share,
        changes.valid_from as changed_on
    from {{ ref('int_territory_change') }} as changes
    inner join listed on changes.ref_area = listed.ref_area
    where
        changes.kind = 'split'
        and not exists (
            select 1 from {{ ref('int_territory_change') }} as rest
            where
                rest.kind = 'split'
                and rest.ref_area = changes.ref_area
                and rest.to_id = changes.ref_area
                and rest.valid_from = changes.valid_from
        )
),

-- a successor may have had a successor
chain as (
    select
        member,
        target,
        share,
        changed_on,
        1 as distance
    from shares
    union all
    select
        chain.member,
        later.target,
        cast(chain.share * later.share as numeric(24, 6)) as share,
        chain.changed_on,
        chain.distance + 1 as distance
    from chain
    inner join shares as later
        on chain.target = later.member and later.member <> later.target and chain.changed_on <= later.changed_on
    where chain.distance < 10 and chain.member <> chain.target
),

moves as (
    select
        former.ref_area as member,
        former.parent,
        later.parent as new_parent,
        former.valid_to + 1 as changed_on
    from {{ ref('int_territory_parent') }} as former
    inner join {{ ref('int_territory_parent') }} as later
        on former.ref_area = later.ref_area and former.valid_to + 1 = later.valid_from
    inner join listed as old_place on former.parent = old_place.ref_area
    inner join listed as new_place on later.parent = new_place.ref_area
    where former.parent <> later.parent
),

ways as (
    select
        chain.target,
        chain.member,
        chain.share,
        chain.changed_on,
        listed.listed_from
    from chain
    inner join listed on chain.target = listed.ref_area
    union all
    select
        moves.parent as target,
        moves.member,
        cast(-1 as numeric(24, 6)) as share,
        moves.changed_on,
        listed.listed_from
    from moves
    inner join listed on moves.parent = listed.ref_area
    union all
    select
        moves.new_parent as target,
        moves.member,
        cast(1 as numeric(24, 6)) as share,
        moves.changed_on,
        listed.listed_from
    from moves
    inner join listed on moves.new_parent = listed.ref_area
)

select
    target,
    member,
    cast(case when count(*) = count(share) then sum(share) end as numeric(24, 6)) as share,
    changed_on,
    listed_from
from ways
group by target, member, changed_on, listed_from
