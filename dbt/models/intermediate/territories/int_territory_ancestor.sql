-- Each territory with every territory above it, and the days on which it lay there.
with recursive chain as (
    select
        ref_area,
        parent as ancestor,
        1 as distance,
        valid_from,
        valid_to
    from {{ ref('int_territory_parent') }}
    union all
    select
        chain.ref_area,
        above.parent as ancestor,
        chain.distance + 1 as distance,
        greatest(chain.valid_from, above.valid_from) as valid_from,
        least(chain.valid_to, above.valid_to) as valid_to
    from chain
    inner join {{ ref('int_territory_parent') }} as above
        on
            chain.ancestor = above.ref_area
            and chain.valid_from <= above.valid_to
            and chain.valid_to >= above.valid_from
    where chain.distance < 10
)

select
    ref_area,
    ancestor,
    distance,
    valid_from,
    valid_to
from chain
